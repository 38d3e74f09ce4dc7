package eosconf

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// small is a switch with one of each thing that a plan may touch.
const small = `! Command: show running-config
! device: sw (DCS-7280CR3A-32S, EOS-4.34.0F)
!
daemon bisc-relay
   exec /mnt/flash/bisc/bisc-relay -a
   no shutdown
!
hostname sw
!
vrf instance old
!
interface Ethernet1/1
   mtu 2048
   no switchport
   ip address 198.51.100.1/31
   ip access-group IN in
   service-policy type pbr input VALIDATOR-RELAY
!
interface Ethernet1/2
!
interface Tunnel100
   mtu 9216
   ip address 169.254.100.0/31
   tunnel mode gre
!
ip access-list IN
   10 permit ip any any
!
ip access-list SHRED-RELAY
   counters per-entry
   10 permit udp any any eq 20000
   20 deny ip any any
!
class-map type pbr match-any VALIDATOR-RELAY-CLASS
   10 match ip access-group SHRED-RELAY
!
ip routing
no ip routing vrf old
!
monitor session 1 ip access-group SHRED-RELAY
monitor session 1 source Ethernet1/1 rx
monitor session 1 destination Cpu
!
ip route 0.0.0.0/0 198.51.100.0
ip route 203.0.113.9/32 172.16.1.1
ip route 203.0.113.9/32 172.16.1.2
!
policy-map type pbr VALIDATOR-RELAY
   10 class VALIDATOR-RELAY-CLASS
      set nexthop 172.16.1.189
!
end
`

func TestPlan(t *testing.T) {
	acl, et1 := []string{"ip access-list SHRED-RELAY"}, []string{"interface Ethernet1/1"}
	for _, c := range []struct {
		what     string
		wants    []Want
		commands []string
	}{
		{"what is there needs nothing", []Want{{Under: acl, Lines: []string{"counters per-entry", "permit udp any any eq 20000", "20 deny ip any any"}}}, nil},
		{"a merge of what is there, by rule alone", []Want{{Under: acl, Lines: []string{"permit udp any any eq 20000"}, Mode: Merge}}, nil},
		{"exact, an entry with its number changed: anew", []Want{{Under: acl, Lines: []string{"10 permit udp any any eq 20001", "20 deny ip any any", "counters per-entry"}}},
			[]string{"no ip access-list SHRED-RELAY", "ip access-list SHRED-RELAY", "counters per-entry", "10 permit udp any any eq 20001", "20 deny ip any any", "exit"}},
		{"exact, an entry less: anew", []Want{{Under: acl, Lines: []string{"counters per-entry", "10 permit udp any any eq 20000"}}},
			[]string{"no ip access-list SHRED-RELAY", "ip access-list SHRED-RELAY", "counters per-entry", "10 permit udp any any eq 20000", "exit"}},
		{"merge of a new entry", []Want{{Under: acl, Lines: []string{"permit udp any any eq 20001"}, Mode: Merge}},
			[]string{"ip access-list SHRED-RELAY", "30 permit udp any any eq 20001", "exit"}},
		{"merge, an entry away by its rule", []Want{{Under: acl, Without: []string{"deny ip any any"}, Mode: Merge}},
			[]string{"ip access-list SHRED-RELAY", "no 20", "exit"}},
		{"a list that is not there", []Want{{Under: []string{"ip access-list N"}, Lines: []string{"permit ip any any"}}},
			[]string{"ip access-list N", "10 permit ip any any", "exit"}},
		{"an interface: the new value alone is typed", []Want{{Under: et1, Lines: []string{"mtu 9000", "ip access-group OTHER in"}, Mode: Merge}},
			[]string{"interface Ethernet1/1", "mtu 9000", "ip access-group OTHER in", "exit"}},
		{"a port, exact: lines go, never the port", []Want{{Under: et1, Lines: []string{"mtu 2048", "no switchport"}}},
			[]string{"interface Ethernet1/1", "no service-policy type pbr input VALIDATOR-RELAY", "no ip access-group IN in", "no ip address 198.51.100.1/31", "exit"}},
		{"a port, a line that begins with no", []Want{{Under: et1, Without: []string{"no switchport"}, Mode: Merge}}, []string{"interface Ethernet1/1", "switchport", "exit"}},
		{"a VRF before the address, which it takes away", []Want{{Under: []string{"vrf instance relay"}}, {Under: []string{"interface Tunnel100"}, Lines: []string{"vrf relay"}, Mode: Merge}},
			[]string{"vrf instance relay", "exit", "interface Tunnel100", "vrf relay", "ip address 169.254.100.0/31", "exit"}},
		{"a VRF with routing", []Want{{Lines: []string{"vrf instance relay", "ip routing vrf relay"}, Mode: Merge}},
			[]string{"vrf instance relay", "exit", "ip routing vrf relay"}},
		{"a VRF goes with what it brought", []Want{{Under: []string{"vrf instance old"}, Mode: Absent}}, []string{"no vrf instance old"}},
		{"a VRF that is not there needs no command to be gone", []Want{{Under: []string{"vrf instance x"}, Mode: Absent}}, nil},
		{"a route instead of all others of its prefix", []Want{{Prefix: "ip route 203.0.113.9/32 ", Lines: []string{"ip route 203.0.113.9/32 172.16.1.9"}}},
			[]string{"no ip route 203.0.113.9/32", "ip route 203.0.113.9/32 172.16.1.9"}},
		{"one route of two goes by its next hop", []Want{{Lines: []string{"ip route 203.0.113.9/32 172.16.1.2"}, Mode: Absent}}, []string{"no ip route 203.0.113.9/32 172.16.1.2"}},
		{"a monitor session goes as a whole", []Want{{Prefix: "monitor session 1 ", Mode: Absent}}, []string{"no monitor session 1"}},
		{"a monitor session that is not there: no command, it would fail", []Want{{Prefix: "monitor session 2 ", Mode: Absent}}, nil},
		{"a monitor session's list is replaced, a source goes", []Want{{Prefix: "monitor session 1 ", Lines: []string{"monitor session 1 source Ethernet1/2 rx", "monitor session 1 destination Cpu", "monitor session 1 ip access-group IN"}}},
			[]string{"no monitor session 1 source Ethernet1/1 rx", "monitor session 1 ip access-group IN", "monitor session 1 source Ethernet1/2 rx"}},
		{"what refers goes first, what is referred to comes first", []Want{
			{Under: et1, Without: []string{"service-policy type pbr input VALIDATOR-RELAY"}, Mode: Merge}, {Under: []string{"class-map type pbr match-any VALIDATOR-RELAY-CLASS"}, Mode: Absent},
			{Under: []string{"policy-map type pbr VALIDATOR-RELAY"}, Mode: Absent}, {Under: acl, Mode: Absent}, {Prefix: "monitor session 1 ", Mode: Absent}},
			[]string{"no monitor session 1", "interface Ethernet1/1", "no service-policy type pbr input VALIDATOR-RELAY", "exit", "no policy-map type pbr VALIDATOR-RELAY",
				"no class-map type pbr match-any VALIDATOR-RELAY-CLASS", "no ip access-list SHRED-RELAY"}},
		{"a policy with its class and list", []Want{
			{Under: []string{"interface Ethernet1/2"}, Lines: []string{"service-policy type pbr input P"}, Mode: Merge}, {Under: []string{"policy-map type pbr P"}, Lines: []string{"class C", "   set nexthop 192.0.2.1"}},
			{Under: []string{"class-map type pbr match-any C"}, Lines: []string{"match ip access-group N"}}, {Under: []string{"ip access-list N"}, Lines: []string{"permit ip any any"}}},
			[]string{"ip access-list N", "10 permit ip any any", "exit", "class-map type pbr match-any C", "10 match ip access-group N", "exit",
				"policy-map type pbr P", "10 class C", "set nexthop 192.0.2.1", "exit", "exit", "interface Ethernet1/2", "service-policy type pbr input P", "exit"}},
		{"another next hop of a policy", []Want{{Under: []string{"policy-map type pbr VALIDATOR-RELAY", "10 class VALIDATOR-RELAY-CLASS"}, Lines: []string{"set nexthop 192.0.2.1"}, Mode: Merge}},
			[]string{"policy-map type pbr VALIDATOR-RELAY", "10 class VALIDATOR-RELAY-CLASS", "set nexthop 192.0.2.1", "exit", "exit"}},
		{"a daemon's program", []Want{{Under: []string{"daemon bisc-relay"}, Lines: []string{"exec /mnt/flash/bisc/bisc-relay -b", "no shutdown"}}},
			[]string{"daemon bisc-relay", "exec /mnt/flash/bisc/bisc-relay -b", "exit"}},
		{"a daemon that is stopped", []Want{{Under: []string{"daemon bisc-relay"}, Lines: []string{"shutdown"}, Mode: Merge}}, []string{"daemon bisc-relay", "shutdown", "exit"}},
		{"a text is one command", []Want{{Under: []string{"event-handler e"}, Lines: []string{"trigger on-boot", "action bash\necho a\nEOF"}}},
			[]string{"event-handler e", "trigger on-boot", "action bash\necho a\nEOF", "exit"}},
		{"traffic policies", []Want{{Under: []string{"traffic-policies", "traffic-policy P"}, Lines: []string{"match S ipv4", "   protocol udp destination port 20000", "   actions", "      redirect next-hop 192.0.2.1"}}},
			[]string{"traffic-policies", "traffic-policy P", "match S ipv4", "protocol udp destination port 20000", "actions", "redirect next-hop 192.0.2.1", "exit", "exit", "exit", "exit"}},
		{"a setting of the box", []Want{{Lines: []string{"hostname other"}, Mode: Merge}}, []string{"hostname other"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			before := parse(t, small)
			p, err := before.Plan(c.wants...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.commands, p.Commands); diff != "" {
				t.Errorf("commands (-want +got)\n%s", diff)
			}
			if before.String() != small {
				t.Error("the configuration that was planned on has changed")
			}
			if again, err := p.After.Plan(c.wants...); err != nil || !again.Empty() {
				t.Errorf("planned again on the result: %v, %q", err, again.Commands)
			}
			if err := Agree(p.Adds, p.Removes, Unified(before, p.After, SessionNames("s"))); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestPlanRefuses: what owns too much, contradicts itself or is no configuration is an error before anything is typed.
func TestPlanRefuses(t *testing.T) {
	for what, wants := range map[string][]Want{
		"everything":                     {{Lines: []string{"hostname a"}}},
		"everything away":                {{Mode: Absent}},
		"a prefix without owning":        {{Prefix: "ip route ", Lines: []string{"ip route 192.0.2.0/24 198.51.100.1"}, Mode: Merge}},
		"a line outside the prefix":      {{Prefix: "monitor session 1 ", Lines: []string{"monitor session 2 destination Cpu"}}},
		"without, exact":                 {{Under: []string{"ip access-list A"}, Without: []string{"10 permit ip any any"}}},
		"there and not there":            {{Lines: []string{"hostname b"}, Mode: Merge}, {Lines: []string{"hostname b"}, Mode: Absent}},
		"two values of one setting":      {{Lines: []string{"hostname b"}, Mode: Merge}, {Lines: []string{"hostname c"}, Mode: Merge}},
		"one section wanted twice":       {{Under: []string{"ip access-list A"}, Lines: []string{"permit ip any any"}}, {Under: []string{"ip access-list A"}, Lines: []string{"deny ip any any"}}},
		"a VRF without what it brings":   {{Under: []string{"vrf instance v"}}, {Lines: []string{"no ip routing vrf v"}, Mode: Absent}},
		"a text without end":             {{Under: []string{"event-handler e"}, Lines: []string{"action bash", "echo"}}},
		"the end of the configuration":   {{Lines: []string{"hostname b", "end"}, Mode: Merge}},
		"a command that leaves":          {{Under: []string{"interface Ethernet1/1"}, Lines: []string{"exit"}, Mode: Merge}},
		"a port away":                    {{Under: []string{"interface Ethernet1/1"}, Mode: Absent}},
		"an abbreviation in the headers": {{Under: []string{"interface Et1/1"}, Lines: []string{"mtu 9000"}, Mode: Merge}},
	} {
		before := parse(t, small)
		if p, err := before.Plan(wants...); err == nil {
			t.Errorf("%s: planned %q", what, p.Commands)
		}
	}
	if _, err := (&Config{}).Plan(Want{Lines: []string{"hostname a"}}); !errors.Is(err, ErrWholeConfig) {
		t.Errorf("a want of everything: %v", err)
	}
}

// TestPrintedWhereTheDeviceDoes: new lines stand where the real switches have theirs.
func TestPrintedWhereTheDeviceDoes(t *testing.T) {
	running := parse(t, fixture(t, realConfig))
	p, err := running.Plan(
		Want{Prefix: "monitor session 1 ", Lines: []string{"monitor session 1 source Ethernet1/1 rx", "monitor session 1 destination Cpu", "monitor session 1 ip access-group SHRED-RELAY"}},
		Want{Under: []string{"ip access-list SHRED-RELAY"}, Lines: []string{"permit udp any any eq 20000"}},
		Want{Under: []string{"vrf instance relay"}}, Want{Lines: []string{"ip routing vrf relay", "ip route 192.0.2.9/32 172.16.1.189"}, Mode: Merge},
		Want{Under: []string{"interface Tunnel100"}, Lines: []string{"ip address 169.254.100.0/31", "vrf relay", "mtu 9216"}},
		Want{Under: []string{"daemon bisc-relay"}, Lines: []string{"exec /mnt/flash/bisc/x"}})
	if err != nil {
		t.Fatal(err)
	}
	text := p.After.String()
	for _, want := range []string{
		"system control-plane\n   ip access-group MAIN-CONTROL-PLANE-ACL in\n!\nmonitor session 1 ip access-group SHRED-RELAY\nmonitor session 1 source Ethernet1/1 rx\nmonitor session 1 destination Cpu\n!\nip route 0.0.0.0/0 ",
		"ip route 192.0.2.9/32 172.16.1.189\nip route vrf management ", "!\ninterface Tunnel100\n   mtu 9216\n   vrf relay\n   ip address 169.254.100.0/31\n!\ninterface Tunnel500\n",
		"vrf instance management\n!\nvrf instance relay\n!\nvrf instance vrf1\n!\n", "ip routing vrf management\nip routing vrf relay\nip routing vrf vrf1\n!\n",
		"!\ndaemon bisc-relay\n   exec /mnt/flash/bisc/x\n   shutdown\n!\ndaemon doublezero-agent\n", "!\nip access-list SHRED-RELAY\n   10 permit udp any any eq 20000\n!\nip access-list standard SEC-USER-MCAST-BOUNDARY-501-OUT\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("not in the result: %q", want)
		}
	}
	if t.Failed() {
		t.Log(Unified(running, p.After, SessionNames("s")))
	}
}
