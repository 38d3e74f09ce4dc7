package eos

import (
	"fmt"
	"net/netip"
	"strings"

	"bisc/internal/eosconf"
)

// absorbed finds addresses of the switch itself that a route, or a list by which packets are redirected, of this plan is for.
// A packet to an own address is delivered to the switch's CPU before any route or policy is asked [V]: with Loopback101 in
// place the relay's packets went nowhere (incident 42).
func absorbed(after *eosconf.Config, r configured) []refusal {
	var out []refusal
	all := interfaces(after)
	for _, w := range r.Wants() {
		for _, l := range wantedLines(w) {
			if len(w.Under) == 0 {
				out = append(out, absorbedRoute(all, l)...)
			}
		}
		out = append(out, absorbing(after, w)...)
		out = append(out, absorbedRules(all, after, w)...)
	}
	return out
}

func wantedLines(w eosconf.Want) []string {
	if w.Mode == eosconf.Absent {
		return nil
	}
	return eosconf.Normalise(w.Under, w.Lines)
}

// absorbedRoute compares a host route with the switch's own addresses. A wider one may well hold an own address: it is for the
// others.
func absorbedRoute(all []iface, line string) []refusal {
	to, vrf, ok := hostRoute(line)
	for _, i := range all {
		if ok && i.vrf == vrf && i.has(to) {
			return []refusal{{"own address", fmt.Sprintf("%s has %s", i.name, to), line,
				fmt.Sprintf("packets to an address of the switch's own end in its CPU, and the route is never asked (incident 42): take the address from %s, or write another route", i.name)}}
		}
	}
	return nil
}

// absorbing is the same from the other side: a resource that brings an own address for which a host route stands.
func absorbing(after *eosconf.Config, w eosconf.Want) []refusal {
	if len(w.Under) != 1 || !strings.HasPrefix(w.Under[0], "interface ") || w.Mode == eosconf.Absent {
		return nil
	}
	mine := iface{name: strings.TrimPrefix(w.Under[0], "interface "), acls: map[string]string{}}
	for _, l := range wantedLines(w) {
		mine.take(strings.Fields(l))
	}
	var out []refusal
	for _, l := range after.Top("ip route ") {
		to, vrf, ok := hostRoute(l)
		if ok && vrf == mine.vrf && mine.has(to) {
			out = append(out, refusal{"own address", "(none)", mine.name + " with " + to.String(),
				fmt.Sprintf("%q is for that address, and packets to an address of the switch's own end in its CPU (incident 42): take the route away, or give the interface another address", l)})
		}
	}
	return out
}

// absorbedRules looks at a list that redirects packets or mirrors them, rule by rule. A list on an interface's way in is
// another thing: it may well be about the switch's own address.
func absorbedRules(all []iface, after *eosconf.Config, w eosconf.Want) []refusal {
	name, ok := "", false
	if len(w.Under) == 1 {
		name, ok = strings.CutPrefix(w.Under[0], "ip access-list ")
	}
	user := redirecting(after, name)
	if !ok || user == "" {
		return nil
	}
	var out []refusal
	for _, l := range wantedLines(w) {
		to, ok := destinationOf(l)
		if !ok {
			continue
		}
		for _, i := range all {
			if i.has(to) {
				out = append(out, refusal{"own address", fmt.Sprintf("%s has %s", i.name, to), l,
					fmt.Sprintf("%s uses this list, and packets to an address of the switch's own end in its CPU before that (incident 42): take the address from %s", user, i.name)})
			}
		}
	}
	return out
}

// redirecting is the line by which a list redirects packets; empty: none does.
func redirecting(c *eosconf.Config, list string) string {
	for _, l := range c.Lines {
		if !strings.HasPrefix(l.Text, "class-map type pbr ") {
			continue
		}
		for _, m := range l.Sub {
			if strings.HasSuffix(m.Text, "match ip access-group "+list) {
				return l.Text
			}
		}
	}
	for _, l := range c.Top("monitor session ") {
		if strings.HasSuffix(l, " ip access-group "+list) || strings.Contains(l, " ip access-group "+list+" ") {
			return l
		}
	}
	return ""
}

// destinationOf is the one address that a permitting rule is for: "10 permit udp any host 192.0.2.1 eq 20000".
func destinationOf(rule string) (netip.Addr, bool) {
	words := strings.Fields(rule)
	if len(words) > 0 && strings.Trim(words[0], "0123456789") == "" {
		words = words[1:]
	}
	if len(words) < 4 || words[0] != "permit" {
		return netip.Addr{}, false
	}
	words = afterAddress(words[2:])
	for len(words) > 0 && !isAddress(words) { // the source's ports
		words = words[1:]
	}
	if len(words) >= 2 && words[0] == "host" {
		a, err := netip.ParseAddr(words[1])
		return a, err == nil
	}
	if len(words) > 0 {
		if p, err := netip.ParsePrefix(words[0]); err == nil && p.IsSingleIP() {
			return p.Addr(), true
		}
	}
	return netip.Addr{}, false
}

func isAddress(words []string) bool {
	if words[0] == "any" || words[0] == "host" {
		return true
	}
	_, err := netip.ParsePrefix(words[0])
	return err == nil
}

// afterAddress skips one address: any, host A, P/LEN.
func afterAddress(words []string) []string {
	if words[0] == "host" && len(words) > 1 {
		return words[2:]
	}
	return words[1:]
}
