package config

import (
	"slices"
	"strings"
)

// interfaces: one rule a kind, because a kind has its own commands; printed Ethernet, Loopback, Management, Tunnel
// (configs/real-7280CR3A-4.34.0F), each kind by number.
func (g *Grammar) interfaces() []*Rule {
	kind := func(begin string, m *Mode) *Rule {
		return &Rule{Syntax: "interface {intf}", Sort: number(1), Enter: m,
			Valid: func(args []string) bool { return strings.HasPrefix(args[0], begin) && g.exists(args[0]) },
			Stays: func(args []string) bool { return slices.Contains(g.Ports, args[0]) }}
	}
	mode := func(lists ...[]*Rule) *Mode {
		return &Mode{Name: func(args []string) string { return "if-" + Short(args[0]) }, Rules: join(lists...)}
	}
	return []*Rule{
		kind("Port-Channel", mode(general(), port(), addresses(), filters(), protocols())),
		kind("Ethernet", mode(general(), port(), addresses(), filters(), protocols())),
		kind("Loopback", mode(general(), addresses(), protocols())),
		kind("Management", mode(general(), addresses(), filters())),
		kind("Tunnel", mode(general(), addresses(), filters(), protocols(), tunnel())),
		kind("Vlan", mode(general(), addresses(), filters(), protocols())),
	}
}

// exists tells whether there is such a port; what is not a port can be made.
func (g *Grammar) exists(name string) bool {
	if !strings.HasPrefix(name, "Ethernet") && !strings.HasPrefix(name, "Management") {
		return true
	}
	port, _, _ := strings.Cut(name, ".")
	return slices.Contains(g.Ports, port)
}

func general() []*Rule {
	return []*Rule{
		{Syntax: "description <rest>"},
		{Syntax: "shutdown", Toggle: true, Default: "no shutdown"},
		{Syntax: "load-interval <int:0-600>"},
		{Syntax: "mtu <int:68-10240>", Default: "mtu 1500"},
	}
}

func port() []*Rule {
	return []*Rule{
		{Syntax: "speed (forced|auto|10g|25g|40g|50g|100g|100g-1|100g-2|100g-4|400g) [<like:[0-9a-z]+full>]"},
		{Syntax: "error-correction encoding (fire-code|reed-solomon)"},
		{Syntax: "encapsulation dot1q vlan <int:1-4094>"},
		{Syntax: "switchport", Toggle: true, Default: "switchport"},
	}
}

// addresses: setting a VRF takes the addresses away ([I], eos.md C.5).
func addresses() []*Rule {
	wipe := func(in *Node) {
		in.remove(func(k *Node) bool {
			return strings.HasPrefix(k.key, "ip address") || strings.HasPrefix(k.key, "ipv6 address")
		})
	}
	return []*Rule{
		{Syntax: "vrf <name>", Default: "vrf default", After: wipe},
		{Syntax: "ip address <ipnet>", Sweep: true},
		{Syntax: "ip address {ipnet} secondary"},
		{Syntax: "ipv6 enable"},
		{Syntax: "ipv6 address auto-config"},
		{Syntax: "ipv6 address {ip6}"},
		{Syntax: "ipv6 nd ra rx accept default-route"},
	}
}

// filters: "service-policy" and "traffic-policy" stand behind the ACLs ([I]: no switch's print of them is public).
func filters() []*Rule {
	return []*Rule{
		{Syntax: "ip verify unicast source reachable-via (any|rx) [allow-default]", No: "ip verify unicast [source reachable-via (any|rx)] [allow-default]", Sweep: true},
		{Syntax: "ip access-group <name> {in|out}", No: "ip access-group [<name>] {in|out}"},
		{Syntax: "multicast ipv4 boundary <name> [out]"},
		{Syntax: "service-policy type pbr input <name>"},
		{Syntax: "traffic-policy {input|output} <name>"},
	}
}

func protocols() []*Rule {
	return []*Rule{
		{Syntax: "pim ipv4 sparse-mode"},
		{Syntax: "pim ipv4 border-router"},
		{Syntax: "pim ipv4 dr-priority <int:0-4294967295>"},
		{Syntax: "node-segment ipv4 index <int:0-65535>"},
		{Syntax: "isis enable <name>"},
		{Syntax: "isis circuit-type (level-1|level-2|level-1-2)"},
		{Syntax: "isis hello-interval <int:1-300>"},
		{Syntax: "isis metric <int:1-16777214>"},
		{Syntax: "isis passive", Toggle: true, Default: "no isis passive"},
		{Syntax: "isis hello padding"},
		{Syntax: "isis network point-to-point"},
	}
}

func tunnel() []*Rule {
	return []*Rule{
		{Syntax: "tunnel mode (gre|ipip)"},
		{Syntax: "tunnel source <ip>"},
		{Syntax: "tunnel source interface <intf>"},
		{Syntax: "tunnel destination <ip>"},
		{Syntax: "tunnel path-mtu-discovery"},
		{Syntax: "tunnel tos <int:0-255>"},
		{Syntax: "tunnel ttl <int:1-255>"},
		{Syntax: "tunnel key <int:0-4294967295>"},
		{Syntax: "tunnel underlay vrf <name>"},
	}
}
