package sshhost

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"bisc/internal/host"
)

// remote is the far end of a privileged channel: the agent, or shells.
type remote interface {
	// send carries requests; each is answered by its finish. It does not wait.
	send([]*request)
	// cancel ends a request if it can.
	cancel(*request)
	// stream starts a program whose stdin and stdout become a byte stream.
	stream(ctx context.Context, argv ...string) (io.ReadWriteCloser, error)
	// push starts a put whose content write brings into the temporary file that is there by then.
	push(ctx context.Context, r *request, write func() error) error
	// pour starts a put whose content is src.
	pour(ctx context.Context, r *request, src io.Reader) error
	// told has the host record how a step ended that the far end did not do itself; it sends nothing of its own.
	told(r *request, how string)
	// leave gives the lock back and ends the far end, waiting for it while ctx lasts.
	leave(ctx context.Context)
}

// channel is a host's privileged channel. It starts with its first wave, which goes in the same flight as the agent
// itself; what it takes to start it otherwise (a password, shells in Perl's place) is found out by trying.
type channel struct {
	pool  *Pool
	cfg   *Config
	conn  *connection
	stats *counters
	waves *waves

	mu      sync.Mutex
	started bool
	begun   time.Time
	far     remote     // nil until there is one that might work
	held    []*request // sent before that
	who     string     // the far end's uid, from ready on
	is      identity   // from ready on
	cut     bool       // it was lost, rather than refused or closed
	ready   chan struct{}
	failed  chan struct{}
	err     error // set before failed is closed
}

// startSoon is how long a channel waits for its first wave.
const startSoon = 25 * time.Millisecond

func newChannel(p *Pool, conn *connection, stats *counters) *channel {
	c := &channel{
		pool: p, cfg: conn.cfg, conn: conn, stats: stats,
		ready: make(chan struct{}), failed: make(chan struct{}),
	}
	c.waves = newWaves(c.stats, c.send, c.cancel)
	time.AfterFunc(startSoon, func() { c.send(nil) })
	go func() {
		select {
		case <-conn.dead:
			c.lose(unreachable(conn.cfg, "the connection ended"))
		case <-c.failed:
		}
	}()
	return c
}

// send hands a wave to the far end, starting it if need be.
func (c *channel) send(rs []*request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		go failAll(rs, c.err)
	case !c.started:
		c.started = true
		c.begun = time.Now()
		c.held = rs
		go c.start()
	case c.far == nil:
		c.held = append(c.held, rs...)
	case len(rs) > 0:
		c.far.send(rs)
	}
}

func failAll(rs []*request, err error) {
	for _, r := range rs {
		r.fail(err)
	}
}

func (c *channel) cancel(r *request) {
	c.mu.Lock()
	far := c.far
	c.mu.Unlock()
	if far != nil {
		far.cancel(r)
	}
}

// start tries the usual way: sudo asks nothing, and there is Perl.
func (c *channel) start() {
	if c.cfg.Reader {
		c.startReader()
		return
	}
	if c.pool.password(c.cfg) != "" || c.pool.isPerlless(c.cfg) {
		c.startKnowing()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.cfg.timeout())
	defer cancel()
	l, err := openLink(ctx, c.conn)
	if err != nil {
		c.unstarted(ctx, err)
		return
	}
	nonce := newNonce()
	text := program(c.pool, nonce)
	a := newAgent(l, nonce, c.pool.pulse)
	a.greet, a.over = c.greet, c.lose
	a.early = func(err error) { c.recover(a, err) }
	c.stats.add(func(s *Stats) { s.Execs++ })
	if err := l.exec(elevated(c.cfg, "", host.Quote("perl", "-e", boot(len(text), "")))); err != nil {
		c.unstarted(ctx, unreachable(c.cfg, "start the channel: %w", err))
		return
	}
	c.adopt(a)
	a.run(text)
	c.watchStart(a)
}

// adopt makes far the channel's far end and gives it what was held.
func (c *channel) adopt(far remote) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.far = far
	if len(c.held) > 0 {
		far.send(c.held)
		c.held = nil
	}
}

// watchStart ends a start that takes too long. An agent that is gone is not waited for: a password may be asked by now.
func (c *channel) watchStart(a *agent) {
	limit := c.startLimit()
	time.AfterFunc(limit, func() {
		select {
		case <-c.ready:
		case <-c.failed:
		case <-a.dead:
		default:
			c.fail(unreachable(c.cfg, "%s gave no answer in %s: %s", c.starter(), limit, said(a.link)))
		}
	})
}

// startLimit is that of the pool; a host that may take longer over an answer may over its login shell too.
func (c *channel) startLimit() time.Duration { return max(c.pool.startLimit, c.cfg.AnswerTimeout) }

func (c *channel) starter() string {
	if c.cfg.become() == Sudo {
		return "sudo"
	}
	return "the login shell"
}

// greet judges the far end by its first word.
func (c *channel) greet(h hello) error {
	if h.system != "linux" && h.system != "Linux" {
		return c.refuse("not Linux: uname says %s; give the host another platform in the inventory", h.system)
	}
	if c.cfg.become() == Sudo && h.uid != "0" {
		return c.refuse("sudo did not give root but uid %s", h.uid)
	}
	if c.cfg.Reader && h.reader == "" {
		return c.refuse("what answers is not bisc's reader: the key's forced command must run it (bisc schedule key)")
	}
	c.mu.Lock()
	took := time.Since(c.begun)
	c.who, c.is = h.uid, h.is
	c.mu.Unlock()
	c.stats.add(func(s *Stats) { s.Start = took })
	c.waves.begin()
	close(c.ready)
	return nil
}

func (c *channel) refuse(format string, args ...any) error {
	err := unreachable(c.cfg, format, args...)
	c.fail(err)
	return err
}

// recover is called when the agent went without a word; what was asked of it goes to what comes in its place.
func (c *channel) recover(a *agent, err error) {
	c.mu.Lock()
	c.far = nil
	c.held = append(a.unanswered(), c.held...)
	over := c.err
	c.mu.Unlock()
	if over != nil {
		c.fail(over)
		return
	}
	why := whyNot(c.cfg, a.link, err)
	switch {
	case errors.Is(why, errPassword):
		ctx, stop := c.untilFailed()
		_, err := c.pool.askPassword(ctx, c.cfg)
		stop()
		if err != nil {
			c.fail(err)
			return
		}
		c.stats.add(func(s *Stats) { s.PasswordAsked = true })
	case errors.Is(why, errNoPerl):
		c.pool.setPerlless(c.cfg)
	case !c.conn.answers(c.pool.pulse.silence):
		c.lose(unreachable(c.cfg, "the connection ended: %w", why))
		return
	default:
		c.fail(unreachable(c.cfg, "%w", why))
		return
	}
	c.startKnowing()
}

// untilFailed is a context without a limit that ends with the channel: a person is waited for.
func (c *channel) untilFailed() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		select {
		case <-c.failed:
			cancel(c.err)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// startKnowing starts step by step, waiting for each answer.
func (c *channel) startKnowing() {
	ctx, cancel := context.WithTimeout(context.Background(), c.startLimit())
	defer cancel()
	if !c.pool.isPerlless(c.cfg) {
		err := c.startAgent(ctx)
		if !errors.Is(err, errNoPerl) {
			if err != nil {
				c.unstarted(ctx, unreachable(c.cfg, "%w", err))
			}
			return
		}
		c.pool.setPerlless(c.cfg)
	}
	c.stats.add(func(s *Stats) { s.PerlMissing = true })
	s, h, err := startShells(ctx, c)
	if err != nil {
		c.unstarted(ctx, unreachable(c.cfg, "%w", err))
		return
	}
	c.adopt(s)
	_ = c.greet(h) // it has ended the channel where it does not like it
}

func (c *channel) startAgent(ctx context.Context) error {
	nonce := newNonce()
	text := program(c.pool, nonce)
	up := "bisc-up-" + nonce[:8]
	l, err := c.elevate(ctx, host.Quote("perl", "-e", boot(len(text), up)), up)
	if err != nil {
		return err
	}
	a := newAgent(l, nonce, c.pool.pulse)
	a.greet, a.over = c.greet, c.lose
	a.early = func(err error) {
		why := unreachable(c.cfg, "the agent did not start: %w: %s", err, said(l))
		c.fail(why)
		failAll(a.unanswered(), why)
	}
	c.adopt(a)
	a.run(text)
	c.watchStart(a)
	return nil
}

// unstarted ends a channel that did not come up within ctx. Its connection may have ended and not shown that yet: then it was cut off.
func (c *channel) unstarted(ctx context.Context, err error) {
	if ctx.Err() == nil && !c.conn.answers(c.pool.pulse.silence) {
		c.lose(err)
		return
	}
	c.fail(err)
}

// lose ends a channel that was cut off, by the network or by the far end's death: it may be replaced.
func (c *channel) lose(err error) {
	c.mu.Lock()
	if c.err == nil {
		c.cut = true
	}
	c.mu.Unlock()
	c.fail(err)
}

// lost is why the channel was cut off; nil while it stands, and where it was closed or refused.
func (c *channel) lost() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		return c.err
	}
	return nil
}

// wasCut tells whether an answer that did not come is due to a loss. A shell may end by itself, or with its connection,
// whose own end shows later: so that is asked.
func (c *channel) wasCut(err error) bool {
	if c.lost() != nil {
		return true
	}
	c.mu.Lock()
	failed := c.err != nil
	c.mu.Unlock()
	if failed || c.conn.answers(c.pool.pulse.silence) {
		return false
	}
	c.lose(err)
	return true
}

func (c *channel) identity() identity {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.is
}

// fail ends the channel for good; the first reason is the one that counts.
func (c *channel) fail(err error) {
	c.mu.Lock()
	first := c.err == nil
	if first {
		c.err = err
	}
	err = c.err
	held := c.held
	c.held = nil
	c.mu.Unlock()
	if first {
		c.waves.close(err)
		close(c.failed)
		c.conn.close()
	}
	failAll(held, err)
}

// waitReady waits until the far end has said its first word.
func (c *channel) waitReady(ctx context.Context) error {
	c.send(nil)
	select {
	case <-c.ready:
		return nil
	case <-c.failed:
		return c.err
	case <-ctx.Done():
		return unreachable(c.cfg, "wait for %s: %w", c.starter(), context.Cause(ctx))
	}
}

// stream waits for the far end and starts a program there.
func (c *channel) stream(ctx context.Context, argv ...string) (io.ReadWriteCloser, error) {
	far, err := c.farEnd(ctx)
	if err != nil {
		return nil, err
	}
	return far.stream(ctx, argv...)
}

// farEnd waits for the far end.
func (c *channel) farEnd(ctx context.Context) (remote, error) {
	if err := c.waitReady(ctx); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.far, nil
}

// uid is the far end's; root's unless it becomes nobody else.
func (c *channel) uid() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.who
}
