// Package host says what may be asked of a host, and which steps may change one.
//
// It knows no transport: sshhost dials, hosttest fakes, and everything above this package holds one of the two
// interfaces here. A Reader cannot write: its Query runs only what readonly.go lists.
package host

import (
	"context"
	"fmt"
	"time"
)

// Platform is what a host runs. It is a mask, so that a kind may name several.
type Platform uint8

// The platforms of the inventory.
const (
	Linux Platform = 1 << iota
	EOS
)

// String gives the word used in the inventory: linux or eos.
func (p Platform) String() string {
	switch p {
	case Linux:
		return "linux"
	case EOS:
		return "eos"
	case Linux | EOS:
		return "linux or eos"
	}
	return fmt.Sprintf("platform(%d)", uint8(p))
}

// Reader asks a host and cannot change it.
//
// Every method returns an error only when there is no answer (host lost, deadline, no such program): a program that
// exits non-zero has answered, and a file that is not there is fs.ErrNotExist. ErrStuck means that the host did not
// answer within the question's limit while it answered others.
type Reader interface {
	// Name is the host's name in the inventory.
	Name() string
	// Query runs a program of the read-only list with exactly these arguments; no shell sees them.
	Query(ctx context.Context, argv ...string) (Output, error)
	// ReadFile returns a whole file. It follows symbolic links. The limit is 64 MiB.
	ReadFile(ctx context.Context, name string) ([]byte, error)
	// Stat describes what stands at a path; see Stat for links.
	Stat(ctx context.Context, name string) (Stat, error)
	// Glob lists the paths that match a shell pattern (*, ?, [..]), sorted; none is not an error.
	Glob(ctx context.Context, pattern string) ([]string, error)
	// Get asks for a page over HTTP, dialled on the host itself: one of Pages, of an address of its own or a socket of
	// PageSockets. Whatever the page's status, it is an answer; ErrNotListening says that nobody listens there. The limits
	// are MaxPage and 10 seconds. Two answers to compare need Anew.
	Get(ctx context.Context, at Endpoint, page string) (Response, error)
	// Show asks a switch one of its show commands (see ReadShow) and gives what it prints, JSON where the command ends in
	// " | json". *ShowError is the switch's refusal, ErrNoSwitch that of a host that is none.
	Show(ctx context.Context, command string) ([]byte, error)
	// Kube asks the API server of a kubeconfig on the host, dialled there: the object or the list as JSON. ErrNoObject,
	// ErrNoAPI, ErrForwarding or *KubeError where those fit.
	Kube(ctx context.Context, q KubeQuery) ([]byte, error)
	// Docker asks the host's docker daemon, in its own API's JSON. fs.ErrNotExist: there is no such container or image;
	// ErrNotListening: no daemon answers.
	Docker(ctx context.Context, q DockerQuery) ([]byte, error)
	// RPC asks a JSON-RPC server, dialled on the host: its result. *RPCError is its own no; ErrNotListening: nobody is there.
	// Two answers to compare need Anew.
	RPC(ctx context.Context, q RPCQuery) ([]byte, error)
	// Probe runs any program: the one exception to read-only, for the unless of a command. ErrNoProbes when the
	// operator forbade it.
	Probe(ctx context.Context, argv ...string) (Output, error)
}

// Up is closed once the host answers, where its transport tells (a method Up); else it is closed from the start. What
// comes before that, a password that an operator types, is no question's time.
func Up(r Reader) <-chan struct{} {
	if u, ok := r.(interface{ Up() <-chan struct{} }); ok {
		return u.Up()
	}
	up := make(chan struct{})
	close(up)
	return up
}

// AnswerLimit is how long a question to the host may take before its answer counts as unknown: as its transport was told (a method
// AnswerLimit), else DefaultAnswer.
func AnswerLimit(r Reader) time.Duration {
	if l, ok := r.(interface{ AnswerLimit() time.Duration }); ok {
		return l.AnswerLimit()
	}
	return DefaultAnswer
}

// DefaultAnswer is how long a question may take where nobody says.
const DefaultAnswer = 30 * time.Second

// Output is a program's answer. Exit is its status; 128+n when signal n ended it.
type Output struct {
	Stdout, Stderr []byte
	Exit           int
}
