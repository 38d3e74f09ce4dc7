package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Stream is shreds to be sent.
type Stream struct {
	Chain
	Rate  float64        // packets a second on each path; 0 is as fast as it goes
	Count uint64         // packets; 0 is until For is over or the context ends
	For   time.Duration  // 0 is until Count is reached
	First uint64         // sequence number of the first one: a stream that goes on where another ended
	Paths []Path         // none: one path through the mirror
	Made  *atomic.Uint64 // kept at the number of shreds made so far; nil: nobody watches
}

// Path is a way that each shred of a stream goes, with what happens to it on the way.
type Path struct {
	Device string         // of the turbine peer: Inlet (empty is that too) or DirectIn
	Source netip.AddrPort // invalid is PeerAddr:8000
	To     netip.AddrPort // invalid is Advertised through Inlet and DirectTVU through DirectIn
	// Shares of the packets that are lost, sent twice, and sent late, behind the one that follows; the same in each run
	// for one seed.
	Lost, Twice, Late float64
	Seed              uint64
}

// Sent is what was really sent: on each path, in order.
type Sent struct {
	Sequences uint64 // shreds made: First to First+Sequences-1
	Took      time.Duration
	Paths     []SentPath
}

// SentPath counts the frames of a path. Frames = Sequences - Lost + Twice.
type SentPath struct{ Frames, Lost, Twice, Late uint64 }

// Rate is the shreds made a second.
func (s Sent) Rate() float64 { return float64(s.Sequences) / s.Took.Seconds() }

// batch is how many frames one call gives to the kernel at most.
const batch = 32

// sender sends a stream over its paths.
type sender struct {
	Stream
	set   *set
	out   []*outlet
	clock clock
	sent  Sent
}

// Send sends a stream and returns when all of it has been handed to the devices. It keeps a thread busy or asleep in
// short turns for that time, and catches up where the machine was late.
func (n *Net) Send(ctx context.Context, stream Stream) (Sent, error) {
	if stream.Count == 0 && stream.For == 0 && ctx.Done() == nil {
		return Sent{}, errors.New("send a stream: neither a count nor a time nor a context that ends")
	}
	if len(stream.Paths) == 0 {
		stream.Paths = []Path{{}}
	}
	s := &sender{Stream: stream, clock: newClock()}
	defer func() {
		for _, o := range s.out {
			unix.Close(o.socket)
		}
	}()
	s.set = newSet(stream.Chain, func(i int) []byte { return make([]byte, sizeAt(i)) })
	err := n.Turbine.Do(func() error {
		for number, path := range stream.Paths {
			o, err := n.newOutlet(path, uint32(number))
			if err != nil {
				return err
			}
			s.out = append(s.out, o)
		}
		return s.run(ctx)
	})
	for _, o := range s.out {
		s.sent.Paths = append(s.sent.Paths, o.sent)
	}
	if err != nil {
		return s.sent, fmt.Errorf("send shreds from %s: %w", n.Turbine.Name, err)
	}
	return s.sent, nil
}

// run sends batch by batch, never across a set's end: a set's buffers are filled anew for the next.
func (s *sender) run(ctx context.Context) error {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // else each nap is up to 50 us too long
	start := s.clock.now()
	defer func() { s.sent.Took = time.Duration(s.clock.now() - start) }()
	for done := ctx.Done(); ; {
		select {
		case <-done:
			return s.flush()
		default:
		}
		now := s.clock.now()
		if s.Count > 0 && s.sent.Sequences == s.Count || s.For > 0 && now-start >= int64(s.For) {
			return s.flush()
		}
		due := s.sent.Sequences + batch
		if s.Rate > 0 {
			due = uint64(float64(now-start) / 1e9 * s.Rate)
		}
		if due <= s.sent.Sequences {
			next := start + int64(float64(s.sent.Sequences+1)/s.Rate*1e9)
			t := unix.NsecToTimespec(next)
			_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &t, nil) // an interrupted nap is a short one
			continue
		}
		if err := s.step(min(due-s.sent.Sequences, batch), now); err != nil {
			return err
		}
	}
}

// step sends the next shreds, at most n.
func (s *sender) step(n uint64, now int64) error {
	sequence := s.First + s.sent.Sequences
	place := sequence % setSize
	if place == 0 || s.sent.Sequences == 0 {
		s.set.fill(sequence / setSize)
	}
	n = min(n, setSize-place)
	if s.Count > 0 {
		n = min(n, s.Count-s.sent.Sequences)
	}
	for _, o := range s.out {
		for i := place; i < place+n; i++ {
			stamp := Stamp{Sequence: sequence + i - place, Sent: now, Path: o.number}
			if err := o.add(s.set.shreds[i], int(i), stamp); err != nil {
				return err
			}
		}
		if err := o.send(); err != nil {
			return err
		}
	}
	s.sent.Sequences += n
	if s.Made != nil {
		s.Made.Store(s.sent.Sequences)
	}
	return nil
}

// flush sends what was held back to be late.
func (s *sender) flush() error {
	for _, o := range s.out {
		o.release()
		if err := o.send(); err != nil {
			return err
		}
	}
	return nil
}
