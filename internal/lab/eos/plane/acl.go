package plane

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
)

// packet is what a rule looks at. Ports are of UDP and TCP packets that are no later fragment; else hasPorts is false.
type packet struct {
	protocol         byte
	from, to         netip.Addr
	fromPort, toPort uint16
	hasPorts         bool
}

// parsePacket reads an Ethernet frame with IPv4 in it, tagged or not.
func parsePacket(frame []byte) (p packet, ok bool) {
	if len(frame) < 14 {
		return p, false
	}
	kind, rest := binary.BigEndian.Uint16(frame[12:]), frame[14:]
	if kind == 0x8100 && len(rest) >= 4 {
		kind, rest = binary.BigEndian.Uint16(rest[2:]), rest[4:]
	}
	if kind != 0x0800 || len(rest) < 20 || rest[0]>>4 != 4 {
		return p, false
	}
	header := int(rest[0]&15) * 4
	p.protocol = rest[9]
	p.from, p.to = netip.AddrFrom4([4]byte(rest[12:16])), netip.AddrFrom4([4]byte(rest[16:20]))
	if later := binary.BigEndian.Uint16(rest[6:])&0x1fff != 0; (p.protocol == 17 || p.protocol == 6) && !later && len(rest) >= header+4 {
		p.fromPort, p.toPort, p.hasPorts = binary.BigEndian.Uint16(rest[header:]), binary.BigEndian.Uint16(rest[header+2:]), true
	}
	return p, true
}

// rule is a rule of an ACL in the form that the switch prints.
type rule struct {
	sequence           int
	permit             bool
	protocol           int // -1: any
	from, to           netip.Prefix
	fromPorts, toPorts func(uint16) bool // nil: any
}

func (r rule) matches(p packet) bool {
	switch {
	case r.protocol >= 0 && byte(r.protocol) != p.protocol, !r.from.Contains(p.from), !r.to.Contains(p.to):
		return false
	case r.fromPorts == nil && r.toPorts == nil:
		return true
	}
	return p.hasPorts && (r.fromPorts == nil || r.fromPorts(p.fromPort)) && (r.toPorts == nil || r.toPorts(p.toPort))
}

// protocolNumber is of a name as rules are printed (the reference, B.3, and configs/real-7280CR3A-4.34.0F); ip is -1.
func protocolNumber(name string) (int, bool) {
	n, ok := map[string]int{"ip": -1, "icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "gre": 47, "ospf": 89, "pim": 103, "vrrp": 112}[name]
	if v, err := strconv.ParseUint(name, 10, 8); err == nil {
		return int(v), true
	}
	return n, ok
}

// portNumber is of a name as rules are printed, or of a number.
func portNumber(name string) (uint16, bool) {
	n, ok := map[string]uint16{"ssh": 22, "tacacs": 49, "domain": 53, "bootps": 67, "bootpc": 68, "www": 80, "ntp": 123, "snmp": 161, "bgp": 179, "ptp-event": 319,
		"ptp-general": 320, "https": 443, "rip": 520, "msdp": 639, "ldp": 646, "radius": 1812, "bfd": 3784, "bfd-echo": 3785}[name]
	if v, err := strconv.ParseUint(name, 10, 16); err == nil {
		return uint16(v), true
	}
	return n, ok
}

// parseRule reads a rule. known is false for one that says more than is read here: it is counted as unread, and matches nothing.
// A remark is known, and no rule (skip).
func parseRule(sequence int, text string) (r rule, skip, known bool) {
	words := strings.Fields(text)
	if len(words) > 0 && words[0] == "remark" {
		return r, true, true
	}
	if len(words) < 4 || words[0] != "permit" && words[0] != "deny" {
		return r, false, false
	}
	r = rule{sequence: sequence, permit: words[0] == "permit"}
	if r.protocol, known = protocolNumber(words[1]); !known {
		return r, false, false
	}
	words = words[2:]
	ends := []struct {
		address *netip.Prefix
		ports   *func(uint16) bool
	}{{&r.from, &r.fromPorts}, {&r.to, &r.toPorts}}
	for _, end := range ends {
		if words, known = takeAddress(words, end.address); !known {
			return r, false, false
		}
		if words, known = takePorts(words, end.ports); !known {
			return r, false, false
		}
	}
	return r, false, len(words) == 0 || len(words) == 1 && words[0] == "log"
}

func takeAddress(words []string, into *netip.Prefix) (rest []string, ok bool) {
	switch {
	case len(words) == 0:
		return nil, false
	case words[0] == "any":
		*into = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		return words[1:], true
	case words[0] == "host" && len(words) > 1:
		a, err := netip.ParseAddr(words[1])
		if err != nil {
			return nil, false
		}
		*into = netip.PrefixFrom(a, a.BitLen())
		return words[2:], true
	}
	p, err := netip.ParsePrefix(words[0])
	*into = p
	return words[1:], err == nil
}

// takePorts reads "eq 1 2 3", "neq 1", "gt 1", "lt 1", "range 1 2", or nothing.
func takePorts(words []string, into *func(uint16) bool) (rest []string, ok bool) {
	if len(words) < 2 {
		return words, true
	}
	var numbers []uint16
	for _, w := range words[1:] {
		n, known := portNumber(w)
		if !known {
			break
		}
		numbers = append(numbers, n)
	}
	any := func(p uint16) bool {
		for _, n := range numbers {
			if n == p {
				return true
			}
		}
		return false
	}
	want := 1
	switch words[0] {
	case "eq":
		*into, want = any, len(numbers)
	case "neq":
		*into, want = func(p uint16) bool { return !any(p) }, len(numbers)
	case "gt":
		*into = func(p uint16) bool { return p > numbers[0] }
	case "lt":
		*into = func(p uint16) bool { return p < numbers[0] }
	case "range":
		*into, want = func(p uint16) bool { return numbers[0] <= p && p <= numbers[1] }, 2
	default:
		return words, true
	}
	if len(numbers) < want || want == 0 {
		return nil, false
	}
	return words[1+want:], true
}
