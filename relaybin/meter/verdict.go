package meter

import (
	"math/bits"
	"slices"
	"time"

	"bisc/relaybin/shred"
)

// SetState is what came of one FEC set.
type SetState uint8

// The states of a set.
const (
	SetFull        SetState = iota // all 32 data shreds came
	SetRecoverable                 // fewer, but 32 of the 64
	SetPartial                     // fewer than 32
	SetMissing                     // none, though the slot goes on behind it
	setStates
)

// String is the state as metrics and reports show it.
func (s SetState) String() string {
	return [...]string{"full", "recoverable", "partial", "missing"}[s]
}

// SlotState is what came of one slot.
type SlotState uint8

// The states of a slot. Full and recoverable ones are complete.
const (
	SlotFull        SlotState = iota // the end is known, and every set up to it is full
	SlotRecoverable                  // the end is known, and every set up to it is full or recoverable
	SlotPartial                      // shreds came, but a set is not recoverable or the end is not known
	SlotLost                         // no shred came, and a later slot builds on it
	SlotSkipped                      // no shred came, and a later slot's parent is an earlier one: the leader made no block
	SlotUnknown                      // no shred came, and nothing that came tells whether there was a block
	slotStates
)

// String is the state as metrics and reports show it.
func (s SlotState) String() string {
	return [...]string{"full", "recoverable", "partial", "lost", "skipped", "unknown"}[s]
}

// Complete reports whether a validator can replay the slot without asking anybody for a repair.
func (s SlotState) Complete() bool { return s <= SlotRecoverable }

// Slot is the verdict on one slot.
type Slot struct {
	Number        uint64
	State         SlotState
	Parent        uint64
	HasParent     bool
	EndFlag       int // index of the last data shred by LAST_SHRED_IN_SLOT; -1: not seen
	EndChain      int // the same, by a later slot's chained root; -1: not seen
	Sets          [setStates]uint32
	Data, Code    uint32 // distinct shreds, of the better version where a set has two
	Equivocations uint32 // sets with two roots that two shreds each agree on
	Conflicts     uint64 // shreds that contradict the others of their set
	Began         int64  // the first shred, on See's clock, ns
	Took          int64  // from the first shred until the last set could be recovered, ns; 0: it never could
	Cut           bool   // began before the meter did: in no total
	at            int64  // the last shred; where none came, when it was judged
	judged        int64
	bin           uint64
	there         bool
}

// close judges a live slot, books it, and forgets its shreds.
func (m *Meter) close(s *slot) {
	sum := s.verdict()
	sum.bin, sum.at = s.bin, s.last
	if m.claimed(&sum) {
		sum.State = SlotSkipped
	}
	tip, known := m.tip.Slot()
	stray := known && s.number > tip+16 // the tip never came so far: no leader did either
	if !stray {
		m.bookPaths(s, &sum)
		m.book(s.bin, &sum)
		m.front.record(m, sum)
	} else {
		m.total.Strays++
	}
	m.forget(s)
}

// book counts a verdict.
func (m *Meter) book(bin uint64, sum *Slot) {
	if sum.Cut {
		return
	}
	for _, t := range [...]*Totals{&m.total, m.bins.at(bin)} {
		t.Slots[sum.State]++
		for i, n := range sum.Sets {
			t.Sets[i] += uint64(n)
		}
		t.Equivocations += uint64(sum.Equivocations)
		t.Conflicts += sum.Conflicts
	}
	if sum.State.Complete() {
		m.latency.add(float64(sum.Took) / float64(time.Second))
	}
}

// verdict judges the slot by what has come.
func (s *slot) verdict() Slot {
	sum := Slot{Number: s.number, State: SlotPartial, Parent: s.parent, HasParent: s.hasParent, EndFlag: s.endFlag, EndChain: s.endChain,
		Conflicts: s.conflicts, Began: s.began, Cut: s.cut}
	last := max(len(s.sets)-1, s.end()/shred.SetData)
	if s.end() == unknown {
		last = len(s.sets) - 1
	}
	for i := range last + 1 {
		sum.Sets[s.setState(i)]++
		if v := s.best(i); v != nil {
			sum.Data += uint32(v.data())
			sum.Code += uint32(v.code())
		}
		confirmed := uint32(0)
		for v := s.set(i); v != nil; v = v.next {
			if v.confirmed {
				confirmed++
			}
		}
		if confirmed > 1 {
			sum.Equivocations++
		}
	}
	if s.whole() {
		sum.State = SlotRecoverable
		if sum.Sets[SetFull] == uint32(last+1) {
			sum.State = SlotFull
		}
		sum.Took = s.took()
	}
	return sum
}

func (s *slot) setState(i int) SetState {
	v := s.best(i)
	switch {
	case v == nil:
		return SetMissing
	case v.data() == shred.SetData:
		return SetFull
	case v.good():
		return SetRecoverable
	}
	return SetPartial
}

// took is the time from the slot's first shred until each set had 32 shreds, by the times at which the shreds came and not by the order
// in which the meter got to see them.
func (s *slot) took() int64 {
	var latest int32
	for i := range s.end()/shred.SetData + 1 {
		v := s.best(i)
		var times [shred.SetTotal]int32
		n := 0
		for left := v.any; left != 0; left &= left - 1 {
			times[n], _, _ = v.first(bits.TrailingZeros64(left))
			n++
		}
		slices.Sort(times[:n])
		if at := times[shred.SetData-1]; i == 0 || at > latest {
			latest = at
		}
	}
	return max(0, (int64(latest)+s.base)*1000-s.began)
}

// first tells when a shred came first, by which path, and by how many paths it came. Of two paths at the same microsecond it is the
// one named first.
func (v *version) first(leaf int) (at int32, path, paths int) {
	for p := range v.seen {
		if v.seen[p]&(1<<leaf) == 0 {
			continue
		}
		if t := v.at[p*shred.SetTotal+leaf]; paths == 0 || t < at {
			at, path = t, p
		}
		paths++
	}
	return at, path, paths
}

// bookPaths counts for each path what it brought first, what it alone brought, and whether it alone would have completed the slot.
func (m *Meter) bookPaths(s *slot, sum *Slot) {
	bin := m.bins.at(s.bin)
	for i := range s.sets {
		for v := s.sets[i]; v != nil; v = v.next {
			for left := v.any; left != 0; left &= left - 1 {
				_, p, paths := v.first(bits.TrailingZeros64(left))
				m.paths[p].first++
				bin.Paths[p].First++
				if paths == 1 {
					m.paths[p].only++
					bin.Paths[p].Only++
				}
			}
		}
	}
	for p := range m.paths {
		t := &bin.Paths[p]
		t.Unique += s.tally[p][tallyUnique]
		t.Duplicate += s.tally[p][tallyDuplicate]
		t.Resigned += s.tally[p][tallyResigned]
		if !sum.Cut && s.alone(p) {
			m.paths[p].complete++
			t.Complete++
		}
	}
}

// alone reports whether one path's shreds would have been enough; the end counts as known however it became known.
func (s *slot) alone(path int) bool {
	if s.end() == unknown {
		return false
	}
	for i := range s.end()/shred.SetData + 1 {
		if v := s.best(i); v == nil || bits.OnesCount64(v.seen[path]) < shred.SetData {
			return false
		}
	}
	return true
}
