package layers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// do does the steps of the outcomes that are still drifted: one outcome in order, several at once (they only put files).
func (a *applying) do(ctx context.Context, outs []Outcome) {
	var all []func(context.Context) error
	for i := range outs {
		if outs[i].State == Drifted {
			all = append(all, func(ctx context.Context) error { a.steps(ctx, &outs[i]); return nil })
		}
	}
	if len(all) > 0 && !a.interrupted() {
		a.did = true
	}
	_ = host.Ask(ctx, all...) // the outcomes carry their own errors
	a.host.Forget()
}

// steps does an item's steps in order and stops at the first that is not done. Where the connection went meanwhile, the
// host is looked at, once, before anything else is sent to it. Behind a dead-man's switch nothing is sent again: by the time
// that the host is reached it may have reverted, and what is done then would stay, with nothing armed.
func (a *applying) steps(ctx context.Context, o *Outcome) {
	err := a.stepsOnce(ctx, o)
	if cutOff(err) && a.until.IsZero() && ctx.Err() == nil && !a.interrupted() {
		if err = a.lookAgain(ctx, o, err); err == nil {
			err = a.stepsOnce(ctx, o)
		}
	}
	if err != nil {
		o.State, o.Err = failure(err), err
		a.saw(o)
	}
}

func (a *applying) stepsOnce(ctx context.Context, o *Outcome) error {
	for _, s := range o.Change.Steps {
		if a.interrupted() {
			o.State, o.Reason = NotReached, ErrStopped.Error()
			return nil
		}
		// A step that cuts the connection is answered when the host has taken it back and TCP comes through again. What came
		// after it then would have no switch behind it.
		if !a.until.IsZero() && !time.Now().Before(a.until) {
			return errOverdue
		}
		a.doing(*o, s.String(), time.Time{})
		if err := a.act(ctx, *o, s); err != nil {
			return err
		}
	}
	return nil
}

// cutOff tells whether a step was not done, or may have been, because the connection ended.
func cutOff(err error) bool {
	return errors.Is(err, host.ErrLost) || errors.Is(err, host.ErrUnreachable)
}

// lookAgain finds out what became of the steps of an item that was cut off: the transport connects again by itself, and
// proves that it is the same boot of the same host and that no step of this run still runs there. What was approved and is
// still to do is left in the outcome, nothing where all was done. Its error is the loss, where the look does not tell.
func (a *applying) lookAgain(ctx context.Context, o *Outcome, loss error) error {
	a.doing(*o, "the connection was lost: looking what became of the step", time.Time{})
	a.host.Forget()
	now := observeOne(ctx, a.host, a.others, o.Stage, o.Item)
	switch {
	case now.State == Unknown:
		return fmt.Errorf("%w; what became of it could not be observed: %w", loss, now.Err)
	case !now.Change.Mendable():
		o.Change.Steps = nil
	case approvalOf(o.Change).covers(now.Change):
		o.Change = now.Change
	default:
		return fmt.Errorf("%w; the host is now neither as before nor as wanted: %s", loss, approvalOf(o.Change).changed(now.Change))
	}
	return nil
}

// failure tells a guard's refusal, and a step of which nothing is known, from one that failed.
func failure(err error) State {
	var guard *host.GuardError
	var locked *host.LockedError
	var other *host.DiffError
	switch {
	case errors.As(err, &locked):
		return Blocked
	case errors.As(err, &other):
		return Stale
	case errors.As(err, &guard) && guard.Guard == host.SwitchGuard:
		return Failed // it was begun, and has been taken back
	case errors.As(err, &guard), errors.Is(err, host.ErrFenced):
		return Blocked
	case errors.Is(err, host.ErrChanged), errors.Is(err, host.ErrAnother):
		return Stale
	case errors.Is(err, host.ErrLost), errors.Is(err, host.ErrUnreachable):
		return Unknown // a step that was not sent was not done (ResultOf), but how the host is now nobody can tell
	case errors.Is(err, ErrStopped): // and not lost: nothing of it was begun
		return NotReached
	}
	return Failed
}

func (a *applying) interrupted() bool {
	select {
	case <-a.Stop:
		return true
	default:
		return false
	}
}

// batchLength is how many outcomes from the first on may be done at once: those that only put files, each its own,
// without guards, without destruction, and without danger to the operator's way in. Anything else goes alone.
func batchLength(outs []Outcome) int {
	n := 0
	for n < len(outs) && outs[n].Pending() && !outs[n].Item.Invariant && onlyPuts(outs[n].Change) {
		n++
	}
	return max(n, 1)
}

func onlyPuts(c modules.Change) bool {
	for _, s := range c.Steps {
		if p, ok := s.(host.Put); !ok || len(p.Guards) > 0 {
			return false
		}
	}
	return len(c.Steps) > 0 && len(c.Destroys) == 0 && c.Cuts == ""
}
