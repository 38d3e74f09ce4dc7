package eosconf

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNormalise has each pair of reference/eos.md B.3: what the second manager pushes, and what the real switch prints of it.
func TestNormalise(t *testing.T) {
	acl, tunnel, copp := []string{"ip access-list X"}, []string{"interface Tunnel501"}, []string{"policy-map type copp copp-system-policy"}
	for _, c := range []struct {
		what    string
		under   []string
		typed   []string
		printed []string
	}{
		{"numbers, in steps of ten", acl, []string{"counters per-entry", "permit icmp any any", "deny ip any any"}, []string{"counters per-entry", "10 permit icmp any any", "20 deny ip any any"}},
		{"numbers, after one that was given", acl, []string{"35 permit icmp any any", "remark end", "deny ip any any"}, []string{"35 permit icmp any any", "45 remark end", "55 deny ip any any"}},
		{"one host, as source", acl, []string{"10 permit ip 169.254.7.7/32 any"}, []string{"10 permit ip host 169.254.7.7 any"}},
		{"one host, as destination", acl, []string{"permit ip any 224.0.0.13/32"}, []string{"10 permit ip any host 224.0.0.13"}},
		{"every host", acl, []string{"10 permit ip 0.0.0.0/0 any"}, []string{"10 permit ip any any"}},
		{"a standard list", []string{"ip access-list standard X"}, []string{"permit 233.84.178.1/32", "deny 224.0.0.0/4"}, []string{"10 permit host 233.84.178.1", "20 deny 224.0.0.0/4"}},
		{"a port's name", acl, []string{"10 permit tcp any any eq 179"}, []string{"10 permit tcp any any eq bgp"}},
		{"ports that keep their numbers", acl, []string{"10 permit udp any any eq 20000", "20 permit udp any any eq 8503", "30 permit udp any any eq 862", "40 permit tcp any any range 5900 5910"},
			[]string{"10 permit udp any any eq 20000", "20 permit udp any any eq 8503", "30 permit udp any any eq 862", "40 permit tcp any any range 5900 5910"}},
		{"a port of another protocol", acl, []string{"10 permit udp any any eq 22"}, []string{"10 permit udp any any eq 22"}},
		{"ports in their order", acl, []string{"10 permit udp any any eq bootps bootpc snmp rip ntp ldp ptp-event ptp-general"}, []string{"10 permit udp any any eq bootps bootpc ntp snmp ptp-event ptp-general rip ldp"}},
		{"ports with more behind", acl, []string{"10 permit udp any any eq 4784 3784 ttl eq 255"}, []string{"10 permit udp any any eq bfd multihop-bfd ttl eq 255"}},
		{"a comment", acl, []string{"!ICMP", "permit icmp any any"}, []string{"10 permit icmp any any"}},
		{"a default at the top", nil, []string{"clock timezone UTC", "hostname a"}, []string{"hostname a"}},
		{"a default of an interface", tunnel, []string{"no shutdown", "tunnel mode gre"}, []string{"tunnel mode gre"}},
		{"default itself", tunnel, []string{"default mtu"}, nil},
		{"a word cut short", []string{"daemon x"}, []string{"no shut"}, []string{"no shutdown"}},
		{"the default VRF", []string{"management api eos-sdk-rpc", "transport grpc eapilocal"}, []string{"localhost loopback vrf default"}, []string{"localhost loopback"}},
		{"a line that becomes a section", nil, []string{"ip multicast-routing"}, []string{"router multicast", "   ipv4", "      routing"}},
		{"an interface's order", tunnel, []string{"ip access-group A in", "ip address 169.254.2.200/31", "vrf vrf1", "tunnel ttl 32", "tunnel mode gre", "mtu 9216", "description d"},
			[]string{"description d", "mtu 9216", "vrf vrf1", "ip address 169.254.2.200/31", "ip access-group A in", "tunnel mode gre", "tunnel ttl 32"}},
		{"numbers of a policy", nil, []string{"policy-map type pbr P", "   class C", "      set nexthop 192.0.2.1"}, []string{"policy-map type pbr P", "   10 class C", "      set nexthop 192.0.2.1"}},
		{"numbers of a class", []string{"class-map type pbr match-any C"}, []string{"match ip access-group A"}, []string{"10 match ip access-group A"}},
		{"no numbers where EOS gives none", copp, []string{"class copp-system-ipunicast", "   shape kbps 500000"}, []string{"class copp-system-ipunicast", "   shape kbps 500000"}},
		{"no host bits in a route", nil, []string{"ip route 192.0.2.9/24 198.51.100.1", "ip route vrf default 203.0.113.0/24 198.51.100.1 1", "ip route vrf v 203.0.113.0/24 198.51.100.1 250 name x"},
			[]string{"ip route 192.0.2.0/24 198.51.100.1", "ip route 203.0.113.0/24 198.51.100.1", "ip route vrf v 203.0.113.0/24 198.51.100.1 250 name x"}},
		{"a text is left alone", []string{"event-handler x"}, []string{"action bash\necho 'no shut'\nEOF"}, []string{"action bash\necho 'no shut'\nEOF"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			got := Normalise(c.under, c.typed)
			if diff := cmp.Diff(c.printed, got); diff != "" {
				t.Errorf("(-printed +ours)\n%s", diff)
			}
			if again := Normalise(c.under, got); cmp.Diff(got, again) != "" {
				t.Errorf("what is normalised changes when it is normalised again:\n%s", cmp.Diff(got, again))
			}
		})
	}
}

// TestPushedBecomesPrinted: where the second manager's template and the real switch's configuration have the same section,
// the one normalised is the other. The template's own addresses are not the switch's: entries that hold one are left out.
func TestPushedBecomesPrinted(t *testing.T) {
	running := parse(t, fixture(t, realConfig))
	pushed := parse(t, strings.ReplaceAll(fixture(t, "configs/doublezero/base.config.with.mgmt.vrf.txt"), "!ICMP", "!"))
	compared := 0
	for _, head := range []string{"ip access-list MAIN-CONTROL-PLANE-ACL", "ip access-list SEC-USER-SUB-MCAST-IN", "system control-plane", "interface Loopback1000"} {
		typed, ok := pushed.Section(head)
		printed, there := running.Section(head)
		if !ok || !there {
			t.Errorf("%s: in the template %v, on the switch %v", head, ok, there)
			continue
		}
		if diff := cmp.Diff(printed, Normalise([]string{head}, typed)); diff != "" {
			t.Errorf("%s (-switch +template, normalised):\n%s", head, diff)
		}
		compared += len(printed)
	}
	if compared < 35 {
		t.Errorf("only %d lines were compared", compared)
	}
}

// TestNothingRealChanges: every section that the real switch prints is its own normal form. A rule that rewrites one is wrong.
func TestNothingRealChanges(t *testing.T) {
	for _, l := range parse(t, fixture(t, realConfig)).Lines {
		lines := outline([]*Line{l}, 0, nil)
		if diff := cmp.Diff(lines, Normalise(nil, lines)); diff != "" {
			t.Errorf("(-switch +normalised)\n%s", diff)
		}
	}
}

// TestSecondManagerIsInSync: the sections of the real switch, wanted whole as they are, need no command.
func TestSecondManagerIsInSync(t *testing.T) {
	running := parse(t, fixture(t, realConfig))
	whole, wants := regexp.MustCompile(`^(interface|ip access-list|daemon|policy-map|router|hardware tcam|vrf|management)`), []Want{}
	for _, l := range running.Lines {
		if whole.MatchString(l.Text) {
			lines, _ := running.Section(l.Text)
			wants = append(wants, Want{Under: []string{l.Text}, Lines: lines})
		}
	}
	p, err := running.Plan(wants...)
	if err != nil || !p.Empty() || len(wants) < 60 {
		t.Errorf("%d sections: %v, commands %q", len(wants), err, fmt.Sprint(p.Commands))
	}
}
