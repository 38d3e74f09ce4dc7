// Package frame decides what becomes of a frame that a mirror port or a tap delivered, from its headers alone.
//
// What goes on is exactly the datagram that was sent: cut by its own lengths, never by the frame's, so that neither Ethernet's
// padding nor a frame check sequence that some mirrors keep becomes payload. All lengths must agree; a datagram that is shorter
// than its IP packet is refused, since no sender of shreds makes one and a single bit turned over in the length does.
//
// The IP header's checksum does not decide: a mirror copy with a bad one goes on and is counted. What it could hide, the checks
// here see or the shred's signature does; and a switch that copied frames with the checksum not filled in would else stop the
// relay altogether. UDP's checksum is not looked at: zero is legal, and a tap on a device with checksum offload sees none.
package frame

import (
	"encoding/binary"
	"net/netip"
)

// EtherTypes that are looked at.
const (
	IPv4     = 0x0800
	tag8021Q = 0x8100
	tag8021A = 0x88a8
	tag9100  = 0x9100
)

// tags is how many VLAN tags in the frame are looked through: two, and the kernel has usually taken one more off.
const tags = 2

// Match is the traffic that is ours: UDP to this address and port.
type Match struct {
	Addr netip.Addr // the zero Addr: any address
	Port uint16     // 0: any port
}

// Rule is a Match made ready for Check.
type Rule struct {
	addr, mask uint32
	port       uint16
	any        bool
}

// Rule makes m ready. An address that is not IPv4 matches nothing.
func (m Match) Rule() Rule {
	r := Rule{port: m.Port, any: m.Port == 0}
	if m.Addr.IsValid() {
		r.mask = 0xffffffff
		if a := m.Addr.Unmap(); a.Is4() {
			b := a.As4()
			r.addr = binary.BigEndian.Uint32(b[:])
		}
	}
	return r
}

// Cut is where things lie in the bytes that were checked: the IP packet is [IP:End), the UDP payload [Payload:End). There are
// at least 28 bytes before Payload.
type Cut struct {
	IP, Payload, End int32
	BadSum           bool // the IP header's checksum is wrong
}

// Ethernet returns the EtherType of an Ethernet frame and what follows the 14 bytes, for Check.
func Ethernet(frame []byte) (etherType uint16, rest []byte) {
	if len(frame) < 14 {
		return 0, nil
	}
	return binary.BigEndian.Uint16(frame[12:]), frame[14:]
}

// Check decides about b, what follows the link's header, of which wire bytes were on the wire. etherType is the link's. The Cut
// is only meant when the verdict is Forward.
func (r *Rule) Check(etherType uint16, b []byte, wire int) (Cut, Verdict) {
	at := 0
	if etherType != IPv4 {
		var v Verdict
		if at, v = untag(etherType, b); v != Forward {
			return Cut{}, v
		}
	}
	if len(b) < wire || len(b) < at+20 {
		return Cut{}, Truncated
	}
	return r.packet(b[at:], at)
}

// untag returns where the IP packet begins behind the VLAN tags in b.
func untag(etherType uint16, b []byte) (at int, v Verdict) {
	for n := 0; etherType != IPv4; n++ {
		if etherType != tag8021Q && etherType != tag8021A && etherType != tag9100 {
			return 0, Ethertype
		}
		if n == tags || len(b) < at+4 {
			return 0, VLAN
		}
		etherType = binary.BigEndian.Uint16(b[at+2:])
		at += 4
	}
	return at, Forward
}

// packet decides about an IP packet of at least 20 bytes that lies at at. It reads the header in words, of which it makes the
// checksum too.
func (r *Rule) packet(b []byte, at int) (Cut, Verdict) {
	h := b[:20]
	first, second, third := binary.BigEndian.Uint32(h), binary.BigEndian.Uint32(h[4:]), binary.BigEndian.Uint32(h[8:])
	source, to := binary.BigEndian.Uint32(h[12:]), binary.BigEndian.Uint32(h[16:])
	header, total := int(first>>24&15)*4, int(first&0xffff)
	switch {
	case first>>28 != 4:
		return Cut{}, Version
	case header < 20:
		return Cut{}, IHL
	case total < header:
		return Cut{}, Length
	case total > len(b):
		return Cut{}, Truncated
	case third>>16&0xff != 17:
		return Cut{}, Protocol
	case to&r.mask != r.addr:
		return Cut{}, NotOurs
	case second&0x3fff != 0:
		return Cut{}, Fragment
	case total < header+8:
		return Cut{}, Length
	}
	sum := uint64(first) + uint64(second) + uint64(third) + uint64(source) + uint64(to)
	if header > 20 {
		sum += words(b[20:header])
	}
	udp := binary.BigEndian.Uint64(b[header:])
	switch {
	case !r.any && uint16(udp>>32) != r.port:
		return Cut{}, NotOurs
	case header+int(uint16(udp>>16)) != total:
		return Cut{}, Length
	}
	return Cut{IP: int32(at), Payload: int32(at + header + 8), End: int32(at + total), BadSum: fold(sum) != 0xffff}, Forward
}

// Sum is the one's complement sum of an IP header, of which the length divides by four: 0xffff when its checksum is right.
func Sum(header []byte) uint16 { return fold(words(header)) }

func words(b []byte) (sum uint64) {
	for ; len(b) >= 4; b = b[4:] {
		sum += uint64(binary.BigEndian.Uint32(b))
	}
	return sum
}

func fold(sum uint64) uint16 {
	sum = sum>>32 + sum&0xffffffff
	sum = sum>>16 + sum&0xffff
	sum = sum>>16 + sum&0xffff
	return uint16(sum>>16 + sum&0xffff)
}
