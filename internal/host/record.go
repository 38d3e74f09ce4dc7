package host

import (
	"context"
	"errors"
)

// RunsLog is where a Linux host keeps its own record of the last runs: see package hostlog.
const RunsLog = "/var/lib/bisc/runs.log"

// Record is what a host writes down of a step before it begins it, beside what its transport knows (who, and with which
// key). The host also writes down how the step ended, whether or not the controller lives to hear it.
type Record struct {
	ID      int64  // the step's number in the controller's journal
	Address string // the resource
	Step    string // as a person reads it: never content
	Digest  string // Digest of the step
}

// ErrUnrecorded: the host could not write the step down, so it was not begun.
var ErrUnrecorded = errors.New("the host could not record the step, so it was not begun")

type recordKey struct{}

// WithRecord has the host write down the step that is done with this context.
func WithRecord(ctx context.Context, r Record) context.Context {
	return context.WithValue(ctx, recordKey{}, r)
}

// RecordOf is the record that WithRecord gave, if any.
func RecordOf(ctx context.Context) (r Record, ok bool) {
	r, ok = ctx.Value(recordKey{}).(Record)
	return r, ok
}
