package eos

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"bisc/internal/eosconf"
	"bisc/internal/host"
	"bisc/modules"
)

// large is a configuration of about 2,600 lines, as long as the real ones: base with lists, route maps and tunnels of a second
// manager's in it.
func large(tb testing.TB) string {
	tb.Helper()
	c, err := eosconf.Parse([]byte(base))
	if err != nil {
		tb.Fatal(err)
	}
	var wants []eosconf.Want
	for i := range 120 {
		rules := []string{"counters per-entry"}
		for n := range 10 {
			rules = append(rules, fmt.Sprintf("%d permit ip host 198.18.%d.%d any", 10*n+10, i, n))
		}
		wants = append(wants, merge(fmt.Sprintf("ip access-list SEC-USER-%d-IN", i), rules...),
			merge(fmt.Sprintf("route-map RM-USER-%d-IN permit 10", i), "match as-path length = 1", "set weight 100"),
			merge(fmt.Sprintf("interface Tunnel%d", 500+i), "mtu 9216", "vrf vrf1", "tunnel mode gre", "tunnel source 192.0.2.64", fmt.Sprintf("tunnel destination 198.18.0.%d", i)))
	}
	p, err := c.Plan(wants...)
	if err != nil {
		tb.Fatal(err)
	}
	return p.After.String()
}

// relayPlan is about what the layer relay of one switch holds, twice over.
func relayPlan() []modules.Resource {
	tunnel := tunnel100()
	tunnel.VRF, tunnel.ACLIn = "relay", "SEC-VALIDATOR-100-IN"
	out := []modules.Resource{
		loopback("192.0.2.137/32"), &VRF{Name: "relay", Routing: true}, tunnel, routeLines(),
		&ACL{Name: "SEC-VALIDATOR-100-IN", Counters: true, Rules: []string{"permit icmp host 169.254.100.1 any", "permit ip host 192.0.2.65 any", "100 deny ip any any"}},
		&Lines{Name: "mirror", Prefix: "monitor session 1 ", Lines: []string{"monitor session 1 source Ethernet1/1 rx", "monitor session 1 ip access-group SHRED-RELAY", "monitor session 1 destination Cpu"}},
		shreds("permit udp any any eq 20000"),
	}
	for i := range 13 {
		out = append(out, &Section{Name: fmt.Sprint(i), Path: []string{fmt.Sprintf("interface Ethernet4/%d", i+2)}, Mode: "merge", Lines: []string{"mtu 9214", "no switchport"}})
	}
	return out
}

// A plan of 20 resources on a switch with a long configuration, reading and parsing included. The limit for a no-change plan of
// everything is 100 ms of CPU.
func BenchmarkPlan(b *testing.B) {
	text := large(b)
	all := relayPlan()
	for _, r := range all {
		if n, ok := r.(modules.Neighbour); ok {
			n.Meet(all)
		}
	}
	c, err := eosconf.Parse([]byte(text))
	if err != nil {
		b.Fatal(err)
	}
	for _, r := range configuredAmong(all) {
		p, err := c.Plan(r.Wants()...)
		if err != nil {
			b.Fatal(err)
		}
		c = p.After
	}
	for name, running := range map[string]string{"NoChange": c.String(), "AllNew": text} {
		b.Run(name, func(b *testing.B) {
			sw := &box{running: running, startup: running}
			sw.Fake = newFake(running)
			b.ReportMetric(float64(strings.Count(running, "\n")), "lines")
			for b.Loop() {
				h := host.NewMemo(sw)
				for _, r := range all {
					if _, err := r.Plan(context.Background(), h); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// The real configuration, which is not in this repository: what is parsed and planned of it is what bisc will meet.
func TestPlanOfTheRealConfiguration(t *testing.T) {
	const file = "../../../shared/fixtures/eos/configs/real-7280CR3A-4.34.0F/mia-sw01-running.cfg"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: this test needs the public configuration of the real switch there (shared/fixtures/eos/INDEX.md says where it is from)", err)
	}
	sw := &box{Fake: newFake(string(text))}
	for _, r := range []modules.Resource{
		&Section{Name: "x", Path: []string{"interface Ethernet4/1"}, Mode: "merge", Lines: []string{"mtu 2048", "no switchport", "ip address 172.16.1.189/31"}},
		&Lines{Name: "x", Lines: []string{"ip route 0.0.0.0/0 209.42.167.132"}},
		&ACL{Name: "SEC-USER-500-IN", Counters: true, AllowForeign: true, Rules: []string{"permit icmp host 169.254.7.7 any", "permit udp 169.254.7.7/32 any range 33434 33534",
			"permit icmp host 169.254.7.7 any time-exceeded", "permit tcp host 169.254.7.7 host 169.254.7.6 eq 179", "permit ip host 186.233.184.235 any", "deny ip any any"}},
		&VRF{Name: "vrf1", Routing: true, AllowForeign: true},
	} {
		if a, ok := r.(*ACL); ok {
			sw.Shows["show ip access-lists "+a.Name+" | json"] = inForce(a)
		}
		has(t, planOf(t, sw, r), "in sync")
	}
	tunnel := &Tunnel{Name: "Tunnel100", VRF: "relay", MTU: 9216, Address: "169.254.100.0/31", Source: "198.51.100.137", Destination: "203.0.113.235"}
	lo := &Section{Name: "lo", Path: []string{"interface Loopback101"}, Mode: "exact", Lines: []string{"ip address 198.51.100.137/32"}}
	has(t, planOf(t, sw, tunnel, lo, &VRF{Name: "relay", Routing: true}), "now running", "step: configure", "| +interface Tunnel100")
	has(t, planOf(t, sw, &Section{Name: "x", Path: []string{"interface Loopback100"}, Absent: true, Mode: "merge"}), "now tunnel source: Tunnel503 has its source 209.42.167.136 on Loopback100 -> (gone)", "!step:")
}
