package meter

import "time"

// Totals are sums over some time, or over all of it.
type Totals struct {
	Slots         [slotStates]uint64
	Sets          [setStates]uint64
	Equivocations uint64
	Conflicts     uint64
	Strays        uint64 // slots far beyond the tip that were given up
	Evicted       uint64 // slots that were closed early for want of room
	Paths         []PathTotals
}

// PathTotals are one path's part of Totals.
type PathTotals struct {
	Unique, Duplicate, Resigned, First, Only uint64
	Complete                                 uint64 // slots that the path alone would have completed
	Leads                                    uint64 // samples of the lead
	LeadMicros                               int64  // their sum
}

func newTotals(paths int) Totals { return Totals{Paths: make([]PathTotals, paths)} }

// add adds what is comparable between windows.
func (t *Totals) add(o *Totals) {
	for i, n := range o.Slots {
		t.Slots[i] += n
	}
	for i, n := range o.Sets {
		t.Sets[i] += n
	}
	t.Equivocations += o.Equivocations
	t.Conflicts += o.Conflicts
	for i := range min(len(t.Paths), len(o.Paths)) {
		a, b := &t.Paths[i], &o.Paths[i]
		a.Unique += b.Unique
		a.Duplicate += b.Duplicate
		a.Resigned += b.Resigned
		a.First += b.First
		a.Only += b.Only
		a.Complete += b.Complete
		a.Leads += b.Leads
		a.LeadMicros += b.LeadMicros
	}
}

func (t *Totals) lead(path int, us int32) {
	t.Paths[path].Leads++
	t.Paths[path].LeadMicros += int64(us)
}

// bin is the totals of a short time. What a slot brought goes to the bin in which its first shred came, so that a mark parts slots
// that came before it from those that came after, though both are judged later.
type bin struct {
	Totals
	Number  uint64
	Start   time.Time // for display
	Seconds float64   // watched
	began   int64
}

// bins is a ring of the latest.
type bins struct {
	ring    []bin
	current uint64
	first   uint64 // the oldest that was ever filled
	marks   []Mark
	lost    Totals // what belongs to a bin that is gone
}

const binsKept = 512

func newBins(paths int) bins {
	b := bins{ring: make([]bin, binsKept), lost: newTotals(paths)}
	for i := range b.ring {
		b.ring[i].Totals = newTotals(paths)
	}
	return b
}

func (b *bins) start(at int64, wall time.Time) {
	slot := &b.ring[b.current%binsKept]
	paths := slot.Paths
	clear(paths)
	*slot = bin{Totals: Totals{Paths: paths}, Number: b.current, Start: wall, began: at}
}

func (b *bins) now() uint64 { return b.current }

// at returns a bin's totals to add to; those of a bin that is gone go nowhere.
func (b *bins) at(number uint64) *Totals {
	if one := &b.ring[number%binsKept]; one.Number == number {
		return &one.Totals
	}
	return &b.lost
}

// roll notes how long the current bin has been watched and begins another when it is full.
func (b *bins) roll(m *Meter) {
	one := &b.ring[b.current%binsKept]
	one.Seconds = float64(m.now-one.began) / 1e9
	if m.now-one.began >= int64(m.config.Bin) {
		b.cut(m)
		m.freeze()
	}
}

// cut ends the current bin and returns the number of the next.
func (b *bins) cut(m *Meter) uint64 {
	one := &b.ring[b.current%binsKept]
	one.Seconds = float64(m.now-one.began) / 1e9
	b.current++
	if b.current-b.first >= binsKept {
		b.first = b.current - binsKept + 1
	}
	b.start(m.now, m.wallOf(m.now))
	return b.current
}
