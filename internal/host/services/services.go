// Package services is what Kubernetes, docker and JSON-RPC have in common as a host reaches them: whatever dials on the host,
// and a limit that holds though a connection over SSH knows no deadlines.
package services

import (
	"context"
	"fmt"
	"net"
	"time"

	"bisc/internal/host"
)

// Limit is how long a question to a service may take, its connection included, where nobody says that its host is slow.
const Limit = 10 * time.Second

// Dial opens a connection from the host itself: "tcp" to ADDRESS:PORT, where a name is resolved on the host, or "unix" to the
// path of a socket. It returns when ctx ends. Errors wrap host.ErrNotListening, host.ErrForwarding, host.ErrUnreachable or
// fs.ErrPermission where those fit.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Within does f, and returns when f has, when ctx ends or when the limit is over, which is host.ErrStuck. It waits for nobody:
// a write to a stopped sshd blocks for as long as it stands still, whatever the context. f's ctx ends with it.
func Within[T any](ctx context.Context, limit time.Duration, what string, f func(context.Context) (T, error)) (T, error) {
	late := fmt.Errorf("%s: %w: no answer in %s", what, host.ErrStuck, limit)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, late)
	defer cancel()
	type answer struct {
		val T
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		val, err := f(ctx)
		answered <- answer{val, err}
	}()
	var none T
	select {
	case a := <-answered:
		if a.err != nil && ctx.Err() != nil { // the error is of what the end of ctx broke
			return none, context.Cause(ctx)
		}
		return a.val, a.err
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
}
