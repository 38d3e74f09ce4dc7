package host

import "context"

// Writer is a Reader that may also change the host. It holds the host's lock until Close.
type Writer interface {
	Reader
	// Do acts, or stages the act where the host stages. The error is *GuardError, *ExitError, ErrLost, ErrFenced or
	// ErrChanged where those fit.
	Do(ctx context.Context, s Step) error
	// Stages tells whether Do only stages: then Commit puts what is staged in force, provisionally where the host can.
	Stages() bool
	// Commit puts what is staged in force, provisionally where the host can.
	Commit(ctx context.Context) error
	// Arm makes what is done until Confirm or Revert provisional on a host that does not stage: the host takes it back by
	// itself when u.Within is over, whatever has become of this connection, of bisc, or of the host's own power. The
	// switch is armed when Arm returns nil; else nothing was done.
	Arm(ctx context.Context, u Undo) error
	// Afresh gives the host over a connection of its own, made now: dial, login, sudo and all. Only what was read over such
	// a one proves that the host can still be reached. It lives until the next Afresh, Confirm or Revert.
	Afresh(ctx context.Context) (Reader, error)
	// Confirm keeps what is provisional: what Commit put in force, or what was done since Arm. The latter is said over
	// Afresh's connection. The error is *RevertedError where the host was faster, ErrLost where nobody knows yet.
	Confirm(ctx context.Context) error
	// Revert undoes what is not confirmed, and returns when the host has done it. After Arm the error is *RevertedError,
	// which says what the host did; any other means that it is not known.
	Revert(ctx context.Context) error
	// Close gives the lock back and ends the connection. What is not confirmed is reverted by the host.
	Close() error
}
