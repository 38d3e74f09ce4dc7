package config

import (
	"strings"
	"testing"
)

// typed gives what a switch prints after lines were typed.
func typed(t *testing.T, lines ...string) string {
	t.Helper()
	tree := NewGrammar(ports(), Flags{}).New()
	e := tree.Edit()
	for _, l := range lines {
		if l == "exit" {
			e.Exit()
		} else if err := e.Run(l); err != nil {
			t.Fatal(err)
		}
	}
	e.Leave()
	return tree.String()
}

// TestWhatIsPushedIsPrintedOtherwise: the pairs of eos.md B.3, from configs/doublezero (left) and configs/real-7280CR3A-4.34.0F.
func TestWhatIsPushedIsPrintedOtherwise(t *testing.T) {
	for _, c := range []struct{ name, typed, printed string }{
		{"number", "ip access-list A\npermit icmp any any\ndeny ip any any", "ip access-list A\n   10 permit icmp any any\n   20 deny ip any any\n"},
		{"host before", "ip access-list A\npermit icmp 169.254.7.7/32 any", "   10 permit icmp host 169.254.7.7 any\n"},
		{"host behind", "ip access-list A\npermit ip any 224.0.0.13/32", "   10 permit ip any host 224.0.0.13\n"},
		{"bgp", "ip access-list A\npermit tcp any any eq 179", "   10 permit tcp any any eq bgp\n"},
		{"862", "ip access-list A\npermit udp any any eq 862", "   10 permit udp any any eq 862\n"},
		{"20000", "ip access-list A\npermit udp any any eq 20000", "   10 permit udp any any eq 20000\n"},
		{"8503", "ip access-list A\npermit udp any any eq 8503", "   10 permit udp any any eq 8503\n"},
		{"sorted ports", "ip access-list A\n90 permit udp any any eq bootps bootpc snmp rip ntp ldp ptp-event ptp-general",
			"   90 permit udp any any eq bootps bootpc ntp snmp ptp-event ptp-general rip ldp\n"},
		{"comment", "ip access-list A\n!ICMP\npermit icmp any any", "ip access-list A\n   10 permit icmp any any\n"},
		{"mask", "ip access-list standard A\npermit 233.84.178.1/32\ndeny 224.0.0.1/4", "   10 permit host 233.84.178.1\n   20 deny 224.0.0.0/4\n"},
		{"tunnel is up", "interface Tunnel500\nno shutdown\nmtu 9216", "interface Tunnel500\n   mtu 9216\n"},
		{"no shut", "daemon x\nexec /bin/x\nno shut", "daemon x\n   exec /bin/x\n   no shutdown\n"},
		{"loopback", "management api eos-sdk-rpc\ntransport grpc eapilocal\nlocalhost loopback vrf default\nservice all\nno disabled",
			"      localhost loopback\n      service all\n      no disabled\n"},
		{"multicast", "ip multicast-routing", "router multicast\n   ipv4\n      routing\n"},
		{"order", "interface Tunnel100\ntunnel destination 192.0.2.9\ntunnel source 192.0.2.8\ntunnel mode gre\nip access-group SEC in\nvrf relay\nip address 169.254.100.0/31\nmtu 9216",
			"interface Tunnel100\n   mtu 9216\n   vrf relay\n   ip address 169.254.100.0/31\n   ip access-group SEC in\n   tunnel mode gre\n   tunnel source 192.0.2.8\n   tunnel destination 192.0.2.9\n"},
		{"pbr", "class-map type pbr match-any C\nmatch ip access-group A\nexit\npolicy-map type pbr P\nclass C\nset nexthop 172.16.1.189",
			"class-map type pbr match-any C\n   10 match ip access-group A\n"},
		{"pbr policy", "policy-map type pbr P\nclass C\nset nexthop 172.16.1.189\nexit\nclass D\ndrop",
			"policy-map type pbr P\n   10 class C\n      set nexthop 172.16.1.189\n   !\n   20 class D\n      drop\n"},
		{"vrf does not route", "vrf instance relay", "no ip routing vrf relay\n"},
		{"vrf routes", "vrf instance relay\nexit\nip routing vrf relay", "!\nip routing vrf relay\n"},
		{"short interface", "interface Et1/1\nmtu 2048", "interface Ethernet1/1\n   mtu 2048\n"},
		{"shorter interface", "int e1/1\nmtu 2048", "interface Ethernet1/1\n   mtu 2048\n"},
		{"monitor order", "monitor session 1 source Ethernet1/1 rx\nmonitor session 1 ip access-group S\nmonitor session 1 destination cpu",
			"monitor session 1 ip access-group S\nmonitor session 1 source Ethernet1/1 rx\nmonitor session 1 destination Cpu\n"},
		{"both ways", "monitor session 1 source Ethernet1/1 both\nmonitor session 1 destination Cpu", "monitor session 1 source Ethernet1/1\n"},
		{"lists by name", "ip community-list B permit 1:2\nip community-list A permit 1:3", "ip community-list A permit 1:3\nip community-list B permit 1:2\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := typed(t, strings.Split(c.typed, "\n")...); !strings.Contains(got, c.printed) {
				t.Errorf("typed\n%s\nprinted\n%s\nwant in it\n%s", c.typed, got, c.printed)
			}
		})
	}
	for _, line := range []string{"clock timezone UTC", "interface Ethernet1/1\nmtu 1500", "interface Ethernet1/1\nno shutdown\nno isis passive"} {
		if got, fresh := typed(t, strings.Split(line, "\n")...), typed(t); got != fresh {
			t.Errorf("%q is a default and printed:\n%s", line, got)
		}
	}
}

// TestTheSecondManagersTextIsTaken: what doublezero-agent pushes loads whole on the real configuration (configs/doublezero), and
// what it prints loads again and prints the same.
func TestTheSecondManagersTextIsTaken(t *testing.T) {
	g := NewGrammar(ports(), Flags{})
	for _, name := range []string{"base.config.txt", "base.config.drained.txt", "base.config.with.mgmt.vrf.txt"} {
		tree, _ := g.Parse(fixture(t, "configs/real-7280CR3A-4.34.0F/mia-sw01-running.cfg"))
		e := tree.Edit()
		for line := range strings.Lines(fixture(t, "configs/doublezero/"+name)) {
			if err := e.Run(strings.TrimRight(line, "\n")); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		e.Leave()
		again, errs := g.Parse(tree.String())
		if len(errs) > 0 || again.String() != tree.String() {
			t.Errorf("%s: what is printed does not load back: %v\n%s", name, errs, Unified(tree.String(), again.String(), "printed", "again"))
		}
	}
}
