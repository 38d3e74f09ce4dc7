package front

import (
	"net"
	"os"
	"sync"
	"time"
)

// link is an accepted connection with the network's faults: delay, rate and cuts. What is read and written goes through one
// goroutine each way, so that a delay shifts the stream and does not thin it.
type link struct {
	net.Conn
	front    *Front
	down, up chan parcel
	rest     []byte // of up, read in part
	dead     chan struct{}
	once     sync.Once
	drained  chan struct{} // closed when down has been written out
	finish   chan struct{}
	ending   sync.Once
	limit    deadline
}

// parcel is bytes that may be delivered at due, or why none come any more.
type parcel struct {
	bytes []byte
	due   time.Time
	err   error
}

func (f *Front) link(c net.Conn) *link {
	l := &link{
		Conn: c, front: f, down: make(chan parcel, 64), up: make(chan parcel, 64),
		dead: make(chan struct{}), drained: make(chan struct{}), finish: make(chan struct{}),
	}
	f.mu.Lock()
	f.links[l] = true
	f.mu.Unlock()
	f.wg.Go(l.send)
	f.wg.Go(l.receive)
	if f.ctx.Err() != nil { // it came while the front was being closed
		l.reset()
	}
	return l
}

// wait waits until due and says whether the connection lives still.
func (l *link) wait(due time.Time) bool {
	d := time.Until(due)
	if d <= 0 {
		return true
	}
	select {
	case <-time.After(d):
		return true
	case <-l.dead:
		return false
	}
}

// send delivers what was written, to the connection's end.
func (l *link) send() {
	defer close(l.drained)
	for sent := int64(0); ; {
		var p parcel
		select {
		case p = <-l.down:
		case <-l.dead:
			return
		case <-l.finish:
			select {
			case p = <-l.down: // what was written before the end
			default:
				return
			}
		}
		if !l.wait(p.due) || !l.deliver(p.bytes, &sent) {
			return
		}
	}
}

// deliver writes bytes as slowly as is asked, up to where the connection is to be cut, and says whether it lives on.
func (l *link) deliver(b []byte, sent *int64) bool {
	for len(b) > 0 {
		faults := l.front.Faults()
		n := len(b)
		if faults.Rate > 0 {
			n = min(n, max(1, int(faults.Rate/20)))
		}
		cut := faults.CutAfter > 0 && *sent+int64(n) >= faults.CutAfter
		if cut {
			n = int(max(0, faults.CutAfter-*sent))
		}
		if _, err := l.Conn.Write(b[:n]); err != nil || cut {
			l.reset()
			return false
		}
		*sent += int64(n)
		b = b[n:]
		if faults.Rate > 0 && !l.wait(time.Now().Add(time.Duration(n)*time.Second/time.Duration(faults.Rate))) {
			return false
		}
	}
	return true
}

// receive takes what the client sent.
func (l *link) receive() {
	for {
		b := make([]byte, 32<<10)
		n, err := l.Conn.Read(b)
		p := parcel{b[:n], time.Now().Add(l.front.Faults().RTT / 2), err}
		select {
		case l.up <- p:
		case <-l.dead:
			return
		}
		if err != nil {
			return
		}
	}
}

func (l *link) Read(b []byte) (int, error) {
	if len(l.rest) == 0 {
		select {
		case p := <-l.up:
			if !l.wait(p.due) {
				return 0, net.ErrClosed
			}
			if len(p.bytes) == 0 {
				l.up <- p // the end stays the end
				return 0, p.err
			}
			if p.err != nil {
				l.up <- parcel{err: p.err}
			}
			l.rest = p.bytes
		case <-l.limit.passed():
			return 0, os.ErrDeadlineExceeded
		case <-l.dead:
			return 0, net.ErrClosed
		}
	}
	n := copy(b, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

func (l *link) Write(b []byte) (int, error) {
	p := parcel{append([]byte(nil), b...), time.Now().Add(l.front.Faults().RTT / 2), nil}
	select {
	case <-l.dead:
		return 0, net.ErrClosed
	case <-l.finish:
		return 0, net.ErrClosed
	default:
	}
	select {
	case l.down <- p:
		return len(b), nil
	case <-l.dead:
		return 0, net.ErrClosed
	}
}

// Close ends the connection in good order, once all that was written has been delivered.
func (l *link) Close() error {
	l.ending.Do(func() { close(l.finish) })
	select {
	case <-l.drained:
	case <-l.dead:
	}
	return l.end()
}

// cut resets it after all that was written before has been delivered.
func (l *link) cut() {
	l.ending.Do(func() { close(l.finish) })
	select {
	case <-l.drained:
	case <-l.dead:
	}
	l.reset()
}

// reset ends it at once; the client sees a reset.
func (l *link) reset() {
	if t, ok := l.Conn.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	l.end()
}

func (l *link) end() (err error) {
	l.once.Do(func() {
		close(l.dead)
		err = l.Conn.Close()
	})
	l.front.forget(l)
	return err
}

// forget takes a connection that has ended off the list.
func (f *Front) forget(l *link) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.links, l)
}
