package meter

import (
	"bisc/relaybin/shred"
)

const unknown = -1 // an index that is not known

// slot is a slot whose shreds still come.
type slot struct {
	number    uint64
	place     int   // in Meter.live
	began     int64 // the earliest shred, ns
	last      int64 // the latest shred, ns
	base      int64 // what micros counts from, us
	bin       uint64
	sets      []*version // by FEC set index / 32
	endFlag   int        // index of the data shred with LAST_SHRED_IN_SLOT, or unknown
	endChain  int        // index of the last data shred as a later slot's chained root proves it, or unknown
	parent    uint64     // by a data shred, or by chain
	hasParent bool
	byChain   bool // the parent is known by chain alone
	linked    bool // set 0's chained root was found in an earlier slot
	complete  bool
	cut       bool // began before the meter did
	conflicts uint64
	tally     [MaxPaths][tallies]uint64
}

// What is tallied a slot and path, to be booked when the slot's bin is known to be over.
const (
	tallyUnique = iota
	tallyDuplicate
	tallyResigned
	tallies
)

func (s *slot) add(path, what int, h *shred.Header) {
	s.tally[path][what]++
	if what == tallyUnique && h.Variant.Resigned() {
		s.tally[path][tallyResigned]++
	}
}

func (s *slot) touch(at int64) {
	s.began = min(s.began, at)
	s.last = max(s.last, at)
}

// micros is a time in microseconds of the slot's own count. Differences of two are exact whatever the count starts from.
func (s *slot) micros(at int64) int32 { return int32(at/1000 - s.base) }

func (s *slot) set(i int) *version {
	if i < len(s.sets) {
		return s.sets[i]
	}
	return nil
}

func (s *slot) put(v *version) {
	for len(s.sets) <= v.set {
		s.sets = append(s.sets, nil)
	}
	v.next = s.sets[v.set]
	s.sets[v.set] = v
}

// note takes what a data shred's header says about the slot.
func (s *slot) note(h *shred.Header) {
	if h.Kind() == shred.Code {
		return
	}
	if h.Last() {
		s.endFlag = max(s.endFlag, int(h.Index))
	}
	if h.Slot != 0 && (!s.hasParent || s.byChain) {
		s.parent, s.hasParent, s.byChain = h.Parent(), true, false
	}
}

// end is the index of the slot's last data shred; unknown where neither flag nor chain told it.
func (s *slot) end() int { return max(s.endFlag, s.endChain) }

// best is the version of a set that has the most shreds; the leader's other version is not merged into it. Nil for a missing set.
func (s *slot) best(i int) *version {
	var best *version
	for v := s.set(i); v != nil; v = v.next {
		if best == nil || v.better(best) {
			best = v
		}
	}
	return best
}

// better orders versions whatever order they came in: confirmed first, then by shreds, then by root.
func (v *version) better(w *version) bool {
	if v.confirmed != w.confirmed {
		return v.confirmed
	}
	if a, b := v.data()+v.code(), w.data()+w.code(); a != b {
		return a > b
	}
	return string(v.root[:]) < string(w.root[:])
}

// whole reports whether the end is known and every set up to it is full or recoverable.
func (s *slot) whole() bool {
	end := s.end()
	if end == unknown {
		return false
	}
	for i := range end/shred.SetData + 1 {
		if v := s.best(i); v == nil || !v.good() {
			return false
		}
	}
	return true
}

// slotFor returns the live slot of a number, or makes it; nil where the number is too far from the tip.
func (m *Meter) slotFor(number uint64, at int64) *slot {
	there := m.slots[number%ringSlots]
	if there != nil && there.number == number {
		return there
	}
	if !m.near(number) {
		return nil
	}
	if there != nil {
		m.close(there) // of another time: the tip has moved past it
	}
	var s *slot
	if n := len(m.free); n > 0 {
		s = m.free[n-1]
		m.free = m.free[:n-1]
		*s = slot{sets: s.sets[:0]}
	} else {
		s = &slot{sets: make([]*version, 0, 64)}
	}
	s.number, s.began, s.last, s.base = number, at, at, at/1000
	s.endFlag, s.endChain = unknown, unknown
	s.cut = m.warming(at)
	s.bin = m.bins.now()
	s.place = len(m.live)
	m.slots[number%ringSlots] = s
	m.live = append(m.live, s)
	return s
}

// near reports whether a slot is within the window around the tip; anything is, before the tip is known.
func (m *Meter) near(number uint64) bool {
	tip, known := m.tip.Slot()
	if !known {
		return true
	}
	return number <= tip+m.config.Window && number+m.config.Window >= tip
}

// evict closes the slot farthest from the tip: strays first, and the oldest where there are more real sets than room.
func (m *Meter) evict() {
	tip, _ := m.tip.Slot()
	var victim *slot
	var far uint64
	for _, s := range m.live {
		distance := max(s.number, tip) - min(s.number, tip)
		if s.number != m.header.Slot && (victim == nil || distance > far) {
			victim, far = s, distance
		}
	}
	if victim != nil {
		m.total.Evicted++
		m.close(victim)
	}
}

// forget gives the slot's memory back to the pools.
func (m *Meter) forget(s *slot) {
	for _, v := range s.sets {
		for ; v != nil; v = v.next {
			m.spare = append(m.spare, v)
		}
	}
	clear(s.sets)
	last := m.live[len(m.live)-1]
	m.live[s.place], last.place = last, s.place
	m.live = m.live[:len(m.live)-1]
	m.slots[s.number%ringSlots] = nil
	m.free = append(m.free, s)
}
