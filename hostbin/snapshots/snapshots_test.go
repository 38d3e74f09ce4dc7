package snapshots

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for name, want := range map[string]Archive{
		"snapshot-100-abC9.tar.zst":                 {Slot: 100, Hash: "abC9", Format: "tar.zst"},
		"snapshot-100-abC9.tar.lz4":                 {Slot: 100, Hash: "abC9", Format: "tar.lz4"},
		"snapshot-100-abC9.tar":                     {Slot: 100, Hash: "abC9", Format: "tar"},
		"incremental-snapshot-100-250-abC9.tar.bz2": {Base: 100, Slot: 250, Hash: "abC9", Format: "tar.bz2"},
	} {
		if got, ok := Parse(name); !ok || got != want || got.Name() != name {
			t.Errorf("%s is read as %+v, %t", name, got, ok)
		}
	}
	for _, name := range []string{
		"", "snapshot-100-abC9.tar.zst.aria2", ".snapshot-100-abC9.tar.zst.part", "tmp-snapshot-100-abC9.tar.zst", "snapshot-0-a.tar.zst", "snapshot-1-a.tar.zst/", "snapshot--a.tar.zst",
		"incremental-snapshot-100-100-a.tar.zst", "incremental-snapshot-100-50-a.tar.zst", "incremental-snapshot-100-a.tar.zst", "snapshot-99999999999999999999-a.tar.zst", "snapshot-100-a b.tar.zst", "genesis.tar.bz2",
	} {
		if got, ok := Parse(name); ok {
			t.Errorf("%q is read as %+v", name, got)
		}
	}
}

func archives(names ...string) (out []Archive) {
	for _, n := range names {
		a, ok := Parse(n)
		if !ok {
			panic(n)
		}
		out = append(out, a)
	}
	return out
}

// The pair counts, by its base: not each half's own newest, as the playbook chose them.
func TestPairs(t *testing.T) {
	got := Pairs(archives("snapshot-100-a.tar.zst", "snapshot-200-b.tar.zst", "incremental-snapshot-100-290-c.tar.zst", "incremental-snapshot-100-280-c.tar.zst", "incremental-snapshot-150-999-d.tar.zst", "snapshot-290-e.tar.zst"))
	var text []string
	for _, p := range got {
		text = append(text, p.String())
	}
	want := "full 290 alone\nfull 100 + incremental 290\nfull 200 alone"
	if strings.Join(text, "\n") != want {
		t.Errorf("%s\nwant\n%s", strings.Join(text, "\n"), want)
	}
}

func source(latency, speed int, names ...string) Source {
	s := Source{Node: Node{Identity: "n", RPC: fmt.Sprintf("192.0.2.1:%d", latency), Version: "3.1.9", ShredVersion: 1}, Latency: time.Duration(latency) * time.Millisecond, Speed: int64(speed)}
	for _, a := range archives(names...) {
		served := &Served{a, "http://" + s.RPC + "/" + a.Name()}
		if a.Incremental() {
			s.Incremental = served
		} else {
			s.Full = served
		}
	}
	return s
}

// Incident 30: an age limit on the full alone refused 95 % of the sources, since a full is made each 100,000 slots. It is the
// pair that is judged; an incremental for another full does not help.
func TestIncident30_PairFreshness(t *testing.T) {
	w := Wants{MaxBehind: 1300, Formats: []string{"tar.zst"}}
	for _, tt := range []struct {
		names []string
		want  string // of the reason; "" passes
	}{
		{[]string{"snapshot-100000-a.tar.zst", "incremental-snapshot-100000-199900-b.tar.zst"}, ""},
		{[]string{"snapshot-199000-a.tar.zst"}, ""},
		{[]string{"snapshot-100000-a.tar.zst"}, "too old"},
		{[]string{"snapshot-100000-a.tar.zst", "incremental-snapshot-90000-199900-b.tar.zst"}, "too old"},
		{[]string{"incremental-snapshot-100000-199900-b.tar.zst"}, "serves no full snapshot"},
		{[]string{"snapshot-100000-a.tar.bz2", "incremental-snapshot-100000-199900-b.tar.bz2"}, "another format"},
		{[]string{"snapshot-200301-a.tar.zst"}, "ahead of the cluster"},
		{[]string{"snapshot-200299-a.tar.zst"}, ""},
	} {
		no, ok := w.Pass(source(1, 0, tt.names...), 200_000)
		if ok != (tt.want == "") || no.Reason != tt.want {
			t.Errorf("%v: %q, want %q", tt.names, no.Reason, tt.want)
		}
	}
}

func TestPassNode(t *testing.T) {
	n := Node{Identity: "a", RPC: "192.0.2.1:8899", Version: "3.1.9", ShredVersion: 7}
	for _, tt := range []struct {
		w    Wants
		n    Node
		flag string
		ok   bool
	}{
		{Wants{}, n, "", true}, {Wants{}, Node{}, "", false}, {Wants{Version: "3."}, n, "", true}, {Wants{Version: "2.3"}, n, "--version", false},
		{Wants{ShredVersion: 7}, n, "", true}, {Wants{ShredVersion: 8}, n, "--shred-version", false}, {Wants{Known: []string{"b", "a"}}, n, "", true}, {Wants{Known: []string{"b"}}, n, "--known", false},
		{Wants{Version: "2.3", ShredVersion: 8}, Node{RPC: "x:1"}, "", true}, // it does not say
	} {
		if no, ok := tt.w.PassNode(tt.n); ok != tt.ok || no.Flag != tt.flag {
			t.Errorf("%+v of %+v: %t, %+v", tt.w, tt.n, ok, no)
		}
	}
}

// Incident 29: who refuses shows the best that was refused, and which limit would take it.
func TestIncident29_BestRejected(t *testing.T) {
	f := Found{Nodes: 9, Asked: 5}
	w := Wants{MaxBehind: 1000, MinSpeed: 100 << 20, MaxLatency: 100 * time.Millisecond, Formats: []string{"tar.zst"}}
	for _, s := range []Source{source(1, 0, "snapshot-100-a.tar.zst"), source(2, 0, "snapshot-8700-a.tar.zst"), source(3, 0, "snapshot-5000-a.tar.zst"), source(250, 0, "snapshot-9999-a.tar.zst")} {
		no, ok := w.Pass(s, 10_000)
		if ok {
			t.Fatalf("%+v passes", s)
		}
		f.Reject(no)
	}
	for _, s := range []Source{source(4, 30<<20, "snapshot-9999-a.tar.zst"), source(5, 90<<20, "snapshot-9999-a.tar.zst")} {
		no, ok := w.PassSpeed(s)
		if ok {
			t.Fatalf("%+v passes", s)
		}
		f.Reject(no)
	}
	got := f.Help()
	for _, want := range []string{"3: too old", "192.0.2.1:2 (full 8700 alone is 1300 slots behind, --max-behind is 1000); --max-behind 2000 would take it", "192.0.2.1:5 (94.4MB/s measured", "--min-speed 94371840 would take it", "--max-latency 300ms would take it"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nlacks %q", got, want)
		}
	}
	for _, would := range f.Best {
		loosened := w
		switch would.Flag {
		case "--max-behind":
			_, _ = fmt.Sscanf(would.Would, "--max-behind %d", &loosened.MaxBehind)
		case "--min-speed":
			_, _ = fmt.Sscanf(would.Would, "--min-speed %d", &loosened.MinSpeed)
		case "--max-latency":
			loosened.MaxLatency, _ = time.ParseDuration(strings.TrimPrefix(would.Would, "--max-latency "))
		}
		_, ok := loosened.Pass(would.Source, 10_000)
		_, fast := loosened.PassSpeed(would.Source)
		if !ok || would.Flag == "--min-speed" && !fast {
			t.Errorf("with %s it is not taken", would.Would)
		}
	}
}

// The newest that fits is followed, unless nobody else can have come so far.
func TestNewestFor(t *testing.T) {
	serves := func(base, slot uint64, format string) Source {
		return Source{Incremental: &Served{Archive: Archive{Base: base, Slot: slot, Hash: "h", Format: format}, URL: "http://192.0.2.1"}}
	}
	sources := []Source{serves(1000, 1400, "tar.zst"), {}, serves(1000, 1900, "tar.zst"), serves(900, 2000, "tar.zst"), serves(1000, 2001, "tar.lz4"), serves(1000, 2300, "tar.zst")}
	for tip, want := range map[uint64]uint64{1099: 0, 1100: 1400, 1500: 1400, 1999: 1900, 2000: 2300} {
		got, ok := NewestFor(sources, 1000, tip, []string{"tar.zst"})
		if ok != (want > 0) || got.Slot != want {
			t.Errorf("with the cluster at %d: %d, want %d", tip, got.Slot, want)
		}
	}
}

func TestRank(t *testing.T) {
	all := []Source{source(1, 10), source(2, 0), source(3, 90), source(4, 50)}
	Rank(all)
	var order []int64
	for _, s := range all {
		order = append(order, s.Speed)
	}
	if !slices.Equal(order, []int64{90, 50, 10, 0}) {
		t.Error(order)
	}
}

func TestCheck(t *testing.T) {
	good := Wants{MaxBehind: 1000, MinSpeed: 20 << 20, Formats: []string{"tar.zst"}}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Wants){
		"--min-speed": func(w *Wants) { w.MinSpeed = 200 << 20 }, "--max-behind": func(w *Wants) { w.MaxBehind = 100 }, "--formats": func(w *Wants) { w.Formats = []string{"tar.bz2"} }, "none is left": func(w *Wants) { w.Formats = nil },
	} {
		w := good
		change(&w)
		if err := w.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", w, err)
		}
	}
}

// Never the last usable pair, nor what is newer, open, or still written.
func TestPrune(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	old := now.Add(-2 * time.Hour)
	file := func(name string) File { return File{Name: name, Size: 10, Modified: old} }
	for _, tt := range []struct {
		name        string
		files       []File
		goes, stays string
	}{
		{"older pairs", []File{file("snapshot-100-a.tar.zst"), file("incremental-snapshot-100-150-a.tar.zst"), file("snapshot-200-a.tar.zst"), file("incremental-snapshot-200-240-a.tar.zst"), file("incremental-snapshot-200-250-a.tar.zst")},
			"incremental-snapshot-100-150-a.tar.zst incremental-snapshot-200-240-a.tar.zst snapshot-100-a.tar.zst", "snapshot-200-a.tar.zst incremental-snapshot-200-250-a.tar.zst"},
		{"the last one", []File{file("snapshot-100-a.tar.zst")}, "", "snapshot-100-a.tar.zst"},
		{"no pair at all", []File{file("incremental-snapshot-100-150-a.tar.zst"), file("snapshot-90-a.tar.zst"), file("snapshot-90-a.tar.zst.aria2")}, "", "incremental-snapshot-100-150-a.tar.zst snapshot-90-a.tar.zst snapshot-90-a.tar.zst.aria2"},
		{"the older full has the newer pair", []File{file("snapshot-100-a.tar.zst"), file("incremental-snapshot-100-290-a.tar.zst"), file("snapshot-200-a.tar.zst")}, "snapshot-200-a.tar.zst", "snapshot-100-a.tar.zst incremental-snapshot-100-290-a.tar.zst"},
		{"a newer orphan", []File{file("snapshot-100-a.tar.zst"), file("incremental-snapshot-250-300-a.tar.zst")}, "", "snapshot-100-a.tar.zst incremental-snapshot-250-300-a.tar.zst"},
		{"an empty newer one", []File{file("snapshot-100-a.tar.zst"), {Name: "snapshot-200-a.tar.zst", Modified: old}}, "", "snapshot-100-a.tar.zst snapshot-200-a.tar.zst"},
		{"left-overs", []File{file("snapshot-100-a.tar.zst"), file(".snapshot-90-a.tar.zst.part"), file(".snapshot-90-a.tar.zst.part.json"), file("x.tar.zst.aria2"), file("tmp-snapshot-archive-abc"), file("notes.txt"), file(".hidden")},
			".snapshot-90-a.tar.zst.part .snapshot-90-a.tar.zst.part.json tmp-snapshot-archive-abc x.tar.zst.aria2", "snapshot-100-a.tar.zst"},
		{"young", []File{file("snapshot-100-a.tar.zst"), {Name: "snapshot-50-a.tar.zst", Size: 1, Modified: now.Add(-time.Minute)}}, "", "snapshot-100-a.tar.zst snapshot-50-a.tar.zst"},
		{"open", []File{file("snapshot-100-a.tar.zst"), {Name: "snapshot-50-a.tar.zst", Size: 1, Modified: old, Open: true}}, "", "snapshot-100-a.tar.zst snapshot-50-a.tar.zst"},
	} {
		p := Prune(tt.files, now, time.Hour)
		if goes, stays := names(p.Goes), names(p.Stays); goes != tt.goes || stays != tt.stays {
			t.Errorf("%s: goes %s\nstays %s", tt.name, goes, stays)
		}
	}
}

func names(fates []Fate) string {
	var out []string
	for _, f := range fates {
		out = append(out, f.Name)
	}
	return strings.Join(out, " ")
}

func TestSpan(t *testing.T) {
	for text, want := range map[string]uint64{"20000": 20000, "20_000": 20000, "2h": 18000, "90s": 225} {
		var s Span
		if err := s.UnmarshalText([]byte(text)); err != nil || s.In(2.5) != want {
			t.Errorf("%s: %d, %v", text, s.In(2.5), err)
		}
		again, err := s.MarshalText()
		var back Span
		if err != nil || back.UnmarshalText(again) != nil || back != s {
			t.Errorf("%s: written as %s (%v)", text, again, err)
		}
	}
	for _, text := range []string{"", "-1", "2 h", "many", "0s"} {
		if err := new(Span).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q passes", text)
		}
	}
}

// Slots a second are measured: by block times, around slots that were skipped; where there are none, by looking twice.
func TestRate(t *testing.T) {
	for name, tt := range map[string]struct {
		time  func(slot uint64) (int64, error)
		moves uint64
		want  float64
		err   string
	}{
		"block times":      {time: func(s uint64) (int64, error) { return int64(s/4) + 1000, nil }, want: 4},
		"skipped":          {time: func(s uint64) (int64, error) { return int64(s / 2), skipped(s%5 != 0) }, want: 2},
		"not kept":         {time: func(uint64) (int64, error) { return 0, &Refusal{Code: -32601} }, moves: 12, want: 3},
		"it stands still":  {time: func(uint64) (int64, error) { return 0, &Refusal{Code: -32601} }, err: "stayed at"},
		"nobody answers":   {time: func(uint64) (int64, error) { return 0, context.DeadlineExceeded }, err: "deadline"},
		"all were skipped": {time: func(uint64) (int64, error) { return 0, skipped(true) }, moves: 8, want: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tip := uint64(100_000)
			ask := func(_ context.Context, method, params string) ([]byte, error) {
				if method == "getSlot" {
					tip += tt.moves
					return json.Marshal(tip)
				}
				var slots []uint64
				if err := json.Unmarshal([]byte(params), &slots); err != nil {
					return nil, err
				}
				at, err := tt.time(slots[0])
				if err != nil {
					return nil, err
				}
				return json.Marshal(at)
			}
			got, err := Rate(t.Context(), ask, 100_000)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("%f, %v", got, err)
				}
				return
			}
			if err != nil || got > tt.want*1.01 || got <= 0 || tt.moves == 0 && got < tt.want*0.99 { // two looks may be further apart on a busy machine
				t.Errorf("%f, want %f (%v)", got, tt.want, err)
			}
		})
	}
}

func skipped(is bool) error {
	if is {
		return &Refusal{Code: -32007, Message: "Slot was skipped"}
	}
	return nil
}

func TestBytes(t *testing.T) {
	for text, want := range map[string]int64{"1": 1, "20MiB": 20 << 20, "20M": 20 << 20, "20MB": 20e6, "0": 0} {
		if got, err := ParseBytes(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "-1", "1.5M", "20 mib", "9999999999T"} {
		if got, err := ParseBytes(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}
