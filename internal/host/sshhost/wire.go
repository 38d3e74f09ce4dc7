package sshhost

import (
	"net"
	"sync"
	"time"
)

// A write this small, once the handshake is over, is a window adjustment: x/crypto sends one per 96 to 160 KiB received, and
// each would be a turn. They wait for the next request, or for company, or a moment.
const (
	smallWrite   = 64
	smallWrites  = 8               // up to 160 KiB each: together well below the window of 2 MiB, or the far end would stand still
	smallPatient = 2 * time.Second // it may be the reply to a keepalive of the server's
)

// wire counts what goes over a connection, and holds small writes back.
type wire struct {
	net.Conn
	// under is the jump host's wire, over which this one runs.
	under *wire

	mu     sync.Mutex
	thrift bool
	urgent int // nothing is held back while this is not 0
	held   []byte
	pieces int
	timer  *time.Timer
	heard  bool // something was read since the last write
	turns  int
	sent   int64
	got    int64
}

func newWire(c net.Conn, under *wire) *wire { return &wire{Conn: c, under: under} }

// beThrifty starts the holding back; the handshake is over.
func (w *wire) beThrifty() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.thrift = true
}

// hurry holds nothing back until done is called: somebody waits for the answer to something small.
func (w *wire) hurry() (done func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.urgent++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.urgent--
	}
}

func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if n > 0 {
		w.mu.Lock()
		w.heard = true
		w.got += int64(n)
		w.mu.Unlock()
	}
	return n, err
}

func (w *wire) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.thrift && w.urgent == 0 && len(b) <= smallWrite && w.pieces < smallWrites {
		w.held = append(w.held, b...)
		w.pieces++
		if w.timer == nil {
			w.timer = time.AfterFunc(smallPatient, func() { _ = w.flush() })
		}
		return len(b), nil
	}
	if len(w.held) > 0 {
		if err := w.put(append(w.held, b...)); err != nil {
			return 0, err
		}
		return len(b), nil
	}
	return len(b), w.put(b)
}

// flush sends what is held back, here and on the wires below.
func (w *wire) flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.held) == 0 {
		return nil
	}
	return w.put(w.held)
}

// put writes, with the lock held.
func (w *wire) put(b []byte) error {
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
	if w.heard {
		w.turns++
		w.heard = false
	}
	w.sent += int64(len(b))
	_, err := w.Conn.Write(b)
	w.held, w.pieces = nil, 0
	if err == nil && w.under != nil {
		err = w.under.flush()
	}
	return err
}

func (w *wire) counts() (turns int, sent, got int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.turns, w.sent, w.got
}
