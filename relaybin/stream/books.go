package stream

import (
	"math"
	"sync/atomic"
	"time"
)

// Streams is how many streams the Books follow at once. A relay has one sender, perhaps two; a flood of made-up streams fills
// the rest and no more.
const Streams = 16

const (
	silence  = int64(10 * time.Second) // after which a stream may give way to another
	patience = int64(2 * time.Second)  // without a packet, after which what is missing is lost
	jump     = int64(time.Second)      // between two transit times: no network does this, a clock was set
	highest  = 1 << 62
	longest  = int64(10 * time.Second) // a delay that is believed
)

// Note says what the Books made of a packet.
type Note uint8

// The notes.
const (
	Next      Note = iota // later than all before
	Reordered             // after a later one; a loss that was none
	Duplicate             // was here already
	Late                  // so late that it is not known whether it was here: it may have been counted as lost
	Anew                  // the sequence went where no loss explains, and is followed from here
	Untracked             // of a stream for which there is no room, or a number that no sender reaches
)

// Seen is what the Books say of one packet.
type Seen struct {
	Note  Note
	Delay time.Duration // on the way, by two machines' clocks
	Timed bool          // Delay can be believed: not negative, not above ten seconds
}

// Books are the receiver's accounts: per stream what was lost, reordered, duplicated, and how long it took. One goroutine
// writes them; Figures is for any. They do not allocate and do not grow.
type Books struct {
	file  *ledger // perhaps in a mapped file
	close func() error
	last  int // the account looked up last
	now   int64
	shown shown
}

// ledger is what the Books keep, also on disk. The layout is the machine's own; the file never leaves it.
type ledger struct {
	magic, layout               uint64
	restarts, untracked         uint64
	jumps, negative, incredible uint64
	reordered, duplicate        uint64 // of streams that gave way, so that the sums over all never go back
	late, anew                  uint64
	accounts                    [Streams]account
}

// NewBooks opens books that end with the process.
func NewBooks() *Books {
	b := &Books{file: new(ledger), close: func() error { return nil }}
	b.Turn(0)
	return b
}

// See books a packet with header h that the kernel took in at the given time, nanoseconds since 1970; 0 when it did not say.
func (b *Books) See(h Header, at int64) Seen {
	a, fresh := (*account)(nil), false
	if h.Sequence < highest { // beyond it sums would wrap; no sender lives that long
		a, fresh = b.account(h)
	}
	if a == nil {
		b.file.untracked++
		return Seen{Note: Untracked}
	}
	a.received++
	if a.received == 2 && a.heir == 1 { // not at the first: a made-up stream has only that
		b.file.restarts++
	}
	s := Seen{Note: Next}
	if !fresh {
		s.Note = a.see(h.Sequence)
	}
	if at != 0 {
		b.time(a, &s, at, h.Time)
	}
	a.heard = b.now
	return s
}

// time books the packet's time on the way. Both clocks may be wrong by any amount: what cannot be is counted, and not shown.
func (b *Books) time(a *account, s *Seen, at, sent int64) {
	transit := at - sent
	if (transit < 0) != (at < sent) { // it does not fit: the sender's clock is centuries away
		b.file.incredible++
		a.timed = 0
		return
	}
	if s.Note != Duplicate && a.clock(transit) {
		b.file.jumps++
	}
	switch {
	case transit < 0:
		b.file.negative++
	case transit > longest:
		b.file.incredible++
	default:
		s.Delay, s.Timed = time.Duration(transit), true
	}
}

// account finds the stream's account or opens one; nil where there is no room.
func (b *Books) account(h Header) (a *account, fresh bool) {
	if a := &b.file.accounts[b.last]; a.stream == h.Stream && a.used == 1 {
		return a, false
	}
	for i := range b.file.accounts {
		if a := &b.file.accounts[i]; a.stream == h.Stream && a.used == 1 {
			b.last = i
			return a, false
		}
	}
	i, others := b.room()
	if i < 0 {
		return nil, false
	}
	a = &b.file.accounts[i]
	b.file.keep(a)
	*a = account{stream: h.Stream, used: 1, marked: b.now}
	b.last = i
	// A sender begins at 0. Where others were heard before, this is a restart that we were there for, so what came before
	// the first that arrived is missing; where none was, it is we who came late.
	first := h.Sequence
	if others {
		a.heir = 1
		if h.Sequence < window {
			first = 0
		}
	}
	a.begin(first, h.Sequence)
	return a, true
}

// keep takes up what an account that gives way has counted. Its losses are shown by stream only, and go with it.
func (l *ledger) keep(a *account) {
	l.reordered += a.reordered
	l.duplicate += a.duplicate
	l.late += a.late
	l.anew += a.anew
}

// room is a free account, or one whose stream gives way: one that was heard once only, else one that has been silent for
// long; of several, the one silent longest. A stream that is alive never gives way, so no flood of made-up ones pushes the
// true one out. others says that a stream was heard before.
func (b *Books) room() (index int, others bool) {
	index = -1
	best := int64(math.MaxInt64)
	for i := range b.file.accounts {
		a := &b.file.accounts[i]
		others = others || a.received > 1
		if rank, gives := a.gives(b.now); gives && rank < best {
			index, best = i, rank
		}
	}
	return index, others
}

// gives says whether the account may be taken for another stream, and how readily: the lowest rank first.
func (a *account) gives(now int64) (rank int64, may bool) {
	switch {
	case a.used == 0:
		return math.MinInt64, true
	case a.received <= 1:
		return a.heard - math.MaxInt64/2, true
	}
	return a.heard, now-a.heard >= silence
}

// Turn ends a batch: now is CLOCK_BOOTTIME in nanoseconds. What has been missing for two to four seconds becomes a
// loss, and the figures are shown. To be called while nothing comes, too.
func (b *Books) Turn(now int64) {
	b.now = now
	for i := range b.file.accounts {
		a := &b.file.accounts[i]
		if a.used == 1 {
			a.age(now)
		}
		b.shown.accounts[i].show(a)
	}
	f := b.file
	for i, n := range [...]uint64{f.restarts, f.untracked, f.jumps, f.negative, f.incredible, f.reordered, f.duplicate, f.late, f.anew} {
		if n != b.shown.totals[i].Load() {
			b.shown.totals[i].Store(n)
		}
	}
}

// Close lets the file go; what is in it stays for the next process.
func (b *Books) Close() error { return b.close() }

// shown are the figures as the last Turn left them.
type shown struct {
	totals   [9]atomic.Uint64
	accounts [Streams]shownAccount
}

type shownAccount struct {
	stream atomic.Uint64 // and bit 32 when in use
	counts [8]atomic.Uint64
}

func (s *shownAccount) show(a *account) {
	id := uint64(a.used)<<32 | uint64(a.stream)
	if a.received == s.counts[0].Load() && a.lost == s.counts[1].Load() && id == s.stream.Load() {
		return // nothing came and nothing was given up
	}
	for i, n := range [...]uint64{a.received, a.lost, a.missing, a.reordered, a.duplicate, a.late, a.anew, uint64(a.jitter >> 4)} {
		if n != s.counts[i].Load() {
			s.counts[i].Store(n)
		}
	}
	s.stream.Store(id)
}
