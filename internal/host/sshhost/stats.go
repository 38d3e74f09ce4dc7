package sshhost

import (
	"sync"
	"time"
)

// Stats is what one connection has cost so far. A jump host's own turns and bytes are not in it.
type Stats struct {
	// Turns counts each time that the client sent after the server had: the unit in which the network costs.
	Turns         int
	Sent, Got     int64 // bytes on the wire, encryption included
	Execs         int   // programs that sshd was asked to start: 1, or more without Perl
	Waves         int   // joint writes of requests
	Requests      int   // questions and steps sent
	Joined        int   // questions that shared another's answer
	Dial          time.Duration
	Handshake     time.Duration // key exchange and login
	Start         time.Duration // from the channel's start to its first word: login shell, sudo, Perl
	Logins        int           // 1, and one more where the connection was lost
	PerlMissing   bool
	PasswordAsked bool
}

type counters struct {
	mu sync.Mutex
	s  Stats
}

func (c *counters) add(f func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.s)
}

func (c *counters) get() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.s
}
