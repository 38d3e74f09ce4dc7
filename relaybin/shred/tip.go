package shred

import "slices"

// Tip follows the slot that the traffic is at: the median slot of the last 63 shreds, renewed every 63. Leaders send slot after slot,
// so the median is within a slot or two of the highest that is real; and as long as fewer than half of the shreds are stray
// (corrupt, replayed, another cluster's), no stray slot can be it, however high. There is no memory beyond 63 shreds: after an hour
// of silence it is right again within 63 shreds, about 10 ms at 7,500 shreds/s.
type Tip struct {
	seen  [63]uint64
	count int
	slot  uint64
	known bool
}

// See takes one shred's slot into account. It does not allocate.
func (t *Tip) See(slot uint64) {
	t.seen[t.count] = slot
	t.count++
	if t.count < len(t.seen) {
		return
	}
	slices.Sort(t.seen[:])
	t.slot, t.known, t.count = t.seen[len(t.seen)/2], true, 0
}

// Slot is the tip; false before the first 63 shreds.
func (t *Tip) Slot() (uint64, bool) { return t.slot, t.known }
