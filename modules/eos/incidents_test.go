package eos

import (
	"strings"
	"testing"

	"bisc/internal/eosconf"
	"bisc/modules"
)

const (
	relayed  = "192.0.2.65/32"
	relayTo  = "203.0.113.1"
	relayFor = "ip route " + relayed + " " + relayTo
)

func routeLines() *Lines { return &Lines{Name: "relay route", Lines: []string{relayFor}} }

// loopback is a block that has Loopback101 hold an address, or be gone.
func loopback(address string) *Section {
	s := &Section{Name: "loopback", Path: []string{"interface Loopback101"}, Mode: "exact", Lines: []string{"ip address " + address}}
	if address == "" {
		s.Lines, s.Absent = nil, true
	}
	return s
}

func tunnel100() *Tunnel {
	return &Tunnel{Name: "Tunnel100", MTU: 9216, Address: "169.254.100.0/31", Source: "192.0.2.137", Destination: "198.51.100.235"}
}

// wantsOf is what several blocks want, to put it in force.
func wantsOf(all ...configured) []eosconf.Want {
	var out []eosconf.Want
	for _, r := range all {
		out = append(out, r.Wants()...)
	}
	return out
}

// "write memory" was run and the route was gone after the reload: it was not in the running configuration at the time.
func TestIncident39_WhatRunsIsNotWhatWillBoot(t *testing.T) {
	b := newBox(t, wantsOf(routeLines())...)
	has(t, planOf(t, b, routeLines()), "in sync")

	b.startup = base
	b.tell()
	has(t, planOf(t, b, routeLines()), "boot startup: (none) -> "+relayFor, "step: cli copy running-config startup-config", "!now")

	// While somebody's commit waits for its confirmation, a save would keep what nobody confirmed.
	b.Shows[sessionsNow] = `{"sessions":{"bob":{"state":"committed"}},"commitTimerSessionName":"bob"}`
	has(t, planOf(t, b, routeLines()), "boot startup: (none) -> "+relayFor, "why: the commit of session bob waits", "!step:")
	b.Shows[sessionsNow] = `{"pending":["bob"]}`
	has(t, planOf(t, b, routeLines()), "error: ", "a shape that this bisc does not know")

	b.startup, b.running = b.running, base
	b.tell() // the second manager took it away, and has not saved yet
	has(t, planOf(t, b, routeLines()), "now running: (none) -> "+relayFor, "step: configure", "!boot")
}

// The agent wrote its lists anew, and the operators' line in one of them was gone.
func TestIncident40_WhatIsTheSecondManagers(t *testing.T) {
	b := newBox(t)
	for _, r := range []modules.Resource{
		&ACL{Name: "SEC-USER-500-IN", Rules: []string{"permit ip any any"}},
		&ACL{Name: "SEC-DIA-IN", Absent: true},
		&Section{Name: "x", Path: []string{"ip access-list SEC-DIA-IN"}, Mode: "merge", Lines: []string{"15 permit ip host 192.0.2.1 any"}},
		&Section{Name: "x", Path: []string{"router bgp 65342"}, Mode: "merge", Lines: []string{"router-id 192.0.2.1"}},
		&Section{Name: "x", Path: []string{"interface Loopback255"}, Absent: true, Mode: "merge"},
		&Section{Name: "x", Path: []string{"interface Ethernet1/1"}, Mode: "merge", Without: []string{"ip access-group SEC-DIA-IN in"}},
		&Section{Name: "x", Path: []string{"hardware tcam"}, Mode: "merge", Lines: []string{"system profile default"}},
		&Lines{Name: "x", Lines: []string{"ip route vrf vrf1 0.0.0.0/0 198.51.100.0"}},
		&Lines{Name: "x", Prefix: "ntp server ", Absent: true},
		&Tunnel{Name: "Tunnel500", Source: "192.0.2.64", Destination: "198.51.100.235"},
		&VRF{Name: "vrf1", Absent: true},
	} {
		has(t, planOf(t, b, r), "error: ", "is not ours", "allow_foreign = true")
	}
	allowed := &ACL{Name: "SEC-DIA-IN", Rules: []string{"permit ip any any"}, AllowForeign: true}
	has(t, planOf(t, b, allowed), "now running", "step: configure")
}

// What the plan's own list names is refused as well, and what a section has beside the plan's lines is seen only on the switch.
func TestIncident40_ThePlansOwnList(t *testing.T) {
	mine := &Ownership{Name: "backbone", Foreign: []string{"interface Ethernet4/1", "ip route 0.0.0.0/0"}}
	b := newBox(t)
	port := &Section{Name: "x", Path: []string{"interface Ethernet4/1"}, Mode: "merge", Lines: []string{"mtu 9214"}}
	has(t, planOf(t, b, port, mine), "error: ", "(eos_ownership) has \"interface Ethernet4/1\"")
	has(t, planOf(t, b, port), "now running")
	all := &Lines{Name: "x", Prefix: "ip route 0.0.0.0/0 "}
	all.Lines = []string{"ip route 0.0.0.0/0 203.0.113.1"}
	has(t, planOf(t, b, all, mine), "error: ", "has \"ip route 0.0.0.0/0\"")
	all.Prefix, all.Lines = "ip route ", []string{relayFor}
	has(t, planOf(t, b, all, mine), "now foreign: ip route 0.0.0.0/0 198.51.100.0 -> (changed)", "!step:")
}

// Loopback101 with the relay's address took the packets before any route was asked.
func TestIncident42_AnOwnAddressAbsorbs(t *testing.T) {
	held := newBox(t, wantsOf(loopback(relayed))...)
	has(t, planOf(t, held, routeLines()), "now own address: Loopback101 has 192.0.2.65 -> "+relayFor, "incident 42", "!step:")
	has(t, planOf(t, held, routeLines(), loopback("")), "now running: (none) -> "+relayFor, "step: configure")

	routed := newBox(t, wantsOf(routeLines())...)
	has(t, planOf(t, routed, loopback(relayed)), "now own address: (none) -> Loopback101 with 192.0.2.65", "!step:")
	has(t, planOf(t, routed, loopback("192.0.2.66/32")), "now running", "step: configure")
	has(t, planOf(t, newBox(t), routeLines(), loopback(relayed)), "own address", "!step:")
	// Both in one plan need no switch to be seen.
	has(t, planOf(t, newBox(t), routeLines()), "now running")
	route := routeLines()
	if err := route.Agree([]modules.Resource{loopback(relayed), route}); err == nil || !strings.Contains(err.Error(), "incident 42") {
		t.Errorf("a route for an own address of the same plan is valid: %v", err)
	}

	// What is there already and wrong is told, too: a switch in this state forwards nothing.
	both := newBox(t, wantsOf(loopback(relayed), routeLines())...)
	has(t, planOf(t, both, routeLines()), "now own address", "!step:")

	// Another VRF's address, and a wider route, absorb nothing of it.
	other := newBox(t, merge("vrf instance relay"), merge("interface Loopback101", "vrf relay", "ip address "+relayed))
	has(t, planOf(t, other, routeLines()), "now running")
	wide := &Lines{Name: "x", Lines: []string{"ip route 192.0.2.64/29 " + relayTo}}
	has(t, planOf(t, held, wide), "now running")
}

// The same by a list: PBR never sees a packet to an own address.
func TestIncident42_ListsThatRedirect(t *testing.T) {
	list := &ACL{Name: "VALIDATOR-RELAY-ACL", Rules: []string{"permit udp any host 192.0.2.65 range 9000 9025", "permit tcp any 192.0.2.65/32 eq 8001"}}
	pbr := merge("class-map type pbr match-any VALIDATOR-RELAY-CLASS", "10 match ip access-group VALIDATOR-RELAY-ACL")
	held := newBox(t, append(wantsOf(loopback(relayed)), pbr)...)
	has(t, planOf(t, held, list), "now own address: Loopback101 has 192.0.2.65 -> 10 permit udp any host 192.0.2.65 range 9000 9025", "class-map type pbr", "!step:")
	mirrored := newBox(t, append(wantsOf(loopback(relayed)), merge("", "monitor session 1 ip access-group VALIDATOR-RELAY-ACL"))...)
	has(t, planOf(t, mirrored, list), "now own address", "monitor session 1", "!step:")

	// On an interface's way in, an own address is what a list is about.
	onPort := newBox(t, append(wantsOf(loopback(relayed)), merge("interface Ethernet4/1", "ip access-group VALIDATOR-RELAY-ACL in"))...)
	has(t, planOf(t, onPort, list), "now running", "step: configure")
	source := &ACL{Name: "VALIDATOR-RELAY-ACL", Rules: []string{"permit udp host 192.0.2.65 eq 9000 any"}}
	has(t, planOf(t, held, source), "now running", "step: configure")
}

// The same line ended the tunnel of the other switch: Loopback101 was its source there.
func TestIncident50_ATunnelKeepsItsSource(t *testing.T) {
	b := newBox(t, wantsOf(loopback("192.0.2.137/32"), tunnel100())...)
	b.Shows["show interfaces Tunnel100 | json"] = `{"interfaces":{"Tunnel100":{"interfaceStatus":"connected","lineProtocolStatus":"up"}}}`
	has(t, planOf(t, b, tunnel100()), "in sync")
	for name, r := range map[string]modules.Resource{
		"absent":      loopback(""),
		"readdressed": loopback("192.0.2.138/32"),
		"without":     &Section{Name: "x", Path: []string{"interface Loopback101"}, Mode: "merge", Without: []string{"ip address 192.0.2.137/32"}},
		"merged over": &Section{Name: "x", Path: []string{"interface Loopback101"}, Mode: "merge", Lines: []string{"ip address 192.0.2.138/32"}},
	} {
		t.Run(name, func(t *testing.T) {
			has(t, planOf(t, b, r), "now tunnel source: Tunnel100 has its source 192.0.2.137 on Loopback101 -> (gone)", "Is this the right switch?", "!step:", "!destroys")
		})
	}
	gone := tunnel100()
	gone.Absent = true
	has(t, planOf(t, b, loopback(""), gone), "now running", "destroys: the section interface Loopback101", "step: configure")
	moved := &Section{Name: "x", Path: []string{"interface Loopback102"}, Mode: "merge", Lines: []string{"ip address 192.0.2.137/32"}}
	has(t, planOf(t, b, loopback(""), moved), "now running", "step: configure")
	// The layer wants the tunnel, a stage of the rollback took it away, and the next one takes the loopback.
	b.running = with(t, b.running, gone.Wants()...)
	b.tell()
	has(t, planOf(t, b, loopback(""), tunnel100()), "now running", "step: configure")
}
