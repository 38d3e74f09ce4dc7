package meter

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"bisc/relaybin/shred/fixture"
)

type twoPaths struct {
	Direct, Relay, Union expect
	Compare              struct {
		Both        int
		FirstDirect int `json:"first_by_direct_ties_included"`
		FirstRelay  int `json:"first_by_relay"`
		OnlyDirect  int `json:"only_direct"`
		OnlyRelay   int `json:"only_relay"`
		Delay       struct {
			Max, Min, P50 int32
		} `json:"relay_minus_direct_us"`
		UniqueDirect int `json:"unique_direct"`
		UniqueRelay  int `json:"unique_relay"`
	}
}

// packet is one packet of one path.
type packet struct {
	path int
	at   int64
	data []byte
}

func twoPathPackets(t testing.TB) [][]packet {
	paths := make([][]packet, 2)
	for i, name := range []string{"direct", "relay"} {
		for _, s := range fixture.Shreds(t, "streams/real-417955322-two-paths."+name+".pcap") {
			paths[i] = append(paths[i], packet{i, s.At.UnixNano(), s.Payload})
		}
	}
	return paths
}

// interleaved merges the paths at random; each path's own packets stay in order.
func interleaved(paths [][]packet, seed uint64) []packet {
	random, left := rand.New(rand.NewPCG(seed, 2)), slices.Clone(paths)
	var all []packet
	for {
		left = slices.DeleteFunc(left, func(p []packet) bool { return len(p) == 0 })
		if len(left) == 0 {
			return all
		}
		i := random.IntN(len(left))
		n := 1 + random.IntN(min(len(left[i]), 1+int(seed)*7)) // from one by one to batches, as rings give them
		all = append(all, left[i][:n]...)
		left[i] = left[i][n:]
	}
}

func metered(t testing.TB, c Config, packets []packet) *Meter {
	t.Helper()
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	m.Lock()
	defer m.Unlock()
	for _, p := range packets {
		m.See(p.path, p.at, p.data)
	}
	return m
}

// One real slot over two lossy paths: what each path brought, what was first by which, and the union, whatever order the two taps are
// read in. This is the comparison of relay throughput with direct turbine that the seeds had not (seed 000, "No monitoring").
func TestTwoPathsComparedWhateverTheOrder(t *testing.T) {
	paths := twoPathPackets(t)
	want := fixture.JSON[twoPaths](t, "streams/real-417955322-two-paths.expect.json")
	for i, w := range []expect{want.Direct, want.Relay} {
		alone := metered(t, Config{Paths: []string{"one"}}, onPath(paths[i], 0))
		compare(t, alone, w)
	}
	for seed := range uint64(30) {
		m := metered(t, Config{Paths: []string{"direct", "relay"}}, interleaved(paths, seed))
		compare(t, m, want.Union)
		m.Finish()
		r := m.Report(8, false)
		direct, relay, c := r.Paths[0], r.Paths[1], want.Compare
		got := []int{int(direct.Unique), int(relay.Unique), int(direct.Only), int(relay.Only), int(direct.First - direct.Only), int(relay.First - relay.Only)}
		if w := []int{c.UniqueDirect, c.UniqueRelay, c.OnlyDirect, c.OnlyRelay, c.FirstDirect, c.FirstRelay}; !slices.Equal(got, w) {
			t.Fatalf("order %d: unique, only, first (direct, relay each): %v, want %v", seed, got, w)
		}
		if direct.Lead != nil || relay.Lead == nil || relay.Lead.Samples != c.Both {
			t.Fatalf("order %d: lead %+v, %+v; want %d samples", seed, direct.Lead, relay.Lead, c.Both)
		}
		q := m.paths[1].lead.quantiles(0, 0.5, 1)
		if q[0] != -c.Delay.Max || q[1] != -c.Delay.P50 || q[2] != -c.Delay.Min {
			t.Fatalf("order %d: lead in us %v, want the negatives of %+v", seed, q, c.Delay)
		}
		if direct.Complete != 1 || relay.Complete != 1 {
			t.Fatalf("order %d: complete alone %d, %d", seed, direct.Complete, relay.Complete)
		}
	}
}

func onPath(packets []packet, path int) []packet {
	packets = slices.Clone(packets)
	for i := range packets {
		packets[i].path = path
	}
	return packets
}

// A path that falls silent is absent after its window, and so is its lead: not 0, not the last value. When the reference falls silent
// nobody has a lead.
func TestSilentPathIsAbsent(t *testing.T) {
	for silent := range 2 {
		packets := interleaved(twoPathPackets(t), 3)
		m := metered(t, Config{Paths: []string{"direct", "relay"}}, packets)
		if r := m.Report(1, false); r.Paths[1].Lead == nil || !r.Paths[0].Present || !r.Paths[1].Present {
			t.Fatalf("%+v", r.Paths)
		}
		later := packets[0].at + int64(11*time.Second)
		m.See(1-silent, later, packets[0].data)
		m.Tick(later + 1)
		r := m.Report(1, false)
		if r.Paths[silent].Present || !r.Paths[1-silent].Present || r.Paths[1].Lead != nil || *r.Paths[silent].Age < 10 {
			t.Errorf("path %d silent: %+v", silent, r.Paths)
		}
	}
}

// Nothing comes at all: the tip is not known any more, rather than what it was.
func TestTipIsUnknownInSilence(t *testing.T) {
	m := metered(t, Config{Paths: []string{"direct"}}, nil)
	if tip := m.Report(4, true).Tip; tip.Known || tip.Age != nil {
		t.Errorf("before the first shred: %+v", tip)
	}
	packets := onPath(twoPathPackets(t)[0], 0)
	m = metered(t, Config{Paths: []string{"direct"}}, packets)
	if tip := m.Report(4, true).Tip; !tip.Known || !tip.Contiguous || tip.Run.Slots != 1 || *tip.Slot != 417955322 {
		t.Errorf("%+v", tip)
	}
	m.Tick(m.now + int64(time.Minute))
	if tip := m.Report(4, true).Tip; tip.Known || tip.Slot != nil || tip.Run != nil || *tip.Age < 59 {
		t.Errorf("after a minute of silence: %+v", tip)
	}
}
