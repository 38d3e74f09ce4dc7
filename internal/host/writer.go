package host

import "context"

// Writer is a Reader that may also change the host. It holds the host's lock until Close.
type Writer interface {
	Reader
	// Do acts, or stages the act where the host stages. The error is *GuardError, *ExitError, ErrLost, ErrFenced or
	// ErrChanged where those fit.
	Do(ctx context.Context, s Step) error
	// Stages tells whether Do only stages: then Commit, Confirm and Revert mean something.
	Stages() bool
	// Commit puts what is staged in force, provisionally where the host can.
	Commit(ctx context.Context) error
	// Confirm keeps what Commit put in force.
	Confirm(ctx context.Context) error
	// Revert undoes what is not confirmed.
	Revert(ctx context.Context) error
	// Close gives the lock back and ends the connection. What is not confirmed is reverted by the host.
	Close() error
}
