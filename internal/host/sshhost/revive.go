package sshhost

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bisc/internal/host"
)

// reviveLimit is how long a lost host is tried, a step of this run that still runs there being waited for included.
const reviveLimit = 3 * time.Minute

// revival is the one new connection that a run may make to a host whose first was lost.
type revival struct {
	done chan struct{}
	c    *channel // in the place of the lost one
	err  error
}

// channel is what the host is reached by now.
func (h *Host) channel() *channel {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.c
}

// revive gives the channel that takes a lost one's place. The first who asks has it made, once a run: whatever the number
// of those who wait, the host sees one more login. Where that is not to be, why is the error.
func (h *Host) revive(ctx context.Context, lost *channel, why error) (*channel, error) {
	r := h.revival(lost, why)
	if r == nil {
		return nil, why
	}
	select {
	case <-r.done:
		return r.c, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// revival is the one that replaces lost, begun now if there was none; nil where there will be none.
func (h *Host) revival(lost *channel, why error) *revival {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.c != lost || h.again != nil && h.again.c != lost:
		return h.again
	case h.closed.Err() != nil || h.again != nil || h.cfg.Sessions != nil: // what has no network has lost its helper: it is not for us to say why
		return nil
	}
	r := &revival{done: make(chan struct{})}
	h.again = r
	go func() {
		defer close(r.done)
		c, err := h.renew(lost, why)
		h.mu.Lock()
		defer h.mu.Unlock()
		if err != nil {
			r.err = fmt.Errorf("%w; connecting again, which is tried once: %w", why, err)
			return
		}
		h.past, h.c, r.c = h.counted(), c, c
	}()
	return r
}

// renew connects again, proves that it is the same boot of the same host, and takes the lock again where this run had it.
func (h *Host) renew(lost *channel, why error) (*channel, error) {
	ctx, cancel := context.WithTimeoutCause(h.closed, reviveLimit, fmt.Errorf("not again in %s", reviveLimit))
	defer cancel()
	lost.fail(why)
	conn, err := h.pool.connect(ctx, h.cfg)
	if err != nil {
		return nil, err
	}
	c := newChannel(h.pool, conn, h.stats)
	err = c.waitReady(ctx)
	if err == nil {
		err = h.same(lost, c)
	}
	if err == nil && h.regain != nil {
		err = h.regain(ctx, c)
	}
	if err != nil {
		c.fail(err)
		return nil, err
	}
	h.stats.add(func(s *Stats) { s.Logins++ })
	if h.cfg.Reconnected != nil {
		h.cfg.Reconnected(h.cfg.Name, why)
	}
	return c, nil
}

// same refuses another host, and another boot: what was observed before is not about them.
func (h *Host) same(lost, c *channel) error {
	was, is := lost.identity(), c.identity()
	switch {
	case lost.conn.hostKey != c.conn.hostKey:
		return unreachable(h.cfg, "%w: its host key was %s and is %s", host.ErrAnother, lost.conn.hostKey, c.conn.hostKey)
	case was == (identity{}) && !h.locked.Load():
		return nil // nothing was heard from it yet
	case was.machine != is.machine || was.boot != is.boot || was.boot == "":
		return unreachable(h.cfg, "%w: its machine id was %q and is %q, its boot id was %q and is %q", host.ErrAnother, was.machine, is.machine, was.boot, is.boot)
	}
	return nil
}

// mayAskAgain tells questions, which may be asked as often as one likes, from what changes something.
func mayAskAgain(r *request) bool {
	return r.question() && !r.once && (r.op == opRun || r.op == opStat || r.op == opRead || r.op == opGlob || r.op == opGet)
}

// once more is the same question, not asked yet.
func (r *request) onceMore() *request {
	again := newRequest(r.op, r.limit, r.words...)
	again.stdin = r.stdin
	return again
}

// regainLock takes the host's lock for a new connection of the same run. The lost connection's agent may hold it still: it
// notices the loss in its own time, and lets a step that runs come to its end.
func (w *Writer) regainLock(ctx context.Context, c *channel) error {
	for {
		token, err := takeLock(ctx, c, w.lock)
		var held *host.LockedError
		if !errors.As(err, &held) || held.Lock.Run != w.lock.Run {
			if err == nil {
				w.locked.Store(true)
				w.token.Store(token)
			}
			return err
		}
		select {
		case <-time.After(lockPause):
		case <-c.failed:
			return c.err
		case <-ctx.Done():
			return fmt.Errorf("a step of this run still runs there: %w", context.Cause(ctx))
		}
	}
}

const lockPause = 500 * time.Millisecond
