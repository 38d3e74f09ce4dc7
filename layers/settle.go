package layers

import (
	"context"
	"fmt"
	"time"

	"bisc/internal/host"
)

// settle observes an item until nothing mendable differs or the limit is over. It looks at least once.
func (a *applying) settle(ctx context.Context, o Outcome, limit time.Duration) Outcome {
	until := time.Now().Add(limit)
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		a.host.Forget()
		a.others.forget()
		seen := observeOne(ctx, a.host, a.others, o.Stage, o.Item)
		if seen.State == InSync || seen.State == Drifted && !seen.Change.Mendable() && !o.Item.Invariant || !time.Now().Add(pause).Before(until) {
			return seen
		}
		a.doing(o, fmt.Sprintf("waiting for %s", waitedFor(seen)), until)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			seen.State, seen.Err = Unknown, ctx.Err()
			return seen
		case <-a.Stop:
			return seen
		}
	}
}

func waitedFor(o Outcome) string {
	if o.Err != nil {
		return "an answer: " + o.Err.Error()
	}
	return diffText(o.Change)
}

// observeAll looks at items at once: at those of other hosts anew each time, for nothing tells here what has changed there.
func observeAll(ctx context.Context, h host.Reader, others *others, outs []Outcome) []Outcome {
	others.forget()
	seen := make([]Outcome, len(outs))
	ask := make([]func(context.Context) error, len(outs))
	for i, o := range outs {
		ask[i] = func(ctx context.Context) error { seen[i] = observeOne(ctx, h, others, o.Stage, o.Item); return nil }
	}
	_ = host.Ask(ctx, ask...) // the outcomes carry their own errors
	return seen
}
