package eoshost

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/lab/eos/device"
	"bisc/internal/lab/eos/front"
	"bisc/layers"
)

// agrees proves that what was said of an apply is what the switch has, looked at behind bisc's back and long after.
func (e *emulated) agrees(t *testing.T, where string, o layers.Outcome) {
	t.Helper()
	e.pass(time.Hour)
	inForce := has(e.dev.Running(), route.line)
	switch o.State {
	case layers.Changed, layers.InSync:
		if !inForce || !has(e.dev.Startup(), route.line) {
			t.Errorf("%s: %s, and it is in force: %v, saved: %v", where, o.State, inForce, has(e.dev.Startup(), route.line))
		}
		return
	case layers.Unknown:
		if e.book.String() == "" && !inForce {
			return // it could not be looked at, and nothing was begun
		}
		t.Errorf("%s: nobody knows: %v", where, o.Err)
		return
	}
	var kept *host.ConfirmedError
	if new := errors.As(o.Err, &kept); new != inForce {
		t.Errorf("%s: %s (%v, %s), and it is in force: %v\n%s", where, o.State, o.Err, o.Reason, inForce, e.book.String())
	}
	if !inForce && has(e.dev.Startup(), route.line) {
		t.Errorf("%s: startup-config has what is not in force", where)
	}
}

// moment is a line that is received, and when the link is cut there.
type moment struct {
	line string
	nth  int
	when front.Moment
}

// moments are those of a run that goes well, from the first line after the plan.
func moments(t *testing.T, options device.Options) []moment {
	e := emulate(t, options)
	if o := e.apply(t.Context(), route); o.State != layers.Changed {
		t.Fatal(o.Err)
	}
	seen := map[string]int{}
	var out []moment
	for _, line := range e.front.Log().Lines() {
		seen[line]++
		for _, when := range []front.Moment{front.Unheard, front.Unanswered, front.Amid, front.Answered} {
			out = append(out, moment{line, seen[line], when})
		}
	}
	return out
}

// TestFaultF29_LinkCutAtEveryStep: the connection is reset at each line that a whole apply sends, before and after it is done. The
// switch is in the old or the new state then, bisc says which, and leaves no lock, no timer and no session.
func TestFaultF29_LinkCutAtEveryStep(t *testing.T) {
	t.Parallel()
	all := moments(t, device.Options{})
	begun := slices.IndexFunc(all, func(m moment) bool { return strings.HasPrefix(m.line, "configure lock") })
	for i, m := range all {
		some := i >= begun && (m.when == front.Unheard || m.when == front.Unanswered) && strings.HasPrefix(m.line, "co")
		if !some && os.Getenv("BISC_FAULTS") != "all" {
			continue
		}
		for _, dies := range []bool{false, true} {
			where := fmt.Sprintf("%s %d %s, the lock dies with it: %v", m.line, m.nth, m.when, dies)
			t.Run(where, func(t *testing.T) {
				t.Parallel()
				e := emulate(t, device.Options{Flags: device.Flags{LockDies: dies}})
				fatal(t, e.faults(front.Faults{Trips: []front.Trip{{Match: "^" + regexp.QuoteMeta(m.line) + "$", Skip: m.nth - 1, Do: front.Cut, When: m.when, Bytes: 1}}}))
				o := e.apply(t.Context(), route)
				if left := e.left(); left != "" {
					t.Errorf("%s\n%v\n%s", left, o.Err, e.book.String())
				}
				e.agrees(t, where, o)
			})
		}
	}
}
