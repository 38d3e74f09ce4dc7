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

// RoundRecorder is a Recorder that also keeps what a round was approved to do, before its first step: of a run that was
// cut it then tells what was not begun.
type RoundRecorder interface {
	Recorder
	Approved(ctx context.Context, host, by string, items []Approved) error
}

// Approved is an item of a round, with the steps that were approved.
type Approved struct {
	Address  string   `json:"address"`
	Steps    []string `json:"steps"`   // as a person reads them
	Digests  []string `json:"digests"` // host.Digest of each
	Destroys []string `json:"destroys,omitempty"`
}

// Intent is a step that is about to be done.
type Intent struct {
	Host, Address string
	Step          string // as a person reads it, never content
	Digest        string // host.Digest of the step
	Destroys      []string
	Aside         bool // no step: bisc's own doing around steps, which the host's record does not have
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
