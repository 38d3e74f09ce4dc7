package host

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Sentinels that callers branch on.
var (
	// ErrUnreachable: no connection to the host could be made, or it is gone and was not in the middle of a step.
	ErrUnreachable = errors.New("host not reachable")
	// ErrStuck: this one question was abandoned after its limit; the host answers others.
	ErrStuck = errors.New("probe stuck")
	// ErrNoProgram: the program asked for is not on the host.
	ErrNoProgram = errors.New("no such program on the host (install it, or put it where root's PATH finds it)")
	// ErrNotReadOnly: a Query outside the read-only list; a fault in bisc, not in the host.
	ErrNotReadOnly = errors.New("not on the read-only list")
	// ErrNoProbes: --no-probes was given.
	ErrNoProbes = errors.New("probes are switched off (--no-probes)")
	// ErrLost: the connection ended while a step ran: whether it took effect is not known.
	ErrLost = errors.New("connection lost during a step: it may or may not have taken effect")
	// ErrAnother: the connection was lost, and what answers now is another machine, or another boot of it.
	ErrAnother = errors.New("what answers now is not what was looked at")
	// ErrFenced: another run took the host's lock over; nothing was done.
	ErrFenced = errors.New("this run no longer holds the host's lock")
	// ErrChanged: a file is no longer what it was when the step was planned; nothing was done.
	ErrChanged = errors.New("the file has changed since it was read")
)

// ExitError is a step's program that ran and failed.
type ExitError struct {
	Argv   []string
	Exit   int
	Stderr []byte // whole
	Stuck  bool   // ended by its limit
}

// Error gives the program, its status, and the first and the last line it wrote: some tell what is wrong first and how they
// are used after that, others say last why they gave up.
func (e *ExitError) Error() string {
	name := "step"
	if len(e.Argv) > 0 {
		name = e.Argv[0]
	}
	if e.Stuck {
		return fmt.Sprintf("%s did not end within its limit", name)
	}
	return fmt.Sprintf("%s: exit status %d%s", name, e.Exit, tail(e.Stderr))
}

func tail(stderr []byte) string {
	lines := slices.DeleteFunc(strings.Split(string(stderr), "\n"), func(l string) bool { return strings.TrimSpace(l) == "" })
	if len(lines) == 0 {
		return ""
	}
	first, last := bounded(lines[0]), bounded(lines[len(lines)-1])
	if first == last {
		return ": " + first
	}
	return ": " + first + " … " + last
}

// bounded is a line without the blanks around it, cut after 200 characters.
func bounded(line string) string {
	line = strings.TrimSpace(line)
	left := 200
	for i := range line {
		if left == 0 {
			return line[:i] + "…"
		}
		left--
	}
	return line
}

// GuardError is a step that was not done because a guard in its script did not hold, or could not tell.
type GuardError struct {
	Guard   string
	Reason  string
	Unknown bool // the guard could not be evaluated, which refuses too
}

// Error names the guard and what it saw.
func (e *GuardError) Error() string {
	if e.Unknown {
		return fmt.Sprintf("guard %q could not tell (so nothing was done): %s", e.Guard, e.Reason)
	}
	return fmt.Sprintf("guard %q refused: %s", e.Guard, e.Reason)
}

// LockedError is a host that another run of bisc holds.
type LockedError struct {
	Host string
	Lock Lock
}

// Lock is who holds a host, as its lock file tells.
type Lock struct {
	Owner string    `json:"owner"` // user@machine of the controller
	Run   string    `json:"run"`
	Since time.Time `json:"since"`
	Token uint64    `json:"token"` // the fencing token: grows by one with each holder
}

// Error tells owner, run and age. They are not known for the moment in which the other run writes them down.
func (e *LockedError) Error() string {
	if e.Lock.Since.IsZero() {
		return fmt.Sprintf("%s is locked by another run that is not yet known: bisc who %s tells in a moment", e.Host, e.Host)
	}
	return fmt.Sprintf("%s is locked by %s (run %s, for %s): wait for it to end, or ask its owner; the lock goes by itself within 20s of its controller's death",
		e.Host, e.Lock.Owner, e.Lock.Run, time.Since(e.Lock.Since).Round(time.Second))
}
