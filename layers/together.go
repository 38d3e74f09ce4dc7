package layers

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"bisc/internal/host"
)

// together does a stage on a host that stages: all steps, one Commit, all proofs over a new connection, then Confirm; or
// Revert as soon as anything is not as wanted. Nothing stays in force that was not proved.
func (a *applying) together(ctx context.Context, outs []Outcome) {
	if !slices.ContainsFunc(outs, Outcome.Pending) {
		return
	}
	if a.goesAsOne(outs, func(o Outcome) bool { return o.State == Blocked || o.State == Unknown }) {
		return
	}
	first := slices.IndexFunc(outs, Outcome.Pending)
	if !a.admitted(ctx, &outs[first]) {
		a.abandon(outs, outs[first].Reason)
		return
	}
	now := observeAll(ctx, a.host, a.others, outs)
	for i := range outs {
		if outs[i].Pending() {
			a.admit(&outs[i], now[i])
		}
	}
	unfit := func(o Outcome) bool { return o.State == Stale || o.State == Unknown || o.State == NotReached }
	if a.goesAsOne(outs, unfit) || !slices.ContainsFunc(outs, Outcome.Pending) {
		return
	}
	s := &joint{applying: a, outs: outs, before: slices.Clone(outs)}
	s.run(ctx)
}

// goesAsOne abandons a stage of which one item cannot be done.
func (a *applying) goesAsOne(outs []Outcome, unfit func(Outcome) bool) bool {
	stop := slices.IndexFunc(outs, func(o Outcome) bool { return !o.Item.Invariant && unfit(o) })
	if stop >= 0 {
		a.abandon(outs, fmt.Sprintf("the stage is done as one, and %s is %s", outs[stop].Item.Address, outs[stop].State))
	}
	return stop >= 0
}

func (a *applying) abandon(outs []Outcome, reason string) {
	for i := range outs {
		notReached(&outs[i], reason)
	}
}

// joint is a stage that is being done as one.
type joint struct {
	*applying
	outs   []Outcome
	before []Outcome // as admitted: the pending ones are the stage's
}

func (s *joint) run(ctx context.Context) {
	first := slices.IndexFunc(s.outs, Outcome.Pending)
	ctx = host.WithAsides(ctx, s.asides(s.outs[first]))
	if err := s.commit(ctx); err != nil {
		s.revert(ctx, err)
		return
	}
	if err := s.proveAfresh(ctx); err != nil {
		s.revert(ctx, err)
		return
	}
	s.confirm(ctx)
}

// commit stages every step, one after the other, and puts them in force together.
func (s *joint) commit(ctx context.Context) error {
	for i := range s.outs {
		o := &s.outs[i]
		if !o.Pending() {
			continue
		}
		s.steps(ctx, o)
		if o.State == NotReached {
			return ErrStopped
		}
		if o.State != Drifted {
			return errors.Join(o.Err, fmt.Errorf("%s is %s", o.Item.Address, o.State))
		}
	}
	if s.interrupted() {
		return ErrStopped
	}
	s.did = true
	if err := s.host.Commit(ctx); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

// confirm keeps the stage, and looks at it once more: what is persisted with the confirmation can be seen only now.
func (s *joint) confirm(ctx context.Context) {
	if s.interrupted() {
		s.revert(ctx, ErrStopped)
		return
	}
	err := s.host.Confirm(ctx)
	var reverted *host.RevertedError
	var kept *host.ConfirmedError
	switch {
	case err == nil:
		s.settleSteps(ctx, nil)
		s.lookAtLast(context.WithoutCancel(ctx)) // it is kept: how it is now is worth a moment, whatever was called off
	case errors.As(err, &kept):
		s.settleSteps(ctx, nil)
		s.end(Failed, err)
	case errors.As(err, &reverted):
		s.settleSteps(ctx, reverted)
		s.end(Failed, fmt.Errorf("it was proved, but not confirmed in time: %w", err))
	case errors.Is(err, host.ErrLost):
		s.settleSteps(ctx, err)
		s.end(Unknown, err)
	default:
		s.revert(ctx, fmt.Errorf("confirming: %w", err))
	}
}

// revert undoes the stage, whatever has become of the run, and says of each item what is in force now: nothing of it, which the
// host proved, or nobody knows.
func (s *joint) revert(ctx context.Context, cause error) {
	err := s.host.Revert(context.WithoutCancel(ctx))
	var reverted *host.RevertedError
	switch {
	case err == nil: // it was never in force
		s.settleSteps(ctx, &host.RevertedError{Host: s.host.Name()})
		state := failure(cause)
		if state == Unknown { // why it was not done may be lost; that nothing of it is in force is not
			state = Failed
		}
		s.end(state, fmt.Errorf("nothing of it is in force: %w", cause))
	case errors.As(err, &reverted) && reverted.Failed == 0:
		s.settleSteps(ctx, reverted)
		s.end(Failed, errors.Join(reverted, cause)) // a line each: what has become of it comes first
	default:
		s.settleSteps(ctx, fmt.Errorf("%w: %v", host.ErrLost, err)) // not %w: a revert that went wrong proves nothing
		s.end(Unknown, fmt.Errorf("%w; whether it is in force is not known: %w", cause, err))
	}
}

// end says what became of the items that the stage was to change.
func (s *joint) end(state State, err error) {
	s.host.Forget()
	for i := range s.outs {
		o := &s.outs[i]
		if !s.before[i].Pending() {
			continue
		}
		if own := o.State; own != Stale && own != Blocked {
			o.State, o.Err, o.Reason = state, err, ""
		}
		if o.State == NotReached {
			o.Reason, o.Err = err.Error(), nil
		}
		s.saw(o)
	}
}

// asides writes down and shows what the host does by itself.
func (a *applying) asides(o Outcome) host.Asides {
	return func(ctx context.Context, aside host.Aside, do func(context.Context) (string, error)) error {
		a.doing(o, aside.What, aside.Until)
		tried := false
		err := a.recorded(ctx, o, aside.What, func(ctx context.Context) (string, error) {
			tried = true
			return do(ctx)
		})
		if tried || !aside.Owed {
			return err
		}
		_, doErr := do(ctx)
		return errors.Join(doErr, err)
	}
}

// settleSteps writes down what became of the steps that the host had only staged.
func (s *joint) settleSteps(ctx context.Context, err error) {
	for _, id := range s.begun {
		_ = s.record.Settle(context.WithoutCancel(ctx), id, ResultOf(err)) // without it the journal says that nobody knows: true, if less
	}
	s.begun = nil
}
