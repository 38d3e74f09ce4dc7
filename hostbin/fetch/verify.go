package fetch

import (
	"archive/tar"
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"

	"bisc/hostbin/snapshots"
)

// Verify reads an archive to its end: each zstd frame with its checksum, each header of the tar within, and that the bank in
// it is of the slot that the name says. The hash in the name can only be checked by unpacking everything into a validator.
func Verify(r io.Reader, a snapshots.Archive) error {
	var err error
	switch a.Format {
	case "tar.zst":
		err = verifyZstd(r, a.Slot)
	case "tar.lz4":
		err = verifyLZ4(bufio.NewReaderSize(r, chunk))
	default:
		err = fmt.Errorf("bisc reads no %s", a.Format)
	}
	if err != nil {
		return fmt.Errorf("%s is damaged: %w", a.Name(), err)
	}
	return nil
}

func verifyZstd(r io.Reader, slot uint64) error {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxWindow(512<<20))
	if err != nil {
		return err
	}
	defer d.Close()
	if err := verifyTar(d, slot); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, d) // what follows the tar's end, and the frame's own end
	return err
}

// verifyTar reads every header. The archive holds version, snapshots/SLOT/SLOT and accounts/* (agave: snapshot_utils.rs).
func verifyTar(r io.Reader, slot uint64) error {
	t := tar.NewReader(r)
	entries, version := 0, false
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("its tar, after %d entries: %w", entries, err)
		}
		entries++
		version = version || strings.TrimPrefix(h.Name, "./") == "version"
		words := strings.Split(strings.TrimSuffix(strings.TrimPrefix(h.Name, "./"), "/"), "/")
		if len(words) < 2 || words[0] != "snapshots" {
			continue
		}
		if of, err := strconv.ParseUint(words[1], 10, 64); err == nil && of != slot {
			return fmt.Errorf("the bank in it is of slot %d", of)
		}
	}
	if !version {
		return fmt.Errorf("none of its %d entries tells the snapshot's version: it is no snapshot", entries)
	}
	return nil
}

// verifyLZ4 walks the frames from block to block to their end marks (LZ4 frame format 1.6). It decompresses nothing: that a
// file was cut is seen, that a byte within a block is another is not.
func verifyLZ4(r *bufio.Reader) error {
	for frames := 0; ; frames++ {
		head := make([]byte, 6)
		if _, err := io.ReadFull(r, head); errors.Is(err, io.EOF) && frames > 0 {
			return nil
		} else if err != nil {
			return fmt.Errorf("its lz4, frame %d: %w", frames, err)
		}
		if binary.LittleEndian.Uint32(head) != 0x184D2204 || head[4]>>6 != 1 {
			return fmt.Errorf("its lz4, frame %d: there is no frame", frames)
		}
		flags, rest := head[4], 1 // the header's checksum
		if flags&0x08 != 0 {
			rest += 8 // the content's size
		}
		if flags&0x01 != 0 {
			rest += 4 // a dictionary
		}
		if _, err := r.Discard(rest); err != nil {
			return fmt.Errorf("its lz4, frame %d: %w", frames, err)
		}
		if err := skipBlocks(r, flags); err != nil {
			return fmt.Errorf("its lz4, frame %d: it is cut: %w", frames, err)
		}
	}
}

func skipBlocks(r *bufio.Reader, flags byte) error {
	for {
		var size uint32
		if err := binary.Read(r, binary.LittleEndian, &size); err != nil {
			return err
		}
		if size == 0 {
			break
		}
		skip := int64(size & 0x7fffffff)
		if flags&0x10 != 0 {
			skip += 4 // the block's checksum
		}
		if n, err := io.CopyN(io.Discard, r, skip); err != nil || n != skip {
			return io.ErrUnexpectedEOF
		}
	}
	if flags&0x04 != 0 {
		_, err := r.Discard(4) // the content's checksum
		return err
	}
	return nil
}
