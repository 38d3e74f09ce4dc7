package meter

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"bisc/relaybin/shred"
	"bisc/relaybin/shred/shredtest"
)

// Whatever single shred of a set is damaged, the first one included, and whichever way it comes, the set is judged by the others: the
// damaged one is a conflict, or in place of itself, and never a second version.
func TestOneDamagedShredOfASet(t *testing.T) {
	block, _ := shredtest.Make(shredtest.Block{Slot: 1000})
	for name, damage := range map[string]func(p []byte){
		"data":      func(p []byte) { p[600] ^= 4 },
		"signature": func(p []byte) { p[3] ^= 4 },
		"proof":     func(p []byte) { p[shred.Variant(p[64]).ProofOffset()+30] ^= 4 },
		"chain":     func(p []byte) { p[shred.Variant(p[64]).ChainedRootOffset()] ^= 4 },
	} {
		for _, hurt := range []int{0, 1, 2, 31, 40, 63} {
			for seed := range uint64(8) {
				order := rand.New(rand.NewPCG(seed, 5)).Perm(64)
				if seed == 0 {
					order = slices.Insert(slices.DeleteFunc(order, func(i int) bool { return i == hurt }), 0, hurt) // the damaged one first
				}
				m := one(t, Config{})
				for i, n := range order {
					p := block[n]
					if n == hurt {
						p = bytes.Clone(p)
						damage(p)
					}
					m.See(0, int64(i)*1000, p)
				}
				m.Finish()
				got := m.Report(4, false)
				if got.Totals.Equivocations != 0 || !got.Slots[0].Complete && got.Slots[0].EndByFlag != nil {
					t.Fatalf("%s of shred %d, order %d: %+v", name, hurt, seed, got.Slots)
				}
				if n := got.Slots[0].Data + got.Slots[0].Code; n < 63 || got.Slots[0].Sets["full"]+got.Slots[0].Sets["recoverable"] != 1 {
					t.Fatalf("%s of shred %d, order %d: %d shreds counted, %+v", name, hurt, seed, n, got.Slots[0])
				}
			}
		}
	}
}

// Two genuine versions of a set are counted apart, however they are mixed: 20 and 20 shreds of 64 are no recoverable set.
func TestVersionsAreNotMerged(t *testing.T) {
	a, _ := shredtest.Make(shredtest.Block{Slot: 1000, Seed: 1})
	b, _ := shredtest.Make(shredtest.Block{Slot: 1000, Seed: 2})
	for seed := range uint64(10) {
		mixed := append(slices.Clone(a[12:32]), b[32:52]...)
		rand.New(rand.NewPCG(seed, 3)).Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		m := one(t, Config{})
		for i, p := range mixed {
			m.See(0, int64(i), p)
		}
		m.Finish()
		if s := m.Report(1, false).Slots[0]; s.State != "partial" || s.Equivocations != 1 || s.Data+s.Code != 20 || s.Conflicts != 0 {
			t.Fatalf("order %d: %+v", seed, s)
		}
	}
}

// What comes for a slot that was judged is late, and changes nothing; a cluster that restarts an hour later makes the slot again.
func TestLateShreds(t *testing.T) {
	block, _ := shredtest.Make(shredtest.Block{Slot: 1000, Unsigned: true})
	m := one(t, Config{})
	for _, p := range block[:40] {
		m.See(0, 0, p)
	}
	m.Tick(int64(31 * time.Second))
	for _, p := range block[40:] {
		m.See(0, int64(32*time.Second), p)
	}
	if m.paths[0].late != 24 || len(m.live) != 0 || m.total.Slots != [slotStates]uint64{1} {
		t.Errorf("%d late, %d live, %v", m.paths[0].late, len(m.live), m.total.Slots)
	}
	for _, p := range block {
		m.See(0, int64(time.Hour), p)
	}
	m.Tick(int64(time.Hour + 31*time.Second))
	if m.paths[0].late != 24 || m.total.Slots[SlotFull] != 2 {
		t.Errorf("%d late, %v", m.paths[0].late, m.total.Slots)
	}
}

// Slots expire by time: a hundred slots at once are all kept, one slot alone goes after 30 s.
func TestSlotsExpireByTime(t *testing.T) {
	m := one(t, Config{})
	play(m, 0, chain(1000, 100), all)
	if len(m.live) != 100 {
		t.Errorf("%d live slots of 100 in 20 s", len(m.live))
	}
	m.Tick(int64(29 * time.Second))
	before := len(m.live)
	m.Tick(int64(60 * time.Second))
	if before != 100 || len(m.live) != 0 || m.total.Slots[SlotFull] != 100 {
		t.Errorf("%d after 29 s, %d after 60 s, %v", before, len(m.live), m.total.Slots)
	}
}

// A mark parts by the time of the slot's first shred, though it is judged later, and adds up no more than the span on either side.
func TestMarkWindows(t *testing.T) {
	m := one(t, Config{Span: time.Minute, Bin: time.Second, Expire: 2 * time.Second})
	blocks := chain(1000, 900) // three minutes
	at := play(m, 0, blocks[:600], func(i, j int) bool { return i%2 == 0 || j < 90 })
	if err := m.Mark("cured"); err != nil {
		t.Fatal(err)
	}
	play(m, at+int64(time.Millisecond), blocks[600:], all)
	check := func(m *Meter) {
		t.Helper()
		c := m.Report(0, false).Marks[0]
		if c.Before.Seconds < 60 || c.Before.Seconds > 62 || c.After.Seconds > 62 {
			t.Errorf("watched %v, %v s", c.Before.Seconds, c.After.Seconds)
		}
		if c.Before.Complete == nil || *c.Before.Complete < 0.45 || *c.Before.Complete > 0.55 || c.After.Complete == nil || *c.After.Complete != 1 {
			t.Errorf("complete %v, %v", *c.Before.Complete, *c.After.Complete)
		}
		if c.Before.SlotsPerSecond == nil || *c.Before.SlotsPerSecond < 4.5 || *c.Before.SlotsPerSecond > 5.5 {
			t.Errorf("%v slots/s", *c.Before.SlotsPerSecond)
		}
	}
	check(m)
	text, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "marks.json")
	if err := Save(name, text); err != nil {
		t.Fatal(err)
	}
	again := one(t, Config{Span: time.Minute, Bin: time.Second, Expire: 2 * time.Second})
	if err := again.Load(name); err != nil {
		t.Fatal(err)
	}
	check(again)
	play(again, int64(time.Hour), chain(50_000, 300), all) // the other process's clock starts anew; "after" is full and stays
	check(again)
	for range 40 {
		if err := again.Mark("x"); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(again.Report(0, false).Marks); n != maxMarks {
		t.Errorf("%d marks kept", n)
	}
	for _, name := range []string{"", "a\nb", string(make([]byte, 65))} {
		if again.Mark(name) == nil {
			t.Errorf("mark %q is taken", name)
		}
	}
}

// A state file that was cut or is somebody else's is refused and changes nothing; one of other paths gives the marks without their paths.
func TestStateFiles(t *testing.T) {
	m := metered(t, Config{Paths: []string{"direct", "relay"}}, interleaved(twoPathPackets(t), 1))
	if err := m.Mark("x"); err != nil {
		t.Fatal(err)
	}
	m.Tick(m.now + int64(time.Minute))
	text, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "marks.json")
	step := max(1, len(text)/200)
	if os.Getenv("BISC_FAULTS") == "all" {
		step = 1
	}
	for n := 0; n < len(text); n += step {
		other := metered(t, Config{Paths: []string{"direct", "relay"}}, nil)
		if err := os.WriteFile(name, text[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := other.Load(name); err == nil || len(other.bins.marks) != 0 {
			t.Fatalf("%d of %d bytes: %v, %d marks", n, len(text), err, len(other.bins.marks))
		}
	}
	if err := Save(name, text); err != nil {
		t.Fatal(err)
	}
	renamed := metered(t, Config{Paths: []string{"direct", "third"}}, interleaved(twoPathPackets(t), 1))
	if err := renamed.Load(name); err != nil {
		t.Fatal(err)
	}
	if c := renamed.Report(0, false).Marks[0]; len(c.Before.Paths) != 0 || c.Name != "x" {
		t.Errorf("%+v", c)
	}
	if err := m.Load(filepath.Join(t.TempDir(), "none")); err != nil {
		t.Errorf("no file: %v", err)
	}
	left, err := os.ReadDir(filepath.Dir(name))
	if err != nil || len(left) != 1 {
		t.Errorf("%v %v", left, err)
	}
}

// Nothing that comes makes the meter fail, and its report can always be shown.
func FuzzSee(f *testing.F) {
	blocks := chain(1000, 2)
	f.Add(blocks[0][0], uint8(0), int64(0))
	f.Add(blocks[1][70], uint8(1), int64(time.Second))
	f.Add([]byte{}, uint8(3), int64(-1))
	f.Fuzz(func(t *testing.T, p []byte, path uint8, at int64) {
		m, err := New(Config{Paths: []string{"direct", "relay"}, MaxSets: 8})
		if err != nil {
			t.Fatal(err)
		}
		at %= int64(24 * time.Hour)
		for i, known := range [][]byte{blocks[0][1], p, blocks[1][3], p} {
			m.See(int(path)%2, at+int64(i)*int64(time.Second), known)
			m.See(1-int(path)%2, at, p)
		}
		m.Tick(at + int64(time.Minute))
		m.Finish()
		if _, err := json.Marshal(m.Report(64, true)); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Marshal(); err != nil {
			t.Fatal(err)
		}
	})
}
