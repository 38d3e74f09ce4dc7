package layers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bisc/internal/host"
)

// act does one step with its intent recorded before and its result after.
func (a *applying) act(ctx context.Context, o Outcome, step host.Step) error {
	in := Intent{Host: a.host.Name(), Address: o.Item.Address, Step: step.String(), Digest: host.Digest(a.Key, step),
		Destroys: o.Change.Destroys, At: time.Now()}
	id, err := a.record.Intend(ctx, in)
	if err != nil {
		return fmt.Errorf("nothing was done: the intent could not be recorded: %w", err)
	}
	known := host.Record{ID: id, Address: o.Item.Address, Step: in.Step, Digest: in.Digest}
	stepErr := a.host.Do(host.WithRecord(host.WithAddress(ctx, o.Item.Address), known), step)
	if stepErr == nil && a.host.Stages() { // what becomes of it is known when the stage is confirmed or reverted
		a.begun = append(a.begun, id)
		return nil
	}
	// The result is recorded although the run was called off in the meantime.
	recErr := a.record.Settle(context.WithoutCancel(ctx), id, ResultOf(stepErr))
	if recErr != nil {
		recErr = fmt.Errorf("the step's result could not be recorded: %w", recErr)
	}
	if stepErr != nil {
		stepErr = fmt.Errorf("%s: %w", firstLine(step.String()), stepErr)
	}
	return errors.Join(stepErr, recErr)
}

// ResultOf says what became of a step from the error of its Do.
func ResultOf(err error) Result {
	r := Result{State: Done, At: time.Now()}
	if err == nil {
		return r
	}
	r.Err = err.Error()
	var guard *host.GuardError
	var exit *host.ExitError
	var reverted *host.RevertedError
	switch {
	case errors.As(err, &reverted):
		r.State = NotDone
	case errors.Is(err, host.ErrLost): // also where the reason for the loss is an unreachable host
		r.State = UnknownResult
	case errors.As(err, &guard), errors.Is(err, host.ErrFenced), errors.Is(err, host.ErrChanged), errors.Is(err, host.ErrUnrecorded), errors.Is(err, host.ErrUnreachable), errors.Is(err, host.ErrNoProgram):
		r.State = NotDone
	case errors.As(err, &exit) && !exit.Stuck:
		r.State = FailedStep
	default:
		r.State = UnknownResult
	}
	return r
}

func firstLine(s string) string {
	for i := range s {
		if s[i] == '\n' {
			return s[:i]
		}
	}
	return s
}
