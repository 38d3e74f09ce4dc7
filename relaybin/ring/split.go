package ring

import (
	"encoding/binary"

	"bisc/relaybin/frame"
)

// split cuts a large packet into the datagrams that it was made of. Each gets the IP and UDP headers in front of it, over the end
// of the one before, which was read already.
type split struct {
	packet Packet // the large one
	head   [68]byte
	header int // bytes of head
	size   int // of a datagram's payload; the last may be shorter
	at     int // where in the large packet the next payload begins
	end    int
}

// begin makes p the first datagram of the large packet that it is. What is not plainly IPv4 and UDP is left as it is.
func (s *split) begin(p *Packet, size int) {
	b := p.Data
	if p.EtherType != frame.IPv4 || len(b) < 28 || len(b) < p.Wire {
		return
	}
	length := int(b[0]&15)*4 + 8
	end := int(binary.BigEndian.Uint16(b[2:]))
	if b[0]>>4 != 4 || length < 28 || b[9] != 17 || end > len(b) || length+size >= end {
		return
	}
	s.packet, s.header, s.size, s.at, s.end = *p, length, size, length, end
	copy(s.head[:], b[:length])
	s.next(p)
}

// more says whether there is another datagram.
func (s *split) more() bool { return s.at < s.end }

// next fills p with the next datagram.
func (s *split) next(p *Packet) {
	n := min(s.size, s.end-s.at)
	*p = s.packet
	p.Data = s.packet.Data[s.at-s.header : s.at+n : s.at+n]
	p.Wire = len(p.Data)
	copy(p.Data, s.head[:s.header])
	ip := p.Data[:s.header-8]
	binary.BigEndian.PutUint16(p.Data[s.header-4:], uint16(8+n))
	binary.BigEndian.PutUint16(ip[2:], uint16(len(p.Data)))
	binary.BigEndian.PutUint16(ip[10:], 0)
	binary.BigEndian.PutUint16(ip[10:], ^frame.Sum(ip))
	s.at += n
}
