package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bisc/cmd/bisc/view"
	"bisc/internal/host"
	"bisc/internal/journal"
	"bisc/layers"
)

// A host that gives no answer is asked less and less often, and as soon as it answers as before. It is counted in rounds:
// a clock that jumps makes rounds neither burst nor stop.
func TestFaultF27_BackOffCountsRounds(t *testing.T) {
	t.Parallel()
	dead := fmt.Errorf("a (127.0.0.1:1): %w: refused", host.ErrUnreachable)
	now := time.Now()
	rec := &recording{backOff: true}
	w := journal.Watched{Host: "a"}
	var asked []int
	for round := range 70 {
		now = now.Add([]time.Duration{time.Hour, -3 * time.Hour, 0}[round%3])
		rep := layers.HostReport{Host: "a", Err: dead}
		if resting := rec.resting(&past{watched: map[string]journal.Watched{"a": w}})["a"]; resting != nil {
			if view.OfError(resting) != view.ExitUnreachable || !strings.Contains(resting.Error(), "refused") {
				t.Fatalf("a host left alone is said to be %v", resting)
			}
			rep.Err = resting
		} else {
			asked = append(asked, round)
		}
		w = watch(w, rep, true, now)
	}
	if want := "[0 1 2 4 8 16 32 48 64]"; fmt.Sprint(asked) != want {
		t.Errorf("asked in rounds %v, want %s", asked, want)
	}
	if w = watch(w, layers.HostReport{Host: "a"}, true, now); w.Failures != 0 || w.Rest != 0 || w.State != observed {
		t.Errorf("after an answer: %+v", w)
	}
	for range 9 {
		w = watch(w, layers.HostReport{Host: "a", Err: dead}, false, now)
	}
	if w.Rest != 0 || w.Failures != 9 {
		t.Errorf("without --back-off: %+v", w)
	}
}

// A host whose probes hang is sick; one that lacks a program is not, and goes on being watched.
func TestHostState(t *testing.T) {
	t.Parallel()
	with := func(err error) layers.HostReport {
		return layers.HostReport{Host: "a", Outcomes: []layers.Outcome{{State: layers.Unknown, Err: err}}}
	}
	for want, reps := range map[string][]layers.HostReport{
		observed:    {{Host: "a"}, with(host.ErrNoProgram)},
		unreachable: {{Host: "a", Err: host.ErrUnreachable}, {Host: "a", Err: &restError{journal.Watched{State: unreachable}}}},
		unknown:     {with(host.ErrStuck), {Host: "a", Err: errors.New("another machine")}, {Host: "a", Err: &restError{journal.Watched{State: unknown}}}},
	} {
		for _, rep := range reps {
			if got, _ := hostState(rep); got != want {
				t.Errorf("%+v is %s, want %s", rep, got, want)
			}
		}
	}
}

func TestUntil(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 28, 23, 0, 0, 0, zone) // the next day has 23 hours
	for text, want := range map[string]time.Time{
		"2026-03-29": time.Date(2026, 3, 30, 0, 0, 0, 0, zone), "72h": now.Add(72 * time.Hour), "2026-03-29T01:00:00Z": time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC),
		"": {}, "tomorrow": {}, "2026-03-27": {}, "-1h": {},
	} {
		got, err := untilTime(text, now)
		if (err == nil) == want.IsZero() || err == nil && !got.Equal(want) {
			t.Errorf("%q: %v %v, want %v", text, got, err, want)
		}
	}
}

// Two rounds of one schedule do not pile up: the second asks nothing and says why. A killed one leaves nothing in the way.
func TestFaultF14_TwoRounds(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.write(t, "hosts.hcl", hostBlock("a", 1, "ops", `"SHA256:`+strings.Repeat("A", 43)+`"`, "none"))
	d.write(t, "plan.bisc.hcl", "layer \"units\" {\n  on = \"a\"\n  file \"/etc/x\" {\n    content = \"1\"\n  }\n}\n")
	prom := filepath.Join(d.dir, "bisc.prom")
	d.bisc(t, "drift", "--record", "--textfile", prom).wants(t, 5, "not reachable")
	first, err := os.ReadFile(prom)
	if err != nil {
		t.Fatal(err)
	}
	held := exec.CommandContext(t.Context(), "flock", filepath.Join(d.dir, "state/bisc/drift-default.lock"), "sh", "-c", "echo held; read _")
	in, err := held.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := held.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := held.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	d.bisc(t, "drift", "--record", "--textfile", prom).wants(t, 4, "is at work")
	if again, err := os.ReadFile(prom); err != nil || string(again) != string(first) {
		t.Errorf("the second round wrote the textfile of the first: %v", err)
	}
	d.bisc(t, "drift", "--record", "--name", "other").wants(t, 5) // another schedule is not in the way
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	_ = held.Wait()
	d.bisc(t, "drift", "--record").wants(t, 5)
	left, err := filepath.Glob(filepath.Join(d.dir, ".bisc-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	info, err := os.Stat(prom)
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the textfile's mode: %v %v", info.Mode(), err)
	}
}
