package sshhost

import (
	"net"
	"sync"

	"golang.org/x/crypto/ssh"
)

// Sessions is a way to start programs on a machine that needs no network connection. A session is an ssh.Channel that
// takes one request, "exec", answers it with the program's streams, and tells its exit status as sshd does; so all that
// is built on a connection works over it unchanged.
type Sessions interface {
	// Open gives a session. Its requests end after the program and its exit status.
	Open() (ssh.Channel, <-chan *ssh.Request, error)
	// Close ends every session: programs see the end of their input.
	Close() error
	// String says in messages where this leads.
	String() string
}

// without makes a connection of sessions that need none.
func without(cfg *Config) *connection {
	c := &connection{cfg: cfg, dead: make(chan struct{}), session: cfg.Sessions.Open}
	c.wire = newWire(&noNetwork{close: sync.OnceValue(func() error {
		close(c.dead)
		return cfg.Sessions.Close()
	})}, nil)
	return c
}

// noNetwork stands where a connection's bytes would be counted: there are none.
type noNetwork struct {
	net.Conn
	close func() error
}

// Close ends the sessions, once.
func (n *noNetwork) Close() error { return n.close() }
