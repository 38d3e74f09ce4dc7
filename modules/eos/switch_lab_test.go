package eos

import (
	"strings"
	"testing"

	"bisc/internal/host/eoshost"
	"bisc/modules"
)

// relayOf is the relay as it was in the end: a VRF, a tunnel with its source and list, routes; and the mirror beside it.
func relayOf(absent bool) []modules.Resource {
	tunnel := tunnel100()
	tunnel.VRF, tunnel.ACLIn, tunnel.Destination = "relay", "SEC-VALIDATOR-100-IN", "203.0.113.1"
	shred := shreds("permit udp any any eq 20000")
	list := &ACL{Name: "SEC-VALIDATOR-100-IN", Counters: true, Rules: []string{"permit icmp host 169.254.100.1 any", "permit ip host 192.0.2.65 any", "100 deny ip any any"}}
	lo, vrf := loopback("192.0.2.137/32"), &VRF{Name: "relay", Routing: true}
	mirror := &Lines{Name: "mirror", Prefix: "monitor session 1 ", Lines: []string{"monitor session 1 source Ethernet1/1 rx", "monitor session 1 ip access-group SHRED-RELAY", "monitor session 1 destination Cpu"}}
	boot := handler(func(*EventHandler) {})
	routes := &Lines{Name: "routes", Lines: []string{relayFor, "ip route vrf relay 0.0.0.0/0 egress-vrf default 203.0.113.1"}}
	if absent {
		tunnel, shred, list, lo = &Tunnel{Name: tunnel.Name, Absent: true}, &ACL{Name: shred.Name, Absent: true}, &ACL{Name: list.Name, Absent: true}, loopback("")
		vrf, boot = &VRF{Name: "relay", Absent: true}, &EventHandler{Name: boot.Name, Absent: true}
		mirror.Lines, mirror.Absent, routes.Absent = nil, true, true
		return []modules.Resource{routes, mirror, tunnel, lo, list, shred, vrf, boot}
	}
	port := &Section{Name: "port", Path: []string{"interface Ethernet4/1"}, Mode: "merge", Lines: []string{"mtu 9214", "no switchport"}}
	return []modules.Resource{vrf, lo, list, shred, tunnel, mirror, routes, boot, port}
}

// Every kind, twice: what was applied is in force, saved and seen, the second look finds nothing; what is broken behind bisc's back
// is named and mended; a reload changes nothing; and the inverse leaves the switch as it was.
func TestSwitchTwice(t *testing.T) {
	r := newRack(t, base)
	was, err := r.Control().Running()
	if err != nil {
		t.Fatal(err)
	}
	st := relayStage(t, relayOf(false)...)
	first := r.plan(t, st)
	has(t, first, "now running", "boot startup", "step: configure")
	r.apply(t, st)
	if got := r.plan(t, st); got != "" {
		t.Fatalf("after the first apply:\n%s", got)
	}
	for _, tt := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"a route goes, unsaved", []string{"configure", "no " + relayFor, "end"}, []string{"now running: (none) -> " + relayFor, "!boot"}},
		{"a list is edited, and saved", []string{"configure", "ip access-list SHRED-RELAY", "20 permit udp any any eq 9", "exit", "end", "copy running-config startup-config"},
			[]string{"now running: ip access-list SHRED-RELAY / 20 permit udp any any eq 9 -> (none) (in use by monitor session 1 ip access-group SHRED-RELAY", "boot startup"}},
		{"the tunnel's MTU", []string{"configure", "interface Tunnel100", "mtu 1400", "end"}, []string{"interface Tunnel100 / mtu 1400 -> interface Tunnel100 / mtu 9216", "!boot"}},
		{"the VRF stops routing", []string{"configure", "no ip routing vrf relay", "end"}, []string{"no ip routing vrf relay -> ip routing vrf relay", "!boot"}},
		{"the mirror's source is another port", []string{"configure", "no monitor session 1 source Ethernet1/1 rx", "monitor session 1 source Ethernet4/1 rx", "end"},
			[]string{"monitor session 1 source Ethernet4/1 rx -> monitor session 1 source Ethernet1/1 rx"}},
		{"the handler", []string{"configure", "event-handler bisc-boot", "delay 5", "end"}, []string{"event-handler bisc-boot / delay 5 -> event-handler bisc-boot / delay 60"}},
		{"startup alone (incident 39)", []string{"configure", "no " + relayFor, "end", "copy running-config startup-config", "configure", relayFor, "end"},
			[]string{"boot startup: (none) -> " + relayFor, "!now", "step: cli copy running-config startup-config"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r.behind(t, tt.lines...)
			has(t, r.plan(t, st), tt.want...)
			r.apply(t, st)
			if got := r.plan(t, st); got != "" {
				t.Fatalf("after the repair:\n%s", got)
			}
		})
	}
	if err := r.Control().Reload(); err != nil {
		t.Fatal(err)
	}
	r.reader = nil
	if got := r.plan(t, st); got != "" {
		t.Errorf("after a reload:\n%s", got)
	}
	back := relayStage(t, append(relayOf(true), &Section{Name: "port", Path: []string{"interface Ethernet4/1"}, Mode: "merge", Lines: []string{"mtu 2048"}})...)
	has(t, r.plan(t, back), "destroys: the VRF relay", "destroys: the tunnel Tunnel100")
	r.apply(t, back)
	for _, half := range []func() (string, error){r.Control().Running, r.Control().Startup} {
		now, err := half()
		if err != nil {
			t.Fatal(err)
		}
		if c := firstDifference(was, now); c != "" {
			t.Errorf("the inverse left something:\n%s", c)
		}
	}
}

// firstDifference compares two configurations but for their headers.
func firstDifference(a, b string) string {
	body := func(s string) []string {
		var out []string
		for l := range strings.Lines(s) {
			if !strings.HasPrefix(l, "!") {
				out = append(out, l)
			}
		}
		return out
	}
	x, y := body(a), body(b)
	for i := range max(len(x), len(y)) {
		switch {
		case i >= len(x):
			return "+ " + y[i]
		case i >= len(y):
			return "- " + x[i]
		case x[i] != y[i]:
			return "- " + x[i] + "+ " + y[i]
		}
	}
	return ""
}

// redirected is the relay as it was before: packets of a list sent elsewhere by a policy, on their way into a port.
func redirected(absent bool) []modules.Resource {
	list := &ACL{Name: "VALIDATOR-RELAY-ACL", Rules: []string{"permit udp any host 192.0.2.65 eq 8001", "permit udp any host 192.0.2.65 range 9000 9025"}}
	class := &Section{Name: "class", Path: []string{"class-map type pbr match-any VALIDATOR-RELAY-CLASS"}, Mode: "exact", Lines: []string{"10 match ip access-group VALIDATOR-RELAY-ACL"}}
	policy := &Section{Name: "policy", Path: []string{"policy-map type pbr VALIDATOR-RELAY"}, Mode: "exact", Lines: []string{"10 class VALIDATOR-RELAY-CLASS", "   set nexthop 203.0.113.1"}}
	port := &Section{Name: "port", Path: []string{"interface Ethernet1/1"}, Mode: "merge", Lines: []string{"service-policy type pbr input VALIDATOR-RELAY"}}
	if !absent {
		return []modules.Resource{list, class, policy, port}
	}
	list.Rules, list.Absent = nil, true
	class.Lines, class.Absent, policy.Lines, policy.Absent = nil, true, nil, true
	port.Lines, port.Without = nil, port.Lines
	return []modules.Resource{port, policy, class, list}
}

// Each of these makes EOS do something that a plan must have thought of.
func TestSwitchEdges(t *testing.T) {
	r := newRack(t, base)
	tunnel := func(vrf string) *Tunnel {
		u := tunnel100()
		u.VRF = vrf
		return u
	}
	lo := loopback("192.0.2.137/32")
	for _, tt := range []struct {
		name string
		all  []modules.Resource
	}{
		{"two blocks write one new section", []modules.Resource{
			&Section{Name: "a", Path: []string{"interface Loopback9"}, Mode: "merge", Lines: []string{"description nine"}},
			&Section{Name: "b", Path: []string{"interface Loopback9"}, Mode: "merge", Lines: []string{"ip address 192.0.2.9/32"}}}},
		{"a tunnel", []modules.Resource{lo, tunnel("")}},
		{"its VRF comes, and takes its address on the way", []modules.Resource{lo, &VRF{Name: "relay", Routing: true}, tunnel("relay")}},
		{"another one comes", []modules.Resource{lo, &VRF{Name: "relay", Routing: true}, &VRF{Name: "other", Routing: true}, tunnel("other")}},
		{"the VRF goes again", []modules.Resource{lo, tunnel(""), &VRF{Name: "relay", Absent: true}, &VRF{Name: "other", Absent: true}}},
		{"the tunnel and its source go together", []modules.Resource{&Tunnel{Name: "Tunnel100", Absent: true}, loopback("")}},
		{"a policy that redirects", redirected(false)},
		{"its list gets other rules under the same numbers", []modules.Resource{&ACL{Name: "VALIDATOR-RELAY-ACL", Rules: []string{"permit tcp any host 192.0.2.65 eq 8001", "permit udp any host 192.0.2.65 range 9000 9025"}}}},
		{"the policy goes", redirected(true)},
		{"rules are typed as people type them", []modules.Resource{&ACL{Name: "TYPED", Counters: true, Rules: []string{
			"permit icmp any any", "permit tcp any any eq 179", "permit udp any any eq bootps bootpc snmp rip ntp ldp", "permit udp 192.0.2.7/32 any", "remark the end", "deny ip any any"}}}},
		{"a route is typed as people type it", []modules.Resource{&Lines{Name: "x", Lines: []string{"ip route 192.0.2.200/30 203.0.113.1 1", "ip route 192.0.2.210/32 203.0.113.1 250 tag 7 name x"}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st := relayStage(t, tt.all...)
			has(t, r.plan(t, st), "step: configure")
			r.apply(t, st)
			if got := r.plan(t, st); got != "" {
				t.Fatalf("after the first apply:\n%s", got)
			}
		})
	}
}

// The profile of the real switches has no traffic policies; one that has them takes the kind.
func TestSwitchTrafficPolicy(t *testing.T) {
	r := newRack(t, with(t, base, profile("tunnel-interface-acl", "feature mirror ip", "   sequence 80", "feature pbr ip", "   sequence 60")...))
	has(t, r.plan(t, relayStage(t, policy(func(*TrafficPolicy) {}))), "the TCAM profile tunnel-interface-acl in force has no \"traffic-policy port ipv4\": EOS would take", "!step:")
	r = newRack(t, with(t, base, profile("redirect", "feature traffic-policy port ipv4", "   sequence 45")...))
	st := relayStage(t, policy(func(*TrafficPolicy) {}))
	r.apply(t, st)
	if got := r.plan(t, st); got != "" {
		t.Fatalf("after the first apply:\n%s", got)
	}
	r.apply(t, relayStage(t, policy(func(p *TrafficPolicy) { p.Absent = true })))
	now, err := r.Control().Running()
	if err != nil {
		t.Fatal(err)
	}
	has(t, now, "!SHRED-RELAY")
}

// The play for one switch ran on all: what does not bear the inventory's name is asked nothing more.
func TestIncident48_AnotherSwitch(t *testing.T) {
	r := newRack(t, base)
	cfg := r.config()
	cfg.Hostname = "lab-sw02"
	h, err := eoshost.Open(t.Context(), r.pool, cfg)
	if err == nil {
		_ = h.Close()
		t.Fatal("a switch of another name was taken")
	}
	has(t, err.Error(), "lab-sw01", "lab-sw02")
	typed, err := r.Control().Lines()
	if err != nil {
		t.Fatal(err)
	}
	has(t, strings.Join(typed, "\n"), "!running-config", "!configure")
}

// The route by egress-vrf with an interface was taken, stood in the configuration, and was never installed: what is configured is
// not what the switch does.
func TestIncident41_TakenAndNeverInstalled(t *testing.T) {
	const refused = "ip route vrf relay 0.0.0.0/0 egress-vrf default Ethernet4/1 203.0.113.1"
	if err := (&Lines{Name: "x", Lines: []string{refused}}).Validate(); err == nil || !strings.Contains(err.Error(), "never installs it") {
		t.Errorf("the plan may say it: %v", err)
	}
	r := newRack(t, base)
	vrf := &VRF{Name: "relay", Routing: true}
	route := &StaticRoute{Prefix: "0.0.0.0/0", VRF: "relay", EgressVRF: "default", NextHop: "203.0.113.1", Exclusive: true, RequireKernel: true}
	st := relayStage(t, vrf, route)
	r.behind(t, "configure", "vrf instance relay", "exit", "ip routing vrf relay", refused, "end")
	has(t, r.plan(t, st), "now running: "+refused+" -> ip route vrf relay 0.0.0.0/0 egress-vrf default 203.0.113.1")
	r.apply(t, st)
	if got := r.plan(t, st); got != "" {
		t.Fatalf("after the first apply:\n%s", got)
	}
	nowhere := &StaticRoute{Prefix: "192.0.2.65/32", NextHop: "192.0.2.250", RequireKernel: true}
	r.behind(t, "configure", "ip route 192.0.2.65/32 192.0.2.250", "end", "copy running-config startup-config")
	has(t, r.plan(t, relayStage(t, nowhere)), "now rib: ", "!now running", "!boot", "!step:")
}
