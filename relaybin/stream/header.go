// Package stream is the relay's own form on the wire, `sequenced`: a header of 28 bytes and the shred after it.
//
// All numbers are in network order:
//
//	offset  size  field
//	     0     2  magic, b5 5c
//	     2     1  version, 1
//	     3     1  reserved, zero; a receiver refuses any other value
//	     4     4  stream, drawn at the sender's start, so that a restart is another stream and no gap
//	     8     8  sequence, from 0 in each stream, in the order in which the packets were handed to the kernel
//	    16     8  send time, nanoseconds since 1970 by the sender's real-time clock
//	    24     4  CRC-32C of the 24 bytes before it
//	    28        the shred
//
// It is as long as the shortest IP and UDP headers together, so the mirror writes it over those, in the ring, and copies
// nothing. The first byte is never 0x4X, so a packet of the form `ip` is never taken for one of these, nor the other way
// round. The checksum is there because a packet that is not ours, or a bit that UDP's 16-bit sum let through, must not become
// a loss of four thousand million packets in the receiver's books.
//
// A number that was used is used up: a packet that the sender's kernel refused leaves a gap, for the receiver did not get it.
// Loss, order and duplicates are told by the sequence alone. The send time is the real-time clock because two machines share
// no other; it may jump either way, so it serves only to tell the delay, and a receiver must bear a time that is far off.
package stream

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// Size is the header's length, in bytes: that of an IPv4 header without options and a UDP header.
const Size = 28

const (
	magic   = 0xb55c
	version = 1
)

// Header is what a sequenced packet says of itself.
type Header struct {
	Stream   uint32
	Sequence uint64
	Time     int64 // nanoseconds since 1970, the sender's real-time clock
}

// Why a packet is not a sequenced one.
var (
	ErrShort    = errors.New("shorter than the header")
	ErrMagic    = errors.New("does not begin with the magic b55c")
	ErrVersion  = errors.New("another version of the header")
	ErrChecksum = errors.New("the header's checksum is wrong")
)

// Encode writes h into the first Size bytes of slot, which must have as many.
func (h Header) Encode(slot []byte) {
	b := slot[:Size]
	binary.BigEndian.PutUint32(b, magic<<16|version<<8)
	binary.BigEndian.PutUint32(b[4:], h.Stream)
	binary.BigEndian.PutUint64(b[8:], h.Sequence)
	binary.BigEndian.PutUint64(b[16:], uint64(h.Time))
	binary.BigEndian.PutUint32(b[24:], checksum(b))
}

// Decode reads the header of packet, a UDP payload, and returns the shred behind it, which lies in packet and may be empty.
// The errors are the four above and nothing else.
func Decode(packet []byte) (Header, []byte, error) {
	if len(packet) < Size {
		return Header{}, nil, ErrShort
	}
	b := packet[:Size]
	switch {
	case binary.BigEndian.Uint16(b) != magic:
		return Header{}, nil, ErrMagic
	case b[2] != version || b[3] != 0:
		return Header{}, nil, ErrVersion
	case binary.BigEndian.Uint32(b[24:]) != checksum(b):
		return Header{}, nil, ErrChecksum
	}
	h := Header{
		Stream:   binary.BigEndian.Uint32(b[4:]),
		Sequence: binary.BigEndian.Uint64(b[8:]),
		Time:     int64(binary.BigEndian.Uint64(b[16:])),
	}
	return h, packet[Size:], nil
}

// checksum is over what stands before it in the header. MakeTable returns the processor's own CRC-32C without making a table.
func checksum(b []byte) uint32 {
	return crc32.Checksum(b[:24], crc32.MakeTable(crc32.Castagnoli))
}
