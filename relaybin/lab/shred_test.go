package lab

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"time"
)

// rootOf walks a shred's proof as a validator does.
func rootOf(t *testing.T, shred []byte) [32]byte {
	t.Helper()
	end := len(shred) - stampSize
	proof := end - proofSize
	hash := func(prefix string, parts ...[]byte) [32]byte {
		return sha256.Sum256(append([]byte(prefix), bytes.Join(parts, nil)...))
	}
	first := binary.LittleEndian.Uint32(shred[79:])
	index := binary.LittleEndian.Uint32(shred[73:]) - first
	if shred[64] == 0x76 {
		index = 32 + uint32(binary.LittleEndian.Uint16(shred[87:]))
	}
	root := hash("\x00SOLANA_MERKLE_SHREDS_LEAF", shred[64:proof])
	for at := proof; at < end; at += 20 {
		if entry := shred[at : at+20]; index%2 == 0 {
			root = hash("\x01SOLANA_MERKLE_SHREDS_NODE", root[:20], entry)
		} else {
			root = hash("\x01SOLANA_MERKLE_SHREDS_NODE", entry, root[:20])
		}
		index >>= 1
	}
	if index != 0 {
		t.Errorf("index %d is left over", index)
	}
	return root
}

// TestMerkle: all shreds of a set have one root, which the next set's shreds carry, and the stamp does not change it.
func TestMerkle(t *testing.T) {
	s := newSet(Chain{Merkle: true, SlotSets: 2}, func(i int) []byte { return make([]byte, sizeAt(i)) })
	var before [32]byte
	for n := range uint64(3) {
		s.fill(n)
		root := rootOf(t, s.shreds[0])
		seen := map[uint32]bool{}
		for i, b := range s.shreds {
			Stamp{Sequence: uint64(i)}.write(b, castagnoli())
			if got := rootOf(t, b); got != root {
				t.Fatalf("set %d: shred %d has root %x, the first %x", n, i, got, root)
			}
			chained := len(b) - stampSize - proofSize - 32
			if !bytes.Equal(b[chained:chained+32], before[:]) {
				t.Fatalf("set %d: shred %d is not chained to the set before", n, i)
			}
			if slot, want := binary.LittleEndian.Uint64(b[65:]), 400_000_000+n/2; slot != want {
				t.Errorf("set %d: slot %d, want %d", n, slot, want)
			}
			seen[binary.LittleEndian.Uint32(b[73:])|uint32(b[64])<<24] = true
			if last := b[64] == 0xb6 && b[85]&0xc0 == 0xc0; last != (n == 1 && i == 62) {
				t.Errorf("set %d: shred %d is the slot's last: %t", n, i, last)
			}
		}
		if len(seen) != 64 {
			t.Errorf("set %d has %d different shreds, want 64", n, len(seen))
		}
		if root == before {
			t.Errorf("set %d has the root of the one before", n)
		}
		before = root
	}
}

// TestHistogram: a quantile is at most an eighth above the value.
func TestHistogram(t *testing.T) {
	var h Histogram
	if h.Quantile(0.5) != 0 || h.Max() != 0 {
		t.Error("an empty histogram has a quantile")
	}
	for i := range 1000 {
		h.add(time.Duration(i+1) * time.Microsecond)
	}
	for q, want := range map[float64]time.Duration{0: time.Microsecond, 0.5: 501 * time.Microsecond, 0.99: 991 * time.Microsecond, 1: time.Millisecond} {
		if got := h.Quantile(q); got < want || got > want*9/8 {
			t.Errorf("quantile %g: %s, want %s to an eighth more", q, got, want)
		}
	}
}

func BenchmarkFill(b *testing.B) {
	for name, chain := range map[string]Chain{"plain": {}, "merkle": {Merkle: true}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			s := newSet(chain, func(i int) []byte { return make([]byte, sizeAt(i)) })
			for i := range b.N {
				s.fill(uint64(i))
			}
		})
	}
}
