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
	for n := 0; etherType != IPv4; n++ {
		if etherType != tag8021Q && etherType != tag8021A && etherType != tag9100 {
			return Cut{}, Ethertype
		}
		if n == tags || len(b) < at+4 {
			return Cut{}, VLAN
		}
		etherType = binary.BigEndian.Uint16(b[at+2:])
		at += 4
	}
	if len(b) < wire {
		return Cut{}, Truncated
	}
	return r.packet(b, at)
}

// packet decides about the IP packet that begins at b[at].
func (r *Rule) packet(b []byte, at int) (Cut, Verdict) {
	ip := b[at:]
	if len(ip) < 20 {
		return Cut{}, Truncated
	}
	header, total := int(ip[0]&15)*4, int(binary.BigEndian.Uint16(ip[2:]))
	switch {
	case ip[0]>>4 != 4:
		return Cut{}, Version
	case header < 20:
		return Cut{}, IHL
	case total < header:
		return Cut{}, Length
	case total > len(ip):
		return Cut{}, Truncated
	case ip[9] != 17:
		return Cut{}, Protocol
	case binary.BigEndian.Uint32(ip[16:])&r.mask != r.addr:
		return Cut{}, NotOurs
	case binary.BigEndian.Uint16(ip[6:])&0x3fff != 0:
		return Cut{}, Fragment
	case total < header+8:
		return Cut{}, Length
	}
	udp := ip[header : header+8]
	switch {
	case !r.any && binary.BigEndian.Uint16(udp[2:]) != r.port:
		return Cut{}, NotOurs
	case header+int(binary.BigEndian.Uint16(udp[4:])) != total:
		return Cut{}, Length
	}
	return Cut{IP: int32(at), Payload: int32(at + header + 8), End: int32(at + total), BadSum: Sum(ip[:header]) != 0xffff}, Forward
}

// Sum is the one's complement sum of an IP header, of which the length divides by four and is at least 20: 0xffff when its
// checksum is right.
func Sum(header []byte) uint16 {
	h := header[:20]
	s := uint64(binary.BigEndian.Uint32(h)) + uint64(binary.BigEndian.Uint32(h[4:])) + uint64(binary.BigEndian.Uint32(h[8:])) +
		uint64(binary.BigEndian.Uint32(h[12:])) + uint64(binary.BigEndian.Uint32(h[16:]))
	for options := header[20:]; len(options) >= 4; options = options[4:] {
		s += uint64(binary.BigEndian.Uint32(options))
	}
	s = s>>32 + s&0xffffffff
	s = s>>16 + s&0xffff
	s = s>>16 + s&0xffff
	return uint16(s>>16 + s&0xffff)
}
