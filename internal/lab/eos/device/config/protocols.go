package config

import "strings"

// routeLists: as configs/real-7280CR3A-4.34.0F prints them, prefix lists and community lists in one block, each by name.
func routeLists() []*Rule {
	return []*Rule{
		{Syntax: "ip prefix-list {name} seq {int:0-65535} (permit|deny) <net> [(eq|ge|le) <int:1-32>] [le <int:1-32>]", No: "ip prefix-list {name} [seq {int:0-65535}]",
			Sweep: true, Group: "lists", Sort: func(line []string) string { return line[2] + " " + natural(line[4]) }},
		{Syntax: "ip community-list {name} {permit|deny} {comm}", No: "ip community-list {name}", Sweep: true, Group: "lists", Sort: word(2)},
	}
}

func routeMaps() []*Rule {
	return []*Rule{{Syntax: "route-map {name} (permit|deny) {int:1-16777215}", No: "route-map {name} [(permit|deny)] [{int:1-16777215}]", Sweep: true,
		Sort: func(line []string) string { return line[1] + " " + natural(line[3]) },
		Enter: &Mode{Name: func(args []string) string { return "route-map-" + args[0] }, Rules: []*Rule{
			{Syntax: "match ip address prefix-list <name>"},
			{Syntax: "match as-path length = <int:0-4000>"},
			{Syntax: "match community <name>"},
			{Syntax: "set community <rest>"},
		}}}}
}

// neighbors are the lines of a BGP peer, by address and then in this order (configs/real-7280CR3A-4.34.0F). "no neighbor A" takes
// the peer out of everything (configs/doublezero/base.config.txt does so before each peer).
func neighbors() []*Rule {
	peer := func(syntax string) *Rule {
		return &Rule{Syntax: "neighbor {ip} " + syntax, Bucket: "neighbor", Sort: number(1)}
	}
	first := peer("remote-as <asn>")
	first.No, first.Sweep, first.Gone = "neighbor {ip}", true, leavePeers
	return []*Rule{first, peer("next-hop-self"), peer("local-as <asn> [no-prepend] [replace-as]"), peer("passive"), peer("update-source <intf>"),
		peer("description <rest>"), peer("timers <int:0-65535> <int:0-65535>"), peer("route-map <name> {in|out}"), peer("ebgp-multihop [<int:1-255>]"),
		peer("send-community"), peer("maximum-routes <int:0-4294967294>"), peer("maximum-accepted-routes <int:0-4294967294>")}
}

func leavePeers(in *Node, args []string) {
	for _, family := range in.Kids {
		family.remove(func(k *Node) bool {
			return strings.HasPrefix(k.key, "neighbor "+args[0]+" ") && strings.HasPrefix(family.key, "address-family")
		})
	}
}

func bgp() []*Rule {
	family := func(name string, toggle bool) *Rule {
		return &Rule{Syntax: "address-family " + name, Enter: &Mode{Name: called("router-bgp-af"), Rules: []*Rule{
			{Syntax: "neighbor {ip} activate", Toggle: toggle, Sort: number(1)},
		}}}
	}
	// In family ipv4 each state is printed, in vpn-ipv4 only what is active (configs/real-7280CR3A-4.34.0F).
	vrf := join([]*Rule{
		{Syntax: "rd <rd>"},
		{Syntax: "route-target {import|export} {vpn-ipv4|vpn-ipv6|evpn} {rd}"},
		{Syntax: "router-id <ip>"},
	}, neighbors())
	return []*Rule{{Syntax: "router bgp <asn>", Enter: &Mode{Name: called("router-bgp"), Rules: join([]*Rule{
		{Syntax: "router-id <ip>"},
		{Syntax: "timers bgp <int:0-3600> <int:0-10800>"},
		{Syntax: "distance bgp <int:1-255> [<int:1-255>] [<int:1-255>]"},
	}, neighbors(), []*Rule{
		family("ipv4", true), family("vpn-ipv4", false),
		{Syntax: "vrf {name}", Sort: word(1), Enter: &Mode{Name: called("router-bgp-vrf"), Rules: vrf}},
	})}}}
}

func isis() []*Rule {
	return []*Rule{{Syntax: "router isis {name}", Enter: &Mode{Name: called("router-isis"), Rules: []*Rule{
		{Syntax: "net <word>"},
		{Syntax: "router-id ipv4 <ip>"},
		{Syntax: "is-type (level-1|level-2|level-1-2)"},
		{Syntax: "log-adjacency-changes"},
		{Syntax: "set-overload-bit", Toggle: true, Default: "no set-overload-bit"},
		{Syntax: "address-family ipv4 unicast", Enter: &Mode{Name: called("router-isis-af")}},
		{Syntax: "segment-routing mpls", Enter: &Mode{Name: called("router-isis-sr-mpls"), Rules: []*Rule{{Syntax: "shutdown", Toggle: true}}}},
	}}}}
}

// multicast: "ip multicast-routing" is the older spelling (eos.md B.3).
func multicast() []*Rule {
	family := func() *Mode {
		return &Mode{Name: called("router-multicast"), Rules: []*Rule{{Syntax: "routing"}, {Syntax: "software-forwarding (kernel|sfe)"}}}
	}
	return []*Rule{
		{Syntax: "ip multicast-routing", Instead: []string{"router multicast", "ipv4", "routing"}},
		{Syntax: "router multicast", Enter: &Mode{Name: called("router-multicast"), Rules: []*Rule{
			{Syntax: "ipv4", Enter: family()},
			{Syntax: "ipv6", Enter: family()},
		}}},
	}
}

func pim() []*Rule {
	return []*Rule{{Syntax: "router pim sparse-mode", Enter: &Mode{Name: called("router-pim"), Rules: []*Rule{
		{Syntax: "ipv4", Enter: &Mode{Name: called("router-pim-ipv4"), Rules: []*Rule{{Syntax: "rp address {ip} {net} [override]"}}}},
	}}}}
}

func msdp() []*Rule {
	return []*Rule{{Syntax: "router msdp", Enter: &Mode{Name: called("router-msdp"), Rules: []*Rule{
		{Syntax: "peer {ip}", Sort: word(1), Enter: &Mode{Name: called("router-msdp-peer"), Rules: []*Rule{
			{Syntax: "mesh-group <name>"},
			{Syntax: "local-interface <intf>"},
			{Syntax: "description <rest>"},
		}}},
	}}}}
}
