package meter

const (
	historySlots = 4096 // verdicts that are kept, 14 minutes at 200 ms
	linkReach    = 64   // how far ahead a link is looked for that tells about a slot without shreds
)

// Run is a run of complete slots, skipped ones stepped over.
type Run struct {
	First, Last uint64 // slots; meaningless where Slots is 0
	Slots       uint64 // complete slots in it
	Skipped     uint64 // slots in it that have no block
	began, done int64
	// Broken is the slot that ended the run before this one, and its state.
	Broken      uint64
	BrokenState SlotState
	HasBroken   bool
}

// Seconds is the time that the run covers: from the first shred of its first slot until its last slot was complete.
func (r *Run) Seconds() float64 {
	if r.Slots == 0 {
		return 0
	}
	return float64(r.done-r.began) / 1e9
}

func (r *Run) extend(s *Slot) {
	switch {
	case s.State.Complete():
		if r.Slots == 0 {
			r.First, r.began, r.done, r.Skipped = s.Number, s.Began, s.Began, 0
		}
		r.Slots++
		r.Last, r.done = s.Number, max(r.done, s.Began+s.Took)
	case s.State == SlotSkipped:
		if r.Slots > 0 {
			r.Skipped++
		}
	default:
		*r = Run{Broken: s.Number, BrokenState: s.State, HasBroken: true}
	}
}

// frontier is the first slot that is not judged yet. Slots are judged in order, so that a run is what it says.
type frontier struct {
	next    uint64
	started bool
	ending  bool
	highest uint64 // the highest slot that was closed
	run     Run
}

// record keeps a verdict.
func (f *frontier) record(m *Meter, sum Slot) {
	sum.judged, sum.there = m.now, true
	m.closed[sum.Number%historySlots] = sum
	f.highest = max(f.highest, sum.Number)
}

// lookup returns the verdict on a slot, unless it was given long ago: a cluster that restarts makes the same slots again.
func (m *Meter) lookup(number uint64) *Slot {
	sum := &m.closed[number%historySlots]
	if !sum.there || sum.Number != number || m.now-sum.judged > 10*int64(m.config.Expire) {
		return nil
	}
	return sum
}

// closed reports whether a shred of the slot comes too late.
func (f *frontier) closed(m *Meter, number uint64) bool {
	sum := m.lookup(number)
	return sum != nil && m.now-sum.at <= 10*int64(m.config.Expire)
}

// advance judges what is due: every slot up to the tip that has been closed, and those without shreds once a later one was closed.
func (f *frontier) advance(m *Meter) {
	limit, known := m.tip.Slot()
	if f.ending {
		limit, known = f.highest, true
	}
	if !known || !f.place(m, limit) {
		return
	}
	for ; f.next <= limit; f.next++ {
		if m.liveAt(f.next) != nil {
			return
		}
		sum := m.lookup(f.next)
		if sum == nil {
			if f.highest <= f.next && !f.ending {
				return
			}
			gap := Slot{Number: f.next, State: m.gap(f.next), EndFlag: unknown, EndChain: unknown, Began: m.now, Cut: m.warming(m.now), at: m.now}
			m.book(m.binAbove(f.next), &gap)
			f.record(m, gap)
			sum = m.lookup(f.next)
		}
		f.run.extend(sum)
	}
}

// place puts the frontier where the traffic is: at its start, and after a jump that is longer than what is remembered.
func (f *frontier) place(m *Meter, limit uint64) bool {
	if f.started && f.next <= limit+m.config.Window && limit < f.next+historySlots {
		return true
	}
	if f.started && limit >= f.next+historySlots { // nobody knows what those were
		m.total.Slots[SlotUnknown] += limit - f.next - linkReach
		f.next, f.run = limit-linkReach, Run{Broken: limit - linkReach - 1, BrokenState: SlotUnknown, HasBroken: true}
		return true
	}
	lowest, found := limit, false
	for _, s := range m.live {
		if s.number+linkReach > limit && s.number <= lowest {
			lowest, found = s.number, true
		}
	}
	first := lowest
	for back := range min(uint64(linkReach), lowest+1) {
		if m.lookup(lowest-back) != nil {
			first, found = lowest-back, true
		}
	}
	if found {
		f.started, f.next, f.run = true, min(first, lowest), Run{}
	}
	return found
}

func (m *Meter) liveAt(number uint64) *slot {
	if s := m.slots[number%ringSlots]; s != nil && s.number == number {
		return s
	}
	return nil
}

// gap judges a slot of which no shred came, by the parents of the slots behind it.
func (m *Meter) gap(number uint64) SlotState {
	state := SlotUnknown
	for n := number + 1; n <= number+linkReach; n++ {
		parent, has := m.parentOf(n)
		if !has {
			continue
		}
		if parent == number {
			return SlotLost
		}
		if parent < number {
			state = SlotSkipped
		}
	}
	return state
}

// binAbove is the bin of the slot behind one that has no shreds.
func (m *Meter) binAbove(number uint64) uint64 {
	for n := number + 1; n <= number+linkReach; n++ {
		if sum := m.lookup(n); sum != nil {
			return sum.bin
		}
	}
	return m.bins.now()
}

func (m *Meter) parentOf(number uint64) (uint64, bool) {
	if s := m.liveAt(number); s != nil {
		return s.parent, s.hasParent
	}
	if sum := m.lookup(number); sum != nil {
		return sum.Parent, sum.HasParent
	}
	return 0, false
}

// claimed reports whether a slot is only a stray shred's claim: one shred is all of it, and a later slot steps over it.
func (m *Meter) claimed(sum *Slot) bool {
	return sum.State == SlotPartial && sum.Data+sum.Code == 1 && m.gap(sum.Number) == SlotSkipped
}

// run walks on from the frontier through the slots whose shreds still come: the run that ends at the tip, the tip itself, and false
// where nothing is judged yet. The tip is the highest slot of which all is known that will be: behind it come only slots that were
// heard of less than the grace ago.
func (m *Meter) run() (Run, uint64, bool) {
	if !m.front.started {
		return Run{}, 0, false
	}
	run, tip, known := m.front.run, m.front.next-1, m.front.run.Slots > 0 || m.front.run.HasBroken
	top, _ := m.tip.Slot()
	for n := m.front.next; n <= top+16; n++ {
		var sum Slot
		if s := m.liveAt(n); s != nil {
			if !s.complete && m.now-s.last < int64(m.config.Grace) {
				break
			}
			sum = s.verdict()
		} else if there := m.lookup(n); there != nil {
			sum = *there
		} else {
			above := m.nextLive(n, top+16)
			sum = Slot{Number: n, State: m.gap(n)}
			if above == nil || sum.State != SlotSkipped && m.now-above.began < int64(m.config.Grace) {
				break
			}
		}
		if m.claimed(&sum) {
			sum.State = SlotSkipped
		}
		run.extend(&sum)
		tip, known = n, true
	}
	return run, tip, known
}

func (m *Meter) nextLive(number, top uint64) *slot {
	for n := number + 1; n <= top; n++ {
		if s := m.liveAt(n); s != nil {
			return s
		}
	}
	return nil
}
