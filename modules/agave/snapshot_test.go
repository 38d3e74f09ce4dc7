package agave

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"bisc/hostbin/snapshots"
	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules"
	"bisc/modules/kindtest"
)

const (
	ourFolder = "/srv/kind/solana/snapshots"
	incoming  = "/srv/solana/bisc-snapshots"
	rpcURL    = "http://192.0.2.7:8899"
)

// Judged: by the pair, never by the full alone, nor by each half's own newest.
func TestSnapshotJudged(t *testing.T) {
	full, fits, other := "snapshot-100000-a.tar.zst", "incremental-snapshot-100000-199000-b.tar.zst", "incremental-snapshot-150000-199900-c.tar.zst"
	for name, tt := range map[string]struct {
		files map[string]int64
		want  string
	}{
		"fresh":                  {map[string]int64{full: 9, fits: 9}, "in sync"},
		"an old full alone":      {map[string]int64{full: 9}, "full 100000 alone, 100000 slots behind"},
		"of another full":        {map[string]int64{full: 9, other: 9}, "full 100000 alone, 100000 slots behind"},
		"no folder":              {nil, "no such folder"},
		"empty":                  {map[string]int64{}, "no usable snapshot"},
		"an incremental only":    {map[string]int64{fits: 9}, "no usable snapshot"},
		"not downloaded wholly":  {map[string]int64{full: 9, fits: 9, fits + ".aria2": 1}, "full 100000 alone, 100000 slots behind"},
		"the incremental is cut": {map[string]int64{full: 9, fits: 0}, "full 100000 alone, 100000 slots behind"},
		"the full is cut":        {map[string]int64{full: 0, fits: 9}, "no usable snapshot"},
	} {
		t.Run(name, func(t *testing.T) {
			c, text := planned(t, snapshot(ourFolder, nil), snapshotGround{folders: map[string]map[string]int64{ourFolder: tt.files}, tip: 200_000})
			if !strings.Contains(text, tt.want) || len(c.Steps) > 0 || c.Mendable() {
				t.Errorf("%s\nwant %q and no steps", text, tt.want)
			}
		})
	}
}

// A limit in time becomes slots by the cluster's own rate.
func TestSnapshotBehindInTime(t *testing.T) {
	g := snapshotGround{folders: map[string]map[string]int64{ourFolder: {"snapshot-190000-a.tar.zst": 9}}, tip: 200_000}
	for at, inSync := range map[int]bool{2000: true, 500: false} { // seconds for 5,000 slots: 2.5 a second, 10 a second
		f := g.fake(t)
		f.RPCs["getBlockTime(200000) at "+rpcURL] = []string{fmt.Sprint(50_000 + at)}
		f.RPCs["getBlockTime(195000) at "+rpcURL] = []string{"50000"}
		s := snapshot(ourFolder, func(s *Snapshot) { s.MaxBehind = snapshots.Span{Time: time.Hour} })
		c, err := s.Plan(t.Context(), f)
		// 10,000 slots: 1h6m at 2.5 a second, 16m40s at 10.
		if err != nil || c.InSync() == inSync {
			t.Errorf("%d: %v, %s", at, err, kindtest.Print(c))
		}
	}
}

// Not knowing is an answer: a cluster that is silent makes nothing stale, a folder that cannot be read holds nothing of nothing.
func TestSnapshotUnknown(t *testing.T) {
	g := snapshotGround{folders: map[string]map[string]int64{ourFolder: {"snapshot-190000-a.tar.zst": 9}}, tip: 200_000}
	question := "getSlot({\"commitment\":\"finalized\"}) at " + rpcURL
	for name, change := range map[string]func(*hosttest.Fake){
		"silent":   func(f *hosttest.Fake) { delete(f.RPCs, question); f.Errors["rpc "+question] = host.ErrNotListening },
		"nonsense": func(f *hosttest.Fake) { f.RPCs[question] = []string{`"x"`} },
		"folder":   func(f *hosttest.Fake) { f.Errors["stat "+ourFolder] = host.ErrStuck },
		"a file":   func(f *hosttest.Fake) { f.Errors["stat "+ourFolder+"/snapshot-190000-a.tar.zst"] = fs.ErrPermission },
	} {
		f := g.fake(t)
		change(f)
		if c, err := snapshot(ourFolder, nil).Plan(t.Context(), f); err == nil {
			t.Errorf("%s: %s", name, kindtest.Print(c))
		}
	}
}

func fetching(s *Snapshot) { s.Fetch, s.Final = true, ourFolder }

// Fetched: the folder, the program, the job, once each.
func TestSnapshotFetch(t *testing.T) {
	said := func(lines string) string {
		return "unit inactive\nnow b1 1000\nboot b1\nstarted 100\nlimit 10800\n" + lines
	}
	tail := "tail " + base64.StdEncoding.EncodeToString([]byte("downloading snapshot-1-a.tar.zst, 41.2% of 107.2GB, 178.0MB/s, 5m54s left\n")) + "\n"
	stale := map[string]int64{"snapshot-100000-a.tar.zst": 9}
	for name, tt := range map[string]struct {
		g           snapshotGround
		steps       int
		has         []string
		mendable    bool
		nothingElse bool // is asked
	}{
		"nothing there": {g: snapshotGround{folders: map[string]map[string]int64{incoming: nil}}, steps: 4, mendable: true,
			has: []string{"no such folder", "step: run mkdir -m 0755 -- " + incoming, "step: push PROGRAM", "PROGRAM fetch --rpc " + rpcURL + " --into " + incoming, "--have " + ourFolder, "settle: 3h1m0s"}},
		"the program is there":       {g: snapshotGround{folders: map[string]map[string]int64{incoming: stale}, program: true}, steps: 1, mendable: true, has: []string{"100000 slots behind"}},
		"fresh":                      {g: snapshotGround{folders: map[string]map[string]int64{incoming: {"snapshot-199000-a.tar.zst": 9}}, program: true}, has: []string{"in sync"}},
		"at work":                    {g: snapshotGround{job: "unit active\nnow b1 1000\nboot b1\nstarted 900\nlimit 600\n" + tail}, mendable: true, has: []string{"running for 1m40s of 10m0s", "41.2% of 107.2GB", "5m54s left", "settle: 9m20s"}},
		"it failed just now":         {g: snapshotGround{folders: map[string]map[string]int64{incoming: stale}, program: true, job: said("status exit-code exited 3 970 running\n")}, has: []string{"exit status 3", "starts it again"}},
		"it failed":                  {g: snapshotGround{folders: map[string]map[string]int64{incoming: stale}, program: true, job: said("status exit-code exited 3 800 running\n")}, steps: 1, mendable: true, has: []string{"exit status 3"}},
		"lost its power":             {g: snapshotGround{folders: map[string]map[string]int64{incoming: stale}, program: true, job: "unit inactive\nnow b2 1000\nboot b1\nstarted 900\nlimit 600\n"}, steps: 1, mendable: true, has: []string{"lost"}},
		"done just now, and too old": {g: snapshotGround{folders: map[string]map[string]int64{incoming: stale}, program: true, job: said("status success exited 0 970 running\n")}, has: []string{"the newest that a fetch which has just ended could get", "max_behind"}},
		"done, and old again":        {g: snapshotGround{folders: map[string]map[string]int64{incoming: stale}, program: true, job: said("status success exited 0 800 running\n")}, steps: 1, mendable: true},
	} {
		t.Run(name, func(t *testing.T) {
			tt.g.tip = 200_000
			c, text := planned(t, snapshot(incoming, fetching), tt.g)
			if len(c.Steps) != tt.steps || c.Mendable() != tt.mendable || len(c.Destroys) > 0 {
				t.Errorf("%d steps, mendable %t:\n%s", len(c.Steps), c.Mendable(), text)
			}
			for _, want := range tt.has {
				if !strings.Contains(text, want) {
					t.Errorf("%s\nlacks %q", text, want)
				}
			}
		})
	}
}

// What is wanted of the sources reaches the program, each attribute as its own flag.
func TestSnapshotAttributes(t *testing.T) {
	s := snapshot(incoming, func(s *Snapshot) {
		fetching(s)
		s.MaxBehind, s.MinSpeed, s.Bandwidth, s.LeaveBy, s.Known = snapshots.Span{Time: 2 * time.Hour}, 1000, 5000, "eth9", []string{"k1", "k2"}
		s.Version, s.ShredVersion, s.Reserve, s.Limit = "3.1", 50093, 77, time.Hour
	})
	got := s.job("/p", 18000)
	line := strings.Join(got.Argv, " ") + " "
	for _, want := range []string{"--max-behind 2h0m0s", "--close 500", "--min-speed 1000", "--bandwidth 5000", "--from eth9", "--known k1,k2", "--version 3.1", "--shred-version 50093", "--reserve 77", "--have " + ourFolder, "--state " + StateFile(got)} {
		if !strings.Contains(line, want+" ") {
			t.Errorf("%s\nlacks %q", line, want)
		}
	}
	if got.Limit != time.Hour || got.Check() != nil {
		t.Errorf("%+v, %v", got, got.Check())
	}
	plain := snapshot(incoming, func(s *Snapshot) { s.Fetch = true }).job("/p", 20000)
	for _, none := range []string{"--bandwidth", "--from", "--known", "--version", "--shred-version", "--have"} {
		if slices.Contains(plain.Argv, none) {
			t.Errorf("%s was not asked for: %v", none, plain.Argv)
		}
	}
	if a, b := FetchJob("/srv/a-b", nil, 0).ID, FetchJob("/srv/a/b", nil, 0).ID; a == b {
		t.Errorf("two folders have one job, %s", a)
	}
}

// Moved in: guarded by the proof, the old named and last; nothing goes that the new pair needs.
func TestSnapshotFrom(t *testing.T) {
	from := func(s *Snapshot) { s.From = incoming }
	next := map[string]int64{"snapshot-190000-n.tar.zst": 9, "incremental-snapshot-190000-199500-n.tar.zst": 9}
	for name, tt := range map[string]struct {
		ours, theirs map[string]int64
		steps        int
		destroys     []string
		has, lacks   string
	}{
		"it comes, the old goes": {ours: map[string]int64{"snapshot-100000-a.tar.zst": 107e9, "incremental-snapshot-100000-150000-a.tar.zst": 9}, theirs: next, steps: 1, has: "full 190000 + incremental 199500 of " + incoming,
			destroys: []string{ourFolder + "/incremental-snapshot-100000-150000-a.tar.zst", ourFolder + "/snapshot-100000-a.tar.zst (107.0GB)"}},
		"the full is ours already":   {ours: map[string]int64{"snapshot-190000-n.tar.zst": 9, "incremental-snapshot-190000-191000-a.tar.zst": 9}, theirs: next, steps: 1, destroys: []string{"incremental-snapshot-190000-191000"}, lacks: "snapshot-190000-n.tar.zst ("},
		"into nothing":               {ours: map[string]int64{}, theirs: next, steps: 1},
		"there already":              {ours: next, theirs: map[string]int64{}, has: "in sync"},
		"ours is newer":              {ours: map[string]int64{"snapshot-199900-a.tar.zst": 9}, theirs: next, has: "in sync"},
		"theirs is too old":          {ours: map[string]int64{"snapshot-100000-a.tar.zst": 9}, theirs: map[string]int64{"snapshot-120000-a.tar.zst": 9}, has: "fetch a newer one"},
		"they have none":             {ours: map[string]int64{"snapshot-100000-a.tar.zst": 9}, theirs: nil, has: "has no newer one"},
		"the folder is not there":    {ours: nil, theirs: next, has: "has to be there"},
		"theirs is not whole":        {ours: map[string]int64{"snapshot-100000-a.tar.zst": 9}, theirs: map[string]int64{"snapshot-199000-a.tar.zst": 9, "snapshot-199000-a.tar.zst.aria2": 1}, has: "has no newer one"},
		"a newer orphan stays there": {ours: map[string]int64{"incremental-snapshot-199000-199900-a.tar.zst": 9}, theirs: next, steps: 1},
	} {
		t.Run(name, func(t *testing.T) {
			c, text := planned(t, snapshot(ourFolder, from), snapshotGround{folders: map[string]map[string]int64{ourFolder: tt.ours, incoming: tt.theirs}, tip: 200_000, program: true})
			if len(c.Steps) != tt.steps || !strings.Contains(text, tt.has) || len(c.Destroys) != len(tt.destroys) || tt.lacks != "" && strings.Contains(strings.Join(c.Destroys, "\n"), tt.lacks) {
				t.Errorf("%d steps, destroys %q:\n%s", len(c.Steps), c.Destroys, text)
			}
			for i, d := range tt.destroys {
				if !strings.Contains(c.Destroys[i], d) {
					t.Errorf("destroys %q, want %q", c.Destroys[i], d)
				}
			}
			for i, step := range c.Steps {
				s, ok := step.(host.Script)
				if !ok || len(s.Guards) != 1 || s.Guards[0].Name != host.ValidatorStopped().Name {
					t.Errorf("step %d is not guarded by the proof: %v", i, step)
				}
				if ok && len(s.Argv) != 7+len(tt.destroys) {
					t.Errorf("step %d is %v: it replaces what is said, in one step", i, s.Argv)
				}
			}
		})
	}
}

func TestSnapshotValidate(t *testing.T) {
	for attr, change := range map[string]func(*Snapshot){
		"":            func(s *Snapshot) { s.Path = "srv" },
		"cluster_rpc": func(s *Snapshot) { s.ClusterRPC = "mainnet" },
		"max_behind":  func(s *Snapshot) { s.MaxBehind = snapshots.Span{Slots: 10} },
		"final":       func(s *Snapshot) { s.Final = "/a" },
		"from":        func(s *Snapshot) { s.Fetch, s.From = true, "/a" },
		"min_speed":   func(s *Snapshot) { s.MinSpeed = 200 << 20 },
		"limit":       func(s *Snapshot) { s.Limit = time.Second },
		"full_every":  func(s *Snapshot) { s.Fetch, s.FullEvery = true, 1 },
	} {
		err := snapshot(ourFolder, change).Validate()
		var fault *modules.AttrError
		if !errors.As(err, &fault) || fault.Attr != attr {
			t.Errorf("%q: %v", attr, err)
		}
	}
	if err := snapshot(ourFolder, func(s *Snapshot) { s.Fetch, s.Bandwidth, s.MinSpeed = true, 1000, 2000 }).Validate(); err == nil || !strings.Contains(err.Error(), "bandwidth") {
		t.Error(err)
	}
	if err := snapshot(incoming, fetching).Validate(); err != nil {
		t.Error(err)
	}
}

// Incident 35: a full each 1,000 slots paused replay for a quarter of an hour. The running validator's own command line tells, whatever
// the deployment says by now.
func TestIncident35_FullsTooOften(t *testing.T) {
	for line, want := range map[string]bool{
		"--full-snapshot-interval-slots\x001000": true, "--full-snapshot-interval-slots=1000": true, "--full-snapshot-interval-slots\x0050000": false, "--no-snapshots": false,
	} {
		f := snapshotGround{folders: map[string]map[string]int64{ourFolder: {"snapshot-199000-a.tar.zst": 9}}, tip: 200_000}.fake(t)
		f.Answer(0, running, host.WatchValidators()...)
		f.Files["/proc/4711/cmdline"], f.Files["/proc/4711/cgroup"] = "agave-validator\x00--identity\x00/i\x00--ledger\x00/data/ledger\x00"+line+"\x00", "0::/x"
		c, err := snapshot(ourFolder, func(s *Snapshot) { s.FullEvery = 25_000 }).Plan(t.Context(), f)
		if got := strings.Contains(kindtest.Print(c), "full_every: 1000 slots (process 4711) -> at least 25000"); err != nil || got != want || c.InSync() == want || c.Mendable() {
			t.Errorf("%q: %v, %s", line, err, kindtest.Print(c))
		}
	}
}

// TestAFetchIsCloserThanItIsJudged: what ends as near as is allowed is judged a moment later, by a newer tip, and is too old then.
func TestAFetchIsCloserThanItIsJudged(t *testing.T) {
	for most, want := range map[uint64]uint64{500: 250, 600: 300, 1000: 500, 20000: 500, 300: snapshots.LeastMaxBehind, snapshots.LeastMaxBehind: snapshots.LeastMaxBehind} {
		if got := near(most); got != want {
			t.Errorf("%d slots are allowed: a fetch is content at %d, want %d", most, got, want)
		}
	}
	s := snapshot(incoming, func(s *Snapshot) { fetching(s); s.MaxBehind = snapshots.Span{Slots: 500} })
	text := kindtest.Print(s.bring(heldPairs{folder: true, most: 500, tool: "/p"}))
	if !strings.Contains(text, "--close 250") {
		t.Errorf("%s\nlacks --close 250", text)
	}
}
