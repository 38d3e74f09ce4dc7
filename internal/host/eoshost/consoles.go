package eoshost

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"bisc/internal/host"
)

// When a wave goes out: nobody has asked for quiet, or for gather though a trickle goes on. A timer later than late means that the
// askers are starved too, and silence just then proves nothing. After patience one more console is opened beside those that
// are busy: one question that hangs holds up no others.
const (
	quiet       = 3 * time.Millisecond
	gather      = 40 * time.Millisecond
	late        = time.Millisecond
	patience    = 3 * time.Second
	maxConsoles = 4 // EOS has 32 lines [I], and people want some
)

// consoles ask questions over the command line. Those that are pending go in one flight, so that one or forty cost the same turns.
type consoles struct {
	h *Host

	mu     sync.Mutex
	queue  []*question
	first  time.Time // when the queue's first came
	last   time.Time // when its last came
	idle   []*console
	open   int // consoles, idle and busy
	closed error
	wake   chan struct{}
	over   context.Context // ends with close
	cancel context.CancelFunc
}

func newConsoles(h *Host, first *console) *consoles {
	cs := &consoles{h: h, idle: []*console{first}, open: 1, wake: make(chan struct{}, 1)}
	cs.over, cs.cancel = context.WithCancel(context.Background())
	go cs.dispatch()
	return cs
}

func (cs *consoles) add(qs ...*question) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.closed != nil {
		for _, q := range qs {
			q.end("", cs.closed)
		}
		return
	}
	cs.last = time.Now()
	if len(cs.queue) == 0 {
		cs.first = cs.last
	}
	for _, q := range qs {
		q.under++
	}
	cs.queue = append(cs.queue, qs...)
	cs.nudge()
}

func (cs *consoles) nudge() {
	select {
	case cs.wake <- struct{}{}:
	default:
	}
}

// dispatch sends waves.
func (cs *consoles) dispatch() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait := cs.due(time.Now())
		due := time.Now().Add(wait)
		timer.Reset(wait)
		select {
		case <-cs.wake:
		case <-timer.C:
			if time.Since(due) > late {
				cs.mu.Lock()
				cs.last = time.Now()
				cs.mu.Unlock()
			}
		case <-cs.over.Done():
			return
		}
	}
}

// due sends the queue if it may go, and tells how long to wait.
func (cs *consoles) due(now time.Time) time.Duration {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if len(cs.queue) == 0 {
		return time.Hour
	}
	at := cs.last.Add(quiet)
	if end := cs.first.Add(gather); end.Before(at) {
		at = end
	}
	if now.Before(at) {
		return at.Sub(now)
	}
	if len(cs.idle) == 0 {
		at = cs.first.Add(patience)
		switch {
		case cs.open >= maxConsoles:
			return time.Hour
		case cs.open > 0 && now.Before(at) && !slices.ContainsFunc(cs.queue, func(q *question) bool { return q.alone }):
			return at.Sub(now)
		}
	}
	batch := cs.batch()
	var c *console
	if n := len(cs.idle); n > 0 {
		c, cs.idle = cs.idle[n-1], cs.idle[:n-1]
	} else {
		cs.open++
	}
	go cs.wave(c, batch)
	if len(cs.queue) > 0 {
		return 0
	}
	return time.Hour
}

// batch takes off the queue what goes together: all that may not hang, or the first that may. The lock is held.
func (cs *consoles) batch() []*question {
	var batch, rest []*question
	for _, q := range cs.queue {
		if q.alone {
			rest = append(rest, q)
		} else {
			batch = append(batch, q)
		}
	}
	if len(batch) == 0 {
		batch, rest = rest[:1], rest[1:]
	}
	cs.queue = rest
	return batch
}

// another opens one more console of the same switch.
func (cs *consoles) another(careful bool) (*console, error) {
	ctx, cancel := context.WithTimeout(cs.over, 2*loginSilence)
	defer cancel()
	c, err := cs.h.openConsole(ctx)
	if err != nil {
		return nil, err
	}
	c.careful = c.careful || careful
	return c, nil
}

// back puts a console among the idle; one that is of no more use is let go.
func (cs *consoles) back(c *console) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if c == nil || c.overdue != nil {
		cs.open--
	} else {
		cs.idle = append(cs.idle, c)
	}
	cs.nudge()
}

// close ends all consoles; what was not answered never will be.
func (cs *consoles) close() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.closed = fmt.Errorf("%s: %w: it was closed", cs.h.Name(), host.ErrUnreachable)
	cs.cancel()
	for _, q := range cs.queue {
		q.end("", cs.closed)
	}
	cs.queue = nil
}
