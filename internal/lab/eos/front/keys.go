package front

import (
	"context"
	"errors"
	"io"
	"sync"
)

// Keys that do something.
const (
	ctrlC     = 0x03
	ctrlD     = 0x04
	bell      = 0x07
	backspace = 0x08
	tab       = '\t'
	ctrlU     = 0x15
	ctrlV     = 0x16
	ctrlZ     = 0x1a
	escape    = 0x1b
	rubout    = 0x7f
)

var errInterrupted = errors.New("interrupted by ^C")

// keys is what was typed and not yet read. It has no limit, as SSH's window stands before it.
type keys struct {
	mu          sync.Mutex
	typed       []byte
	ended       bool
	interrupted bool
	more        chan struct{} // holds one when there is something new
}

func newKeys() *keys { return &keys{more: make(chan struct{}, 1)} }

func (k *keys) change(change func()) {
	k.mu.Lock()
	change()
	k.mu.Unlock()
	select {
	case k.more <- struct{}{}:
	default:
	}
}

func (k *keys) type1(c byte) { k.change(func() { k.typed = append(k.typed, c) }) }
func (k *keys) close()       { k.change(func() { k.ended = true }) }

// back puts what was read and not used before everything else.
func (k *keys) back(b []byte) { k.change(func() { k.typed = append(b, k.typed...) }) }

// interrupt drops what was typed, as a terminal does at ^C; tell: whoever reads a line is told.
func (k *keys) interrupt(tell bool) {
	k.change(func() { k.typed, k.interrupted = nil, k.interrupted || tell })
}

// waiting says whether nothing is left to read.
func (k *keys) waiting() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.typed) == 0 && !k.ended && !k.interrupted
}

// next gives the next key: io.EOF after the last.
func (k *keys) next(ctx context.Context) (byte, error) {
	for {
		k.mu.Lock()
		switch {
		case k.interrupted:
			k.interrupted = false
			k.mu.Unlock()
			return 0, errInterrupted
		case len(k.typed) > 0:
			c := k.typed[0]
			k.typed = k.typed[1:]
			k.mu.Unlock()
			return c, nil
		case k.ended:
			k.mu.Unlock()
			return 0, io.EOF
		}
		k.mu.Unlock()
		select {
		case <-k.more:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}
