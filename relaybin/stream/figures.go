package stream

import "time"

// Figures are one stream's counts since its first packet here.
type Figures struct {
	Stream    uint32
	Received  uint64        // all packets, duplicates too
	Lost      uint64        // given up: never goes back
	Missing   uint64        // not here yet; becomes Lost, or Reordered when it comes
	Reordered uint64        // came after a later one
	Duplicate uint64        // came again
	Late      uint64        // came after having been given up, or again
	Anew      uint64        // how often the sequence was taken up anew
	Jitter    time.Duration // RFC 3550's estimate
}

// Totals are counts over all streams.
type Totals struct {
	Restarts   uint64 // new streams after another was heard: a sender was started again
	Untracked  uint64 // packets of streams for which there was no room
	Jumps      uint64 // a clock at either end was set
	Negative   uint64 // packets that came before they were sent: the two clocks do not agree
	Incredible uint64 // packets more than ten seconds on the way by the clocks

	// Of streams that are not among the figures any more, because they gave way to others.
	Reordered, Duplicate, Late, Anew uint64
}

// Figures are the streams known at the last Turn; any goroutine may ask. A stream that gives way to another in the very moment
// of asking may be shown with the other's counts once.
func (b *Books) Figures() ([]Figures, Totals) {
	var out []Figures
	for i := range b.shown.accounts {
		s := &b.shown.accounts[i]
		id := s.stream.Load()
		if id>>32 == 0 {
			continue
		}
		n := func(i int) uint64 { return s.counts[i].Load() }
		out = append(out, Figures{Stream: uint32(id), Received: n(0), Lost: n(1), Missing: n(2), Reordered: n(3), Duplicate: n(4), Late: n(5), Anew: n(6),
			Jitter: time.Duration(n(7))})
	}
	t := &b.shown.totals
	return out, Totals{t[0].Load(), t[1].Load(), t[2].Load(), t[3].Load(), t[4].Load(), t[5].Load(), t[6].Load(), t[7].Load(), t[8].Load()}
}
