package layers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// Acting is what a round of apply needs beside the host and what was approved.
type Acting struct {
	Options
	Record Recorder
	// ApprovedBy says who approved the round, and how.
	ApprovedBy string
	// Stop, when closed, ends the round after the step that is running.
	Stop <-chan struct{}
	// Within is how long a change that can cut the operator off is given to be proved before the host takes it back by
	// itself; zero means ConfirmWithin. Run is the run's name, which the host keeps with it.
	Within time.Duration
	Run    string
	// Saw is told of every item as it is worked on; it must not block.
	Saw func(Progress)
}

// Progress is a moment in the life of an item.
type Progress struct {
	Host, Address string
	// Doing says what is happening: the step, or what is waited for.
	Doing string
	// Until is when the wait gives up; zero where nothing is waited for.
	Until time.Time
	// Outcome is set when the item is finished.
	Outcome *Outcome
}

// ErrStopped is the reason of what an interrupt left undone.
var ErrStopped = errors.New("interrupted by the operator")

// applying is one round on one host.
type applying struct {
	Acting
	host   *host.MemoWriter
	record Recorder
	holds  []Hold
	// identity is the host's at the beginning of the round.
	identity Identity
	did      bool // a step was sent in this round
	// begun are the journal's numbers of steps that a staging host has taken and not yet done.
	begun []int64
	out   []Outcome
	// until is when an armed dead-man's switch is no longer to be counted on; zero where none is armed.
	until time.Time
}

// Apply does the approved round on a host: what was shown, or less, or nothing. Each item is observed again before its
// first step and after its last. The report holds what became of every approved outcome.
func Apply(ctx context.Context, w host.Writer, approved HostReport, acting Acting) HostReport {
	rep := approved
	rep.Outcomes = slices.Clone(approved.Outcomes)
	a := &applying{Acting: acting, host: host.NewMemoWriter(w), record: acting.Record, out: rep.Outcomes}
	err := host.Ask(ctx,
		func(ctx context.Context) error { return a.sameHost(ctx, approved.Identity) },
		func(ctx context.Context) error { a.lookAhead(ctx); return nil })
	if err != nil {
		rep.Err = err
		return rep
	}
	a.host.NoProbes = acting.NoProbes
	for from := 0; from < len(a.out); {
		to := from
		for to < len(a.out) && a.out[to].Stage == a.out[from].Stage {
			to++
		}
		if w.Stages() {
			a.together(ctx, a.out[from:to])
		} else {
			a.inOrder(ctx, a.out[from:to])
		}
		from = to
	}
	return rep
}

// lookAhead asks in the same turn what will be asked first of the files that come first: the answers are in the host's
// memo then, and are as young as the proof that it is the same host. Nothing else may be asked twice.
func (a *applying) lookAhead(ctx context.Context) {
	first := slices.IndexFunc(a.out, Outcome.Pending)
	if first < 0 || !onlyPuts(a.out[first].Change) || a.out[first].Stage.Host != a.host.Name() {
		return
	}
	_ = observeAll(ctx, a.host, a.others, a.out[first:first+batchLength(a.out[first:])])
}

// sameHost refuses a host that is another, or has been booted, since it was observed, and reads its holds again.
func (a *applying) sameHost(ctx context.Context, was Identity) error {
	var now Identity
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) { now, err = Identify(ctx, a.host); return err },
		func(ctx context.Context) (err error) { a.holds, err = ReadHolds(ctx, a.host); return err })
	a.identity = now
	if err != nil {
		return err
	}
	return was.same(a.host.Name(), now)
}

// same refuses another machine, another boot of it, or another host key.
func (was Identity) same(name string, now Identity) error {
	switch {
	case now.MachineID != was.MachineID:
		return fmt.Errorf("%w: %s is another machine (machine id was %s and is %s)", ErrStale, name, was.MachineID, now.MachineID)
	case now.BootID != was.BootID:
		return fmt.Errorf("%w: %s was rebooted (boot id was %s and is %s)", ErrStale, name, was.BootID, now.BootID)
	case was.HostKey != "" && now.HostKey != was.HostKey:
		return fmt.Errorf("%w: the host key of %s was %s and is %s", ErrStale, name, was.HostKey, now.HostKey)
	}
	return nil
}

// ErrStale: the host is not as it was when the plan was made.
var ErrStale = errors.New("stale plan")

// inOrder does a stage's items one by one, files that come together in one go.
func (a *applying) inOrder(ctx context.Context, outs []Outcome) {
	var stopped *Outcome
	gated := false
	for i := 0; i < len(outs); {
		o, n := &outs[i], 1
		switch {
		case stopped != nil:
			notReached(o, fmt.Sprintf("it comes after %s, which is %s", stopped.Item.Address, stopped.State))
		case o.Item.Invariant:
			a.judgeAgain(ctx, o)
			if o.State == Blocked || o.State == Unknown {
				stopped = o
			}
		case o.State == NotReached:
			// The plan saw that it would not be reached; nothing is tried that was not shown.
		case !o.Pending():
			if o.State == Blocked || o.State == Unknown {
				stopped = o
			}
		case !gated && !a.admitted(ctx, o):
			stopped = o
		case o.Change.Cuts != "":
			gated = true
			a.provisional(ctx, o)
			if !settled(*o) {
				stopped = o
			}
		default:
			gated = true
			n = batchLength(outs[i:])
			a.batch(ctx, outs[i:i+n])
			if j := slices.IndexFunc(outs[i:i+n], func(o Outcome) bool { return !settled(o) }); j >= 0 {
				stopped = &outs[i+j]
			}
		}
		i += n
	}
}

// settled tells whether what is written after an item may build on it.
func settled(o Outcome) bool { return o.State == Changed || o.State == InSync || o.State == Held }

func notReached(o *Outcome, reason string) {
	if o.Pending() || o.Item.Invariant && o.State == Drifted {
		o.State, o.Reason = NotReached, reason
	}
}

// judgeAgain observes an invariant in its place, unless nothing has changed since it was seen to hold.
func (a *applying) judgeAgain(ctx context.Context, o *Outcome) {
	if o.State == Held || o.State == InSync && !a.did {
		return // overridden, or the look before the stage's first step was the last word
	}
	limit := time.Duration(0)
	if a.did {
		limit = invariantSettle
	}
	now := a.settle(ctx, *o, limit)
	o.State, o.Change, o.Err, o.Reason = now.State, now.Change, now.Err, ""
	if o.State == Drifted {
		o.State, o.Reason = Blocked, "does not hold"
	}
	a.saw(o)
}

// invariantSettle is how long an invariant may take to agree with the changes before it: systemd and udev follow within
// moments, and a wrong host stays wrong.
const invariantSettle = 5 * time.Second

// admitted observes, right before the stage's first step, what that step rests on: the invariants of the assumed layers,
// and the stage's own that are written before it.
func (a *applying) admitted(ctx context.Context, o *Outcome) bool {
	var asked []Outcome
	before := true
	for _, inv := range a.out {
		before = before && inv.Item.Address != o.Item.Address
		guards := inv.Stage == o.Stage && before || inv.Stage != o.Stage && gates(inv.Stage, o.Stage)
		if inv.Item.Invariant && inv.State != Held && guards {
			asked = append(asked, inv)
		}
	}
	seen := observeAll(ctx, a.host, a.others, asked)
	for _, inv := range seen {
		if inv.State == InSync {
			continue
		}
		o.State, o.Reason = Blocked, "gate: "+inv.Item.Address+" does not hold (any more)"
		if inv.State == Unknown {
			o.Reason = "gate: " + inv.Item.Address + " could not be observed, and unknown refuses"
		}
		a.saw(o)
		return false
	}
	return true
}

// batch takes one item, or several that only put files, from a fresh look to the proof.
func (a *applying) batch(ctx context.Context, outs []Outcome) {
	now := observeAll(ctx, a.host, a.others, outs)
	for i := range outs {
		a.admit(&outs[i], now[i])
	}
	a.do(ctx, outs)
	a.prove(ctx, outs)
}

// admit compares a fresh look with what was approved, and takes over what is still to do.
func (a *applying) admit(o *Outcome, now Outcome) {
	hold(&now, a.holds, time.Now())
	approved := approvalOf(o.Change)
	switch {
	case now.State == Unknown:
		o.State, o.Err, o.Reason = Unknown, now.Err, ""
	case now.State == Held, now.State == Blocked:
		o.State, o.Reason = now.State, now.Reason
	case !now.Change.Mendable():
		o.State, o.Change, o.Left = InSync, modules.Change{}, now.Change.Diffs
	case approved.covers(now.Change):
		o.Change = now.Change
	case a.did:
		o.State, o.Reason = NotReached, "this round changed what it needs ("+approved.changed(now.Change)+"): the next round shows it"
	default:
		o.State, o.Reason = Stale, approved.changed(now.Change)
	}
	if o.State != Drifted {
		a.saw(o)
	}
}

// prove observes what was done until the host agrees.
func (a *applying) prove(ctx context.Context, outs []Outcome) {
	seen := make([]Outcome, len(outs))
	var ask []func(context.Context) error
	for i, o := range outs {
		if o.State == Drifted {
			ask = append(ask, func(ctx context.Context) error { seen[i] = a.settle(ctx, o, o.Change.Settle); return nil })
		}
	}
	_ = host.Ask(ctx, ask...) // the outcomes carry their own errors
	for i := range outs {
		o := &outs[i]
		if o.State != Drifted {
			continue
		}
		conclude(o, seen[i])
		if (o.State == Failed || o.State == Unknown) && a.interrupted() {
			o.Err = fmt.Errorf("%w while waiting for the host to agree: %w", ErrStopped, o.Err)
		}
		a.saw(o)
	}
}

// conclude says what came of an item from what was seen after its steps.
func conclude(o *Outcome, seen Outcome) {
	switch {
	case seen.State == Unknown:
		o.State, o.Err = Unknown, fmt.Errorf("the steps were done, but the result could not be observed: %w", seen.Err)
	case seen.Change.Ended != "":
		o.State, o.Err = Failed, errors.New(seen.Change.Ended)
	case seen.Change.Mendable() && len(o.Change.Steps) == 0:
		o.State, o.Err = Failed, fmt.Errorf("it was waited for, and after %s the host does not agree: %s", o.Change.Settle, diffText(seen.Change))
	case seen.Change.Mendable():
		o.State, o.Err = Failed, fmt.Errorf("the steps were done, and after %s the host does not agree: %s", max(o.Change.Settle, 0), diffText(seen.Change))
	default:
		if d, ok := unmended(o.Change, seen.Change); ok {
			o.State, o.Err = Failed, fmt.Errorf("the steps were done, and %s is %s, want %s: %s", d.Attr, show(d.Got), show(d.Want), d.Why)
			return
		}
		o.State, o.Left = Changed, seen.Change.Diffs
	}
}

// unmended finds a diff that the steps were to mend, and that is there after them with a reason why bisc leaves it: a job that has
// failed is no change that was made.
func unmended(was, is modules.Change) (modules.Diff, bool) {
	for _, d := range was.Diffs {
		i := slices.IndexFunc(is.Diffs, d.Same)
		if d.Why == "" && i >= 0 {
			return is.Diffs[i], true
		}
	}
	return modules.Diff{}, false
}

func diffText(c modules.Change) string {
	for _, d := range c.Diffs {
		if d.Why == "" {
			return fmt.Sprintf("%s is %s, want %s", d.Attr, show(d.Got), show(d.Want))
		}
	}
	return "no diff"
}

func (a *applying) saw(o *Outcome) {
	if a.Saw != nil {
		done := *o
		a.Saw(Progress{Host: a.host.Name(), Address: o.Item.Address, Outcome: &done})
	}
}

func (a *applying) doing(o Outcome, what string, until time.Time) {
	if a.Saw != nil {
		a.Saw(Progress{Host: a.host.Name(), Address: o.Item.Address, Doing: what, Until: until})
	}
}
