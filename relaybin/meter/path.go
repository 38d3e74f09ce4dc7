package meter

import (
	"slices"

	"bisc/relaybin/shred"
)

// path is what came by one path, in plain counters of whoever holds the meter's lock.
type path struct {
	name       string
	packets    uint64 // everything
	shreds     uint64 // what breaks no rule
	refused    [shred.Rules]uint64
	unique     uint64 // distinct on this path
	duplicates uint64 // repeats on this path
	first      uint64 // here before it was anywhere else; known when the slot is closed
	only       uint64 // here and nowhere else; known when the slot is closed
	resigned   uint64 // with a retransmitter's signature
	late       uint64 // of a slot that was closed already
	stray      uint64 // too far from the tip
	conflicts  uint64 // contradicting the other shreds of its set
	complete   uint64 // slots that this path alone would have completed
	last       int64  // the latest shred, ns
	any        bool
	lead       leads
}

func (p *path) heard(at int64) {
	p.last, p.any = max(p.last, at), true
}

// present reports whether a shred came within the silence.
func (m *Meter) present(p *path) bool {
	return p.any && m.now-p.last < int64(m.config.Silence)
}

// leadKept is how many samples the quantiles of a lead are taken from.
const leadKept = 4096

// leads are samples of how much earlier than by the reference path a shred came by this one, in microseconds; negative: later.
type leads struct {
	histogram histogram
	recent    []int32
	next      int
}

// leadEdges are the upper bounds of the lead's histogram, in seconds.
func leadEdges() []float64 {
	return []float64{-0.5, -0.2, -0.1, -0.05, -0.02, -0.01, -0.005, -0.002, -0.001, 0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5}
}

// latencyEdges are those of the time in which a slot becomes complete.
func latencyEdges() []float64 {
	return []float64{0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8, 1, 1.5, 2, 5, 10}
}

func (l *leads) add(us int32) {
	l.histogram.add(float64(us) / 1e6)
	if l.recent == nil {
		l.recent = make([]int32, 0, leadKept)
	}
	if len(l.recent) < leadKept {
		l.recent = append(l.recent, us)
		return
	}
	l.recent[l.next] = us
	l.next = (l.next + 1) % leadKept
}

// quantile is element floor(q*(n-1)) of the sorted recent samples, in microseconds.
func (l *leads) quantiles(qs ...float64) []int32 {
	sorted := slices.Sorted(slices.Values(l.recent))
	var values []int32
	for _, q := range qs {
		values = append(values, sorted[int(q*float64(len(sorted)-1))])
	}
	return values
}

// forget drops the recent samples: what a path's lead was before it fell silent says nothing about now.
func (l *leads) forget() { l.recent, l.next = l.recent[:0], 0 }

// histogram counts in buckets with the given upper bounds.
type histogram struct {
	edges  []float64
	counts [24]uint64
	count  uint64
	sum    float64
}

func (h *histogram) add(v float64) {
	h.count++
	h.sum += v
	for i, edge := range h.edges {
		if v <= edge {
			h.counts[i]++
			return
		}
	}
}

// buckets are cumulative, as Prometheus wants them.
func (h *histogram) buckets() map[float64]uint64 {
	all, sum := make(map[float64]uint64, len(h.edges)), uint64(0)
	for i, edge := range h.edges {
		sum += h.counts[i]
		all[edge] = sum
	}
	return all
}

// paceSamples are kept a second apart.
const paceSamples = 61

// pace measures how fast the chain goes: the slots that the tip moved in the last minute.
type pace struct {
	slot [paceSamples]uint64
	at   [paceSamples]int64
	n    int // ever taken
}

func (p *pace) note(m *Meter) {
	tip, known := m.tip.Slot()
	if !known {
		return
	}
	if p.n > 0 {
		last := (p.n - 1) % paceSamples
		if m.now-p.at[last] < 1e9 {
			return
		}
		if before := p.slot[last]; tip < before || tip-before > MaxWindow { // a jump is no speed
			p.n = 0
		}
	}
	p.slot[p.n%paceSamples], p.at[p.n%paceSamples] = tip, m.now
	p.n++
}

// rate is in slots/s; false where less than two seconds were watched or nothing comes.
func (p *pace) rate() (float64, bool) {
	if p.n < 3 {
		return 0, false
	}
	last, first := (p.n-1)%paceSamples, 0
	if p.n > paceSamples {
		first = p.n % paceSamples
	}
	took := float64(p.at[last]-p.at[first]) / 1e9
	moved := p.slot[last] - p.slot[first]
	if moved == 0 {
		return 0, false
	}
	return float64(moved) / took, true
}
