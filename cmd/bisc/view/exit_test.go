package view

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/layers"
	"bisc/modules"
)

func TestExitStatusOfOneItem(t *testing.T) {
	leftOver := func(o *layers.Outcome) { o.Left = []modules.Diff{{Attr: "size", Why: "it is in use"}} }
	res := func(s layers.State) layers.Outcome { return with(mount(), func(o *layers.Outcome) { o.State = s }) }
	for _, c := range []struct {
		name                      string
		o                         layers.Outcome
		plan, apply, check, drift int
	}{
		{"in sync", outcome(storage, layers.InSync, "mount", "x", 1), 0, 0, 0, 0},
		{"changed", res(layers.Changed), 0, 0, 0, 0},
		{"changed, and something is left", with(res(layers.Changed), leftOver), 2, 2, 2, 2},
		{"in sync but for what no step mends", with(outcome(storage, layers.InSync, "ramdisk", "x", 1), leftOver), 2, 2, 0, 2},
		{"pending", mount(), 2, 2, 0, 2},
		{"no step mends it", ramdisk(), 2, 2, 0, 2},
		{"destruction named", wipe(layers.Drifted, "x"), 2, 2, 0, 2},
		{"destruction not named", wipe(layers.Blocked, "x"), 4, 4, 0, 2},
		{"held", res(layers.Held), 0, 0, 0, 8},
		{"unknown", res(layers.Unknown), 7, 7, 7, 7},
		{"not reached", res(layers.NotReached), 2, 2, 0, 2},
		{"failed", res(layers.Failed), 1, 1, 1, 1},
		{"confirmed, and not saved", with(res(layers.Failed), func(o *layers.Outcome) { o.Err = &host.ConfirmedError{Err: errors.New("flash is full")} }), 2, 2, 2, 2},
		{"stale", res(layers.Stale), 6, 6, 6, 6},
		{"invariant holds", invariant(layers.InSync), 0, 0, 0, 0},
		{"invariant does not hold", invariant(layers.Blocked), 4, 4, 3, 3},
		{"invariant may hold later", invariant(layers.Drifted), 2, 2, 3, 3},
		{"invariant overridden", invariant(layers.Held), 0, 0, 8, 8},
		{"invariant unknown", invariant(layers.Unknown), 7, 7, 7, 7},
	} {
		for verb, want := range map[string]int{"plan": c.plan, "apply": c.apply, "run": c.apply, "check": c.check, "drift": c.drift} {
			if got := Of(verb, report(c.o), nil); got != want {
				t.Errorf("%s, %s: got %d, want %d", c.name, verb, got, want)
			}
		}
	}
}

func TestDriftIsWhatWasInSync(t *testing.T) {
	before := func(address, digest string) bool {
		return address == "biscayne:storage.mount[/srv/solana]" && digest == "d-/srv/solana"
	}
	if got := Of("drift", report(mount()), before); got != ExitDrift {
		t.Errorf("it was in sync: got %d", got)
	}
	if got := Of("drift", report(file()), before); got != ExitPending {
		t.Errorf("it never was: got %d", got)
	}
	other := with(mount(), func(o *layers.Outcome) { o.Item.Digest = "another plan" })
	if got := Of("drift", report(other), before); got != ExitPending {
		t.Errorf("it was under another plan: got %d", got)
	}
	blocked := wipe(layers.Blocked, "/srv/solana")
	if got := Of("drift", report(blocked), func(string, string) bool { return true }); got != ExitDrift {
		t.Errorf("that apply would be blocked is not what drift asks: got %d", got)
	}
}

func TestExitStatusOfErrors(t *testing.T) {
	locked := &host.LockedError{Host: "biscayne"}
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("boom"), 1},
		{context.Canceled, 1},
		{layers.ErrNotApproved, 2},
		{fmt.Errorf("opening: %w", locked), 4},
		{host.ErrFenced, 4},
		{fmt.Errorf("dialling: %w", host.ErrUnreachable), 5},
		{host.ErrLost, 5},
		{layers.ErrStale, 6},
		{layers.ErrExpired, 6},
		{layers.ErrAltered, 6},
		{fmt.Errorf("reading: %w", host.ErrStuck), 7},
		{context.DeadlineExceeded, 7},
		{errors.Join(host.ErrStuck, host.ErrUnreachable), 5},
	} {
		if got := OfError(c.err); got != c.want {
			t.Errorf("%v: got %d, want %d", c.err, got, c.want)
		}
		if got := Of("plan", layers.Report{{Host: "a", Err: c.err}}, nil); got != c.want {
			t.Errorf("a host with %v: got %d, want %d", c.err, got, c.want)
		}
	}
}

// When several hold: 1, 6, 4, 5, 7, 3, 2, 8 (DESIGN section 7).
func TestExitPrecedence(t *testing.T) {
	order := []int{1, 6, 4, 5, 7, 3, 2, 8, 0}
	for i, strong := range order {
		for _, weak := range order[i:] {
			if got := Worst(weak, strong); got != strong {
				t.Errorf("%d and %d: got %d", weak, strong, got)
			}
			if got := Worst(strong, weak); got != strong {
				t.Errorf("%d and %d: got %d", strong, weak, got)
			}
		}
	}
	if got := Of("plan", append(report(mount()), layers.HostReport{Host: "b", Err: host.ErrUnreachable}), nil); got != 5 {
		t.Errorf("a host lost, another with changes: got %d", got)
	}
}

// A host that ends with an error tells of what was done on it; what it was planned to do tells nothing.
func TestExitOfHostLostInTheMiddle(t *testing.T) {
	rep := report(mount(), with(file(), func(o *layers.Outcome) { o.State, o.Err = layers.Failed, host.ErrLost }))
	rep[0].Err = host.ErrUnreachable
	if got := Of("apply", rep, nil); got != ExitFailed {
		t.Errorf("got %d", got)
	}
	if got := len(New(Run{Verb: "apply"}, rep).Hosts[0].Items); got != 2 {
		t.Errorf("%d items", got)
	}
	rep = report(mount())
	rep[0].Err = layers.ErrStale
	if got := Of("apply", rep, nil); got != ExitStale {
		t.Errorf("got %d", got)
	}
	if got := len(New(Run{Verb: "apply"}, rep).Hosts[0].Items); got != 0 {
		t.Errorf("%d items", got)
	}
}

func TestExitTableNamesEveryStatus(t *testing.T) {
	for status := range 9 {
		if !strings.Contains("\n"+ExitTable(), fmt.Sprintf("\n%d  ", status)) {
			t.Errorf("no line for %d", status)
		}
	}
}
