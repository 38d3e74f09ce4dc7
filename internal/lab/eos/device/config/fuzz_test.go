package config

import (
	"strings"
	"testing"
)

// FuzzLoadAndPrint: whatever is typed, what is printed of it loads whole and prints the same.
func FuzzLoadAndPrint(f *testing.F) {
	for _, seed := range []string{
		"hostname x\ninterface Et1/1\nno switchport\nip address 192.0.2.1/31\nvrf x\n",
		"ip access-list A\n10 permit udp any eq 53 host 192.0.2.1 range 1 2\nresequence 5 5\nno 10\nremark  x  y\n",
		"ip access-list standard B\npermit 192.0.2.1/32\n",
		"banner login\nx\nEOF\nevent-handler h\naction bash\n x\nEOF\ncomment\na\nEOF\n",
		"router bgp 65342\nneighbor 192.0.2.1 remote-as 1\naddress-family ipv4\nno neighbor 192.0.2.1 activate\nvrf v\nrd 1:2\n",
		"policy-map type pbr P\nclass C\nset nexthop 192.0.2.1\nexit\nno class C\n",
		"traffic-policies\ntraffic-policy P\nmatch S ipv4\nprotocol udp destination port 20000\nactions\ndrop\n",
		"monitor session 1 source Ethernet1/1,Ethernet3/1 both\nno monitor session 1\n",
		"ip route vrf v 192.0.2.0/24 egress-vrf default 192.0.2.1 200 tag 5 name x\nno ip route 192.0.2.0/24\n",
		"vrf instance a\nip routing vrf a\nno vrf instance a\ndefault interface Ethernet1/1\n!! c\n",
	} {
		f.Add(seed)
	}
	g := NewGrammar(ports(), Flags{})
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsAny(text, "\r\f\v\u0085\u00a0") || strings.Contains(text, "\nend") || strings.HasPrefix(text, "end") {
			return
		}
		tree, _ := g.Parse(text)
		printed := tree.String()
		again, errs := g.Parse(printed)
		if len(errs) > 0 || again.String() != printed {
			t.Fatalf("typed %q: %v\n%s", text, errs, Unified(printed, again.String(), "printed", "again"))
		}
	})
}
