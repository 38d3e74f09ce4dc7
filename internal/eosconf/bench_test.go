package eosconf

import (
	"fmt"
	"strings"
	"testing"
)

// long is a configuration of 2,500 lines and some: the real one, with tunnels as the second manager makes them until it is as
// long as the other real switch's.
func long(t testing.TB) []byte {
	text := fixture(t, realConfig)
	at := strings.Index(text, "interface Tunnel500\n")
	var more strings.Builder
	for i := range max(0, (2600-strings.Count(text, "\n"))/12+1) {
		fmt.Fprintf(&more, "interface Tunnel9%02d\n   description USER-UCAST-9%02d\n   mtu 9216\n   vrf vrf1\n   ip address 198.51.100.%d/31\n   ip access-group X in\n   tunnel mode gre\n"+
			"   tunnel source 192.0.2.1\n   tunnel destination 203.0.113.%d\n   tunnel path-mtu-discovery\n   tunnel ttl 32\n!\n", i, i, i, i)
	}
	return []byte(text[:at] + more.String() + text[at:])
}

func BenchmarkParsePrint(b *testing.B) {
	text := long(b)
	b.ReportAllocs()
	b.ReportMetric(float64(strings.Count(string(text), "\n")), "lines")
	for b.Loop() {
		c, err := Parse(text)
		if err != nil || len(c.String()) != len(text) {
			b.Fatal(err)
		}
	}
}

func BenchmarkPlanNothing(b *testing.B) {
	c := parse(b, string(long(b)))
	lines, _ := c.Section("ip access-list SEC-USER-500-IN")
	b.ReportAllocs()
	for b.Loop() {
		if p, err := c.Plan(Want{Under: []string{"ip access-list SEC-USER-500-IN"}, Lines: lines}); err != nil || !p.Empty() {
			b.Fatal(err)
		}
	}
}

// TestParseAllocates keeps an eye on the cost of reading without a clock: so many allocations a line, whatever the machine does.
func TestParseAllocates(t *testing.T) {
	text := long(t)
	lines := strings.Count(string(text), "\n")
	n := testing.AllocsPerRun(5, func() {
		c, err := Parse(text)
		if err != nil || len(c.String()) != len(text) {
			t.Error(err)
		}
	})
	if per := n / float64(lines); lines < 2500 || per > 1 {
		t.Errorf("parse and print of %d lines: %.0f allocations, %.2f a line (want at most 1)", lines, n, per)
	}
}
