package sshhost

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"bisc/internal/host"
)

// Options are those of a pool; the zero value is what the command uses.
type Options struct {
	// Dials is how many connections are being made at a time. 0: 8, below sshd's MaxStartups.
	Dials int
	// runDir and stateDir are the folders of the lock and of its token, for tests.
	runDir, stateDir string
	// pulse and startLimit are those of a Pool, for tests.
	pulse      pulse
	startLimit time.Duration
}

// Pool makes connections and shares those to jump hosts: one each and run.
type Pool struct {
	slots            chan struct{}
	runDir, stateDir string
	pulse            pulse
	startLimit       time.Duration // for login shell, sudo and Perl: sudo may have to ask a slow directory

	locked lockedKeys
	mu     sync.Mutex
	jumps  map[string]*jump
	hosts  map[string]*known
	closed bool
}

// known is what was found out about a host.
type known struct {
	asking   sync.Mutex
	asked    bool
	password string
	err      error
	perlless bool
}

// NewPool makes a pool. Close ends its jump hosts' connections.
func NewPool(opts Options) *Pool {
	p := &Pool{
		slots: make(chan struct{}, 8), jumps: map[string]*jump{}, hosts: map[string]*known{},
		runDir: "/run/bisc", stateDir: "/var/lib/bisc", pulse: pulse{every: 5 * time.Second, silence: 15 * time.Second, hold: 20 * time.Second},
		startLimit: 30 * time.Second,
	}
	if opts.Dials > 0 {
		p.slots = make(chan struct{}, opts.Dials)
	}
	if opts.pulse != (pulse{}) {
		p.pulse = opts.pulse
	}
	if opts.startLimit > 0 {
		p.startLimit = opts.startLimit
	}
	if opts.runDir != "" {
		p.runDir, p.stateDir = opts.runDir, opts.stateDir
	}
	return p
}

// Open connects to a host for reading. It does not wait for sudo and the agent: the first questions go in the same
// flight, and are answered with an error that wraps host.ErrUnreachable if the channel does not come up; Ready waits.
// Errors of network, host key and login come from Open, and wrap host.ErrUnreachable too.
func (p *Pool) Open(ctx context.Context, cfg Config) (*Host, error) {
	c := &cfg
	conn, err := p.connect(ctx, c)
	if err != nil {
		return nil, err
	}
	return newHost(p, conn), nil
}

// Conn is a connection that is used as it is, as for a switch, where there is no agent. Turns and bytes are counted on it.
type Conn struct{ conn *connection }

// Connect makes one, over the pool's jump hosts and with all that Open checks of keys. Errors wrap host.ErrUnreachable.
func (p *Pool) Connect(ctx context.Context, cfg Config) (*Conn, error) {
	conn, err := p.connect(ctx, &cfg)
	if err != nil {
		return nil, err
	}
	return &Conn{conn}, nil
}

// Client is the SSH connection: sessions, forwarded connections. Its Close is not to be used.
func (c *Conn) Client() *ssh.Client { return c.conn.client }

// HostKey is the fingerprint ("SHA256:...") of the key by which the host proved to be itself.
func (c *Conn) HostKey() string { return c.conn.hostKey }

// Session opens a session channel: one more stream on the same connection. The error wraps host.ErrUnreachable; where ctx ends
// first, the connection ends with it.
func (c *Conn) Session(ctx context.Context) (ssh.Channel, <-chan *ssh.Request, error) {
	type opened struct {
		ch   ssh.Channel
		reqs <-chan *ssh.Request
		err  error
	}
	got := make(chan opened, 1)
	go func() {
		defer c.conn.wire.hurry()()
		ch, reqs, err := c.conn.session()
		got <- opened{ch, reqs, err}
	}()
	select {
	case o := <-got:
		if o.err != nil {
			return nil, nil, unreachable(c.conn.cfg, "open a session: %w", o.err)
		}
		return o.ch, o.reqs, nil
	case <-ctx.Done():
		c.conn.close()
		return nil, nil, unreachable(c.conn.cfg, "open a session: %w", context.Cause(ctx))
	}
}

// Flush sends what was held back: small writes wait for company (see wire), and who waits for an answer to one flushes.
func (c *Conn) Flush() error { return c.conn.wire.flush() }

// Hurry has nothing held back until done is called.
func (c *Conn) Hurry() (done func()) { return c.conn.wire.hurry() }

// Answers asks the far end whether it is there; one that does not answer in time is given up, and the connection with it.
func (c *Conn) Answers(limit time.Duration) bool { return c.conn.answers(limit) }

// Place names the host in messages: its name, and its address where that differs.
func (c *Conn) Place() string { return c.conn.cfg.place() }

// Dead is closed when the connection has ended.
func (c *Conn) Dead() <-chan struct{} { return c.conn.dead }

// Stats is what the connection has cost so far.
func (c *Conn) Stats() Stats {
	turns, sent, got := c.conn.wire.counts()
	return Stats{Logins: 1, Turns: turns, Sent: sent, Got: got, Dial: c.conn.dialled, Handshake: c.conn.shook}
}

// Close ends the connection without another word.
func (c *Conn) Close() { c.conn.close() }

// connect makes a connection, first to the jump hosts.
func (p *Pool) connect(ctx context.Context, cfg *Config) (*connection, error) {
	if cfg.Sessions != nil {
		return without(cfg), nil
	}
	if cfg.Jump == nil {
		return p.dial(ctx, cfg, nil)
	}
	for again := false; ; again = true {
		via, err := p.jumpTo(ctx, cfg.Jump)
		if err != nil {
			return nil, fmt.Errorf("%s: jump host: %w", cfg.Name, err)
		}
		c, err := p.dial(ctx, cfg, via)
		// Whose end this was, the host's or the jump host's, is asked: what goes over a jump host ends before its own end shows.
		if err == nil || again || ctx.Err() != nil || via.answers(p.pulse.silence) {
			return c, err
		}
	}
}

// dial makes a connection when it is its turn.
func (p *Pool) dial(ctx context.Context, cfg *Config, via *connection) (*connection, error) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return nil, unreachable(cfg, "wait for other dials: %w", context.Cause(ctx))
	}
	return connect(ctx, cfg, via, &p.locked)
}

// Close ends the connections to jump hosts; hosts behind them are lost.
func (p *Pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, j := range p.jumps {
		select {
		case <-j.done:
			if j.conn != nil {
				j.conn.close()
			}
		default: // makeJump sees closed
		}
	}
	return nil
}

func (p *Pool) known(cfg *Config) *known {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.hosts[cfg.key()]
	if k == nil {
		k = &known{}
		p.hosts[cfg.key()] = k
	}
	return k
}

func (p *Pool) setPerlless(cfg *Config) {
	k := p.known(cfg)
	p.mu.Lock()
	defer p.mu.Unlock()
	k.perlless = true
}

func (p *Pool) isPerlless(cfg *Config) bool {
	k := p.known(cfg)
	p.mu.Lock()
	defer p.mu.Unlock()
	return k.perlless
}

// password is sudo's, if it was asked for already.
func (p *Pool) password(cfg *Config) string {
	k := p.known(cfg)
	k.asking.Lock()
	defer k.asking.Unlock()
	return k.password
}

var errNoPassword = errors.New("sudo wants a password: allow this user to run sudo without one (NOPASSWD), or run bisc where it can ask")

// askPassword asks for sudo's password once a host. An asking that ctx ended does not count.
func (p *Pool) askPassword(ctx context.Context, cfg *Config) (string, error) {
	k := p.known(cfg)
	k.asking.Lock()
	defer k.asking.Unlock()
	if k.asked {
		return k.password, k.err
	}
	k.asked = true
	if cfg.BecomePassword == nil {
		k.err = unreachable(cfg, "%w", errNoPassword)
		return "", k.err
	}
	password, err := cfg.BecomePassword(ctx, cfg.Name)
	switch {
	case ctx.Err() != nil:
		k.asked = false
		return "", unreachable(cfg, "sudo wants a password: %w", context.Cause(ctx))
	case err != nil:
		k.err = unreachable(cfg, "sudo wants a password: %w", err)
	case password == "":
		k.err = unreachable(cfg, "%w", errNoPassword)
	default:
		k.password = password
	}
	return k.password, k.err
}

var _ host.Writer = (*Writer)(nil)
var _ host.Reader = (*Host)(nil)
