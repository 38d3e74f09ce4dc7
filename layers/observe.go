package layers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// Observe asks a host everything about the stages' items at once and judges what it heard. All stages must be of this
// host. It writes nothing.
func Observe(ctx context.Context, h host.Reader, stages []*Stage, opts Options) HostReport {
	rep := HostReport{Host: h.Name()}
	places := opts.chosen(stages)
	rep.Outcomes = make([]Outcome, len(places))
	var identityErr, holdsErr error
	var all sync.WaitGroup
	all.Go(func() { rep.Identity, identityErr = Identify(ctx, h) })
	all.Go(func() { rep.Holds, holdsErr = ReadHolds(ctx, h) })
	probe, stop := probing(ctx, h)
	defer stop()
	for i, p := range places {
		if p.item.From != "" { // its host has an answer's limit of its own, after it is up
			all.Go(func() { rep.Outcomes[i] = observeOne(ctx, h, opts.others, p.stage, p.item) })
			continue
		}
		all.Go(func() { rep.Outcomes[i] = look(probe, h, p.stage, p.item) })
	}
	all.Wait()
	if rep.Err = gone(lost(rep.Outcomes), identityErr, holdsErr); rep.Err != nil {
		rep.Err, rep.Outcomes = once(rep.Err), nil
		return rep
	}
	judge(&rep, opts)
	return rep
}

// errNoAnswer is the end of an observation that took too long.
func errNoAnswer(limit time.Duration) error {
	return fmt.Errorf("no answer in %s: %w", limit, context.DeadlineExceeded)
}

// place is an item in its stage.
type place struct {
	stage *Stage
	item  Item
}

// probing is a context that ends an answer's limit after the host is up: what hangs, as dead storage does, must not hold a plan up,
// but while an operator types a password, no answer is late.
func probing(ctx context.Context, h host.Reader) (context.Context, context.CancelFunc) {
	limit := host.AnswerLimit(h)
	return Within(ctx, h, limit, errNoAnswer(limit))
}

// Within is a context that ends, with the error late, so long after the host is up.
func Within(ctx context.Context, h host.Reader, limit time.Duration, late error) (context.Context, context.CancelFunc) {
	up := host.Up(h)
	select {
	case <-up:
		return context.WithTimeoutCause(ctx, limit, late)
	default:
	}
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-up:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(limit):
			cancel(late)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// observeOne is one resource's Plan within an answer's limit, on the host that the item names with from where it names one.
func observeOne(ctx context.Context, h host.Reader, others *others, st *Stage, it Item) Outcome {
	if it.From == "" {
		ctx, stop := probing(ctx, h)
		defer stop()
		return look(ctx, h, st, it)
	}
	other, err := others.get(ctx, it.From)
	if err != nil {
		return Outcome{Stage: st, Item: it, State: Unknown, Err: ofOther(it.From, err)}
	}
	ctx, stop := probing(ctx, other)
	defer stop()
	o := look(ctx, other, st, it)
	if o.Err != nil {
		o.Err = ofOther(it.From, o.Err)
	}
	return o
}

// look is one resource's Plan.
func look(ctx context.Context, h host.Reader, st *Stage, it Item) Outcome {
	began := time.Now()
	o := Outcome{Stage: st, Item: it}
	o.Change, o.Err = it.Resource.Plan(ctx, h)
	o.Took = time.Since(began)
	switch {
	case o.Err != nil:
		o.State, o.Change.Steps, o.Change.Diffs, o.Change.Destroys = Unknown, nil, nil, nil
	case o.Change.InSync():
		o.State = InSync
	default:
		o.State = Drifted
	}
	if what, _ := modules.CutsOff(o.Change.Steps); o.Change.Cuts == "" {
		o.Change.Cuts = strings.Join(what, ", ")
	}
	if it.Invariant {
		o.Change.Steps, o.Change.Destroys, o.Change.Cuts = nil, nil, "" // checked, never repaired
	}
	return o
}

// once keeps of many questions that all failed for one host's absence the reason alone: each of them says it again.
func once(err error) error {
	if !errors.Is(err, host.ErrUnreachable) {
		return err
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != host.ErrUnreachable {
			return once(inner)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			if inner == host.ErrUnreachable { // this one says of which host, and why
				return err
			}
			if errors.Is(inner, host.ErrUnreachable) {
				return once(inner)
			}
		}
	}
	return err
}

// lost tells whether the host went away in the middle: then nothing that was heard is a report.
func lost(outcomes []Outcome) error {
	for _, o := range outcomes {
		if errors.Is(o.Err, host.ErrUnreachable) {
			return o.Err
		}
	}
	return nil
}

// gone joins errors, but says of a host that cannot be reached only once that it cannot.
func gone(errs ...error) error {
	for _, err := range errs {
		if errors.Is(err, host.ErrUnreachable) {
			return err
		}
	}
	return errors.Join(errs...)
}
