package agave

import (
	"errors"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules"
	"bisc/modules/kindtest"
)

func wanted(label string, set func(*ValidatorHealth)) *ValidatorHealth {
	v := ValidatorHealthKind.New(label).(*ValidatorHealth)
	v.ClusterRPC = "https://rpc.example.org"
	if set != nil {
		set(v)
	}
	return v
}

// at makes a look of a validator that is gap behind, with rates measured over ten seconds.
func at(gap int64, own, cluster float64) Health {
	return Health{State: Answers, Word: "ok", Slot: 1000, ClusterSlot: uint64(1000 + gap), Gap: gap, GapKnown: true,
		Own: Rate{own, true, 10 * time.Second}, Cluster: Rate{cluster, true, 10 * time.Second}}
}

// TestHealthDecides: rates are the measured ones. At five slots a second 100 slots are 20 seconds, at 2.5 they are 40.
func TestHealthDecides(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit string
		is    Health
		fetch time.Duration
		says  string // of the one diff; "" is in sync, "?" an error
	}{
		{"caught up", "30s", at(0, 0, 0), 0, ""},
		{"ahead of what was asked", "30s", at(-3, 0, 0), 0, ""},
		{"within, in slots", "100 slots", at(100, 2, 2), 0, ""},
		{"not within, in slots", "99 slots", at(100, 5, 2), 0, "100 slots (50s, at the cluster's 2.00 slots/s)"},
		{"20s at 5 slots/s", "30s", at(100, 5, 5), 0, ""},
		{"40s at 2.5 slots/s", "30s", at(100, 2.5, 2.5), 0, "100 slots (40s, at the cluster's 2.50 slots/s)"},
		{"exactly the limit", "40s", at(100, 2.5, 2.5), 0, ""},
		{"closes, and waiting is cheaper", "30s", at(3000, 5, 2.5), 2 * time.Hour, "closes by 2.50 slots/s, in about 20m0s; a fresh snapshot would take about 2h0m0s to fetch, and its unpacking and replay on top: to wait is the cheaper"},
		{"closes, and a fetch is faster", "30s", at(30000, 5, 2.5), time.Hour, "in about 3h20m0s; a fresh snapshot would take about 1h0m0s to fetch, and its unpacking and replay on top: the runbook recover may be the cheaper"},
		{"closes, and the fetch is unknown", "30s", at(3000, 5, 2.5), 0, "in about 20m0s; how long a fresh snapshot would take is not known: wait, or the runbook recover, whichever is the sooner"},
		{"grows", "30s", at(3000, 1, 2.5), 0, "the gap grows by 1.50 slots/s, it will not catch up like this"},
		{"within chance", "30s", at(3000, 2.6, 2.5), 0, "neither closes nor grows measurably"},
		{"the cluster stood still, in time", "30s", at(3000, 2.5, 0), 0, "?"},
		{"the cluster stood still, in slots", "10 slots", at(3000, 2.5, 0), 0, "3000 slots"},
		{"no second look", "10 slots", Health{State: Answers, Gap: 20, GapKnown: true}, 0, "how fast the gap closes was not measured"},
		{"the cluster is silent, and the limit is in slots", "10 slots", Health{State: Answers, Word: "ok", GapUnknown: errors.New("no answer")}, 0, "?"},
		{"the cluster is silent", "30s", Health{State: Answers, Word: "ok", GapUnknown: errors.New("no answer")}, 0, "?"},
		{"gone", "30s", Health{State: Gone}, 0, "no process lives"},
		{"starting is not gone", "30s", Health{State: Starting, Process: &Process{PID: 7, Name: "agave-validator", State: Running}}, 0, "starting: process 7 (agave-validator) is running"},
		{"exiting", "30s", Health{State: Leaving, Process: &Process{PID: 7, Name: "agave-validator", State: Exiting}}, 0, "exiting: process 7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := wanted("v", nil)
			if err := v.MaxBehind.UnmarshalText([]byte(c.limit)); err != nil {
				t.Fatal(err)
			}
			got, err := v.decide(c.is, c.fetch)
			text := kindtest.Print(got)
			switch {
			case c.says == "?" && err == nil:
				t.Errorf("want an error, got %s", text)
			case c.says != "?" && err != nil:
				t.Error(err)
			case c.says == "" && !got.InSync(), c.says != "" && c.says != "?" && !strings.Contains(text, c.says):
				t.Errorf("%s, want %q in it", text, c.says)
			}
			if len(got.Steps) > 0 || got.Mendable() {
				t.Error("health has steps")
			}
		})
	}
}

// TestHealthByOwnWord: without a cluster the validator's word is all there is, and no word is not health.
func TestHealthByOwnWord(t *testing.T) {
	for word, says := range map[string]string{"ok": "in sync", "Node is behind by 42 slots": "behind by 42 slots", "Node is behind by 7 slots": "in sync", "Node is unhealthy": "?", "": "?"} {
		v := wanted("v", func(v *ValidatorHealth) { v.ClusterRPC, v.MaxBehind = "", Behind{Slots: 10} })
		got, err := v.decide(Health{State: Answers, Word: word}, 0)
		if (says == "?") != (err != nil) || err == nil && !strings.Contains(kindtest.Print(got), says) {
			t.Errorf("%q: %s %v, want %s", word, kindtest.Print(got), err, says)
		}
	}
}

// TestRates: what is said of two looks, and what is not.
func TestRates(t *testing.T) {
	if r := rate(100, 125, 10*time.Second); !r.Known || r.PerSecond != 2.5 {
		t.Errorf("%+v", r)
	}
	if r := rate(125, 100, 10*time.Second); r.Known {
		t.Errorf("a server behind another: %+v", r)
	}
	if eta, ok := at(100, 2.5, 2.5).ETA(); ok {
		t.Errorf("it is never closed, and yet in %s", eta)
	}
	if eta, ok := at(1<<60, 2.8, 2.5).ETA(); !ok || eta <= 0 {
		t.Errorf("a gap as large as can be: %s %v", eta, ok)
	}
}

// TestBehind reads both ways to write a distance.
func TestBehind(t *testing.T) {
	for text, want := range map[string]Behind{"30s": {Time: 30 * time.Second}, "2h": {Time: 2 * time.Hour}, "100 slots": {Slots: 100}} {
		var b Behind
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want || b.String() != map[string]string{"2h": "2h0m0s"}[text] && b.String() != text {
			t.Errorf("%q: %+v %v", text, b, err)
		}
	}
	for _, text := range []string{"", "30", "-3s", "0s", "0 slots", "1.5 slots", "slots", "100slots", "9999999999 slots"} {
		if err := new(Behind).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// TestReadHealth: two looks at what moves, and one where the first tells enough. Questions are asked anew though a memo knows
// an answer.
func TestReadHealth(t *testing.T) {
	const slots = `getSlot({"commitment":"processed"}) at `
	q := HealthQuery{RPC: "http://127.0.0.1:8899", ClusterRPC: "https://rpc.example.org", Window: 20 * time.Millisecond}
	f := hosttest.New("a")
	f.RPCs[slots+q.RPC] = []string{"1000", "1010"}
	f.RPCs[slots+q.ClusterRPC] = []string{"2000", "2004"}
	f.RPCs["getHealth() at "+q.RPC] = []string{`"ok"`}
	h, err := ReadHealth(t.Context(), host.NewMemo(f), q)
	if err != nil || h.State != Answers || h.Gap != 994 || !h.Own.Known || !h.Cluster.Known || h.Own.PerSecond <= h.Cluster.PerSecond || h.Own.Window < q.Window {
		t.Errorf("%+v %v", h, err)
	}
	f.RPCs[slots+q.RPC], f.RPCs[slots+q.ClusterRPC] = []string{"2004"}, []string{"2004"}
	before := len(f.Log())
	if h, err = ReadHealth(t.Context(), f, q); err != nil || h.Own.Known || len(f.Log())-before != 3 {
		t.Errorf("caught up: %+v %v, asked %q", h, err, f.Log()[before:])
	}
	f.Errors["rpc "+slots+q.ClusterRPC] = host.ErrStuck
	if h, err = ReadHealth(t.Context(), f, q); err != nil || h.GapKnown || !errors.Is(h.GapUnknown, host.ErrStuck) {
		t.Errorf("the cluster hangs: %+v %v", h, err)
	}
	f.Errors = map[string]error{}
	f.RPCs[slots+q.RPC], f.RPCs[slots+q.ClusterRPC] = []string{"1000", "no number"}, []string{"2000"}
	if h, err := ReadHealth(t.Context(), f, q); err == nil {
		t.Errorf("the second look says nothing: %+v", h)
	}
	for _, why := range []error{host.ErrUnreachable, host.ErrForwarding} { // the host's silence is not the validator's
		f.Errors["rpc "+slots+q.RPC] = why
		if h, err := ReadHealth(t.Context(), f, q); !errors.Is(err, why) {
			t.Errorf("%v: %+v %v", why, h, err)
		}
	}
}

// TestSilent: who is silent is told by the process table alone; where that cannot be read nothing is known.
func TestSilent(t *testing.T) {
	q := HealthQuery{RPC: "http://127.0.0.1:8899"}
	table := hosttest.Question(host.WatchValidators()...)
	for _, c := range []struct {
		name  string
		why   error
		table host.Output
		state HealthState // "" is an error
	}{
		{"gone", host.ErrNotListening, host.Output{}, Gone},
		{"starting", host.ErrNotListening, host.Output{Stdout: []byte("7 agave-validator 100 running\n")}, Starting},
		{"starting, and it takes questions that it does not answer", host.ErrStuck, host.Output{Stdout: []byte("7 agave-validator 100 running\n")}, Starting},
		{"stuck", host.ErrStuck, host.Output{Stdout: []byte("7 agave-validator 100 stuck 1 of 3 threads stand still\n")}, Leaving},
		{"somebody else listens", host.ErrStuck, host.Output{}, ""},
		{"an unreadable table", host.ErrNotListening, host.Output{Exit: 3, Stderr: []byte("cannot read")}, ""},
	} {
		f := hosttest.New("a")
		f.Errors[`rpc getSlot({"commitment":"processed"}) at `+q.RPC] = c.why
		f.Errors["rpc getHealth() at "+q.RPC] = c.why
		f.Answers[table] = c.table
		h, err := ReadHealth(t.Context(), f, q)
		if (c.state == "") != (err != nil) || err == nil && h.State != c.state {
			t.Errorf("%s: %+v %v", c.name, h, err)
		}
	}
}

// TestHealthValidate: what cannot be asked or measured is refused before any host is.
func TestHealthValidate(t *testing.T) {
	if err := wanted("v", nil).Validate(); err != nil {
		t.Error(err)
	}
	for attr, set := range map[string]func(*ValidatorHealth){
		"rpc":         func(v *ValidatorHealth) { v.RPC = "127.0.0.1:8899" },
		"cluster_rpc": func(v *ValidatorHealth) { v.ClusterRPC = "rpc.example.org" },
		"max_behind":  func(v *ValidatorHealth) { v.ClusterRPC, v.MaxBehind = "", Behind{Time: time.Minute} },
		"window":      func(v *ValidatorHealth) { v.Window = time.Hour },
		"snapshots":   func(v *ValidatorHealth) { v.Snapshots = "snapshots" },
	} {
		var fault *modules.AttrError
		if err := wanted("v", set).Validate(); !errors.As(err, &fault) || fault.Attr != attr {
			t.Errorf("%s: %v", attr, err)
		}
	}
}

// TestFetchTime: the newest full archive's size by the speed that is given, and nothing where either is not known.
func TestFetchTime(t *testing.T) {
	f := hosttest.New("a")
	f.Globs["/s/snapshot-*.tar.*"] = []string{"/s/snapshot-900-9zAbc.tar.zst", "/s/snapshot-1000-8zAbc.tar.zst", "/s/snapshot-2000-0.tar.zst", "/s/snapshot-x.tar.bz2"}
	f.Stats["/s/snapshot-1000-8zAbc.tar.zst"] = host.Stat{Type: host.Regular, Size: 100 << 30}
	v := wanted("v", func(v *ValidatorHealth) { v.Snapshots, v.FetchSpeed = "/s", 50<<20 })
	if d, err := v.fetchTime(t.Context(), f, at(1000, 1, 1)); err != nil || d != 2048*time.Second {
		t.Errorf("%s %v", d, err)
	}
	v.FetchSpeed = 0
	if d, err := v.fetchTime(t.Context(), f, at(1000, 1, 1)); err != nil || d != 0 {
		t.Errorf("no speed: %s %v", d, err)
	}
	v.Snapshots, v.FetchSpeed = "/none", 50<<20
	if d, err := v.fetchTime(t.Context(), f, at(10, 1, 1)); err != nil || d != 0 {
		t.Errorf("the folder is looked at though the validator keeps up: %s %v", d, err)
	}
}

// TestIncident28_HeadroomIsJudged: what the tightest limit leaves is compared, with the pages that the kernel takes back first; what cannot be read
// is not known, and no verdict on the slots is lost by it.
func TestIncident28_HeadroomIsJudged(t *testing.T) {
	const slots = `getSlot({"commitment":"processed"}) at `
	for name, c := range map[string]struct {
		set    func(*hosttest.Fake)
		behind bool
		says   string // "" is in sync, "?" an error
	}{
		"enough":     {says: ""},
		"too little": {set: func(f *hosttest.Fake) { f.Files[podGroup+"/memory.current"] = "4200000000\n" }, says: "memory: 95.0MB left of its limit of 4GiB -> at least 1GiB"},
		"cache is not use": {set: func(f *hosttest.Fake) {
			f.Files[podGroup+"/memory.current"] = "4200000000\n"
			f.Files[podGroup+"/memory.stat"] = "anon 1\ninactive_file 2000000000\n"
		}},
		"no limit": {set: func(f *hosttest.Fake) {
			f.Files[podGroup+"/memory.max"] = "max\n"
			f.Files["/proc/meminfo"] = "MemTotal: 9 kB\nMemAvailable:  1024 kB\n"
		}, says: "left of the host's"},
		"no group":          {set: func(f *hosttest.Fake) { f.Files["/proc/42/cgroup"] = "4:memory:/x\n" }, says: "?"},
		"unread":            {set: func(f *hosttest.Fake) { f.Errors["read "+podGroup+"/memory.current"] = errors.New("stuck") }, says: "?"},
		"no process":        {set: func(f *hosttest.Fake) { f.Answer(0, "", host.WatchValidators()...) }},
		"behind and unread": {set: func(f *hosttest.Fake) { f.Errors["read "+podGroup+"/memory.current"] = errors.New("stuck") }, behind: true, says: "behind: 994 slots"},
	} {
		v := wanted("v", func(v *ValidatorHealth) {
			v.MaxBehind, v.MinHeadroom, v.Window = Behind{Slots: 2000}, 1<<30, 10*time.Millisecond
		})
		if c.behind {
			v.MaxBehind.Slots = 100
		}
		f := hosttest.New("a")
		f.RPCs[slots+v.RPC], f.RPCs[slots+v.ClusterRPC], f.RPCs["getHealth() at "+v.RPC] = []string{"1000", "1010"}, []string{"2000", "2004"}, []string{`"ok"`}
		f.Answer(0, "42 agave-validator 900 running\n", host.WatchValidators()...)
		f.Files["/proc/42/cgroup"] = "0::/docker/abc/kubelet/pod1/c1\n"
		for _, g := range []string{podGroup + "/c1", podGroup, "/sys/fs/cgroup/docker/abc/kubelet", "/sys/fs/cgroup/docker/abc", "/sys/fs/cgroup/docker"} {
			f.Files[g+"/memory.current"], f.Files[g+"/memory.max"], f.Files[g+"/memory.events"] = "1073741824\n", "max\n", ""
		}
		f.Files[podGroup+"/memory.max"], f.Files[podGroup+"/memory.stat"] = "4294967296\n", "anon 1\ninactive_file 100\n"
		if c.set != nil {
			c.set(f)
		}
		got, err := v.Plan(t.Context(), f)
		text := kindtest.Print(got)
		if (c.says == "?") != (err != nil) || c.says == "" && !got.InSync() || c.says != "?" && !strings.Contains(text, c.says) || len(got.Steps) > 0 {
			t.Errorf("%s: %v\n%s\nwant %q", name, err, text, c.says)
		}
	}
}
