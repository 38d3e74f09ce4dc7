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

// proveAfresh observes, over a connection made after the commit, all that the stage changed, what of the stage was in sync before it,
// and its invariants, until the host agrees. A host that cannot be reached any more is tried again until the proof is overdue: the change may have moved
// the way to it.
func (s *joint) proveAfresh(ctx context.Context) error {
	until := time.Now().Add(max(s.within(), s.settleLimit()))
	first := s.firstPending()
	s.doing(*first, "proving it over a new connection", until)
	return s.recorded(ctx, *first, "prove it over a new connection", saying(func(ctx context.Context) error {
		ctx, cancel := context.WithDeadlineCause(ctx, until, errOverdue)
		defer cancel()
		for why := error(nil); ; {
			err := s.lookOver(ctx)
			if !errors.Is(err, host.ErrUnreachable) {
				return err
			}
			if why == nil || ctx.Err() == nil { // what the deadline broke off tells nothing
				why = err
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%w: %w", context.Cause(ctx), why)
			case <-s.Stop:
				return ErrStopped
			case <-time.After(500 * time.Millisecond):
			}
		}
	}))
}

// lookOver makes a connection, sees that it leads to the same host, and observes until everything is proved. Its error is
// host.ErrUnreachable where the connection went.
func (s *joint) lookOver(ctx context.Context) error {
	fresh, err := s.host.Afresh(ctx)
	if err != nil {
		return err
	}
	now, err := Identify(ctx, fresh)
	if err != nil {
		return err
	}
	if err := s.identity.same(s.host.Name(), now); err != nil {
		return err
	}
	memo := host.NewMemo(fresh)
	memo.NoProbes = s.NoProbes
	until := time.Now().Add(s.settleLimit())
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		memo.Forget()
		err := s.proved(ctx, memo)
		if err == nil || errors.Is(err, host.ErrUnreachable) || ctx.Err() != nil || !time.Now().Add(pause).Before(until) {
			return err
		}
		s.doing(*s.firstPending(), "waiting over the new connection: "+err.Error(), until)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		case <-s.Stop:
			return ErrStopped
		}
	}
}

// proved looks once at all that has to be as wanted before anything is kept.
func (s *joint) proved(ctx context.Context, h host.Reader) error {
	var asked []Outcome
	var bystander []bool
	for i, o := range s.outs {
		if s.before[i].Pending() || o.Item.Invariant && o.State != Held || s.bystander(i) {
			asked, bystander = append(asked, o), append(bystander, s.bystander(i))
		}
	}
	for i, seen := range observeAll(ctx, h, s.others, asked) {
		change := inForce(seen.Change)
		switch {
		case seen.Err != nil:
			return fmt.Errorf("%s: the result could not be observed: %w", seen.Item.Address, seen.Err)
		case bystander[i] && !change.InSync():
			return fmt.Errorf("%s was in sync, and what was committed has broken it: %s", seen.Item.Address, firstDiff(change))
		case seen.Item.Invariant && !change.InSync():
			return fmt.Errorf("%s does not hold: %s", seen.Item.Address, firstDiff(change))
		case change.Mendable():
			return fmt.Errorf("%s: the host does not agree: %s", seen.Item.Address, diffText(change))
		}
	}
	return nil
}

// bystander tells whether an item was in sync, with nothing left over, when the stage was admitted: a stage that breaks it is not kept.
func (s *joint) bystander(i int) bool {
	o := s.before[i]
	return o.State == InSync && len(o.Left) == 0 && !o.Item.Invariant
}

// inForce is a change without what is persisted with the confirmation: what a provisional change would be after a boot is not
// what is proved of it.
func inForce(c modules.Change) modules.Change {
	var now []modules.Diff
	for _, d := range c.Diffs {
		if !d.Boot {
			now = append(now, d)
		}
	}
	c.Diffs = now
	return c
}

// firstDiff is the first that stands against an invariant, or against what was in sync.
func firstDiff(c modules.Change) string {
	d := c.Diffs[0]
	return fmt.Sprintf("%s is %s, want %s", d.Attr, show(d.Got), show(d.Want))
}

// lookAtLast observes what was confirmed until the host agrees, now and after a boot. The connection that the plan was read over may
// have gone meanwhile, which says nothing of the host.
func (s *joint) lookAtLast(ctx context.Context) {
	asked := slices.Clone(s.outs)
	s.prove(ctx, s.outs)
	for i := range s.outs {
		o := &s.outs[i]
		if o.Item.Invariant {
			s.judgeAgain(ctx, o)
		}
		if s.before[i].Pending() && o.State == Unknown && errors.Is(o.Err, host.ErrUnreachable) {
			s.lookAnew(ctx, o, asked[i])
		}
	}
}

// lookAnew observes one item over one more connection.
func (s *joint) lookAnew(ctx context.Context, o *Outcome, asked Outcome) {
	fresh, err := s.host.Afresh(ctx)
	if err != nil {
		return // it stays unknown, and says why
	}
	conclude(o, settleOn(ctx, host.NewMemo(fresh), asked, asked.Change.Settle))
	if o.State == Changed {
		o.Err = nil
	}
	s.saw(o)
}

// settleLimit is the longest that one of the stage's items is given.
func (s *joint) settleLimit() time.Duration {
	limit := time.Duration(0)
	for i, o := range s.before {
		switch {
		case o.Pending():
			limit = max(limit, o.Change.Settle)
		case o.Item.Invariant, s.bystander(i):
			limit = max(limit, invariantSettle)
		}
	}
	return limit
}

func (s *joint) firstPending() *Outcome {
	for i := range s.before {
		if s.before[i].Pending() {
			return &s.before[i]
		}
	}
	return &s.before[0]
}
