package eosconf

import (
	"net/netip"
	"strings"
)

// Route is a static route's line, taken apart: ip route [vrf V] P [egress-vrf W] VIA [rest].
type Route struct {
	VRF    string // empty: default
	Prefix string
	Egress string // egress-vrf; empty: none
	Via    string // a next hop or an interface
	Rest   string // distance, tag, name, a next hop behind an interface
}

// ParseRoute takes a line apart; ok is false where it is no static route.
func ParseRoute(line string) (r Route, ok bool) {
	words := strings.Fields(line)
	if len(words) < 4 || words[0] != "ip" || words[1] != "route" {
		return r, false
	}
	words = words[2:]
	if words[0] == "vrf" && len(words) >= 4 {
		r.VRF, words = words[1], words[2:]
	}
	r.Prefix, words = words[0], words[1:]
	if words[0] == "egress-vrf" && len(words) >= 3 {
		r.Egress, words = words[1], words[2:]
	}
	r.Via, r.Rest = words[0], strings.Join(words[1:], " ")
	if r.VRF == "default" {
		r.VRF = ""
	}
	return r, true
}

// Target is the route's beginning, which all routes to the same prefix of the same VRF share: "ip route vrf V P".
func (r Route) Target() string {
	if r.VRF == "" {
		return "ip route " + r.Prefix
	}
	return "ip route vrf " + r.VRF + " " + r.Prefix
}

// String is the line as EOS prints it. The distance 1 is the default, which it does not print [I].
func (r Route) String() string {
	s := r.Target()
	if r.Egress != "" {
		s += " egress-vrf " + r.Egress
	}
	s += " " + r.Via
	if rest := strings.TrimPrefix(r.Rest+" ", "1 "); strings.TrimSpace(rest) != "" {
		s += " " + strings.TrimSpace(rest)
	}
	return s
}

// normalRoute is a static route as EOS prints it: the prefix without host bits, no VRF named default.
func normalRoute(line string) string {
	r, ok := ParseRoute(line)
	if !ok {
		return line
	}
	if p, err := netip.ParsePrefix(r.Prefix); err == nil {
		r.Prefix = p.Masked().String()
	}
	return r.String()
}
