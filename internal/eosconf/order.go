package eosconf

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// topOrder is the order of lines at the top as the two real switches print them [V: reference/eos.md 1]; those marked [I] are
// not on either. A line belongs to the longest beginning that fits. A "+" marks those that stand together without a separator.
func topOrder() []string {
	return []string{
		"no aaa root", "+username", "+alias" /* [I] */, "+hardware counter", "daemon", "event-handler", /* [I] */
		"hardware access-list", "+no service", "+service interface", "service routing", "+service configuration", /* [I] */
		"transceiver" /* [I] */, "+logging", "+no logging", "management api eos-sdk-rpc", "hostname", "+ip name-server", "+ip domain", /* [I] */
		"spanning-tree", "system l1", "+clock" /* [I] */, "vlan" /* [I] */, "vrf instance", "management api netconf", "monitor telemetry",
		"interface Port-Channel" /* [I] */, "interface Ethernet", "interface Loopback", "interface Management", "interface Tunnel",
		"interface Vlan" /* [I] */, "hardware tcam", "ip access-list", "ip access-list standard", "ipv6 access-list", /* [I] */
		"class-map", "+ip routing", "+no ip routing", "+ip prefix-list", "+ip community-list", "system control-plane", "+monitor session",
		"+ip route", "mpls ip", "+mpls", "+ntp", "policy-map", "traffic-policies" /* [I] */, "+banner" /* [I] */, "route-map", "router bgp", "router isis", "router multicast",
		"router pim", "router msdp", "management api http-commands" /* [I] */, "management ssh",
	}
}

// rank is a line's place in topOrder and whether its like stand together; a line that is not in it comes last [I].
func rank(line string) (at int, together, known bool) {
	order := topOrder()
	at, longest := len(order), 0
	for i, o := range order {
		begin, plus := strings.CutPrefix(o, "+")
		if len(begin) > longest && strings.HasPrefix(line, begin) {
			at, longest, together, known = i, len(begin), plus, true
		}
	}
	return at, together, known
}

// interfaceOrder is the order of lines in an interface [V: the real Ethernet and Tunnel blocks; service-policy and
// traffic-policy are I].
func interfaceOrder() []string {
	return []string{"!!", "description", "mtu", "speed", "no switchport", "switchport", "vrf", "ip address", "ip verify", "ip access-group",
		"service-policy", "traffic-policy", "multicast", "node-segment", "pim", "isis", "tunnel mode", "tunnel source", "tunnel destination", "tunnel"}
}

// inner is a line's place in its section; only the order among the lines named is known.
func inner(path []string, line string) int {
	var order []string
	switch head := path[len(path)-1]; {
	case strings.HasPrefix(head, "interface "):
		order = interfaceOrder()
	case sequenced(path):
		n, _ := sequence(line) // what has no number (counters per-entry) is printed first [V]
		return n
	case strings.HasPrefix(head, "daemon "):
		order = []string{"!!", "exec", "option", "heartbeat", "no shutdown", "shutdown"}
	case strings.HasPrefix(head, "event-handler "):
		order = []string{"!!", "trigger", "action", "delay", "asynchronous"}
	default:
		return 0
	}
	i, longest := len(order), 0
	for j, o := range order {
		if strings.HasPrefix(line, o) && len(o) > longest {
			i, longest = j, len(o)
		}
	}
	return i
}

// place is where a new line goes among those of its section: before the first that comes behind it, else at the end. What has no
// known place moves no other.
func place(path []string, lines []*Line, text string) int {
	for i, l := range lines {
		if behind(path, l.Text, text) {
			return i
		}
	}
	return len(lines)
}

// behind tells whether a line that is there is printed after a new one.
func behind(path []string, have, fresh string) bool {
	if len(path) > 0 {
		return inner(path, have) > inner(path, fresh)
	}
	h, _, known := rank(have)
	f, _, _ := rank(fresh)
	if h != f {
		return known && h > f
	}
	return known && natural(sorted(have), sorted(fresh)) > 0
}

// sorted is what lines of one kind are ordered by.
func sorted(line string) string {
	for i, kind := range []string{" ip access-group ", " source ", " destination "} { // [V]: the order in a monitor session
		if name, _, is := strings.Cut(line, kind); is && strings.HasPrefix(line, "monitor session ") {
			return name + " " + strconv.Itoa(i)
		}
	}
	return line
}

// natural compares with numbers by value: Ethernet9/1 before Ethernet10/1 [V].
func natural(a, b string) int {
	for a != "" && b != "" {
		if n, m := digits(a), digits(b); n > 0 && m > 0 {
			x, y := strings.TrimLeft(a[:n], "0"), strings.TrimLeft(b[:m], "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y)); c != 0 {
				return c
			}
			a, b = a[n:], b[m:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func digits(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}

// space gives a line that was put in at i its separators, and the line behind it.
func space(path []string, lines []*Line, i int) {
	if len(path) > 0 {
		return
	}
	gap := 1
	if i > 0 && together(lines[i-1].Text, lines[i].Text) {
		gap = 0
	}
	lines[i].gap = gap
	switch {
	case i+1 == len(lines):
	case together(lines[i].Text, lines[i+1].Text):
		lines[i+1].gap = 0
	default:
		lines[i+1].gap = max(lines[i+1].gap, 1)
	}
}

// together tells whether two neighbours at the top have no separator between them.
func together(a, b string) bool {
	x, xs, _ := rank(a)
	y, _, _ := rank(b)
	if x == y {
		return xs
	}
	pairs := [][2]string{{"ip routing", "no ip routing"}, {"no ip routing", "ip routing"}, {"hostname", "ip name-server"}, {"ip prefix-list", "ip community-list"}}
	return slices.ContainsFunc(pairs, func(p [2]string) bool { return strings.HasPrefix(a, p[0]) && strings.HasPrefix(b, p[1]) })
}
