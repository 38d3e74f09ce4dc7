package config

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// aclRule reads one rule, word by word, and writes it as the switch prints it.
type aclRule struct {
	words []string
	at    int
	out   []string
	ended bool // a word was wanted behind the last one
}

// extended reads "permit|deny PROTOCOL SOURCE [ports] DESTINATION [ports] [options]". What it knows is what stands in
// configs/real-7280CR3A-4.34.0F, configs/doublezero and configs/avd/ip-access-lists.cfg.
func extended(r *aclRule) (string, bool) {
	proto, ok := r.protocol()
	if !ok || !r.host() {
		return "", false
	}
	ported := proto == "tcp" || proto == "udp"
	if ported && !r.ports(proto) || !r.host() || ported && !r.ports(proto) {
		return "", false
	}
	for r.at < len(r.words) {
		if !r.option(proto) {
			return "", false
		}
	}
	return strings.Join(r.out, " "), true
}

// standard reads "permit|deny SOURCE".
func standard(r *aclRule) (string, bool) {
	ok := r.host()
	if ok && r.at < len(r.words) {
		r.at++
		ok = false
	}
	return strings.Join(r.out, " "), ok
}

func (r *aclRule) next() string {
	if r.at >= len(r.words) {
		r.ended = true
		return ""
	}
	r.at++
	return strings.ToLower(r.words[r.at-1])
}

func (r *aclRule) peek() string {
	if r.at >= len(r.words) {
		return ""
	}
	return strings.ToLower(r.words[r.at])
}

func (r *aclRule) protocol() (string, bool) {
	p := r.next()
	known := []string{"ip", "tcp", "udp", "icmp", "igmp", "ospf", "pim", "vrrp", "ahp", "rsvp", "gre", "esp"}
	if n, err := strconv.Atoi(p); !slices.Contains(known, p) && (err != nil || n < 0 || n > 255) {
		return "", false
	}
	r.out = append(r.out, p)
	return p, true
}

// host reads any, host A, A/len, A; a prefix of 32 bits is printed as host (eos.md B.3).
func (r *aclRule) host() bool {
	switch w := r.next(); w {
	case "any":
		r.out = append(r.out, "any")
		return true
	case "host":
		a, err := netip.ParseAddr(r.next())
		r.out = append(r.out, "host", a.String())
		return err == nil && a.Is4()
	default:
		p, err := netip.ParsePrefix(w)
		if err != nil {
			a, err := netip.ParseAddr(w)
			r.out = append(r.out, "host", a.String())
			return err == nil && a.Is4()
		}
		if p.Bits() == 32 {
			r.out = append(r.out, "host", p.Addr().String())
		} else {
			r.out = append(r.out, p.Masked().String())
		}
		return p.Addr().Is4()
	}
}

// ports reads eq P..., neq P, gt P, lt P, range P P; well-known numbers are printed by name, a list by number (eos.md B.3).
func (r *aclRule) ports(proto string) bool {
	op := r.peek()
	switch op {
	case "eq", "neq":
		r.at++
		var list []int
		for n, ok := portNumber(proto, r.peek()); ok; n, ok = portNumber(proto, r.peek()) {
			list = append(list, n)
			r.at++
		}
		r.ended = len(list) == 0 && r.at == len(r.words)
		if len(list) == 0 && !r.ended {
			r.at++
		}
		slices.Sort(list)
		r.out = append(r.out, op)
		for _, n := range slices.Compact(list) {
			r.out = append(r.out, portName(proto, n))
		}
		return len(list) > 0
	case "gt", "lt":
		r.at++
		return r.port(op, proto)
	case "range":
		r.at++
		return r.port(op, proto) && r.port("", proto)
	}
	return true
}

func (r *aclRule) port(op, proto string) bool {
	n, ok := portNumber(proto, r.next())
	if op != "" {
		r.out = append(r.out, op)
	}
	r.out = append(r.out, portName(proto, n))
	return ok
}

func (r *aclRule) option(proto string) bool {
	w := r.next()
	r.out = append(r.out, w)
	switch w {
	case "tracked", "fragments", "log":
		return true
	case "established", "syn", "ack", "fin", "rst", "psh", "urg":
		return proto == "tcp"
	case "ttl":
		op, value := r.next(), r.next()
		n, err := strconv.Atoi(value)
		r.out = append(r.out, op, value)
		return slices.Contains([]string{"eq", "gt", "lt", "neq"}, op) && err == nil && n >= 0 && n <= 255
	case "dscp":
		value := r.next()
		r.out = append(r.out, value)
		return value != ""
	}
	return proto == "icmp" && icmpType(w)
}

func icmpType(w string) bool {
	n, err := strconv.Atoi(w)
	return err == nil && n >= 0 && n <= 255 ||
		slices.Contains([]string{"echo", "echo-reply", "time-exceeded", "unreachable", "redirect", "port-unreachable", "host-unreachable", "packet-too-big"}, w)
}

// refusal names the word at which a rule was not understood.
func (r *aclRule) refusal(l Line) error {
	if r.ended {
		return &Error{Line: l.Raw, Incomplete: true}
	}
	at := len(l.Words) - len(r.words) + max(r.at, 1) - 1
	return &Error{Line: l.Raw, Token: at + 1, Word: l.Words[at]}
}
