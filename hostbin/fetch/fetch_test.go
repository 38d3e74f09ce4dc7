package fetch

import (
	"errors"
	"strings"
	"testing"
	"time"
)

const kb = 1 << 10

// A full and its incremental are found, fetched, checked and named; a second run fetches nothing.
func TestFetch(t *testing.T) {
	n, dir := startNetwork(t, 100_500), t.TempDir()
	n.add().serves(300*kb, full(100_000), inc(100_000, 100_400))
	r, said, err := n.run(t, order(t, dir))
	if err != nil || !r.Converged || !r.Fresh || r.Behind != 100 || len(r.Fetched) != 2 {
		t.Fatalf("%+v, %v\n%s", r, err, said)
	}
	lies(t, dir, full(100_000), inc(100_000, 100_400))
	again, said, err := n.run(t, order(t, dir))
	if err != nil || len(again.Fetched) != 0 || len(again.Kept) != 2 || again.Pair.String() != r.Pair.String() {
		t.Errorf("a second run: %+v, %v\n%s", again, err, said)
	}
}

// Where a node has its archives is its own affair: behind a path, at another address, with a proxy that knows no HEAD.
func TestLocations(t *testing.T) {
	for name, change := range map[string]func(*node){
		"relative": func(*node) {}, "absolute": func(s *node) { s.absolute = true }, "with a path": func(s *node) { s.prefix = "/files/of a" },
		"absolute with a path": func(s *node) { s.prefix, s.absolute = "/x", true }, "no HEAD": func(s *node) { s.noHead = true },
	} {
		t.Run(name, func(t *testing.T) {
			n, dir := startNetwork(t, 100_500), t.TempDir()
			s := n.add()
			change(s)
			s.serves(kb, full(100_000), inc(100_000, 100_400))
			if _, said, err := n.run(t, order(t, dir)); err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			lies(t, dir, full(100_000), inc(100_000, 100_400))
		})
	}
}

// The fastest source is taken, not the one that answers first: the old tool took the first that passed, and called it the best.
func TestTheFastestIsTaken(t *testing.T) {
	n, dir := startNetwork(t, 100_500), t.TempDir()
	slow := n.add().serves(600*kb, full(100_000))
	slow.rate = 200 * kb
	fast := n.add().serves(600*kb, full(100_001))
	fast.rate = 2000 * kb
	fast.onIncremental = func() { time.Sleep(30 * time.Millisecond) } // it answers last
	o := order(t, dir)
	o.Finding.Long = 200 * time.Millisecond
	r, said, err := n.run(t, o)
	if err != nil || r.Pair.Full.Slot != 100_001 {
		t.Fatalf("%+v, %v\n%s", r, err, said)
	}
}

// Incident 36: a download at 400 MiB/s had the management address rate-limited. The cap holds for everything together, and what
// leaves can be bound to an address.
func TestIncident36_BandwidthAndAddress(t *testing.T) {
	n, dir := startNetwork(t, 100_500), t.TempDir()
	s := n.add().serves(600*kb, full(100_400))
	o := order(t, dir)
	o.Cap, o.From, o.Finding.Checks = 1000*kb, "127.0.0.9", 0
	began := time.Now()
	r, said, err := n.run(t, o)
	if err != nil {
		t.Fatalf("%+v, %v\n%s", r, err, said)
	}
	// 600 kB at 1000 kB/s, less the first 128 kB, which may come at once; slower is always possible.
	if took := time.Since(began); took < 400*time.Millisecond {
		t.Errorf("%d bytes came in %s, at a cap of %d a second", s.sent, took, o.Cap)
	}
	for _, from := range []string{"127.0.0.9/8", "nosuch0"} {
		o.From = from
		if _, err := newClient(n, o); err == nil || !strings.Contains(err.Error(), "neither an address nor a network interface") {
			t.Errorf("%s: %v", from, err)
		}
	}
}

// Incident 29: a minimum speed of 200 MiB/s, a typing error, refused everybody. Such a limit is refused itself.
func TestIncident29_AbsurdLimits(t *testing.T) {
	n, dir := startNetwork(t, 100_500), t.TempDir()
	n.add().serves(kb, full(100_400))
	o := order(t, dir)
	o.Finding.Wants.MinSpeed = 200 << 20
	if _, _, err := n.run(t, o); err == nil || !strings.Contains(err.Error(), "--min-speed") {
		t.Error(err)
	}
	o.Finding.Wants.MinSpeed, o.Cap = 2<<20, 1<<20
	if _, _, err := n.run(t, o); err == nil || !strings.Contains(err.Error(), "--bandwidth") {
		t.Error(err)
	}
	o.Finding.Wants.MinSpeed, o.Cap = 100<<20, 0
	n.nodes[0].rate = 100 * kb
	n.nodes[0].serves(100*kb, full(100_400))
	_, said, err := n.run(t, o)
	if !errors.Is(err, ErrNothing) || !strings.Contains(err.Error(), "--min-speed is 104.9MB/s); --min-speed ") || !strings.Contains(err.Error(), "too slow") {
		t.Errorf("%v\n%s", err, said)
	}
	lies(t, dir)
}

// Two fetches into one folder keep out of each other's way.
func TestOneAtATime(t *testing.T) {
	n, dir := startNetwork(t, 100_500), t.TempDir()
	n.add().serves(kb, full(100_400))
	held, err := lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if _, _, err := n.run(t, order(t, dir)); err == nil || !strings.Contains(err.Error(), "another fetch") {
		t.Error(err)
	}
	if _, err := Prune(dir, 0, nil); err == nil {
		t.Error("it was pruned while a fetch was at work")
	}
}
