package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bisc/hostbin/snapshots"
	"bisc/internal/lab/solana"
	"bisc/internal/lab/solana/slot"
)

// still is a cluster's clock that does not run.
func still(tip uint64) slot.Clock { return slot.Clock{Slot: tip, At: time.Now(), Rate: 1e-9} }

// Find, fetch and prune as a person types them, on a host with a cluster in its network: from the host, as jobs that outlive the
// watching, and found again.
func TestSnapshotVerbs(t *testing.T) {
	t.Parallel()
	h := ownHost(t) // the cluster's addresses and the jobs stay on it
	const into = "/srv/of snapshots"
	root := filepath.Join(h.Root(), into)
	if err := os.MkdirAll(root, 0o755); err != nil {
		t.Fatal(err)
	}
	c := solana.Start(t, solana.Options{Host: h, Port: 18899, Clock: still(1_000_250), Nodes: []solana.Node{
		{Fault: solana.FaultHTML}, {Base: 900_000, NoIncremental: true}, {Base: 1_000_000, Size: 1 << 20, Speed: 300 << 10}, {Private: true},
	}})
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", fmt.Sprintf("layer \"agave\" {\n  on = \"a\"\n  snapshot \"%s\" {\n    cluster_rpc = %q\n    max_behind  = \"5000\"\n  }\n}\n", into, c.RPC))
	wants := func(e ended, status int, words ...string) ended {
		t.Helper()
		for _, w := range words {
			if !strings.Contains(e.all(), w) {
				t.Errorf("no %q", w)
			}
		}
		if e.status != status || t.Failed() {
			t.Fatalf("exit %d, want %d\n%s", e.status, status, e.all())
		}
		return e
	}
	wants(d.bisc(t, "snapshot", "find", "a", "--version-prefix", "9."), 3, "no source passes", "3: another version", "--version 9.", "has no RPC port")
	found := wants(d.bisc(t, "snapshot", "find", "a", "--min-speed", "1000"), 0, c.Addr(2).String(), "full 1000000 + incremental 1000200", "  19  ", "refused: 1: too old", "nearest: "+c.Addr(1).String())
	if strings.Contains(found.out, "0.0.0.0") || strings.Index(found.out, c.Addr(2).String()) > strings.Index(found.out, "refused") {
		t.Error(found.out)
	}
	var state snapshots.State
	e := wants(d.bisc(t, "snapshot", "find", "a", "--min-speed", "1000", "--json"), 0)
	if err := json.Unmarshal([]byte(e.out), &state); err != nil || len(state.Found.Taken) != 1 || state.Found.Nodes != 4 {
		t.Fatalf("%v\n%s", err, e.out)
	}

	sent := func() (n int) {
		for _, q := range c.Requests() {
			if q.Method == "GET" && q.Path == "/"+solana.FullName(1_000_000) && q.Sent > 512<<10 {
				n++
			}
		}
		return n
	}
	r := d.start(t, "snapshot", "fetch", "a", "--into", into, "--min-speed", "1000")
	awaitFile(t, filepath.Join(root, snapshots.Partial(solana.FullName(1_000_000))))
	before := sent() // what was measured
	r.signal(t, syscall.SIGINT)
	<-r.ended
	wants(d.bisc(t, "snapshot", "fetch", "a", "--into", into, "--min-speed", "1000", "--detach"), 0)
	wants(d.bisc(t, "snapshot", "fetch", "a", "--into", into, "--min-speed", "1000"), 0, "full 1000000 + incremental 1000200", "19 slots behind")
	if n := sent(); n != before+1 {
		t.Errorf("the full was sent %d times more while one fetch was watched three times", n-before)
	}
	wants(d.bisc(t, "snapshot", "fetch", "a", "--into", into, "--min-speed", "1000"), 0, "is here already and is kept")
	wants(d.bisc(t, "check"), 0)

	if err := solana.WritePair(root, 100, 200); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * time.Hour)
	for _, name := range []string{solana.FullName(100), solana.IncrementalName(100, 200)} {
		if err := os.Chtimes(filepath.Join(root, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	wants(d.bisc(t, "snapshot", "prune", "a", into), 0, "- "+solana.FullName(100), "= "+solana.FullName(1_000_000))
	if _, err := os.Stat(filepath.Join(root, solana.FullName(100))); err != nil {
		t.Fatal("prune without --apply removed something")
	}
	wants(d.bisc(t, "snapshot", "prune", "a", into, "--apply"), 0, "2 files are gone")
	wants(d.bisc(t, "snapshot", "prune", "a", into, "--apply"), 0, "nothing goes")
	for name, there := range map[string]bool{solana.FullName(100): false, solana.IncrementalName(100, 200): false, solana.FullName(1_000_000): true, solana.IncrementalName(1_000_000, 1_000_200): true} {
		if _, err := os.Stat(filepath.Join(root, name)); (err == nil) != there {
			t.Errorf("%s: %v", name, err)
		}
	}
	wants(d.bisc(t, "snapshot", "prune", "a", "/etc"), 0, "nothing goes: /etc has no archive of a snapshot")
	wants(d.bisc(t, "snapshot", "find", "nowhere"), 1, "nowhere is not in the inventory (it has a)")
	wants(d.bisc(t, "snapshot", "find", "a", "--min-speed", "200MiB"), 1, "--min-speed")
	wants(d.bisc(t, "snapshot", "prune", "a", "/srv/none"), 1, "has no folder")
}

// awaitFile waits until a file is there.
func awaitFile(t *testing.T, name string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(name); err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not come", name)
		}
	}
}
