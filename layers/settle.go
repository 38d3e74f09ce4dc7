package layers

import (
	"context"
	"fmt"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

const (
	firstPause = 50 * time.Millisecond
	mostPause  = time.Second
	// mostAwaited is the longest pause where the resource itself waits on the host for what takes long: what is left then is short.
	mostAwaited = 200 * time.Millisecond
)

// settle observes an item until nothing mendable differs or the limit is over. It looks at least once.
func (a *applying) settle(ctx context.Context, o Outcome, limit time.Duration) Outcome {
	until, most := time.Now().Add(limit), mostPause
	awaiter, awaits := o.Item.Resource.(modules.Awaiter)
	if awaits = awaits && o.Item.From == ""; awaits {
		most = mostAwaited
	}
	for pause := firstPause; ; pause = min(2*pause, most) {
		a.host.Forget()
		a.others.forget()
		seen := observeOne(ctx, a.host, a.others, o.Stage, o.Item)
		if seen.State == InSync || seen.Change.Ended != "" || seen.State == Drifted && !seen.Change.Mendable() && !o.Item.Invariant || !time.Now().Add(pause).Before(until) {
			return seen
		}
		a.doing(o, fmt.Sprintf("waiting for %s", waitedFor(seen)), until)
		rest := pause
		if awaits && awaiter.Await(ctx, a.host, min(mostPause, time.Until(until))) {
			rest, pause = 0, firstPause
		}
		select {
		case <-time.After(rest):
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
