package journal

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"bisc/layers"
)

func opened(t *testing.T) *Journal {
	t.Helper()
	j, err := Open(t.Context(), filepath.Join(t.TempDir(), "j.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func TestStandingOf(t *testing.T) {
	t0 := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	in, out := layers.InSync.String(), layers.Drifted.String()
	for _, c := range []struct {
		name   string
		states []string // state, or state/digest
		since  int      // hours
		inSync int      // hours, -1 never
		flaps  int
	}{
		{"never in sync", []string{out}, 0, -1, 0},
		{"in sync", []string{in}, 0, 0, 0},
		{"drifted once", []string{in, out}, 1, 0, 1},
		{"the same drift, worse", []string{in, out, out}, 1, 0, 1},
		{"changed is in sync", []string{out, layers.Changed.String(), in}, 1, 1, 0},
		{"flaps", []string{in, out, in, out, in}, 4, 4, 2},
		{"another plan is no flap", []string{in, out + "/new"}, 1, 0, 0},
	} {
		var saw []Observation
		for i, s := range c.states {
			o := Observation{Address: "a:x", Host: "a", State: s, Digest: "d", At: t0.Add(time.Duration(i) * time.Hour)}
			if state, digest, ok := cut(s); ok {
				o.State, o.Digest = state, digest
			}
			saw = append(saw, o)
		}
		got := StandingOf(saw)
		if got.Since != t0.Add(time.Duration(c.since)*time.Hour) || got.Flaps != c.flaps || got.First != t0 {
			t.Errorf("%s: %+v", c.name, got)
		}
		if never := got.InSync.IsZero(); never != (c.inSync < 0) || !never && got.InSync != t0.Add(time.Duration(c.inSync)*time.Hour) {
			t.Errorf("%s: in sync since %v", c.name, got.InSync)
		}
	}
}

func cut(s string) (state, digest string, ok bool) {
	for i := range s {
		if s[i] == '/' {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// Old rounds go, by their number: those of another schedule stay, and so does the chain.
func TestRoundsDoNotGrow(t *testing.T) {
	j := opened(t)
	if got, err := j.Rounds(t.Context(), "s", 0); err != nil || len(got) != 0 {
		t.Fatalf("before the first: %v %v", got, err)
	}
	for i := range 20 {
		r := Round{Name: "s", Run: fmt.Sprint(i), Started: time.Now(), OK: i == 17}
		if err := j.AddRound(t.Context(), r, map[string]Watched{"a": {State: "observed", Failures: i}}, 5); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.AddRound(t.Context(), Round{Name: "other", Run: "x"}, nil, 5); err != nil {
		t.Fatal(err)
	}
	got, err := j.Rounds(t.Context(), "s", 0)
	if err != nil || len(got) != 5 || got[0].Run != "19" || got[4].Run != "15" {
		t.Errorf("%+v %v", got, err)
	}
	if last, ok, err := j.LastComplete(t.Context(), "s"); err != nil || !ok || last.Run != "17" {
		t.Errorf("last complete: %+v %v %v", last, ok, err)
	}
	if w, err := j.Watched(t.Context(), "s"); err != nil || w["a"].Failures != 19 || w["a"].Host != "a" {
		t.Errorf("%+v %v", w, err)
	}
	if err := j.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// A clock that stands still, or goes back, loses no round.
func TestFaultF27_RoundsAreCounted(t *testing.T) {
	j := opened(t)
	now := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	for i, step := range []time.Duration{0, time.Hour, -2 * time.Hour, 365 * 24 * time.Hour, -366 * 24 * time.Hour} {
		now = now.Add(step)
		if err := j.AddRound(t.Context(), Round{Name: "s", Run: fmt.Sprint(i), Started: now}, nil, 4); err != nil {
			t.Fatal(err)
		}
	}
	got, err := j.Rounds(t.Context(), "s", 0)
	if err != nil {
		t.Fatal(err)
	}
	var runs []string
	for _, r := range got {
		runs = append(runs, r.Run)
	}
	if !slices.Equal(runs, []string{"4", "3", "2", "1"}) {
		t.Errorf("kept %v", runs)
	}
}

func TestAccepted(t *testing.T) {
	j := opened(t)
	now := time.Now()
	a := Acceptance{Address: "a:x", Digest: "d", Diff: "1 -> 2", Because: "why", Until: now.Add(time.Hour)}
	if err := j.Accept(t.Context(), Acceptance{Address: "a:x", Because: "for ever"}); err == nil {
		t.Error("accepted without an end")
	}
	if err := j.Accept(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	all, err := j.Accepted(t.Context())
	got := all["a:x"]
	if err != nil || !got.Covers("d", "1 -> 2", now) || got.Covers("d", "1 -> 3", now) || got.Covers("e", "1 -> 2", now) || got.Covers("d", "1 -> 2", a.Until) {
		t.Errorf("%+v %v", all, err)
	}
	for _, want := range []bool{true, false} {
		if was, err := j.Unaccept(t.Context(), "a:x"); err != nil || was != want {
			t.Errorf("taken back: %v %v, want %v", was, err, want)
		}
	}
}
