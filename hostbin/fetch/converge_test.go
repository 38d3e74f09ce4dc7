package fetch

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// Incident 31: a full takes so long that its incremental is stale or gone by then. The sources are asked anew, and incrementals
// are followed until they have caught up.
func TestIncident31_IncrementalIsFollowed(t *testing.T) {
	n, dir := startNetwork(t, 102_000), t.TempDir()
	s := n.add().serves(50*kb, full(100_000), inc(100_000, 101_900))
	asked := 0
	s.onIncremental = func() {
		if asked++; asked < 2 {
			return // the look at the cluster; from then on the cluster has gone on
		}
		n.mu.Lock()
		n.slot += 300
		slot := int(n.slot)
		n.mu.Unlock()
		s.mu.Lock()
		s.files = map[string][]byte{full(100_000): s.files[full(100_000)]} // older ones rotate away: 404
		s.mu.Unlock()
		behind := 900
		if asked > 4 {
			behind = 150
		}
		s.serves(50*kb, inc(100_000, slot-behind))
	}
	r, said, err := n.run(t, order(t, dir))
	if err != nil || !r.Converged || asked < 5 {
		t.Fatalf("asked %d times: %+v, %v\n%s", asked, r, err, said)
	}
	lies(t, dir, r.Pair.Full.Name(), r.Pair.Incremental.Name()) // what was superseded is gone
}

// Convergence has a bound: what there is at its end is taken where it is fresh enough, and said to be what it is.
func TestConvergenceIsBounded(t *testing.T) {
	for _, tt := range []struct {
		behind int
		fresh  bool
	}{{1500, true}, {2500, false}} {
		n, dir := startNetwork(t, 100_000+uint64(tt.behind)+100), t.TempDir()
		s := n.add().serves(kb, full(100_000), inc(100_000, 100_100+500))
		o := order(t, dir)
		o.Within = 50 * time.Millisecond
		moved := false
		s.onIncremental = func() {
			if !moved { // it passes while it is found
				moved = true
				return
			}
			s.serves(kb, inc(100_000, 100_100))
		}
		put(t, dir, full(100_000), kb)
		s.serves(kb, inc(100_000, 100_100))
		if !tt.fresh { // the cluster goes on while it is followed
			n.slot, n.move = 100_100+1900, 200
		}
		r, said, err := n.run(t, o)
		if r == nil || r.Converged || r.Fresh != tt.fresh || (err == nil) != tt.fresh || !tt.fresh && !errors.Is(err, ErrNothing) || !strings.Contains(said+r.Note, "50ms") {
			t.Errorf("%+v: %+v, %v\n%s", tt, r, err, said)
		}
	}
}

// Incident 32: nobody has an incremental for our full, since base slots differ between validators. After a bounded number of
// looks the full alone serves where it is fresh enough; else another full is fetched, once, and then it ends.
func TestIncident32_OrphanBase(t *testing.T) {
	t.Run("the full alone", func(t *testing.T) {
		n, dir := startNetwork(t, 101_000), t.TempDir()
		s := n.add().serves(kb, full(100_000))
		s.incremental = ""
		r, said, err := n.run(t, order(t, dir))
		if err != nil || r.Converged || !r.Fresh || r.Pair.Incremental != nil || !strings.Contains(r.Note, "asked 3 times") {
			t.Fatalf("%+v, %v\n%s", r, err, said)
		}
	})
	t.Run("another full", func(t *testing.T) {
		n, dir := startNetwork(t, 105_000), t.TempDir()
		orphan, other := n.add().serves(kb, full(100_000), inc(100_000, 104_800)), n.add().serves(kb, full(100_300), inc(100_300, 104_700))
		other.rate = 20 * kb // slower: it is the second choice
		looks := 0
		orphan.onIncremental = func() {
			if looks++; looks == 2 { // it has made a new full meanwhile
				orphan.serves(kb, inc(104_000, 104_900))
			}
		}
		r, said, err := n.run(t, order(t, dir))
		if err != nil || !r.Converged || r.Pair.Full.Slot != 100_300 {
			t.Fatalf("%+v, %v\n%s", r, err, said)
		}
	})
	t.Run("no end of them", func(t *testing.T) {
		n, dir := startNetwork(t, 105_000), t.TempDir()
		for i := range 4 {
			s := n.add().serves(kb, full(100_000+i), inc(100_000+i, 104_800))
			looks := 0
			s.onIncremental = func() {
				looks++
				s.mu.Lock()
				s.incremental = inc(100_000+i, 104_800)
				if looks%4 != 1 { // each look at the whole cluster sees it, no later one does
					s.incremental = ""
				}
				s.mu.Unlock()
			}
		}
		_, said, err := n.run(t, order(t, dir))
		if !errors.Is(err, ErrNothing) {
			t.Fatalf("%v\n%s", err, said)
		}
		if !strings.Contains(err.Error(), "2 fulls were fetched already") {
			t.Errorf("%v\n%s", err, said)
		}
		fulls := 0
		for _, s := range n.nodes {
			for _, a := range s.asked {
				if strings.HasPrefix(a, "GET /snapshot-") {
					fulls++
				}
			}
		}
		if fulls > 40 {
			t.Errorf("fulls were asked for %d times", fulls)
		}
	})
}

// Incident 33: a full of 107 GB was thrown away because it was older than the limit, though an incremental fitted it.
func TestIncident33_FullIsKept(t *testing.T) {
	for _, own := range []bool{true, false} {
		n, dir, validators := startNetwork(t, 190_000), t.TempDir(), t.TempDir()
		s := n.add().serves(100*kb, full(180_000), inc(180_000, 189_900))
		n.add().serves(100*kb, full(150_000), inc(100_000, 189_800)) // its own pair passes nothing
		into := dir
		o := order(t, dir)
		if !own { // it lies in the validator's own folder
			into = validators
			o.Have = []string{validators}
		}
		put(t, into, full(100_000), 100*kb)
		r, said, err := n.run(t, o)
		if err != nil || r.Pair.Full.Slot != 100_000 || r.Pair.Slot() != 189_800 || len(r.Kept) != 1 {
			t.Fatalf("%+v, %v\n%s", r, err, said)
		}
		lies(t, dir, full(100_000), inc(100_000, 189_800))
		for _, a := range s.asked {
			if a == "GET /"+full(150_000) {
				t.Error("another full was downloaded")
			}
		}
		if !own {
			lies(t, validators, full(100_000))
		}
	}
}

// An incremental that was there before us stays when a newer one comes: only what this fetch brought is its to take away.
func TestWhatWasThereStays(t *testing.T) {
	n, dir := startNetwork(t, 101_000), t.TempDir()
	n.add().serves(kb, full(100_000), inc(100_000, 100_900))
	put(t, dir, full(100_000), kb)
	put(t, dir, inc(100_000, 100_100), kb)
	r, said, err := n.run(t, order(t, dir))
	if err != nil || !r.Converged || r.Pair.Slot() != 100_900 {
		t.Fatalf("%+v, %v\n%s", r, err, said)
	}
	lies(t, dir, full(100_000), inc(100_000, 100_100), inc(100_000, 100_900))
}

// An incremental that nobody delivers has a bound too: the full alone serves where it is fresh enough, and nothing does where it
// is not. A fault of this host is no such failure: it ends the fetch at once, whatever is here.
func TestIncrementalFails(t *testing.T) {
	for _, tt := range []struct {
		name    string
		slot    uint64
		reserve int64
		want    string // of what was said last
		fresh   bool
		nothing bool // ErrNothing
	}{
		{"a fresh full", 101_000, 0, "the newest incremental could not be fetched", true, false},
		{"a stale full", 103_000, 0, "the newest incremental could not be fetched", false, true},
		{"no room", 101_000, 1 << 60, "lack", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, dir := startNetwork(t, tt.slot), t.TempDir()
			s := n.add().serves(kb, full(100_000), inc(100_000, int(tt.slot)-100))
			s.gone = tt.reserve == 0
			put(t, dir, full(100_000), kb)
			o := order(t, dir)
			o.Finding.Checks, o.Within, o.Reserve = 0, 5*time.Second, tt.reserve
			r, said, err := n.run(t, o)
			if tt.fresh != (err == nil) || tt.nothing != errors.Is(err, ErrNothing) || isHere(err) != (tt.reserve > 0) {
				t.Fatalf("%+v, %v\n%s", r, err, said)
			}
			last := ""
			if r != nil {
				last = r.Note
			}
			if err != nil {
				last += err.Error()
			}
			if !strings.Contains(last, tt.want) || tt.reserve > 0 && strings.Contains(said, "lack") {
				t.Errorf("%q\n%s", last, said)
			}
			lies(t, dir, full(100_000))
		})
	}
}
