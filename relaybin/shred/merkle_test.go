package shred_test

import (
	"crypto/ed25519"
	"testing"

	"bisc/relaybin/shred"
	"bisc/relaybin/shred/fixture"
	"bisc/relaybin/shred/shredtest"
)

func TestMerkleRootIsWhatTheLeaderSigned(t *testing.T) {
	key := ed25519.PrivateKey(fixture.Read(t, "shreds/demo-shreds.key")).Public().(ed25519.PublicKey)
	for _, s := range fixture.Shreds(t, "shreds/demo-shreds.pcap") {
		checkSigned(t, s.Payload, key)
	}
	made, last := shredtest.Make(shredtest.Block{Slot: 70, Sets: 2, Resigned: 1})
	for _, p := range made {
		checkSigned(t, p, shredtest.Leader().Public().(ed25519.PublicKey))
	}
	var h shred.Header
	shred.Parse(made[64], &h)
	first, _ := shred.MerkleRoot(made[0], &h)
	shred.Parse(made[0], &h)
	first, _ = shred.MerkleRoot(made[0], &h)
	shred.Parse(made[64], &h)
	if second, _ := shred.MerkleRoot(made[64], &h); second != last || shred.ChainedRoot(made[64], &h) != first {
		t.Error("the second set does not chain to the first")
	}
}

func checkSigned(t *testing.T, p []byte, key ed25519.PublicKey) {
	t.Helper()
	var h shred.Header
	if r := shred.Parse(p, &h); r != shred.OK {
		t.Fatal(r)
	}
	root, ok := shred.MerkleRoot(p, &h)
	if !ok || !ed25519.Verify(key, root[:], shred.Signature(p)) {
		t.Fatalf("slot %d index %d: the leader did not sign root %x", h.Slot, h.Index, root)
	}
}

// Chaining through the recorded slots: each set's chained root is the root of the set before.
func TestRecordedSetsChain(t *testing.T) {
	for _, name := range []string{"shreds/testnet-417955322.full.pcap", "shreds/testnet-385970984-chained_resigned.ar"} {
		roots, chained := map[uint32]shred.Root{}, map[uint32]shred.Root{}
		for _, s := range fixture.Shreds(t, name) {
			var h shred.Header
			shred.Parse(s.Payload, &h)
			root, ok := shred.MerkleRoot(s.Payload, &h)
			if before, seen := roots[h.FECSet]; !ok || seen && before != root {
				t.Fatalf("%s: set %d has two roots, or none", name, h.FECSet)
			}
			roots[h.FECSet], chained[h.FECSet] = root, shred.ChainedRoot(s.Payload, &h)
		}
		links := 0
		for set, root := range chained {
			if before, seen := roots[set-shred.SetData]; seen {
				links++
				if root != before {
					t.Errorf("%s: set %d does not chain to the set before", name, set)
				}
			}
		}
		if links != len(roots)-1 {
			t.Errorf("%s: %d links between %d sets", name, links, len(roots))
		}
	}
}

// A proof of n entries has 2^n leaves; a place beyond them has no root.
func TestMerkleRootRefusesALeafOutsideItsTree(t *testing.T) {
	made, _ := shredtest.Make(shredtest.Block{Slot: 70, Unsigned: true})
	var h shred.Header
	shred.Parse(made[40], &h)
	h.NumData = 64 // code shred 8 would be leaf 72 of a tree of 64
	if _, ok := shred.MerkleRoot(made[40], &h); ok {
		t.Error("leaf 72 of 64 has a root")
	}
	shred.Parse(made[0], &h)
	h.FECSet = 32 // index 0 of set 32: before its own set
	if _, ok := shred.MerkleRoot(made[0], &h); ok {
		t.Error("a shred before its own set has a root")
	}
}

func BenchmarkMerkleRoot(b *testing.B) {
	made, _ := shredtest.Make(shredtest.Block{Slot: 70, Unsigned: true})
	var h shred.Header
	shred.Parse(made[40], &h)
	b.ReportAllocs()
	for b.Loop() {
		shred.MerkleRoot(made[40], &h)
	}
}
