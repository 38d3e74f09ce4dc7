package wire

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// link is one connection through the proxy.
type link struct {
	proxy          *Proxy
	client, server *net.TCPConn
	dead, lost     atomic.Bool

	mu       sync.Mutex
	answered bool      // the client was given something since it last sent
	turned   time.Time // when the last turn began
}

// piece is what was read at once; when there is no data the sender has ended, or reset the connection.
type piece struct {
	data  []byte
	due   time.Time
	reset bool
}

// ahead is how many pieces may be on their way: with a delay of 100 ms, 128 MiB a second at 16 KiB a piece.
const ahead = 1024

func (l *link) run() {
	var both sync.WaitGroup
	for _, way := range []Direction{Up, Down} {
		queue := make(chan piece, ahead)
		both.Go(func() { l.read(way, queue) })
		both.Go(func() { l.write(way, queue) })
	}
	both.Wait()
	l.client.Close()
	l.server.Close()
}

func (l *link) ends(way Direction) (from, to *net.TCPConn) {
	if way == Up {
		return l.client, l.server
	}
	return l.server, l.client
}

// read stamps each piece with the time when it is due at the other end: pieces wait side by side, and so a delay takes
// nothing from the bandwidth.
func (l *link) read(way Direction, queue chan<- piece) {
	defer close(queue)
	from, _ := l.ends(way)
	for {
		buffer := make([]byte, 16<<10)
		n, err := from.Read(buffer)
		if n > 0 {
			now := time.Now()
			if way == Up {
				l.sent(now)
			}
			queue <- piece{data: buffer[:n], due: now.Add(l.proxy.delay)}
		}
		if err != nil {
			queue <- piece{due: time.Now().Add(l.proxy.delay), reset: err != io.EOF}
			return
		}
	}
}

func (l *link) write(way Direction, queue <-chan piece) {
	_, to := l.ends(way)
	for p := range queue {
		time.Sleep(time.Until(p.due))
		l.proxy.pace(len(p.data))
		pass, cut := l.proxy.gate(l, way, len(p.data))
		if pass > 0 {
			l.delivered(way, pass)
			to.Write(p.data[:pass]) // an error also comes to the one who reads from there
		}
		switch {
		case cut:
			l.proxy.Cut()
		case p.reset && pass == 0:
			l.reset()
		case p.data == nil && pass == 0:
			to.CloseWrite()
		}
	}
}

// sent counts a turn when the client had an answer before it sent this.
func (l *link) sent(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.answered && now.Sub(l.turned) >= 2*l.proxy.delay {
		l.proxy.turns.Add(1)
		l.turned = now
	}
	l.answered = false
}

// delivered counts before the bytes leave: the client may answer them at once.
func (l *link) delivered(way Direction, n int) {
	if way == Up {
		l.proxy.up.Add(int64(n))
		return
	}
	l.proxy.down.Add(int64(n))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answered = true
}

func (l *link) reset() {
	l.dead.Store(true)
	reset(l.client)
	reset(l.server)
}

// reset closes a connection so that the other side gets an error and not an end of file.
func reset(c *net.TCPConn) {
	c.SetLinger(0)
	c.Close()
}
