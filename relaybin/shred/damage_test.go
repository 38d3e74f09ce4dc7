package shred_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"

	"bisc/relaybin/shred"
	"bisc/relaybin/shred/fixture"
	"bisc/relaybin/shred/shredtest"
)

// damaged are the shreds that the tests of damage start from: one of each variant, and with BISC_FAULTS=all every recorded one.
func damaged(t testing.TB) [][]byte {
	made, _ := shredtest.Make(shredtest.Block{Slot: 460_000_000, Sets: 2, Resigned: 1, Unsigned: true})
	all := [][]byte{made[0], made[31], made[33], made[64+31], made[64+40]}
	names := append([]string{"streams/synthetic-12-slots.pcap", "shreds/testnet-417955322.full.pcap"}, recorded...)
	for _, name := range names {
		shreds := fixture.Shreds(t, name)
		if os.Getenv("BISC_FAULTS") != "all" {
			shreds = shreds[:1]
		}
		for _, s := range shreds {
			all = append(all, s.Payload)
		}
	}
	return all
}

// near is a filter whose tip is the shred's own slot and that wants its version.
func near(h *shred.Header) *shred.Filter {
	f := shred.NewFilter(shred.Limits{Version: h.Version, Below: 512, Above: 512})
	p := make([]byte, shred.DataSize)
	p[64] = 0x96
	binary.LittleEndian.PutUint64(p[65:], h.Slot)
	binary.LittleEndian.PutUint16(p[77:], h.Version)
	for range 63 {
		f.Check(p)
	}
	return f
}

func TestEveryPrefixIsShort(t *testing.T) {
	for _, p := range damaged(t) {
		var h shred.Header
		if r := shred.Parse(p, &h); r != shred.OK {
			t.Fatal(r)
		}
		f := near(&h)
		for n := range h.Variant.Size() {
			cut := bytes.Clone(p[:n]) // its own array: what reads beyond it panics
			if r := f.Check(cut); r != shred.Short {
				t.Fatalf("%d of %d bytes: %v", n, len(p), r)
			}
		}
		if r := f.Check(append(bytes.Clone(p), 1, 2, 3, 4)); r != shred.OK {
			t.Fatalf("with a nonce behind it: %v", r)
		}
	}
}

// Each single flipped bit: what the relay enforces is refused, what it may not judge passes, and the Merkle root, where there is one,
// is another one wherever the leader's signature covers the bit.
func TestEveryBitFlip(t *testing.T) {
	all := os.Getenv("BISC_FAULTS") == "all"
	for i, p := range damaged(t) {
		var h shred.Header
		shred.Parse(p, &h)
		f, root := near(&h), shred.Root{}
		root, _ = shred.MerkleRoot(p, &h)
		q := bytes.Clone(p)
		step := 7 // prime to 8: every bit of a byte has its turn
		if all && i%16 == 0 {
			step = 1
		}
		if all && i%16 != 0 {
			step = 61
		}
		for bit := 0; bit < 8*len(q); bit++ {
			if at := bit / 8; (at < 64 || at >= 90) && bit%step != 0 {
				continue
			}
			q[bit/8] ^= 1 << (bit % 8)
			checkFlip(t, f, &h, root, q, bit/8)
			q[bit/8] ^= 1 << (bit % 8)
			if f.Check(p) != shred.OK || f.Check(q) != shred.OK { // more good ones than bad: else the window would follow the bad
				t.Fatalf("byte %d was flipped, and now the good shred is refused", bit/8)
			}
		}
	}
}

// passes says what a relay may let through, written apart from the filter.
func passes(p []byte, tip uint64, version uint16) bool {
	size := map[byte]int{0x60: 1228, 0x70: 1228, 0x90: 1203, 0xb0: 1203}[p[64]&0xf0]
	distance := int64(binary.LittleEndian.Uint64(p[65:]) - tip)
	return size != 0 && len(p) >= size && binary.LittleEndian.Uint16(p[77:]) == version && distance >= -512 && distance <= 512
}

func checkFlip(t *testing.T, f *shred.Filter, was *shred.Header, root shred.Root, q []byte, at int) {
	t.Helper()
	rule := f.Check(q)
	if (rule == shred.OK) != passes(q, was.Slot, was.Version) {
		t.Fatalf("byte %d flipped: %v", at, rule)
	}
	var h shred.Header
	if shred.Parse(q, &h) != shred.OK {
		return
	}
	shred.Judge(&h, shred.Bounds{})
	got, ok := shred.MerkleRoot(q, &h)
	covered := at >= 64 && at < was.Variant.RetransmitterOffset()
	if ok && (got == root) == covered {
		t.Fatalf("byte %d flipped: root %x, was %x", at, got, root)
	}
}

func FuzzFilter(f *testing.F) {
	for _, p := range damaged(f) {
		f.Add(p)
	}
	f.Add([]byte{})
	filter := shred.NewFilter(shred.Limits{Version: 50093, Below: 512, Above: 512})
	f.Fuzz(func(t *testing.T, p []byte) {
		var h shred.Header
		parsed, rule := shred.Parse(p, &h), filter.Check(p)
		if parsed != shred.OK {
			if rule != parsed {
				t.Fatalf("cannot be parsed (%v) and the filter says %v", parsed, rule)
			}
			return
		}
		shred.Judge(&h, shred.Bounds{Root: 1000, MaxSlot: 2000, Proof: true})
		shred.MerkleRoot(p, &h)
		shred.ChainedRoot(p, &h)
		if s := shred.RetransmitterSignature(p, &h); s != nil && len(s) != 64 {
			t.Fatal("a signature of", len(s))
		}
		if from, to := h.Variant.ErasureShard(); from >= to || to > len(p) {
			t.Fatal("an erasure shard of", from, to)
		}
		if rule == shred.OK && h.Version != 50093 {
			t.Fatal("another cluster's shred passes")
		}
	})
}
