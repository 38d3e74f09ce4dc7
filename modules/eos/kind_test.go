package eos

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"bisc/internal/eosconf"
	"bisc/internal/host"
	"bisc/modules"
)

func TestVRF(t *testing.T) {
	vrf := &VRF{Name: "relay", Routing: true}
	b := newBox(t)
	c, err := changeOf(b, vrf)
	if err != nil {
		t.Fatal(err)
	}
	if got := typed(c); !slices.Equal(got, []string{"vrf instance relay", "exit", "ip routing vrf relay"}) {
		t.Errorf("typed %q", got)
	}
	b = newBox(t, vrf.Wants()...)
	has(t, planOf(t, b, vrf), "in sync")
	// Without routing its static routes are taken and never installed: EOS says so in a line of its own.
	b = newBox(t, merge("vrf instance relay"))
	has(t, b.running, "no ip routing vrf relay")
	has(t, planOf(t, b, vrf), "now running: no ip routing vrf relay -> ip routing vrf relay")

	gone := &VRF{Name: "relay", Absent: true}
	b = newBox(t, append(vrf.Wants(), merge("interface Tunnel100", "vrf relay"), merge("", "ip route vrf relay 0.0.0.0/0 egress-vrf default 203.0.113.1", relayFor))...)
	has(t, planOf(t, b, gone), "now in use: interface Tunnel100 / vrf relay, ip route vrf relay 0.0.0.0/0 egress-vrf default 203.0.113.1 -> (none)", "!step:")
	has(t, planOf(t, newBox(t, vrf.Wants()...), gone), "destroys: the VRF relay", "step: configure")
}

func TestTunnel(t *testing.T) {
	want := tunnel100()
	want.VRF, want.ACLIn = "relay", "SEC-VALIDATOR-100-IN"
	ground := []configured{loopback("192.0.2.137/32"), &VRF{Name: "relay", Routing: true}, &ACL{Name: "SEC-VALIDATOR-100-IN", Rules: []string{"permit ip any any"}}}
	with := func(all ...configured) []modules.Resource {
		out := []modules.Resource{want}
		for _, r := range all {
			out = append(out, r)
		}
		return out
	}
	c, err := changeOf(newBox(t), with(ground...)...)
	if err != nil {
		t.Fatal(err)
	}
	got := typed(c)
	vrf, address := slices.Index(got, "vrf relay"), slices.Index(got, "ip address 169.254.100.0/31")
	if vrf < 0 || address < vrf {
		t.Errorf("the VRF is typed after the address, which it takes away: %q", got)
	}
	has(t, planOf(t, newBox(t), with(ground[1:]...)...), "now source: no interface has 192.0.2.137 -> 192.0.2.137", "it never comes up", "!step:")
	has(t, planOf(t, newBox(t), with(ground[0], ground[2])...), "now vrf: (none) -> relay", "add eos_vrf", "!step:")
	has(t, planOf(t, newBox(t), with(ground[:2]...)...), "now acl_in: (none) -> SEC-VALIDATOR-100-IN", "!step:")
	rival := newBox(t, merge("interface Tunnel7", "tunnel mode gre", "tunnel source 192.0.2.137", "tunnel destination 198.51.100.235"))
	has(t, planOf(t, rival, with(ground...)...), "now ends: Tunnel7 has these ends -> Tunnel100", "!step:")

	b := newBox(t, append(wantsOf(ground...), want.Wants()...)...)
	show := "show interfaces Tunnel100 | json"
	b.Shows[show] = `{"interfaces":{"Tunnel100":{"interfaceStatus":"connected","lineProtocolStatus":"up"}}}`
	has(t, planOf(t, b, with(ground...)...), "in sync")
	b.Shows[show] = `{"interfaces":{"Tunnel100":{"interfaceStatus":"notconnect","lineProtocolStatus":"lowerLayerDown"}}}`
	has(t, planOf(t, b, with(ground...)...), "now programmed: notconnect, line protocol lowerLayerDown (a tunnel is down without a route to 198.51.100.235", "!step:")
	b.Shows[show] = `{"interfaces":{"Tunnel100":{"state":"up"}}}`
	has(t, planOf(t, b, with(ground...)...), "error: ", "not known whether it is up")
	want.Absent = true
	has(t, planOf(t, b, with()...), "destroys: the tunnel Tunnel100", "step: configure")
}

func TestInterface(t *testing.T) {
	b := newBox(t)
	show := "show interfaces Ethernet4/1 | json"
	b.Shows[show] = `{"interfaces":{"Ethernet4/1":{"interfaceStatus":"connected","lineProtocolStatus":"up"}}}`
	has(t, planOf(t, b, &Interface{Name: "Ethernet4/1"}), "in sync")
	b.Shows[show] = `{"interfaces":{"Ethernet4/1":{"interfaceStatus":"notconnect","lineProtocolStatus":"down"}}}`
	has(t, planOf(t, b, &Interface{Name: "Ethernet4/1"}), "now state: notconnect, line protocol down -> connected, line protocol up", "why: ", "!step:")
	b.Shows[show] = `{"interfaces":{}}`
	has(t, planOf(t, b, &Interface{Name: "Ethernet4/1"}), "error: ")
}

// boots puts a resource in the plan that owns a file.
type boots struct{ modules.Resource }

func (boots) Owns() []string { return []string{"file:/mnt/flash/bisc/boot.sh"} }

func TestEventHandler(t *testing.T) {
	want := handler(func(e *EventHandler) { e.Action = append(e.Action, "a b") })
	b := newBox(t)
	b.Missing[want.Action[0]] = true
	has(t, planOf(t, b, want), "now program: (none) -> /mnt/flash/bisc/boot.sh", "why: ", "!step:")
	has(t, planOf(t, b, want, boots{}), "step: configure", "!program")
	delete(b.Missing, want.Action[0])
	b.Stats[want.Action[0]] = host.Stat{Type: host.Regular, Mode: 0o644}
	has(t, planOf(t, b, want), "now program: mode 0644: nobody may run it", "!step:")
	b.Stats[want.Action[0]] = host.Stat{Type: host.Regular, Mode: 0o755}
	c, err := changeOf(b, want)
	if err != nil {
		t.Fatal(err)
	}
	if got := typed(c); !slices.Equal(got, []string{"event-handler bisc-boot", "trigger on-boot", "action bash /mnt/flash/bisc/boot.sh 'a b'", "delay 60", "asynchronous", "exit"}) {
		t.Errorf("typed %q", got)
	}
	done := newBox(t, want.Wants()...)
	done.Stats[want.Action[0]] = host.Stat{Type: host.Regular, Mode: 0o755}
	has(t, planOf(t, done, want), "in sync")
	done.Errors["stat "+want.Action[0]] = fs.ErrPermission
	has(t, planOf(t, done, want), "error: ")
	gone := &EventHandler{Name: "bisc-boot", Absent: true}
	has(t, planOf(t, done, gone), "destroys: the event handler bisc-boot", "step: configure")
}

const tcam = "show hardware tcam profile | json"

// profile is the text of a TCAM profile, and that it is the system's.
func profile(name string, lines ...string) []eosconf.Want {
	return []eosconf.Want{{Under: []string{"hardware tcam", "profile " + name}, Lines: lines, Mode: eosconf.Merge}, merge("hardware tcam", "system profile "+name)}
}

func TestTrafficPolicy(t *testing.T) {
	want := policy(func(*TrafficPolicy) {})
	b := newBox(t, profile("tunnel-interface-acl", "feature mirror ip", "   sequence 80", "feature pbr ip")...)
	b.Shows[tcam] = `{"pmfProfiles":{"FixedSystem":{"config":"tunnel-interface-acl","configType":"System Profile","status":"tunnel-interface-acl","mode":"tcam"}}}`
	has(t, planOf(t, b, want), "now programmed: profile tunnel-interface-acl -> a profile with traffic-policy port ipv4", "It has mirror ip, pbr ip", "reprograms the whole chip", "!step:")
	b.Shows[tcam] = `{"pmfProfiles":{"FixedSystem":{"config":"default","status":"default"}}}`
	has(t, planOf(t, b, want), "the running configuration does not say what it has", "!step:")
	b.Shows[tcam] = `{"pmfProfiles":{"FixedSystem":{"config":"redirect","status":"ERROR"}}}`
	has(t, planOf(t, b, want), "the TCAM profile asked for is redirect and the one in force is ERROR", "!step:")
	b.Shows[tcam] = `{"pmfProfiles":{}}`
	has(t, planOf(t, b, want), "error: ", "not known which profile is in force")

	good := append(profile("redirect", "feature traffic-policy port ipv4", "   sequence 45"), merge("interface Ethernet4/1", "description x"))
	b = newBox(t, good...)
	b.Shows[tcam] = `{"pmfProfiles":{"FixedSystem":{"config":"redirect","status":"redirect"}}}`
	c, err := changeOf(b, want)
	if err != nil {
		t.Fatal(err)
	}
	has(t, strings.Join(typed(c), "\n"), "traffic-policies\ntraffic-policy SHRED-RELAY\nmatch SHRED-RELAY ipv4\n", "redirect next-hop "+relayTo, "interface Ethernet1/1\ntraffic-policy input SHRED-RELAY")
	has(t, planOf(t, b, want, loopback("192.0.2.81/32")), "now own address: Loopback101 has 192.0.2.81", "incident 42", "!step:")
	done := newBox(t, append(good, want.Wants()...)...)
	done.Shows[tcam] = b.Shows[tcam]
	has(t, planOf(t, done, want), "in sync")
	gone := policy(func(p *TrafficPolicy) { p.Absent = true })
	has(t, planOf(t, done, gone), "destroys: the traffic policy SHRED-RELAY", "step: configure")
}

func TestLines(t *testing.T) {
	mirror := &Lines{Name: "mirror", Prefix: "monitor session 1 ", Lines: []string{"monitor session 1 destination Cpu", "monitor session 1 source Ethernet1/1 rx"}}
	b := newBox(t, merge("", "monitor session 1 source Ethernet4/1 rx", "monitor session 10 source Ethernet4/1 rx"))
	has(t, planOf(t, b, mirror), "now running: monitor session 1 source Ethernet4/1 rx -> monitor session 1 source Ethernet1/1 rx, monitor session 1 destination Cpu", "!session 10 source Ethernet4/1 rx ->")
	c, err := changeOf(b, &Lines{Name: "mirror", Prefix: "monitor session 1 ", Absent: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := typed(c); !slices.Equal(got, []string{"no monitor session 1"}) || len(c.Destroys) != 1 {
		t.Errorf("typed %q, destroys %q", got, c.Destroys)
	}
	// "no monitor session 1" of none fails and breaks the session off, so it is typed only where there is one.
	has(t, planOf(t, newBox(t), &Lines{Name: "mirror", Prefix: "monitor session 1 ", Absent: true}), "in sync")
}

// What was cut off on the way is not a switch without lines.
func TestAnAnswerThatWasCutOff(t *testing.T) {
	b := newBox(t)
	b.Shows["show running-config"] = strings.TrimSuffix(base, "end\n")
	has(t, planOf(t, b, routeLines()), "error: ", "cut off")
	b.Shows["show running-config"] = ""
	has(t, planOf(t, b, routeLines()), "error: ", "cut off after 0 bytes")
	b.tell()
	b.Errors["show show startup-config"] = &host.ShowError{Command: "show startup-config", Text: "% Error: no such file"}
	has(t, planOf(t, b, routeLines()), "error: ", "no such file")
}

// A secret stands in no plan: not in a diff, and not in a command, since a line that holds one is left alone.
func TestNoSecretIsShown(t *testing.T) {
	secret := "username install privilege 15 role network-admin secret sha512 $6$HIDE$ME"
	b := newBox(t, merge("", secret))
	has(t, planOf(t, b, &Lines{Name: "x", Prefix: "username install ", Absent: true}), "now secret: username install privilege 15 role network-admin secret sha512 (secret)", "!HIDE", "!step:")
	has(t, planOf(t, b, &Lines{Name: "x", Lines: []string{"hostname x"}}), "now running: hostname lab-sw01 -> hostname x", "step: configure", "!HIDE")
	has(t, planOf(t, newBox(t), &Lines{Name: "x", Lines: []string{secret}}), "error: ", "it holds a secret", "!HIDE")
}
