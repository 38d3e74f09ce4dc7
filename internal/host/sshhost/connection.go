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

	dialled, shook time.Duration
}

// unreachable is the error of everything that keeps bisc from a host: it names the host.
func unreachable(cfg *Config, format string, args ...any) error {
	return fmt.Errorf("%s: %w: %w", cfg.place(), host.ErrUnreachable, fmt.Errorf(format, args...))
}

// connect dials cfg (over jump, if there is one) and logs in, all within the configuration's limit.
func connect(ctx context.Context, cfg *Config, jump *connection) (*connection, error) {
	if err := cfg.sane(); err != nil {
		return nil, unreachable(cfg, "%w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, cfg.timeout(), fmt.Errorf("no answer in %s", cfg.timeout()))
	defer cancel()
	var errs []error
	for _, a := range cfg.addresses() {
		address := net.JoinHostPort(a, strconv.Itoa(cfg.port()))
		c, err := connectTo(ctx, cfg, jump, address)
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

// connectTo tries one address; with a pinned fingerprint it may take more than one try to be offered that key.
func connectTo(ctx context.Context, cfg *Config, jump *connection, address string) (*connection, error) {
	keys, err := newKeyCheck(cfg, address)
	if err != nil {
		return nil, err
	}
	var refused error
	for {
		c, err := try(ctx, cfg, jump, address, keys)
		if err == nil {
			return c, nil
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

func try(ctx context.Context, cfg *Config, jump *connection, address string, keys *keyCheck) (*connection, error) {
	start := time.Now()
	var under *wire
	if jump != nil {
		under = jump.wire
	}
	raw, err := dial(ctx, cfg, jump, address)
	if err != nil {
		return nil, withCause(ctx, fmt.Errorf("dial: %w", err))
	}
	c := &connection{cfg: cfg, wire: newWire(raw, under), dead: make(chan struct{}), dialled: time.Since(start)}
	start = time.Now()
	// x/crypto knows no context, and a connection over a jump host knows no deadline: closing is what ends both.
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	err = c.handshake(ctx, address, keys)
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

func (c *connection) handshake(ctx context.Context, address string, keys *keyCheck) error {
	l := &login{ctx: ctx, cfg: c.cfg}
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
	default:
		return fmt.Errorf("log in as %s: the host took none of the keys offered: %s (%s): put one of them in its authorized_keys, or name another identity: %w",
			c.cfg.user(), strings.Join(l.offered, ", "), strings.Join(append(l.missing, "that is all"), "; "), err)
	}
	c.hostKey = ssh.FingerprintSHA256(keys.seen)
	c.client = ssh.NewClient(conn, chans, reqs)
	c.session = func() (ssh.Channel, <-chan *ssh.Request, error) { return c.client.OpenChannel("session", nil) }
	return nil
}

// close ends the connection without another word: a farewell would cost a turn.
func (c *connection) close() { _ = c.wire.Close() }

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
		answered := make(chan struct{})
		go func() {
			defer c.wire.hurry()()
			_, _, _ = c.client.SendRequest("keepalive@openssh.com", true, nil)
			close(answered)
		}()
		select {
		case <-answered:
		case <-c.dead:
			return
		case <-time.After(p.silence):
			c.close()
			return
		}
	}
}
