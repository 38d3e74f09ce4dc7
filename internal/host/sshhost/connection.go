package sshhost

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"bisc/internal/host"
)

// connection is one authenticated SSH connection, to a host or to a jump host.
type connection struct {
	cfg     *Config
	client  *ssh.Client
	wire    *wire
	hostKey string // fingerprint
	dead    chan struct{}
	// session opens a channel on which one program runs.
	session func() (ssh.Channel, <-chan *ssh.Request, error)
	// loginKey is the fingerprint of the key that we logged in with; empty where no key was needed.
	loginKey string

	dialled, shook time.Duration
}

// unreachable is the error of everything that keeps bisc from a host: it names the host.
func unreachable(cfg *Config, format string, args ...any) error {
	return fmt.Errorf("%s: %w: %w", cfg.place(), host.ErrUnreachable, fmt.Errorf(format, args...))
}

// connect dials cfg (over jump, if there is one) and logs in, all within the configuration's limit.
func connect(ctx context.Context, cfg *Config, jump *connection, locked *lockedKeys) (*connection, error) {
	if err := cfg.sane(); err != nil {
		return nil, unreachable(cfg, "%w", err)
	}
	ctx, watch, cancel := limited(ctx, cfg.timeout(), fmt.Errorf("no answer in %s", cfg.timeout()))
	defer cancel()
	d := &dialling{cfg: cfg, jump: jump, locked: locked, watch: watch}
	var errs []error
	for _, a := range cfg.addresses() {
		address := net.JoinHostPort(a, strconv.Itoa(cfg.port()))
		c, err := d.connectTo(ctx, address)
		if err == nil {
			return c, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, unreachable(cfg, "%w", errors.Join(errs...))
}

// dialling is one way to a host, being tried.
type dialling struct {
	cfg    *Config
	jump   *connection
	locked *lockedKeys
	watch  *stopwatch
}

// connectTo tries one address; with a pinned fingerprint it may take more than one try to be offered that key.
func (d *dialling) connectTo(ctx context.Context, address string) (*connection, error) {
	keys, err := newKeyCheck(d.cfg, address)
	if err != nil {
		return nil, err
	}
	var refused error
	typed := false
	for {
		c, err := d.try(ctx, address, keys)
		if err == nil {
			return c, nil
		}
		// sshd waits two minutes for a login (LoginGraceTime). Who types a passphrase for longer has unlocked the key all the same.
		if !typed && d.watch.wasPaused() && ctx.Err() == nil && keys.err == nil && !errors.Is(err, errRefused) {
			typed = true
			continue
		}
		if refused != nil && keys.err == nil { // no such type of key there: the refusal tells more
			return nil, refused
		}
		if !keys.again() {
			return nil, err
		}
		refused = err
		keys.err = nil
	}
}

func (d *dialling) try(ctx context.Context, address string, keys *keyCheck) (*connection, error) {
	start := time.Now()
	var under *wire
	if d.jump != nil {
		under = d.jump.wire
	}
	raw, err := dial(ctx, d.cfg, d.jump, address)
	if err != nil {
		return nil, withCause(ctx, fmt.Errorf("dial: %w", err))
	}
	c := &connection{cfg: d.cfg, wire: newWire(raw, under), dead: make(chan struct{}), dialled: time.Since(start)}
	start = time.Now()
	// x/crypto knows no context, and a connection over a jump host knows no deadline: closing is what ends both.
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	l := &login{ctx: ctx, cfg: d.cfg, locked: d.locked, typing: d.watch.pause}
	err = c.handshake(l, address, keys)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = raw.Close()
		return nil, withCause(ctx, err)
	}
	c.shook = time.Since(start)
	c.wire.beThrifty()
	go func() {
		_ = c.client.Wait()
		close(c.dead)
	}()
	return c, nil
}

// withCause puts the context's end in the place of the error it led to.
func withCause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w (%v)", context.Cause(ctx), err)
	}
	return err
}

// errRefused: the host took none of the keys.
var errRefused = errors.New("the host took none of the keys offered")

func (c *connection) handshake(l *login, address string, keys *keyCheck) error {
	defer l.close()
	keys.seen = nil
	conn, chans, reqs, err := ssh.NewClientConn(c.wire, address, &ssh.ClientConfig{
		User:              c.cfg.user(),
		Auth:              []ssh.AuthMethod{l.method()},
		HostKeyCallback:   keys.callback,
		HostKeyAlgorithms: keys.algorithms(),
	})
	switch {
	case err == nil:
	case keys.err != nil:
		return keys.err
	case keys.seen == nil:
		return fmt.Errorf("what answers there broke off (is it sshd, and not overloaded?): %w", err)
	case len(l.offered) == 0:
		return fmt.Errorf("log in as %s: %w", c.cfg.user(), err)
	case !strings.Contains(err.Error(), "unable to authenticate"): // x/crypto has no type for it
		return fmt.Errorf("log in as %s: the host broke it off (sshd's log there says why): %w", c.cfg.user(), err)
	default:
		return fmt.Errorf("log in as %s: %w: %s (%s): put one of them in its authorized_keys, or name another identity: %w",
			c.cfg.user(), errRefused, strings.Join(l.offered, ", "), strings.Join(append(l.missing, "that is all"), "; "), err)
	}
	c.hostKey, c.loginKey = ssh.FingerprintSHA256(keys.seen), l.used
	c.client = ssh.NewClient(conn, chans, reqs)
	c.session = func() (ssh.Channel, <-chan *ssh.Request, error) { return c.client.OpenChannel("session", nil) }
	return nil
}

// close ends the connection without another word: a farewell would cost a turn.
func (c *connection) close() { _ = c.wire.Close() }

// over tells whether the connection has ended.
func (c *connection) over() bool {
	select {
	case <-c.dead:
		return true
	default:
		return false
	}
}

// answers asks the far end whether it is there. One that does not answer in time is given up, and when answers has said
// no the connection is over.
func (c *connection) answers(limit time.Duration) bool {
	if c.client == nil {
		return !c.over() // no network
	}
	answered := make(chan error, 1)
	go func() {
		defer c.wire.hurry()()
		_, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil)
		answered <- err
	}()
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case err := <-answered:
		if err == nil {
			return true
		}
	case <-c.dead:
	case <-late.C:
	}
	c.close()
	<-c.dead
	return false
}

// keepAlive ends a connection whose far end is silent. Only jump hosts need it: a host's own channel has pings.
func (c *connection) keepAlive(p pulse) {
	if c.client == nil {
		return // no network
	}
	for {
		select {
		case <-c.dead:
			return
		case <-time.After(p.every):
		}
		if !c.answers(p.silence - p.every) {
			return
		}
	}
}
