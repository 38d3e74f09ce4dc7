package sshhost

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"bisc/internal/host"
)

// Dialer is what Sessions may be able to do too: open a connection on the machine that they lead to. The errors are those of
// services.Dial.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// resolveLimit is how long the host may take to resolve a name.
const resolveLimit = 5 * time.Second

// dialFar opens a connection from the host itself: sshd's direct-tcpip or direct-streamlocal.
func (h *Host) dialFar(ctx context.Context, network, address string) (net.Conn, error) {
	conn := h.channel().conn
	if conn.client == nil {
		if d, ok := h.cfg.Sessions.(Dialer); ok {
			return d.DialContext(ctx, network, address)
		}
		return nil, host.ErrForwarding
	}
	if network == "unix" {
		return conn.forward(ctx, network, address)
	}
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addresses, err := h.resolve(ctx, name)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, a := range addresses {
		c, err := conn.forward(ctx, network, net.JoinHostPort(a, port))
		if err == nil {
			return c, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil || errors.Is(err, host.ErrForwarding) || errors.Is(err, host.ErrUnreachable) {
			break
		}
	}
	return nil, errors.Join(errs...)
}

// resolve has the host resolve a name, by a program. sshd would do it too, but while it waits for a name server it serves nobody on
// this connection: the lock's heartbeat stands still with it.
func (h *Host) resolve(ctx context.Context, name string) ([]string, error) {
	if _, err := netip.ParseAddr(name); err == nil {
		return []string{name}, nil
	}
	if err := plain(name); err != nil {
		return nil, err
	}
	a, err := h.ask(ctx, newRequest(opRun, resolveLimit, "getent", "ahosts", name))
	if err != nil {
		return nil, fmt.Errorf("resolve %s on the host: %w", name, err)
	}
	var found []string
	for line := range strings.Lines(string(a.out.Stdout)) {
		f := strings.Fields(line)
		if len(f) == 0 || slices.Contains(found, f[0]) {
			continue
		}
		if _, err := netip.ParseAddr(f[0]); err == nil && len(found) < 4 {
			found = append(found, f[0])
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("resolve %s on the host: no such name, or its name servers do not answer (getent: exit status %d)", name, a.out.Exit)
	}
	return found, nil
}

// forward opens one connection over this one.
func (c *connection) forward(ctx context.Context, network, address string) (net.Conn, error) {
	done := c.wire.hurry()
	far, err := c.client.DialContext(ctx, network, address)
	done()
	if err != nil {
		return nil, c.unforwarded(ctx, network, address, err)
	}
	return &forwarded{newBreakable(far), c.wire}, nil
}

// unforwarded says why. sshd gives a reason and, for addresses, the system's words; of a socket it says nothing but that it could
// not: that it is not there, that nobody listens, and that the login may not open it look the same.
func (c *connection) unforwarded(ctx context.Context, network, address string, err error) error {
	var no *ssh.OpenChannelError
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case !errors.As(err, &no):
		return unreachable(c.cfg, "dial %s there: %w", address, err)
	case no.Reason == ssh.Prohibited:
		return fmt.Errorf("%s: %w: its sshd lets %s dial nothing there: set AllowTcpForwarding to local or yes for this login, DisableForwarding to no, and PermitOpen to any or to %s, in sshd_config, and see that its authorized_keys has no \"restrict\" or \"no-port-forwarding\"",
			c.cfg.place(), host.ErrForwarding, c.cfg.user(), address)
	case network == "unix":
		return fmt.Errorf("dial %s on the host: %w: %s", address, fs.ErrPermission, no.Message)
	case strings.Contains(strings.ToLower(no.Message), "connection refused"):
		return fmt.Errorf("dial %s on the host: %w", address, host.ErrNotListening)
	}
	return fmt.Errorf("dial %s on the host: %s", address, no.Message)
}

// forwarded is a connection over another. What a client writes goes at once, but for the acknowledgements that HTTP/2 and TLS
// send beside the questions: nobody waits for them, and each would be a turn.
type forwarded struct {
	*breakable
	wire *wire
}

// acknowledgement is the most that a TLS record with one small HTTP/2 frame without headers takes (a ping: 5 + 17 + 17).
const acknowledgement = 40

// Write writes.
func (f *forwarded) Write(b []byte) (int, error) {
	n, err := f.breakable.Write(b)
	if err == nil && len(b) > acknowledgement {
		err = f.wire.flush()
	}
	return n, err
}
