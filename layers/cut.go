package layers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// ConfirmWithin is how long a change that can cut the operator off is given to be proved before the host takes it back.
const ConfirmWithin = time.Minute

// provisional does one item that can cut the operator off: the host's dead-man's switch is armed, the steps are done, the
// host is reached anew and agrees over that connection, and only then is the switch disarmed, over that connection. In any
// other case the host takes the change back, with us or without.
func (a *applying) provisional(ctx context.Context, o *Outcome) {
	now := observeAll(ctx, a.host, a.others, []Outcome{*o})
	a.admit(o, now[0])
	if o.State != Drifted {
		return
	}
	until, err := a.arm(ctx, o)
	if err != nil {
		o.State, o.Err = Blocked, fmt.Errorf("nothing was done: it can cut off %s, and %w", o.Change.Cuts, err)
		a.saw(o)
		return
	}
	a.did = true
	a.until = until
	a.steps(ctx, o)
	a.until = time.Time{}
	if o.State == Drifted {
		a.proveAfresh(ctx, o, until)
	}
	if o.State == Changed {
		err = a.recorded(ctx, *o, "keep it: disarm the dead-man's switch over the new connection", saying(a.host.Confirm))
		a.notKept(o, err)
	} else {
		a.takeBack(ctx, o)
	}
	a.host.Forget()
	a.saw(o)
}

// within is how long the host waits.
func (a *applying) within() time.Duration {
	if a.Within > 0 {
		return a.Within
	}
	return ConfirmWithin
}

// arm gathers what the host would have to put back, and arms it. The time is when the proof must be there: a quarter is
// left for the disarming.
func (a *applying) arm(ctx context.Context, o *Outcome) (time.Time, error) {
	_, undo := modules.CutsOff(o.Change.Steps)
	undo = undo.With(o.Change.Back)
	undo.Reason, undo.Address, undo.Run, undo.Within = o.Change.Cuts, o.Item.Address, a.Run, a.within()
	if err := asRead(ctx, a.host, &undo); err != nil {
		return time.Time{}, err
	}
	if err := spares(ctx, a.host, undo.Units); err != nil {
		return time.Time{}, err
	}
	until := time.Now().Add(undo.Within * 3 / 4)
	a.doing(*o, "arming the "+undo.String(), time.Time{})
	may := false
	err := a.recorded(ctx, *o, "arm the "+undo.String(), saying(func(ctx context.Context) error {
		err := a.host.Arm(ctx, undo)
		may = err == nil || errors.Is(err, host.ErrLost)
		return err
	}))
	if err != nil && may { // nothing is changed behind it, so it must not put back what others do meanwhile
		if not := a.host.Confirm(context.WithoutCancel(ctx)); not != nil {
			err = fmt.Errorf("%w; disarming it: %w", err, not)
		}
	}
	return until, err
}

// asRead adds the files that the units of undo would read anew, as they were when the units last read them: going back to
// a unit's old state with its new files is no way back.
func asRead(ctx context.Context, h host.Reader, undo *host.Undo) error {
	parts := modules.CutUnits(undo.Units)
	if len(parts) == 0 {
		return nil
	}
	kept, err := host.ReadKept(ctx, h, "")
	if err != nil {
		return err
	}
	kept = slices.DeleteFunc(kept, func(k host.Kept) bool {
		return !slices.ContainsFunc(parts, func(c modules.Cut) bool { return c.Covers(k.Path) })
	})
	if len(kept) == 0 {
		return nil
	}
	since, err := lastRead(ctx, h, undo.Units)
	if err != nil {
		return err
	}
	for _, k := range kept { // oldest first: the first since then is what the units have read
		known := slices.ContainsFunc(undo.Files, func(f host.UndoFile) bool { return f.Path == k.Path && f.Kept != nil })
		if known || k.At.Before(since) {
			continue
		}
		undo.Files = slices.DeleteFunc(undo.Files, func(f host.UndoFile) bool { return f.Path == k.Path })
		undo.Files = append(undo.Files, host.UndoFile{Path: k.Path, Kept: &k})
	}
	return nil
}

// lastRead is when the first of the units that are up changed its state last, by the host's clock: a start and a reload are
// such. A kept copy's time is in whole seconds, rounded down, so a file that was put and read within one second counts as
// read: that is what bisc's own put and reload are. Where none is up, nothing has read anything.
func lastRead(ctx context.Context, h host.Reader, units []string) (time.Time, error) {
	first := time.Unix(1<<40, 0)
	for _, unit := range units {
		out, err := h.Query(ctx, "systemctl", "show", "--timestamp=us+utc", "-p", "ActiveState,StateChangeTimestamp", "--", unit)
		if err == nil && out.Exit != 0 {
			err = &host.ExitError{Argv: []string{"systemctl", "show"}, Exit: out.Exit, Stderr: out.Stderr}
		}
		if err != nil {
			return first, fmt.Errorf("ask when %s read its files: %w", unit, err)
		}
		var up bool
		var at string
		for line := range strings.Lines(string(out.Stdout)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			switch name {
			case "ActiveState":
				up = value == "active" || value == "reloading"
			case "StateChangeTimestamp":
				at = value
			}
		}
		if !up {
			continue
		}
		changed, err := time.Parse("Mon 2006-01-02 15:04:05 MST", at) // takes a fraction of the seconds too
		if err != nil {
			return first, fmt.Errorf("ask when %s read its files: %w", unit, err)
		}
		if changed.Before(first) {
			first = changed
		}
	}
	return first, nil
}

// spares refuses a switch whose revert would restart more than its units: a validator may live in what hangs on them
// (rule 13), and nobody would be there to look.
func spares(ctx context.Context, h host.Reader, units []string) error {
	for _, unit := range units {
		out, err := h.Query(ctx, host.StopClosure.Argv(unit)...)
		if err != nil {
			return fmt.Errorf("ask what hangs on %s: %w", unit, err)
		}
		if out.Exit != 0 {
			return fmt.Errorf("ask what hangs on %s: %w", unit, &host.ExitError{Argv: []string{"systemctl"}, Exit: out.Exit, Stderr: out.Stderr})
		}
		for _, other := range strings.Fields(string(out.Stdout)) {
			if other != unit && (strings.HasPrefix(other, "docker.") || strings.HasPrefix(other, "containerd.") || strings.HasSuffix(other, ".mount")) {
				return fmt.Errorf("to take it back would restart %s, and %s with it, in or on which a validator may live", unit, other)
			}
		}
	}
	return nil
}

// proveAfresh observes the item over a connection made after the steps, until the host agrees or the proof is overdue.
func (a *applying) proveAfresh(ctx context.Context, o *Outcome, until time.Time) {
	a.doing(*o, "proving it over a new connection", until)
	err := a.recorded(ctx, *o, "prove it over a new connection", saying(func(ctx context.Context) error {
		ctx, cancel := context.WithDeadlineCause(ctx, until, errOverdue)
		defer cancel()
		for why := error(nil); ; {
			err := a.lookAfresh(ctx, o, until)
			if err == nil || o.State != Drifted {
				return err
			}
			if why == nil || ctx.Err() == nil { // what the deadline broke off tells nothing
				why = err
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%w: %w", context.Cause(ctx), why)
			case <-time.After(500 * time.Millisecond):
			}
		}
	}))
	if err != nil {
		o.State, o.Err = Failed, err
	}
}

var errOverdue = errors.New("it could not be proved in time over a new connection")

// lookAfresh makes a connection, sees that it leads to the same host, and observes the item there.
func (a *applying) lookAfresh(ctx context.Context, o *Outcome, until time.Time) error {
	fresh, err := a.host.Afresh(ctx)
	if err != nil {
		return err
	}
	now, err := Identify(ctx, fresh)
	if err != nil {
		return err
	}
	if err := a.identity.same(a.host.Name(), now); err != nil {
		return err
	}
	memo := host.NewMemo(fresh)
	memo.NoProbes = a.NoProbes
	seen := settleOn(ctx, memo, *o, min(o.Change.Settle, time.Until(until)))
	if errors.Is(seen.Err, host.ErrUnreachable) {
		return seen.Err
	}
	conclude(o, seen)
	return o.Err
}

// settleOn observes an item on a host until nothing mendable differs or the limit is over.
func settleOn(ctx context.Context, h *host.Memo, o Outcome, limit time.Duration) Outcome {
	until := time.Now().Add(limit)
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		h.Forget()
		seen := observeOne(ctx, h, nil, o.Stage, o.Item)
		if seen.State == InSync || seen.State == Drifted && !seen.Change.Mendable() || !time.Now().Add(pause).Before(until) {
			return seen
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			seen.State, seen.Err = Unknown, context.Cause(ctx)
			return seen
		}
	}
}

// notKept says what became of a change that was proved and could not be confirmed.
func (a *applying) notKept(o *Outcome, err error) {
	var reverted *host.RevertedError
	switch {
	case err == nil:
	case errors.As(err, &reverted):
		o.State, o.Err = Failed, fmt.Errorf("it was proved, but not confirmed in time: %w", err)
	default:
		o.State, o.Err = Unknown, err
	}
}

// takeBack has the host revert, whatever has become of the run, and says what the host did.
func (a *applying) takeBack(ctx context.Context, o *Outcome) {
	a.doing(*o, "waiting for the host to take it back", time.Now().Add(a.within()))
	var reverted *host.RevertedError
	err := a.recorded(context.WithoutCancel(ctx), *o, "revert it by the dead-man's switch", func(ctx context.Context) (string, error) {
		err := a.host.Revert(ctx)
		if errors.As(err, &reverted) && reverted.Failed == 0 {
			return reverted.Error(), nil
		}
		return "", err
	})
	why := o.Err
	if why == nil {
		why = errors.New(o.Reason)
	}
	switch {
	case reverted != nil:
		o.Err = errors.Join(reverted, why) // a line each: what has become of it comes first
		if o.State != Stale && o.State != Blocked {
			o.State = Failed
		}
	case err != nil:
		o.State, o.Err = Unknown, fmt.Errorf("%w: %w", why, err)
	default:
		o.State, o.Err = Failed, why
	}
}

// recorded does something that is no step, with its intent recorded before and its result after, as act does. What do says
// beside its error is recorded too.
func (a *applying) recorded(ctx context.Context, o Outcome, what string, do func(context.Context) (string, error)) error {
	id, err := a.record.Intend(ctx, Intent{Host: a.host.Name(), Address: o.Item.Address, Step: what, Digest: host.ContentDigest([]byte(what)), Aside: true, At: time.Now()})
	if err != nil {
		return fmt.Errorf("the intent could not be recorded: %w", err)
	}
	said, doErr := do(ctx)
	result := ResultOf(doErr)
	if doErr == nil {
		result.Err = said
	}
	recErr := a.record.Settle(context.WithoutCancel(ctx), id, result)
	if recErr != nil {
		recErr = fmt.Errorf("its result could not be recorded: %w", recErr)
	}
	return errors.Join(doErr, recErr)
}

// saying is for what has nothing to say beside its error.
func saying(do func(context.Context) error) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) { return "", do(ctx) }
}
