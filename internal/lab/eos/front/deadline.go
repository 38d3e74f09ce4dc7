package front

import (
	"sync"
	"time"
)

// deadline is a connection's read deadline. The link reads ahead, so the kernel's own would end the reading for good; an HTTP
// server sets one in the past after each answer and takes it away again.
type deadline struct {
	mu    sync.Mutex
	over  chan struct{} // closed once the time has passed
	timer *time.Timer
}

// passed is closed when the deadline has passed.
func (d *deadline) passed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over == nil {
		d.over = make(chan struct{})
	}
	return d.over
}

func (d *deadline) set(at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	if d.over == nil || closed(d.over) {
		d.over = make(chan struct{})
	}
	over := d.over
	switch left := time.Until(at); {
	case at.IsZero():
	case left <= 0:
		close(over)
	default:
		d.timer = time.AfterFunc(left, func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			if !closed(over) {
				close(over)
			}
		})
	}
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// SetReadDeadline ends a Read that waits, and those that come, once the time has passed; the zero time takes it away.
func (l *link) SetReadDeadline(at time.Time) error {
	l.limit.set(at)
	return nil
}

// SetDeadline is SetReadDeadline: what is written is taken at once.
func (l *link) SetDeadline(at time.Time) error { return l.SetReadDeadline(at) }

// SetWriteDeadline has nothing to limit: what is written is taken at once.
func (l *link) SetWriteDeadline(time.Time) error { return nil }
