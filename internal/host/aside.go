package host

import (
	"context"
	"time"
)

// Aside is one thing that a transport does by itself within Commit, Confirm or Revert: none of the plan's steps, and just as much to
// be written down and shown.
type Aside struct {
	// What a person reads: "lock the configuration".
	What string
	// Until is when the wait for it gives up; zero where nothing is waited for.
	Until time.Time
	// Owed undoes or gives back: it is done even where it cannot be written down.
	Owed bool
}

// Asides does such a thing with its intent written down before and its result after. What do says beside its error is written
// down too.
type Asides func(ctx context.Context, aside Aside, do func(context.Context) (said string, err error)) error

type asidesKey struct{}

// WithAsides has what a transport does by itself under ctx go through asides.
func WithAsides(ctx context.Context, asides Asides) context.Context {
	return context.WithValue(ctx, asidesKey{}, asides)
}

// DoAside does it by the Asides of ctx, or plainly where there are none.
func DoAside(ctx context.Context, aside Aside, do func(context.Context) (said string, err error)) error {
	if asides, ok := ctx.Value(asidesKey{}).(Asides); ok {
		return asides(ctx, aside, do)
	}
	_, err := do(ctx)
	return err
}
