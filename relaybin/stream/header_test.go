package stream

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

var sample = Header{Stream: 0x01020304, Sequence: 0x05060708090a0b0c, Time: 1795000000123456789}

// packet is a sequenced packet with a shred of n bytes.
func packet(n int) []byte {
	b := append(make([]byte, Size), bytes.Repeat([]byte{0x96}, n)...)
	sample.Encode(b)
	return b
}

func TestHeaderOnTheWire(t *testing.T) {
	const want = "b55c0100" + "01020304" + "05060708090a0b0c" + "18e91efd632f4d15" + "d3195257"
	if got := hex.EncodeToString(packet(0)); got != want {
		t.Errorf("the header is %s, want %s", got, want)
	}
}

func TestHeaderThereAndBack(t *testing.T) {
	h, shred, err := Decode(packet(1203))
	if err != nil || h != sample || len(shred) != 1203 || shred[0] != 0x96 {
		t.Errorf("decoded %+v, %d bytes, %v", h, len(shred), err)
	}
}

func TestHeaderRefuses(t *testing.T) {
	for n := range Size {
		if _, _, err := Decode(packet(0)[:n]); !errors.Is(err, ErrShort) {
			t.Errorf("the first %d bytes: %v", n, err)
		}
	}
	for bit := range Size * 8 {
		b := packet(1203)
		b[bit/8] ^= 1 << (bit % 8)
		if h, _, err := Decode(b); err == nil {
			t.Errorf("with bit %d turned over it is still taken, as %+v", bit, h)
		}
	}
	ip := append([]byte{0x45}, make([]byte, 1255)...)
	if _, _, err := Decode(ip); !errors.Is(err, ErrMagic) {
		t.Errorf("an IP packet: %v", err)
	}
	next := packet(0)
	next[2] = version + 1
	if _, _, err := Decode(next); !errors.Is(err, ErrVersion) {
		t.Errorf("the next version: %v", err)
	}
}

// What is taken is what would be written, byte for byte: there is one way to write a header.
func FuzzDecode(f *testing.F) {
	f.Add(packet(0))
	f.Add(packet(1228))
	f.Add(packet(0)[:27])
	f.Add(append([]byte{0x45}, make([]byte, 100)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, shred, err := Decode(b)
		if err != nil {
			return
		}
		again := make([]byte, Size)
		h.Encode(again)
		if !bytes.Equal(append(again, shred...), b) {
			t.Errorf("%x was taken as %+v, which is written %x", b, h, again)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	slot, h := make([]byte, Size), sample
	b.ReportAllocs()
	for b.Loop() {
		h.Sequence++
		h.Encode(slot)
	}
}

func BenchmarkDecode(b *testing.B) {
	p := packet(1203)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Decode(p); err != nil {
			b.Fatal(err)
		}
	}
}
