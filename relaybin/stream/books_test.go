package stream

import (
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

const second = int64(time.Second)

// settled turns the books until what is missing is lost, and returns the only stream's figures.
func settled(t *testing.T, b *Books) Figures {
	t.Helper()
	for range 2 {
		b.Turn(b.now + patience)
	}
	f, _ := b.Figures()
	if len(f) != 1 {
		t.Fatalf("%d streams", len(f))
	}
	return f[0]
}

func feed(b *Books, stream uint32, numbers ...uint64) {
	for _, n := range numbers {
		b.See(Header{Stream: stream, Sequence: n}, 0)
	}
}

// What comes in which order, and what the books say of it once nothing more comes.
func TestBooks(t *testing.T) {
	span := func(from, to uint64) (out []uint64) {
		for ; from < to; from++ {
			out = append(out, from)
		}
		return out
	}
	for name, c := range map[string]struct {
		in   []uint64
		want Figures
	}{
		"in order":          {span(5, 105), Figures{Received: 100}},
		"gap":               {[]uint64{5, 6, 9}, Figures{Received: 3, Lost: 2}},
		"gap filled":        {[]uint64{5, 9, 7, 8, 6}, Figures{Received: 5, Reordered: 3}},
		"duplicates":        {[]uint64{5, 5, 6, 5, 6}, Figures{Received: 5, Duplicate: 3}},
		"before the first":  {[]uint64{5, 4}, Figures{Received: 2, Late: 1}},
		"whole window":      {append(span(0, 1), window), Figures{Received: 2, Lost: window - 1}},
		"beyond the window": {[]uint64{0, 3 * window}, Figures{Received: 2, Lost: 3*window - 1}},
		"late":              {[]uint64{0, 2 * window, 1}, Figures{Received: 3, Lost: 2*window - 1, Late: 1}},
		"absurd step":       {[]uint64{0, 1 << 60, 1<<60 + 2}, Figures{Received: 3, Lost: 1, Anew: 1}},
		"no such number":    {[]uint64{1, math.MaxUint64, 1 << 62, 2}, Figures{Received: 2}},
		"wrong one ahead":   {append([]uint64{0, 1 << 30}, span(1, 301)...), Figures{Received: 302, Lost: 1<<30 - 1, Late: strays - 1, Anew: 1}},
	} {
		b := NewBooks()
		feed(b, 7, c.in...)
		c.want.Stream = 7
		if d := cmp.Diff(c.want, settled(t, b)); d != "" {
			t.Errorf("%s: want -, got +\n%s", name, d)
		}
	}
}

// Any traffic with losses, duplicates and displacements inside the window is booked exactly, whatever the turns do meanwhile.
func TestBooksExact(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		b, first := NewBooks(), r.Uint64()>>(3+r.IntN(60))
		want := Figures{Stream: 1}
		var line []uint64
		for n := first; n < first+5000; n++ {
			switch {
			case n > first && r.IntN(20) == 0: // lost
			case r.IntN(20) == 0:
				line = append(line, n, n)
			default:
				line = append(line, n)
			}
		}
		for range 300 { // displaced, but never before the first
			i := 1 + r.IntN(len(line)-1)
			j := min(i+r.IntN(2000), len(line)-1)
			line[i], line[j] = line[j], line[i]
		}
		seen, high := map[uint64]bool{}, uint64(0)
		for _, n := range line {
			want.Received++
			switch {
			case seen[n]:
				want.Duplicate++
			case len(seen) > 0 && n < high:
				want.Reordered++
			}
			seen[n], high = true, max(high, n)
			feed(b, 1, n)
			b.Turn(b.now + int64(r.IntN(100_000)))
		}
		want.Lost = high - first + 1 - uint64(len(seen))
		if d := cmp.Diff(want, settled(t, b)); d != "" {
			t.Fatalf("seed %d: want -, got +\n%s", seed, d)
		}
	}
}

// At any time a loss is given up only after its patience, and what comes before that is no loss.
func TestPatience(t *testing.T) {
	b := NewBooks()
	feed(b, 1, 0, 2)
	b.Turn(patience - 1)
	if f, _ := b.Figures(); f[0].Lost != 0 || f[0].Missing != 1 {
		t.Errorf("at once: %+v", f[0])
	}
	feed(b, 1, 1)
	if f := settled(t, b); f.Lost != 0 || f.Reordered != 1 {
		t.Errorf("came in time: %+v", f)
	}
}

// A sender that was started again is a new stream; what it sent before the first that arrived is missing. A receiver that
// comes late to a stream has lost nothing.
func TestRestart(t *testing.T) {
	b := NewBooks()
	feed(b, 1, 1000, 1001)
	feed(b, 2, 3, 4)
	feed(b, 3, window, window+1)
	b.Turn(patience)
	b.Turn(2 * patience)
	figures, totals := b.Figures()
	want := []Figures{{Stream: 1, Received: 2}, {Stream: 2, Received: 2, Lost: 3}, {Stream: 3, Received: 2}}
	if d := cmp.Diff(want, figures); d != "" || totals.Restarts != 2 {
		t.Errorf("%d restarts; want -, got +\n%s", totals.Restarts, d)
	}
}

// A million made-up streams take no memory, and the true one stays in the books.
func TestMadeUpStreams(t *testing.T) {
	b := NewBooks()
	feed(b, 0, 0, 1)
	sequence := uint64(2)
	flood := func() {
		for i := range uint32(1_000_000) {
			b.See(Header{Stream: i*2 + 1, Sequence: uint64(i)}, 0)
			if i%1000 == 0 {
				b.Turn(b.now + second/100)
				feed(b, 0, sequence)
				sequence++
			}
		}
	}
	if n := testing.AllocsPerRun(1, flood); n > 10 { // of the process: Go's runtime has some of its own
		t.Errorf("%v allocations for a million packets", n)
	}
	figures, totals := b.Figures()
	if len(figures) > Streams || figures[0].Stream != 0 || figures[0].Received < 2000 || figures[0].Lost != 0 {
		t.Errorf("%d streams, the first %+v", len(figures), figures[0])
	}
	if totals.Restarts != 0 {
		t.Errorf("%d restarts", totals.Restarts)
	}
	for i := range uint32(Streams) { // streams that are alive do not give way
		feed(b, 1<<31+i*2, 0, 1)
	}
	if _, t2 := b.Figures(); t2.Untracked != totals.Untracked {
		t.Errorf("shown before the turn")
	}
	b.Turn(b.now + 1)
	if _, t2 := b.Figures(); t2.Untracked == 0 {
		t.Errorf("no stream was refused, with %d alive", Streams+1)
	}
	b.Turn(b.now + silence + 1)
	feed(b, 77, 0, 1)
	b.Turn(b.now + 1)
	if f, _ := b.Figures(); f[0].Stream != 77 && f[len(f)-1].Stream != 77 {
		found := false
		for _, x := range f {
			found = found || x.Stream == 77
		}
		if !found {
			t.Error("a new stream found no room though all were silent")
		}
	}
}

// A stream that gives way takes nothing out of the sums: each mirror's restart is a stream, and counters must not go back.
func TestSumsOfStreamsThatGaveWay(t *testing.T) {
	b := NewBooks()
	for i := range uint32(3 * Streams) {
		feed(b, i, 0, 2, 1, 1, 1<<40, 1<<40-1)
		b.Turn(b.now + silence + 1)
		figures, sum := b.Figures()
		for _, f := range figures {
			sum.Reordered, sum.Duplicate, sum.Late, sum.Anew = sum.Reordered+f.Reordered, sum.Duplicate+f.Duplicate, sum.Late+f.Late, sum.Anew+f.Anew
		}
		n := uint64(i + 1)
		if sum.Reordered != n || sum.Duplicate != n || sum.Late != n || sum.Anew != n {
			t.Fatalf("after %d streams: %+v", n, sum)
		}
	}
}

// Clocks at either end may stand anywhere and be set at any time: what cannot be is counted and never shown.
func TestClocks(t *testing.T) {
	const base = int64(1_795_000_000) * second
	b := NewBooks()
	var n uint64
	see := func(sent, at int64) Seen {
		n++
		return b.See(Header{Stream: 1, Sequence: n, Time: sent}, at)
	}
	for i := range int64(100) {
		if s := see(base+i, base+i+58*second/1000); !s.Timed || s.Delay != 58*time.Millisecond {
			t.Fatalf("%+v", s)
		}
	}
	for _, c := range []struct{ sent, at int64 }{
		{base + 3600*second, base}, {base - 3600*second, base}, {0, base}, {math.MaxInt64, base}, {math.MinInt64, base}, {math.MinInt64, math.MaxInt64}, {base, math.MinInt64},
	} {
		if s := see(c.sent, c.at); s.Timed || s.Delay != 0 {
			t.Errorf("sent %d, came %d: %+v", c.sent, c.at, s)
		}
	}
	if s := see(base, 0); s.Timed {
		t.Errorf("without a stamp: %+v", s)
	}
	b.Turn(1)
	f, totals := b.Figures()
	if f[0].Jitter != 0 || f[0].Lost != 0 {
		t.Errorf("%+v", f[0])
	}
	if totals.Jumps < 2 || totals.Negative < 2 || totals.Incredible < 3 || totals.Negative+totals.Incredible != 7 {
		t.Errorf("%+v", totals)
	}
	// The estimator goes to the mean difference: transit that swings by 2 ms settles at 2 ms.
	for i := range int64(1000) {
		see(base, base+second/10+(i%2)*2*second/1000)
	}
	b.Turn(2)
	if f, _ := b.Figures(); f[0].Jitter < 1900*time.Microsecond || f[0].Jitter > 2100*time.Microsecond {
		t.Errorf("jitter %v", f[0].Jitter)
	}
}

// The books outlive the process: a gap across two receivers is a loss in the same account. A file that is none is begun anew,
// and only one process has it.
func TestOpenBooks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "books")
	b, err := OpenBooks(path)
	if !errors.Is(err, ErrFresh) {
		t.Fatal(err)
	}
	feed(b, 1, 0, 1, 3)
	b.file.accounts[0].missing = 99 // a kill in the middle of a count
	if other, err := OpenBooks(path); !errors.Is(err, unix.EWOULDBLOCK) || other != nil {
		t.Errorf("second process: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err = OpenBooks(path); err != nil {
		t.Fatal(err)
	}
	feed(b, 1, 6, 2)
	if f := settled(t, b); f.Received != 5 || f.Lost != 2 || f.Reordered != 1 {
		t.Errorf("%+v", f)
	}
	b.file.accounts[0].next = 1 << 40
	b.Close()
	if b, err = OpenBooks(path); err != nil {
		t.Fatal(err)
	}
	if f, _ := b.Figures(); len(f) != 0 {
		t.Errorf("an impossible account was kept: %+v", f)
	}
	b.Close()
	for _, junk := range []string{"", "x", string(make([]byte, ledgerSize)), string(make([]byte, ledgerSize+1))} {
		if err := os.WriteFile(path, []byte(junk), 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := OpenBooks(path)
		if !errors.Is(err, ErrFresh) {
			t.Fatalf("%d bytes of junk: %v", len(junk), err)
		}
		b.Close()
	}
	if b, err := OpenBooks("/proc/version"); err == nil || b != nil {
		t.Error("opened /proc/version")
	}
}

// FuzzBooks: no traffic makes the books panic, shrink a loss or count more than there can be.
func FuzzBooks(f *testing.F) {
	f.Add([]byte{0, 1, 2, 200, 3}, uint64(0))
	f.Add([]byte{255, 255, 254, 0, 128}, uint64(math.MaxUint64-3))
	f.Fuzz(func(t *testing.T, steps []byte, at uint64) {
		b := NewBooks()
		lost, n := uint64(0), at
		for i, s := range steps {
			n += uint64(int64(int8(s)) * int64(1+i%3*5000))
			if s == 200 {
				n = n<<7 | n>>57
			}
			b.See(Header{Stream: uint32(i % 2), Sequence: n, Time: int64(n)}, int64(at))
			b.Turn(b.now + int64(s)*second/100)
			var now, got uint64
			figures, totals := b.Figures()
			for _, f := range figures {
				now += f.Lost
				got += f.Received
				if f.Missing > window || f.Jitter < 0 {
					t.Fatalf("%+v", f)
				}
			}
			if now < lost || got+totals.Untracked != uint64(i+1) {
				t.Fatalf("lost %d then %d, received %d of %d", lost, now, got, i+1)
			}
			lost = now
		}
	})
}

func BenchmarkSee(b *testing.B) {
	books, h := NewBooks(), Header{Stream: 1}
	b.ReportAllocs()
	for b.Loop() {
		h.Sequence++
		books.See(h, 1)
	}
}
