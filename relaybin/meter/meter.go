package meter

import (
	"errors"
	"fmt"
	"hash/crc32"
	"sync"
	"time"

	"bisc/relaybin/shred"
)

// Config is what a meter is told. The zero value of a field means the default beside it.
type Config struct {
	Paths     []string      // names, each one path by which shreds come; at least one, at most MaxPaths
	Reference int           // the path that the lead of all others is measured against: an index into Paths
	Version   uint16        // the cluster's shred version; 0: any
	Expire    time.Duration // a slot is closed so long after its last shred; 30 s
	Grace     time.Duration // a slot that is not complete so long after its last shred breaks the tip's run; 2 s
	Silence   time.Duration // a path with no shred for so long is absent; 10 s
	Warmup    time.Duration // slots seen within this time of the first shred began before the meter did, and are not counted; 0: none
	Window    uint64        // how far a slot may be from the tip; 512, at most MaxWindow
	MaxSets   int           // FEC sets kept at most; what 16 MiB hold: 11,000 with four paths, three times what 7,500 shreds/s need
	Bin       time.Duration // how long a piece of the before and after comparison is; 10 s
	Span      time.Duration // how much before and after a mark is compared; 15 min
}

// Limits of Config.
const (
	MaxPaths  = 8
	MaxWindow = ringSlots/2 - 1
)

// setMemory is how many bytes all sets may take together.
const setMemory = 16 << 20

const ringSlots = 2048 // live slots stand at slot modulo this

// Meter counts. Its methods may be called from any goroutine; whoever calls See holds the lock (Lock, Unlock) around a batch, so that the
// price of it is paid once a batch.
type Meter struct {
	sync.Mutex
	config Config
	bounds shred.Bounds
	paths  []path
	header shred.Header

	tip      shred.Tip
	slots    [ringSlots]*slot
	live     []*slot // the same slots, in no order
	free     []*slot
	spare    []*version
	versions int // made so far
	closed   [historySlots]Slot
	front    frontier
	pace     pace

	now    int64 // the latest time of any shred or tick, ns
	first  int64 // of the first shred
	ticked int64
	wall   int64 // what to add to a time for the wall clock's ns
	any    bool

	sums    *crc32.Table // Castagnoli's, which the processor computes: some 60 ns a shred
	total   Totals
	bins    bins
	latency histogram // of slots: first shred to complete
}

// New checks the configuration and returns a meter that has seen nothing.
func New(c Config) (*Meter, error) {
	for _, d := range []struct {
		at   *time.Duration
		want time.Duration
	}{{&c.Expire, 30 * time.Second}, {&c.Grace, 2 * time.Second}, {&c.Silence, 10 * time.Second}, {&c.Bin, 10 * time.Second}, {&c.Span, 15 * time.Minute}} {
		if *d.at == 0 {
			*d.at = d.want
		}
		if *d.at < 0 {
			return nil, errors.New("a negative duration")
		}
	}
	if c.Window == 0 {
		c.Window = 512
	}
	if c.MaxSets == 0 {
		c.MaxSets = min(16384, setMemory/(512+264*max(1, len(c.Paths))))
	}
	if len(c.Paths) == 0 || len(c.Paths) > MaxPaths {
		return nil, fmt.Errorf("%d paths, want 1 to %d", len(c.Paths), MaxPaths)
	}
	if c.Reference < 0 || c.Reference >= len(c.Paths) {
		return nil, fmt.Errorf("reference path %d of %d", c.Reference, len(c.Paths))
	}
	if c.Window > MaxWindow {
		return nil, fmt.Errorf("window of %d slots, want at most %d", c.Window, MaxWindow)
	}
	if c.Grace > c.Expire {
		return nil, fmt.Errorf("grace %v is longer than expire %v: a slot would be closed before it can break a run", c.Grace, c.Expire)
	}
	m := &Meter{config: c, sums: crc32.MakeTable(crc32.Castagnoli), bounds: shred.Bounds{Version: c.Version}, total: newTotals(len(c.Paths))}
	for _, name := range c.Paths {
		m.paths = append(m.paths, path{name: name, lead: leads{histogram: histogram{edges: leadEdges()}}})
	}
	m.bins = newBins(len(c.Paths))
	m.latency.edges = latencyEdges()
	return m, nil
}

// See takes one packet's UDP payload that came on a path at a time in nanoseconds, on a clock that all paths share and that does not
// jump. The order of calls does not matter to any verdict, as long as each path's own packets come in order: what was first
// is told from the times. The caller holds the lock. It does not allocate once the pools have grown to the traffic.
func (m *Meter) See(index int, at int64, payload []byte) {
	p, h := &m.paths[index], &m.header
	p.packets++
	m.advance(at)
	rule := shred.Parse(payload, h)
	if rule == shred.OK {
		rule = shred.Judge(h, m.bounds)
	}
	if rule != shred.OK {
		p.refused[rule]++
		return
	}
	p.shreds++
	if h.Variant.Resigned() {
		p.resigned++
	}
	p.heard(at)
	m.tip.See(h.Slot)
	if m.front.closed(m, h.Slot) {
		p.late++
		return
	}
	s := m.slotFor(h.Slot, at)
	if s == nil {
		p.stray++
		return
	}
	m.enter(p, index, s, at, payload)
}

// enter books a shred of a live slot.
func (m *Meter) enter(p *path, index int, s *slot, at int64, payload []byte) {
	h := &m.header
	s.touch(at)
	v, sum := m.versionFor(s, index, at, payload)
	if v == nil {
		p.conflicts++
		s.conflicts++
		return
	}
	bit := uint64(1) << leaf(h)
	if v.seen[index]&bit != 0 {
		if v.sums[leaf(h)] != sum {
			p.conflicts++ // the same header, other content
			s.conflicts++
			return
		}
		p.duplicates++
		s.add(index, tallyDuplicate, h)
		return
	}
	if v.any&bit != 0 && v.sums[leaf(h)] != sum && !m.prevails(v, payload, sum) {
		p.conflicts++
		s.conflicts++
		return
	}
	p.unique++
	s.add(index, tallyUnique, h)
	v.seen[index] |= bit
	v.at[index*shred.SetTotal+leaf(h)] = s.micros(at)
	m.lead(v, index, leaf(h), s)
	if v.any&bit != 0 {
		return
	}
	v.any |= bit
	v.sums[leaf(h)] = sum
	s.note(h)
	m.progress(s, v)
}

// lead samples the lead of each other path, or of this one, over the reference path: once for each shred and path that both had.
func (m *Meter) lead(v *version, index, leaf int, s *slot) {
	reference := m.config.Reference
	bit := uint64(1) << leaf
	if index != reference {
		if v.seen[reference]&bit != 0 {
			m.sample(index, v, leaf, s)
		}
		return
	}
	for other := range m.paths {
		if other != reference && v.seen[other]&bit != 0 {
			m.sample(other, v, leaf, s)
		}
	}
}

func (m *Meter) sample(index int, v *version, leaf int, s *slot) {
	lead := v.at[m.config.Reference*shred.SetTotal+leaf] - v.at[index*shred.SetTotal+leaf]
	m.paths[index].lead.add(lead)
	m.bins.at(s.bin).lead(index, lead)
}

// warming reports whether what came at a time may have begun before the meter did.
func (m *Meter) warming(at int64) bool {
	return m.config.Warmup > 0 && at-m.first < int64(m.config.Warmup)
}

// leaf is the shred's place among the 64 of its set: 0 to 31 data, 32 to 63 code.
func leaf(h *shred.Header) int {
	if h.Kind() == shred.Code {
		return shred.SetData + int(h.Position)
	}
	return int(h.Index - h.FECSet)
}

// advance moves the meter's clock on, and closes and judges what is due every 100 ms of it. Time does not go back.
func (m *Meter) advance(at int64) {
	if !m.any {
		m.any, m.now, m.first, m.ticked = true, at, at, at
		m.bins.resumed(at, m.config.Expire)
		m.bins.start(at, m.wallOf(at))
		return
	}
	if at <= m.now {
		return
	}
	m.now = at
	if m.now-m.ticked >= int64(100*time.Millisecond) {
		m.tick()
	}
}

// Tick tells the meter the time when no shred does: silence, too, must be noticed. The caller holds the lock.
func (m *Meter) Tick(at int64) {
	if !m.any {
		m.now = max(m.now, at)
		return
	}
	m.advance(at)
}

// Wall says what the wall clock shows at time 0 of See's clock, in ns since 1970. It is for display alone; no verdict uses it.
// The caller holds the lock.
func (m *Meter) Wall(offset int64) { m.wall = offset }

func (m *Meter) wallOf(at int64) time.Time { return time.Unix(0, at+m.wall).UTC() }

func (m *Meter) tick() {
	m.ticked = m.now
	for i := 0; i < len(m.live); {
		s := m.live[i]
		if m.now-s.last >= int64(m.config.Expire) || m.now-s.began >= 4*int64(m.config.Expire) {
			m.close(s) // puts another at i
			continue
		}
		i++
	}
	m.front.advance(m)
	m.pace.note(m)
	m.bins.roll(m)
}

// Finish closes every slot, as at the end of a recording. The caller holds the lock.
func (m *Meter) Finish() {
	m.pace.note(m)
	m.front.ending = true
	for len(m.live) > 0 {
		lowest := m.live[0]
		for _, s := range m.live {
			if s.number < lowest.number {
				lowest = s
			}
		}
		m.close(lowest)
	}
	m.front.advance(m)
	m.front.ending = false
}
