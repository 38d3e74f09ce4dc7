package sshhost

import (
	"bufio"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/ssh"
)

// link is one session channel with a program at its end.
type link struct {
	conn *connection
	ch   ssh.Channel
	r    *bufio.Reader // stdout
	said lastWords     // stderr
	talk lastWords     // stdout before the program began: a login shell's

	// leaving: the connection ends with this link, and needs no farewell of its own, which would cost a turn.
	leaving atomic.Bool

	mu    sync.Mutex
	heard func(b []byte) // sees stderr as it comes

	ended  chan struct{} // closed when the far end is gone and stderr is read
	status string        // exit status as text, empty if there was none; read after ended
}

// openLink opens a session channel. The request waits for its answer in a goroutine of its own: x/crypto would wait
// for ever for a server that is stopped (golang #26643).
func openLink(ctx context.Context, conn *connection) (*link, error) {
	type opened struct {
		ch   ssh.Channel
		reqs <-chan *ssh.Request
		err  error
	}
	got := make(chan opened, 1)
	go func() {
		defer conn.wire.hurry()()
		ch, reqs, err := conn.session()
		got <- opened{ch, reqs, err}
	}()
	select {
	case o := <-got:
		if o.err != nil {
			return nil, unreachable(conn.cfg, "open a session: %w", o.err)
		}
		l := &link{conn: conn, ch: o.ch, r: bufio.NewReaderSize(o.ch, 64<<10), ended: make(chan struct{})}
		go l.watch(o.reqs)
		return l, nil
	case <-ctx.Done():
		conn.close()
		return nil, unreachable(conn.cfg, "open a session: %w", context.Cause(ctx))
	}
}

// watch reads stderr and the exit status to their ends: both share the connection's window with stdout, and one that
// is not read stops the other.
func (l *link) watch(reqs <-chan *ssh.Request) {
	var all sync.WaitGroup
	all.Add(1)
	go func() {
		defer all.Done()
		b := make([]byte, 32<<10)
		for {
			n, err := l.ch.Stderr().Read(b)
			if n > 0 {
				_, _ = l.said.Write(b[:n])
				l.mu.Lock()
				if l.heard != nil {
					l.heard(b[:n])
				}
				l.mu.Unlock()
			}
			if err != nil {
				return
			}
		}
	}()
	status := ""
	for r := range reqs {
		switch r.Type {
		case "exit-status":
			status = fmt.Sprintf("exit status %d", word32(r.Payload))
		case "exit-signal":
			status = "ended by a signal"
		}
		if r.WantReply {
			_ = r.Reply(false, nil)
		}
	}
	all.Wait()
	l.status = status
	close(l.ended)
}

// hear has f see stderr from now on.
func (l *link) hear(f func([]byte)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = f
}

// exec starts the program without waiting to hear whether sshd did: the first words go in the same flight.
func (l *link) exec(command string) error {
	_, err := l.ch.SendRequest("exec", false, ssh.Marshal(struct{ Command string }{command}))
	return err
}

func (l *link) write(b []byte) error {
	_, err := l.ch.Write(b)
	if ferr := l.conn.wire.flush(); err == nil {
		err = ferr
	}
	return err
}

func (l *link) close() {
	_ = l.ch.Close()
	if !l.leaving.Load() {
		_ = l.conn.wire.flush()
	}
}

// lastWords keeps the end of a stream of text, for messages.
type lastWords struct {
	mu sync.Mutex
	b  []byte
}

const keepWords = 4 << 10

// Write never fails.
func (w *lastWords) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.b = append(w.b, b...)
	if len(w.b) > 2*keepWords {
		w.b = append([]byte(nil), w.b[len(w.b)-keepWords:]...)
	}
	return len(b), nil
}

func (w *lastWords) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.TrimSpace(string(w.b))
}

// line is the last line that says something.
func (w *lastWords) line() string {
	t := w.text()
	return strings.TrimSpace(t[strings.LastIndexByte(t, '\n')+1:])
}
