package config

import "strings"

// monitors: order and spelling of was-sw01 (eos.md 1); more of the options from eos.md C.1 and configs/avd/monitor-sessions.cfg.
// Removing a session that is not there fails (eos.md B.2; the words are [I]).
func monitors() []*Rule {
	session := func(r Rule) *Rule {
		r.Syntax, r.Group, r.Bucket, r.Sort = "monitor session {name} "+r.Syntax, "monitor", "monitor", word(2)
		return &r
	}
	return []*Rule{
		session(Rule{Syntax: "ip access-group <name>", No: "monitor session {name}", Sweep: true, Must: "Monitor session %s does not exist"}),
		session(Rule{Syntax: "ip access-group <name>"}),
		session(Rule{Syntax: "source {intfs} [(rx|tx|both)] [ip access-group <name> [priority <int:0-100>]]", Rewrite: both}),
		session(Rule{Syntax: "destination Cpu"}),
		session(Rule{Syntax: "destination {intf}"}),
		session(Rule{Syntax: "truncate"}),
		session(Rule{Syntax: "header remove size <int:0-90>"}),
		session(Rule{Syntax: "sample <int:1-65535>"}),
		session(Rule{Syntax: "rate-limit per-ingress-chip <int:1-200000> (kbps|mbps)"}),
		session(Rule{Syntax: "encapsulation gre metadata (tx|rx)"}),
	}
}

// both: a source without a direction is mirrored both ways, and that is not printed (a switch's own text in a public repository has
// "monitor session 1 source Ethernet47" where show monitor session says "Both: Et47").
func both(line string) string { return strings.TrimSuffix(line, " both") }

// classMaps and policyMaps: numbers come with the rules (eos.md 1, B.3). Both change as a whole when the mode is left.
func classMaps() []*Rule {
	return []*Rule{{Syntax: "class-map type pbr match-any {name}", Sort: word(4), Enter: &Mode{Name: called("cmap-pbr"), Group: true, Rules: []*Rule{
		{Syntax: "match ip access-group {name}", Numbered: true},
	}}}}
}

func policyMaps() []*Rule {
	copp := &Mode{Name: called("pmap-c-copp"), Rules: []*Rule{
		{Syntax: "shape (kbps|pps) <int:0-100000000>"},
		{Syntax: "bandwidth (kbps|pps) <int:0-100000000>"},
	}}
	pbr := &Mode{Name: called("pmap-c-pbr"), Rules: []*Rule{
		{Syntax: "set nexthop [recursive] <ip>"},
		{Syntax: "drop"},
	}}
	return []*Rule{
		{Syntax: "policy-map type copp copp-system-policy", Enter: &Mode{Name: called("pmap-copp"), Group: true, Rules: []*Rule{
			{Syntax: "class {name}", Enter: copp},
		}}},
		{Syntax: "policy-map type pbr {name}", Sort: word(3), Enter: &Mode{Name: called("pmap-pbr"), Group: true, Rules: []*Rule{
			{Syntax: "class {name}", Numbered: true, Enter: pbr},
		}}},
	}
}

// routes: eos.md C.3. "no ip route P" without a next hop removes all of P's (eos.md B.3). Sorted by VRF, then prefix ([I] beyond
// the three routes of configs/real-7280CR3A-4.34.0F).
func routes() []*Rule {
	options := " [track bfd] [<int:1-255>] [tag <int:0-4294967295>] [name <name>] [metric <int:1-16777215>]"
	route := func(hop string) *Rule {
		return &Rule{Syntax: "ip route [vrf {name}] {net} [egress-vrf {name}] " + hop + options, Group: "route", Bucket: "route", Sort: byVRF}
	}
	all := route("{ip}")
	all.Syntax, all.No, all.Sweep = "ip route [vrf {name}] {net} Null0"+options, "ip route [vrf {name}] {net}", true
	return []*Rule{all, route("{ip}"), route("{intf} {ip}"), route("{intf}")}
}

func byVRF(line []string) string {
	if line[2] == "vrf" {
		return line[3] + " " + natural(line[4])
	}
	return " " + natural(line[2])
}
