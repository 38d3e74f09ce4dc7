package fetch

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"bisc/hostbin/snapshots"
)

// An archive that is cut anywhere, or in which any byte is another, is seen: zstd has a checksum of each frame.
func TestVerifyZstd(t *testing.T) {
	a := snapshots.Archive{Slot: 7, Hash: "x", Format: "tar.zst"}
	good := archive(t, a, 20<<10)
	if err := Verify(bytes.NewReader(good), a); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 10, len(good) / 2, len(good) - 1} {
		if err := Verify(bytes.NewReader(good[:n]), a); err == nil {
			t.Errorf("cut after %d of %d bytes it passes", n, len(good))
		}
	}
	for n := 0; n < len(good); n += 997 {
		bad := bytes.Clone(good)
		bad[n] ^= 0x10
		if err := Verify(bytes.NewReader(bad), a); err == nil {
			t.Errorf("with another byte at %d it passes", n)
		}
	}
	if err := Verify(bytes.NewReader(good), snapshots.Archive{Slot: 8, Hash: "x", Format: "tar.zst"}); err == nil || !strings.Contains(err.Error(), "slot 7") {
		t.Errorf("another slot's: %v", err)
	}
	if err := Verify(strings.NewReader("<html>It works!</html>"), a); err == nil {
		t.Error("a page passes")
	}
}

// frame is an lz4 frame of blocks that are not compressed.
func frame(blocks ...string) []byte {
	b := []byte{0x04, 0x22, 0x4D, 0x18, 0x64, 0x40, 0xA7} // version 1, independent blocks, a checksum of the content
	for _, text := range blocks {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(text))|0x80000000)
		b = append(b, text...)
	}
	return append(b, 0, 0, 0, 0, 1, 2, 3, 4)
}

// Of lz4 the frames are followed to their ends.
func TestVerifyLZ4(t *testing.T) {
	a := snapshots.Archive{Slot: 7, Hash: "x", Format: "tar.lz4"}
	good := append(frame("some", "blocks"), frame("more")...)
	if err := Verify(bytes.NewReader(good), a); err != nil {
		t.Fatal(err)
	}
	first := len(frame("some", "blocks"))
	for n := range len(good) {
		if err := Verify(bytes.NewReader(good[:n]), a); (err == nil) != (n == first) {
			t.Errorf("cut after %d bytes: %v", n, err)
		}
	}
	if err := Verify(bytes.NewReader(append(good, "rest"...)), a); err == nil {
		t.Error("with something behind it passes")
	}
}

// What is no lz4 frame is none, though its bytes lead from block to block to an end: a file of zeros does, which a host leaves
// that lost its power.
func TestVerifyLZ4NoFrame(t *testing.T) {
	a := snapshots.Archive{Slot: 7, Hash: "x", Format: "tar.lz4"}
	other := func(at int, b byte) []byte {
		f := frame("block")
		f[at] = b
		return f
	}
	for name, file := range map[string][]byte{
		"zeros": make([]byte, 1100), "the old format": other(0, 0x02), "version 0": other(4, 0x24), "version 2": other(4, 0xa4),
		"zeros behind a frame": append(frame("block"), make([]byte, 1100)...),
	} {
		if err := Verify(bytes.NewReader(file), a); err == nil || !strings.Contains(err.Error(), "there is no frame") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
