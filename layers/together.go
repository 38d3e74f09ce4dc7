package layers

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// together does a stage on a host that stages: all steps, one Commit, all proofs, then Confirm; or Revert as soon as
// anything is not as wanted. Nothing stays in force that was not proved.
func (a *applying) together(ctx context.Context, outs []Outcome) {
	if !slices.ContainsFunc(outs, Outcome.Pending) {
		return
	}
	if stop := slices.IndexFunc(outs, func(o Outcome) bool { return !o.Item.Invariant && (o.State == Blocked || o.State == Unknown) }); stop >= 0 {
		a.abandon(outs, fmt.Sprintf("the stage is done as one, and %s is %s", outs[stop].Item.Address, outs[stop].State))
		return
	}
	first := slices.IndexFunc(outs, Outcome.Pending)
	if !a.admitted(ctx, &outs[first]) {
		a.abandon(outs, outs[first].Reason)
		return
	}
	now := observeAll(ctx, a.host, outs)
	for i := range outs {
		if outs[i].Pending() {
			a.admit(&outs[i], now[i])
		}
	}
	if err := a.stageAll(ctx, outs); err != nil {
		a.revert(ctx, outs, err)
		return
	}
	a.confirm(ctx, outs)
}

// stageAll stages every step, one after the other, and commits.
func (a *applying) stageAll(ctx context.Context, outs []Outcome) error {
	for i := range outs {
		o := &outs[i]
		if o.State == Stale {
			return fmt.Errorf("%w: %s: %s", ErrStale, o.Item.Address, o.Reason)
		}
		if !o.Pending() {
			continue
		}
		a.steps(ctx, o)
		if o.State != Drifted {
			return errors.Join(o.Err, fmt.Errorf("%s is %s", o.Item.Address, o.State))
		}
	}
	a.did = true
	if err := a.host.Commit(ctx); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

// confirm keeps the stage if every item and invariant is proved.
func (a *applying) confirm(ctx context.Context, outs []Outcome) {
	touched := slices.Clone(outs)
	a.prove(ctx, outs)
	for i := range outs {
		if outs[i].Item.Invariant {
			a.judgeAgain(ctx, &outs[i])
		}
		if s := outs[i].State; s != InSync && s != Changed && s != Held {
			err := outs[i].Err
			if err == nil {
				err = errors.New(outs[i].Reason)
			}
			copyPending(outs, touched, i)
			a.revert(ctx, outs, fmt.Errorf("%s: %w", outs[i].Item.Address, err))
			return
		}
	}
	if err := a.host.Confirm(ctx); err != nil {
		a.revert(ctx, outs, fmt.Errorf("confirming: %w", err))
	}
}

// copyPending makes what was changed (but will be reverted) pending again, but for the item that failed.
func copyPending(outs, before []Outcome, failed int) {
	for i := range outs {
		if i != failed && outs[i].State == Changed {
			outs[i] = before[i]
		}
	}
}

// revert undoes the stage and says of each item why.
func (a *applying) revert(ctx context.Context, outs []Outcome, cause error) {
	reason := "reverted: " + cause.Error()
	if err := a.host.Revert(context.WithoutCancel(ctx)); err != nil {
		reason = fmt.Sprintf("%v; the revert failed too (the host undoes an unconfirmed change by itself): %v", cause, err)
	}
	for i := range outs {
		if outs[i].State == Changed || outs[i].Pending() {
			outs[i].State, outs[i].Reason = Failed, reason
			outs[i].Err = errors.New(reason)
		}
		a.saw(&outs[i])
	}
}

func (a *applying) abandon(outs []Outcome, reason string) {
	for i := range outs {
		notReached(&outs[i], reason)
	}
}
