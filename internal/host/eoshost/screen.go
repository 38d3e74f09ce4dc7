package eoshost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"bisc/internal/host"
)

// screen is what a console has printed and nobody has taken yet.
type screen struct {
	mu    sync.Mutex
	text  []byte
	heard time.Time // when the last byte came
	awake time.Time // when this process was last seen to have slept through its own timer
	err   error     // why no more will come
	news  chan struct{}
}

func newScreen() *screen { return &screen{heard: time.Now(), news: make(chan struct{}, 1)} }

// read takes what comes until the end.
func (s *screen) read(r io.Reader) {
	b := make([]byte, 64<<10)
	for {
		n, err := r.Read(b)
		s.mu.Lock()
		if n > 0 {
			s.text = append(s.text, b[:n]...)
			s.heard = time.Now()
		}
		if err != nil {
			s.err = err
		}
		s.mu.Unlock()
		select {
		case s.news <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// errClosed: the switch ended the console.
var errClosed = errors.New("the switch closed the console")

// looked is what a look at a screen found.
type looked int

const (
	notYet looked = iota
	found
	maybe    // found, if nothing more comes for a while
	doubtful // found, if nothing more comes for long
)

func when(yes bool, then looked) looked {
	if yes {
		return then
	}
	return notYet
}

// settled is how long nothing must come before a maybe is one: a switch that prints a prompt and then says nothing is at it.
// settledLong is that of what a busy switch might still do.
const (
	settled     = 1500 * time.Millisecond
	settledLong = 8 * time.Second
)

// until waits until look has found something on the screen, and takes nothing off it. No byte for silence is host.ErrStuck. look
// sees the whole screen each time that something came.
func (s *screen) until(ctx context.Context, silence time.Duration, look func(text []byte) looked) error {
	timer := time.NewTimer(silence)
	defer timer.Stop()
	for {
		wait, err := s.look(silence, look)
		if err != nil || wait == 0 {
			return err
		}
		timer.Reset(wait)
		due := time.Now().Add(wait)
		select {
		case <-s.news:
		case <-timer.C:
			s.woke(due, time.Now())
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// overslept is how much later than asked for a timer fires in a process that is starved, or was stopped: then the silence was its own,
// and what the switch said meanwhile may still wait to be read.
const overslept = 100 * time.Millisecond

func (s *screen) woke(due, now time.Time) {
	if now.Sub(due) > overslept {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.awake = now
	}
}

// look gives how long to wait for more; 0: it was found.
func (s *screen) look(silence time.Duration, look func([]byte) looked) (time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	quiet := time.Since(s.heard)
	seen := look(s.text)
	after := map[looked]time.Duration{maybe: settled, doubtful: settledLong}[seen]
	calm := min(quiet, time.Since(s.awake))
	switch {
	case seen == found, after > 0 && (calm >= after || quiet >= silence):
		return 0, nil
	case s.err != nil:
		return 0, fmt.Errorf("%w: %w", errClosed, s.err)
	case after > 0:
		return after - calm + time.Millisecond, nil
	case quiet >= silence:
		return 0, fmt.Errorf("no word for %s: %w", silence, host.ErrStuck)
	}
	return silence - quiet + time.Millisecond, nil
}

// take takes everything off the screen.
func (s *screen) take() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.text
	s.text = nil
	return b
}

// sent notes that silence counts from now on.
func (s *screen) sent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = time.Now()
}

// peek gives what is on the screen, and leaves it there.
func (s *screen) peek() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.text)
}

// size is how much is on the screen.
func (s *screen) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.text)
}
