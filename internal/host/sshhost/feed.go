package sshhost

import (
	"io"
	"sync"
)

// ahead is how much stdin may be under way to a program that has not read it: the far end keeps it in memory.
const ahead = 1 << 20

// feed is the stdin of one request that does not fit in its frame.
type feed struct {
	id uint32

	mu     sync.Mutex
	room   *sync.Cond
	rest   []byte
	window int
	whole  bool // nothing is added to rest any more
	ended  bool // the end was sent, or is not wanted
}

func newFeed(id uint32, stdin []byte, whole bool) *feed {
	f := &feed{id: id, rest: stdin, window: ahead, whole: whole}
	f.room = sync.NewCond(&f.mu)
	return f
}

// more appends the frames that may go now.
func (f *feed) more(b []byte) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.rest) > 0 && f.window > 0 && !f.ended {
		n := min(len(f.rest), f.window, chunk)
		b = appendFrame(b, frameInput, f.id, f.rest[:n])
		f.rest = f.rest[n:]
		f.window -= n
	}
	if len(f.rest) == 0 && f.whole && !f.ended {
		b = appendFrame(b, frameEnd, f.id)
		f.ended = true
	}
	f.room.Broadcast()
	return b
}

// grant is the far end's word that n bytes are out of its hands.
func (f *feed) grant(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.window += n
}

// stop wakes whoever waits to add: nobody reads any more.
func (f *feed) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	f.room.Broadcast()
}

// add waits until b may follow, and takes it.
func (f *feed) add(b []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.rest) > 0 && !f.ended && !f.whole {
		f.room.Wait()
	}
	if f.ended || f.whole {
		return io.ErrClosedPipe
	}
	f.rest = append([]byte(nil), b...)
	return nil
}

func (f *feed) finish() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.whole = true
}

func (a *agent) feedMore(id, n uint32) {
	a.mu.Lock()
	f := a.feeds[id]
	a.mu.Unlock()
	if f == nil {
		return
	}
	f.grant(int(n))
	a.flow(f)
}

// feedOf is the feed of a request that was sent; a channel that is over gives one that takes nothing.
func (a *agent) feedOf(r *request) *feed {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f := a.feeds[r.id.Load()]; f != nil {
		return f
	}
	f := newFeed(0, nil, true)
	f.ended = true
	return f
}

// flow queues what a feed may send. The lock is held over both, so that its frames stay in order.
func (a *agent) flow(f *feed) {
	a.mu.Lock()
	a.queue = f.more(a.queue)
	a.mu.Unlock()
	a.nudge()
}
