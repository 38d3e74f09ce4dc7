package layers

import (
	"context"
	"time"
)

// Recorder keeps evidence. Intend must be durable before it returns: an act that cannot be recorded is not done.
type Recorder interface {
	Intend(ctx context.Context, in Intent) (id int64, err error)
	Settle(ctx context.Context, id int64, result Result) error
}

// Intent is a step that is about to be done.
type Intent struct {
	Host, Address string
	Step          string // as a person reads it, never content
	Digest        string // host.Digest of the step
	Destroys      []string
	At            time.Time
}

// Result is what became of a step.
type Result struct {
	State ResultState
	Err   string
	At    time.Time
}

// ResultState is done, not done, or not known.
type ResultState string

// What may have become of a step.
const (
	Done          ResultState = "done"
	NotDone       ResultState = "not done" // a guard refused, or nothing was sent
	FailedStep    ResultState = "failed"   // it ran and failed; parts of it may have happened
	UnknownResult ResultState = "unknown"  // the connection ended while it ran
)

// NoRecord keeps nothing: for reading verbs and tests.
type NoRecord struct{}

// Intend does nothing.
func (NoRecord) Intend(context.Context, Intent) (int64, error) { return 0, nil }

// Settle does nothing.
func (NoRecord) Settle(context.Context, int64, Result) error { return nil }
