package layers

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// MaxRounds bounds a climb: a plan whose changes keep causing changes is wrong.
const MaxRounds = 12

// Climb is rounds of observe, approve, apply, until nothing is left to do, nothing helps, or nobody approves.
type Climb struct {
	Stages []*Stage
	Hosts  Hosts
	Acting Acting
	// Approve is shown each round before it is done.
	Approve func(round int, rep Report) (bool, error)
	// Did is shown each round after it was done.
	Did func(round int, rep Report)
	// Rounds bounds the climb; zero means MaxRounds.
	Rounds int
}

// ErrNotApproved ends a climb at a round that the operator did not want.
var ErrNotApproved = errors.New("not approved")

// ErrConsent: a round destroys something, and nobody said so in person.
var ErrConsent = errors.New("a round that destroys something is not approved by itself")

// Run climbs and gives the last round: what was done in it, or, where nothing was left to do, what was observed.
func (c Climb) Run(ctx context.Context) (Report, error) {
	limit := c.Rounds
	if limit == 0 {
		limit = MaxRounds
	}
	for round := 1; ; round++ {
		rep := ObserveAll(ctx, c.Stages, c.Hosts, c.Acting.Options)
		if rep.Pending() == 0 || round > limit {
			return rep, nil
		}
		if rep.Acts() { // to wait for what is under way takes nobody's word
			if ok, err := c.Approve(round, rep); err != nil || !ok {
				return rep, notApproved(err)
			}
		}
		done := ApplyAll(ctx, rep, c.Hosts, c.Acting)
		if c.Did != nil {
			c.Did(round, done)
		}
		if !done.GoesOn() || c.stopped() {
			return done, nil
		}
	}
}

func (c Climb) stopped() bool {
	select {
	case <-c.Acting.Stop:
		return true
	default:
		return false
	}
}

// GoesOn tells whether another round makes sense: this one changed something, and nothing in it failed.
func (r Report) GoesOn() bool {
	failed := func(o Outcome) bool { return o.State == Failed || o.State == Stale }
	changed := func(o Outcome) bool { return o.State == Changed }
	for _, h := range r {
		if h.Err != nil {
			return false
		}
	}
	return !slices.ContainsFunc(r.Outcomes(), failed) && slices.ContainsFunc(r.Outcomes(), changed)
}

// notApproved is ErrNotApproved, with the reason where there is one.
func notApproved(reason error) error {
	if reason == nil {
		return ErrNotApproved
	}
	return fmt.Errorf("%w: %w", ErrNotApproved, reason)
}
