package layers

import (
	"errors"
	"fmt"
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
)

// TestFaultF12_LostStepIsLookedAt: a step whose connection was lost is not sent again before the host was looked at, and only
// where it was not done.
func TestFaultF12_LostStepIsLookedAt(t *testing.T) {
	lost := fmt.Errorf("%w: %w", host.ErrLost, host.ErrUnreachable)
	for name, tc := range map[string]struct {
		loss  error
		after string // what the file holds when the connection has gone
		sent  int
		state State
	}{
		"done":                       {lost, "yes", 1, Changed},
		"not done":                   {lost, "no", 2, Changed},
		"never sent":                 {host.ErrUnreachable, "no", 2, Changed},
		"another host":               {fmt.Errorf("%w: %w", host.ErrUnreachable, host.ErrAnother), "", 1, Stale},
		"it cannot be looked at":     {lost, "", 1, Unknown},
		"a failure that is no loss":  {&host.ExitError{Exit: 1}, "no", 1, Failed},
		"a lost lock is not our own": {host.ErrFenced, "no", 1, Blocked},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(map[string]string{"/a": "no"}, stage(Storage, item("a", &flag{path: "/a", want: "yes", script: true, destroys: "the old word"})))
			set, sent := b.React, 0
			b.React = func(f *hosttest.Fake, s host.Step) error {
				if sent++; sent > 1 {
					return set(f, s)
				}
				if f.Files["/a"] = tc.after; tc.after == "" {
					delete(f.Files, "/a")
				}
				return tc.loss
			}
			opts := Options{Destroy: map[string]bool{"h:storage.a": true}}
			rep := ApplyAll(t.Context(), ObserveAll(t.Context(), b.stages, b, opts), b, Acting{Options: opts, Record: NoRecord{}})
			out := rep.Outcomes()[0]
			if sent != tc.sent || out.State != tc.state {
				t.Errorf("sent %d times, then %s (%v); want %d, %s", sent, out.State, out.Err, tc.sent, tc.state)
			}
			if tc.state == Unknown && !errors.Is(out.Err, host.ErrLost) {
				t.Errorf("%v does not say that it was lost", out.Err)
			}
		})
	}
}
