// Package pcap reads captures in the classic pcap format, as tcpdump -w writes them. It is its own because the library's reader
// (gopacket/pcapgo) brings all of gopacket's protocol layers along, some megabytes in each of three builds of a daemon that goes to
// a switch's flash; the format is 24 bytes and then 16 a record.
package pcap

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// Link types of a capture: what each record starts with (tcpdump.org/linktypes.html).
const (
	Ethernet  = 1   // an Ethernet header
	Raw       = 101 // an IP header
	LinuxSLL  = 113 // a cooked header of 16 bytes: tcpdump -i any
	LinuxSLL2 = 276 // a cooked header of 20 bytes
)

// ErrFormat says that the file is no classic pcap.
var ErrFormat = errors.New("not a classic pcap file")

// maxRecord is tcpdump's largest snapshot length; a longer record is damage, not a packet.
const maxRecord = 262144

// Packet is one record. Data is the reader's buffer: it is overwritten by the next record.
type Packet struct {
	Time   time.Time
	Data   []byte
	Length int // on the wire; longer than Data where the capture was cut
}

// Reader reads one capture.
type Reader struct {
	Link   int // link type
	in     *bufio.Reader
	order  binary.ByteOrder
	nanos  bool
	buffer []byte
}

// NewReader reads the file's header. The error wraps ErrFormat where it is none, and names the way out of pcapng.
func NewReader(in io.Reader) (*Reader, error) {
	r := &Reader{in: bufio.NewReaderSize(in, 1<<20)}
	var head [24]byte
	if _, err := io.ReadFull(r.in, head[:]); err != nil {
		return nil, fmt.Errorf("%w: the file ends within its header: %w", ErrFormat, err)
	}
	switch binary.LittleEndian.Uint32(head[:]) {
	case 0xa1b2c3d4:
		r.order = binary.LittleEndian
	case 0xa1b23c4d:
		r.order, r.nanos = binary.LittleEndian, true
	case 0xd4c3b2a1:
		r.order = binary.BigEndian
	case 0x4d3cb2a1:
		r.order, r.nanos = binary.BigEndian, true
	case 0x0a0d0d0a:
		return nil, fmt.Errorf("%w but pcapng: rewrite it with tcpdump -r FILE -w NEW", ErrFormat)
	default:
		return nil, fmt.Errorf("%w: it starts with %x", ErrFormat, head[:4])
	}
	r.Link = int(r.order.Uint32(head[20:]) & 0xffff)
	return r, nil
}

// Next reads one record into p. io.EOF after the last; an error that wraps io.ErrUnexpectedEOF where the file ends within a record, as
// that of a tcpdump that was killed does.
func (r *Reader) Next(p *Packet) error {
	var head [16]byte
	if _, err := io.ReadFull(r.in, head[:]); err != nil {
		if err == io.EOF {
			return io.EOF
		}
		return fmt.Errorf("reading a record's header: %w", err)
	}
	kept := r.order.Uint32(head[8:])
	if kept > maxRecord {
		return fmt.Errorf("%w: a record of %d bytes", ErrFormat, kept)
	}
	if cap(r.buffer) < int(kept) {
		r.buffer = make([]byte, kept)
	}
	p.Data = r.buffer[:kept]
	if _, err := io.ReadFull(r.in, p.Data); err != nil {
		return fmt.Errorf("reading a record of %d bytes: %w", kept, noEOF(err))
	}
	fraction := int64(r.order.Uint32(head[4:]))
	if !r.nanos {
		fraction *= 1000
	}
	p.Time = time.Unix(int64(r.order.Uint32(head[0:])), fraction)
	p.Length = int(r.order.Uint32(head[12:]))
	return nil
}

// noEOF makes io.EOF within a record what it is: an end where none may be.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
