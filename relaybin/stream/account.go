package stream

// window is how many sequence numbers back an arrival is still told from a duplicate, and a gap may still be filled: half a
// second at 7,500 packets/s. It divides by 64.
const window = 8192

// implausible is a step ahead that no loss explains: 2^31 packets are two hours at 300,000/s. The sequence is then taken up
// anew, for one wrong packet must not put thousands of millions into the books.
const implausible = 1 << 31

// strays is how many packets in a row may lie behind the window before the sequence is taken up anew where they are: then it
// was the step ahead that was wrong.
const strays = 256

// account is what is known of one stream. It lies in a file that outlives the process, so it holds numbers only.
//
// Numbers below floor are settled. Those in [floor, next) are in the window: a bit of seen is set for what has come. A number
// becomes a loss when it leaves the window unseen, so that the count of losses never goes back.
type account struct {
	stream  uint32
	used    uint32
	floor   uint64
	next    uint64 // the highest seen, plus one
	seen    [window / 64]uint64
	missing uint64 // in the window, not seen yet
	mark    uint64 // next, as it stood at the time marked: what is below has had that long to come
	marked  int64  // CLOCK_BOOTTIME, ns

	received, lost, reordered, duplicate, late, anew uint64

	heard   int64 // CLOCK_BOOTTIME, ns
	transit int64 // arrival less send time of the packet before, ns; of two clocks, so only its changes mean something
	jitter  int64 // ns, times 16
	stray   uint32
	timed   uint32 // transit is set
	heir    uint32 // others were heard before
}

func (a *account) bit(n uint64) (word *uint64, mask uint64) {
	return &a.seen[n%window/64], 1 << (n % 64)
}

// begin takes the sequence up at n; first is the lowest number that may still come.
func (a *account) begin(first, n uint64) {
	a.floor, a.next, a.mark, a.missing = first, first, first, 0
	clear(a.seen[:])
	a.extend(n)
}

// extend moves the window's upper end to include n, which is not below next, and marks n as seen.
func (a *account) extend(n uint64) {
	if gap := n - a.next; gap >= window {
		a.settle() // all of the window falls out, and the numbers that never were in it
		a.lost += gap - window + 1
		a.next = n - window + 1
		a.floor = a.next
	}
	for ; a.next <= n; a.next++ {
		if a.next-a.floor == window {
			a.leave()
		}
		word, mask := a.bit(a.next)
		*word &^= mask
		a.missing++
	}
	word, mask := a.bit(n)
	*word |= mask
	a.missing--
}

// leave settles the lowest number of the window.
func (a *account) leave() {
	word, mask := a.bit(a.floor)
	if *word&mask == 0 {
		a.lost++
		a.missing--
	}
	a.floor++
}

// settle makes losses of all that is missing.
func (a *account) settle() {
	a.lost += a.missing
	a.missing, a.floor = 0, a.next
}

// age makes losses of what has been missing for as long as patience: at ten packets a second the window alone would take a
// quarter of an hour.
func (a *account) age(now int64) {
	if now-a.marked < patience {
		return
	}
	for a.floor < a.mark {
		a.leave()
	}
	a.mark, a.marked = a.next, now
}

// see books number n.
func (a *account) see(n uint64) Note {
	switch {
	case n >= a.next && n-a.next < implausible:
		a.stray = 0
		a.extend(n)
		return Next
	case n >= a.next:
		return a.again(n)
	case n < a.floor:
		if a.stray++; a.stray >= strays {
			return a.again(n)
		}
		a.late++
		return Late
	}
	a.stray = 0
	word, mask := a.bit(n)
	if *word&mask != 0 {
		a.duplicate++
		return Duplicate
	}
	*word |= mask
	a.missing--
	a.reordered++
	return Reordered
}

// again takes the sequence up anew at n.
func (a *account) again(n uint64) Note {
	a.settle()
	a.anew++
	a.stray = 0
	a.begin(n, n)
	return Anew
}

// clock follows the transit time and returns whether one of the clocks was set: no network changes it by a second between two
// packets. The estimator of jitter is RFC 3550's (6.4.1, A.8), which such a step must not enter.
func (a *account) clock(transit int64) (jumped bool) {
	step := transit - a.transit
	if step < 0 {
		step = -step
	}
	known := a.timed == 1
	a.transit, a.timed = transit, 1
	if !known {
		return false
	}
	if step > jump || step < 0 { // still below zero: the difference does not fit
		return true
	}
	a.jitter += step - (a.jitter+8)>>4
	return false
}

// mend puts an account right that a kill left half written: what is missing is counted again from the window. False when it
// cannot be an account at all.
func (a *account) mend() bool {
	if a.used != 1 || a.next < a.floor || a.next-a.floor > window || a.mark > a.next {
		return false
	}
	a.missing = 0
	for n := a.floor; n < a.next; n++ {
		if word, mask := a.bit(n); *word&mask == 0 {
			a.missing++
		}
	}
	return true
}
