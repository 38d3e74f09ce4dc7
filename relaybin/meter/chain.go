package meter

import "bisc/relaybin/shred"

// link looks for the chain that a version's roots are part of. The first set of a slot carries the root of the last set of its parent
// slot: so a later slot proves where an earlier one ended, when the shred with the flag was lost, and which slot its parent is,
// when only code shreds came. A root of 32 bytes is not met by chance, so one shred of each slot is proof enough.
func (m *Meter) link(s *slot, v *version) {
	if v.set == 0 {
		m.linkParent(s, v)
	}
	for _, child := range m.live {
		if child.number <= s.number {
			continue
		}
		for first := child.set(0); first != nil; first = first.next {
			if first.chained == v.root {
				m.linked(s, v, child)
			}
		}
	}
}

func (m *Meter) linkParent(s *slot, first *version) {
	if s.hasParent && !s.byChain { // the header names it: look nowhere else
		if parent := m.slots[s.parent%ringSlots]; parent != nil && parent.number == s.parent {
			m.linkTo(parent, s, first)
		}
		return
	}
	for _, parent := range m.live {
		if parent.number < s.number {
			m.linkTo(parent, s, first)
		}
	}
}

func (m *Meter) linkTo(parent, child *slot, first *version) {
	for i := range parent.sets {
		for v := parent.sets[i]; v != nil; v = v.next {
			if v.root == first.chained {
				m.linked(parent, v, child)
			}
		}
	}
}

// linked takes it that the version's set is the last one of the parent slot.
func (m *Meter) linked(parent *slot, last *version, child *slot) {
	parent.endChain = max(parent.endChain, (last.set+1)*shred.SetData-1)
	if !child.hasParent {
		child.parent, child.hasParent, child.byChain = parent.number, true, true
	}
	parent.complete = parent.whole()
}

// progress looks whether the slot is complete now: when a set has just become good, or the end has just become known.
func (m *Meter) progress(s *slot, v *version) {
	if v.data()+v.code() == shred.SetData || m.header.Kind() == shred.Data && m.header.Last() {
		s.complete = s.whole()
	}
}
