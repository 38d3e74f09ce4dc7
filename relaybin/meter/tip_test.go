package meter

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"bisc/relaybin/shred"
	"bisc/relaybin/shred/shredtest"
)

const slotTime = int64(200 * time.Millisecond)

// chain makes n blocks of two sets; block i's shreds come evenly within its slot time.
func chain(first uint64, n int) [][][]byte {
	return shredtest.Chain(shredtest.Block{Slot: first, Sets: 2, Unsigned: true}, n)
}

// play lets blocks come one after another; drop says which blocks' shreds are lost.
func play(m *Meter, from int64, blocks [][][]byte, keep func(block, shred int) bool) int64 {
	at := from
	for i, b := range blocks {
		for j, p := range b {
			at = from + int64(i)*slotTime + int64(j)*slotTime/int64(len(b))
			if keep(i, j) {
				m.See(0, at, p)
			}
		}
	}
	return at
}

func one(t testing.TB, c Config) *Meter {
	t.Helper()
	c.Paths = []string{"direct"}
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func all(int, int) bool { return true }

// The question of check-shred-completeness.sh: a contiguous run of complete slots at the tip, from which slot, how many, for how long.
// Unlike there, the slot that still arrives does not break it, a slot of which nothing came does.
func TestTipRun(t *testing.T) {
	blocks := chain(1000, 40)
	for _, c := range []struct {
		name        string
		keep        func(i, j int) bool
		first, last uint64
		slots       uint64
		broken      string
		brokenSlot  uint64
	}{
		{"all", all, 1000, 1039, 40, "", 0},
		{"the tip arrives", func(i, j int) bool { return i < 39 || j < 20 }, 1000, 1038, 39, "", 0},
		{"a slot lost", func(i, j int) bool { return i != 10 }, 1011, 1039, 29, "lost", 1010},
		{"a set lost", func(i, j int) bool { return i != 10 || j >= 64 }, 1011, 1039, 29, "partial", 1010},
		{"a set just recoverable", func(i, j int) bool { return i != 10 || j >= 32 }, 1000, 1039, 40, "", 0},
		{"every last shred lost", func(i, j int) bool { return j != 64+31 }, 1000, 1038, 39, "", 0},
	} {
		m := one(t, Config{})
		play(m, 0, blocks, c.keep)
		tip := m.Report(0, false).Tip
		if !tip.Known || !tip.Contiguous || *tip.Slot != c.last || tip.Run.First != c.first || tip.Run.Last != c.last || tip.Run.Slots != c.slots {
			t.Errorf("%s: %+v %+v", c.name, tip, tip.Run)
			continue
		}
		if (tip.BrokenBy != nil) != (c.broken != "") || tip.BrokenBy != nil && *tip.BrokenBy != (Breaker{c.brokenSlot, c.broken}) {
			t.Errorf("%s: broken by %+v", c.name, tip.BrokenBy)
		}
		if want := float64(c.slots) * 0.2; tip.Run.Seconds < want-0.2 || tip.Run.Seconds > want {
			t.Errorf("%s: %v s, want about %v", c.name, tip.Run.Seconds, want)
		}
		if tip.SlotsPerSecond == nil || *tip.SlotsPerSecond < 4.5 || *tip.SlotsPerSecond > 5.5 {
			t.Errorf("%s: slots/s %v, want 5", c.name, tip.SlotsPerSecond)
		}
	}
}

// A run goes on through slots that were closed, and through ones that their leaders skipped; slots/s count the latter.
func TestRunGoesOnForLongerThanSlotsAreKept(t *testing.T) {
	m := one(t, Config{})
	b := shredtest.Block{Slot: 5000, Unsigned: true}
	var at int64
	for i := range 1000 {
		shreds, root := shredtest.Make(b)
		for j, p := range shreds {
			m.See(0, at+int64(j)*int64(time.Millisecond), p)
		}
		skip := uint64(i % 2)
		b = shredtest.Block{Slot: b.Slot + 1 + skip, Parent: b.Slot, Chain: root, Unsigned: true}
		at += slotTime * int64(1+skip)
	}
	tip := m.Report(0, false).Tip
	if tip.Run == nil || tip.Run.First != 5000 || tip.Run.Slots != 1000 || tip.Run.Skipped != 499 || tip.Run.Seconds < 299 || tip.Run.Seconds > 301 {
		t.Errorf("%+v", tip.Run)
	}
	if *tip.SlotsPerSecond < 4.8 || *tip.SlotsPerSecond > 5.2 {
		t.Errorf("%v slots/s, want 5", *tip.SlotsPerSecond)
	}
	if m.total.Slots[SlotFull] < 800 || m.total.Slots[SlotSkipped] < 400 || m.total.Slots[SlotLost]+m.total.Slots[SlotUnknown]+m.total.Slots[SlotPartial] != 0 {
		t.Errorf("%v", m.total.Slots)
	}
}

// Strays of every kind beside real traffic change no verdict, take bounded memory, and are counted.
func TestGarbageSlots(t *testing.T) {
	blocks := chain(100_000, 400)
	m := one(t, Config{MaxSets: 2048})
	random := rand.New(rand.NewPCG(1, 1))
	stray := make([]byte, shred.DataSize)
	strays := uint64(0)
	for i, b := range blocks {
		for j, p := range b {
			at := int64(i)*slotTime + int64(j)*slotTime/int64(len(b))
			m.See(0, at, p)
			if j%3 != 0 {
				continue
			}
			for k := range stray {
				stray[k] = byte(random.Uint32())
			}
			copy(stray[64:88], blocks[0][0][64:88])
			slot := random.Uint64()
			if random.IntN(2) == 0 {
				slot = 100_000 + uint64(i) - 500 + uint64(random.IntN(1000)) // within the window
			}
			binary.LittleEndian.PutUint64(stray[65:], slot)
			set := uint32(32 * (4 + random.IntN(500))) // beyond the real sets
			binary.LittleEndian.PutUint32(stray[73:], set)
			binary.LittleEndian.PutUint32(stray[79:], set)
			m.See(0, at, stray)
			strays++
		}
	}
	if m.versions > 2048 || len(m.live) > ringSlots || m.total.Evicted == 0 {
		t.Errorf("%d versions, %d live slots, %d evicted", m.versions, len(m.live), m.total.Evicted)
	}
	p := &m.paths[0]
	if p.shreds != 400*128+strays || p.stray < strays/4 {
		t.Errorf("%d shreds of %d, %d stray of %d", p.shreds, 400*128+strays, p.stray, strays)
	}
	if tip, _ := m.tip.Slot(); tip < 100_390 || tip > 100_400 {
		t.Errorf("tip %d", tip)
	}
}

// BenchmarkSee takes one shred by two paths. 64 slots go by again and again, each round so much later that the last one is forgotten.
func BenchmarkSee(b *testing.B) {
	blocks := chain(1_000_000, 64)
	m, err := New(Config{Paths: []string{"direct", "relay"}})
	if err != nil {
		b.Fatal(err)
	}
	n, at := 0, int64(0)
	feed := func() {
		p := blocks[n/128%64][n%128]
		m.See(0, at, p)
		m.See(1, at+500_000, p)
		at += slotTime / 128
		if n++; n%(64*128) == 0 {
			at += int64(6 * time.Minute)
		}
	}
	for range 4 * 64 * 128 {
		feed()
	}
	b.ReportAllocs()
	for b.Loop() {
		feed()
	}
	if p := &m.paths[1]; p.conflicts+p.late+p.stray != 0 || p.unique != uint64(n) || m.total.Slots[SlotFull] == 0 {
		b.Fatalf("%+v", p)
	}
}

// In steady state nothing is allocated, closing and judging included.
func TestSeeDoesNotAllocate(t *testing.T) {
	result := testing.Benchmark(BenchmarkSee)
	if result.N < 1000 || result.MemAllocs > uint64(result.N)/1000 {
		t.Errorf("%d allocations in %d pairs of packets", result.MemAllocs, result.N)
	}
}

// Of two slots without shreds the later one is lost, for a slot builds on it; what became of the earlier nobody tells. Unknown is not
// taken for skipped: it breaks the run.
func TestUnknownIsNotSkipped(t *testing.T) {
	m := one(t, Config{})
	at := play(m, 0, chain(1000, 40), func(i, _ int) bool { return i != 10 && i != 11 })
	m.Tick(at + int64(time.Minute))
	if m.total.Slots != [slotStates]uint64{SlotFull: 38, SlotLost: 1, SlotUnknown: 1} {
		t.Errorf("%v", m.total.Slots)
	}
	if s := m.lookup(1010); s == nil || s.State != SlotUnknown {
		t.Errorf("%+v", s)
	}
	if s := m.lookup(1011); s == nil || s.State != SlotLost {
		t.Errorf("%+v", s)
	}
	m = one(t, Config{})
	play(m, 0, chain(1000, 12)[:10], all)
	if run, tip, known := m.run(); !known || tip != 1009 || run.Slots != 10 {
		t.Errorf("%+v %d", run, tip)
	}
}
