package all

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"bisc/internal/lab"
	"bisc/modules"
	"bisc/modules/network"
)

// networkState is all that the kernel has of addresses, routes and rules: an exact inverse leaves no difference in it.
const networkState = `for f in 4 6; do ip -$f -j address; ip -$f -j route show table all; ip -$f -j rule; done | sed 's/"\(valid\|preferred\)_life_time":[0-9]*//g; s/"expires":[0-9]*//g; s/"tentative":true,//g'; ls /etc/systemd/system /etc/systemd/system/*.wants; cat /etc/iproute2/rt_tables /etc/iproute2/rt_tables.d/*`

// undone applies the absences and compares the host with how it was before any of it.
func (b *bench) undone(t *testing.T, before string, absent ...modules.Resource) {
	t.Helper()
	for _, r := range absent {
		st := stage(t, b.Lab.Name, r)
		b.apply(t, st)
		b.empty(t, st, "after its removal")
	}
	if after := b.said(t, networkState); after != before {
		t.Errorf("the inverse is not exact:\nbefore %s\nafter  %s", before, after)
	}
}

func TestRoutesOnAHost(t *testing.T) {
	t.Parallel()
	b := newBench(t, lab.HostOptions{Name: "routes", Docker: true})
	b.shell(t, "until systemctl is-active docker.service; do sleep 0.05; done")
	dev := strings.TrimSpace(b.said(t, "ip -o -4 route show default | sed 's/.* dev \\([^ ]*\\).*/\\1/'"))
	gateway := strings.TrimSpace(b.said(t, "ip -o -4 route show default | sed 's/.* via \\([^ ]*\\).*/\\1/'"))
	if dev == "" || gateway == "" {
		t.Fatalf("the lab's host has no default route: %s", b.said(t, "ip route"))
	}
	b.shell(t, "until ! ip -6 address | grep -q tentative; do sleep 0.05; done")
	before := b.said(t, networkState)

	table := &network.RouteTable{Name: "ashburn", Number: 100}
	address := &network.IPAddress{Name: "198.51.100.65/32", Device: "lo"}
	route := &network.IPRoute{Name: "default by ashburn", Destination: "default", Via: gateway, Device: dev, Table: "ashburn", Src: "198.51.100.65", MTU: 1400, Type: "unicast"}
	rule := &network.IPRule{Name: "marked", Priority: 100, FWMark: "100", Table: "ashburn"}

	t.Run("route_table", func(t *testing.T) {
		file := table.Path()
		b.holds(t, []modules.Resource{table},
			damage{"another number", "sed -i s/100/101/ " + file, []string{"now content"}},
			damage{"gone", "rm " + file, []string{"now content"}},
		)
		b.shell(t, "cp /etc/iproute2/rt_tables /tmp/; echo '101 ashburn' >>/etc/iproute2/rt_tables")
		if got := b.plan(t, stage(t, b.Lab.Name, table)); len(got) != 1 || got[0] != "?now line" {
			t.Errorf("another number of the name shows as %q", got)
		}
		b.shell(t, "sed -i 's/^101 ashburn/100 ashburn/' /etc/iproute2/rt_tables") // as the shell script left it behind
	})
	t.Run("ip_address", func(t *testing.T) {
		unit := "bisc-net-ip-address-198.51.100.65-32.service"
		b.holds(t, []modules.Resource{address},
			damage{"gone", "ip address del 198.51.100.65/32 dev lo", []string{"now address"}},
			damage{"another prefix", "ip address del 198.51.100.65/32 dev lo; ip address add 198.51.100.65/24 dev lo", []string{"now address", "now prefix"}},
			damage{"another prefix beside it", "ip address add 198.51.100.65/24 dev lo", []string{"now prefix"}},
			damage{"another scope", "ip address del 198.51.100.65/32 dev lo; ip address add 198.51.100.65/32 dev lo scope link", []string{"now scope"}},
			damage{"it ends", "ip address change 198.51.100.65/32 dev lo valid_lft 3600 preferred_lft 3600", []string{"now lifetime"}},
			damage{"disabled", "systemctl disable " + unit, []string{"boot enabled", "boot restart of systemd-networkd", "boot restart of networking"}},
			damage{"its line", "sed -i s/65/66/ /etc/systemd/system/" + unit, []string{"boot unit"}},
		)
		b.shell(t, "ip address add 198.51.100.65/32 dev "+dev)
		if got := b.plan(t, stage(t, b.Lab.Name, address)); len(got) != 1 || got[0] != "?now also on" {
			t.Errorf("the address on another interface shows as %q", got)
		}
		b.shell(t, "ip address del 198.51.100.65/32 dev "+dev)
		none := &network.IPAddress{Name: "198.51.100.66/32", Device: "nothere"}
		if got := b.plan(t, stage(t, b.Lab.Name, none)); len(got) < 1 || got[0] != "?now device" {
			t.Errorf("an interface that is not there shows as %q", got)
		}
	})
	t.Run("ip_route", func(t *testing.T) {
		all := []modules.Resource{route, table, address}
		b.holds(t, all,
			damage{"gone", "ip route flush table 100", []string{"now route"}},
			damage{"another way", "ip route replace default dev " + dev + " table 100", []string{"now via", "now src", "now mtu"}},
			damage{"two", "ip route append default via " + gateway + " dev " + dev + " table 100 src 198.51.100.65 mtu 1300", []string{"now copies"}},
			damage{"a blackhole", "ip route flush table 100; ip route add blackhole default table 100", []string{"now type", "now via", "now device", "now src", "now mtu"}},
			damage{"the interface was down", "ip link set " + dev + " down; ip link set " + dev + " up; ip route replace default via " + gateway, []string{"now route"}},
			damage{"disabled", "systemctl disable bisc-net-ip-route-default-by-ashburn.service", []string{"boot enabled", "boot restart of systemd-networkd", "boot restart of networking"}},
		)
		metric := *route
		metric.Name, metric.Metric = "worse", 20
		if got := b.plan(t, stage(t, b.Lab.Name, &metric, table)); len(got) < 2 || got[1] != "?now in force" {
			t.Errorf("a route that another beats shows as %q", got)
		}
	})
	t.Run("ip_rule", func(t *testing.T) {
		b.holds(t, []modules.Resource{rule, table},
			damage{"gone", "ip rule del pref 100", []string{"now rule"}},
			damage{"a copy elsewhere", "ip rule add pref 99 fwmark 100 table 100", []string{"now copies"}},
			damage{"to another table", "ip rule del pref 100; ip rule add pref 100 fwmark 100 table 101", []string{"now rule", "now copies"}},
			damage{"another mark", "ip rule del pref 100; ip rule add pref 100 fwmark 0x100 table 100", []string{"now rule", "now copies"}},
		)
		b.shell(t, "ip rule add pref 100 from 192.0.2.7 table 7")
		if got := b.plan(t, stage(t, b.Lab.Name, rule, table)); len(got) != 1 || got[0] != "?now priority" {
			t.Errorf("a stranger at the priority shows as %q", got)
		}
		b.shell(t, "ip rule del pref 100 from 192.0.2.7")
	})
	t.Run("the plan names another, and the one of before goes", func(t *testing.T) {
		moved := func(n int) []modules.Resource {
			at := func(format string) string { return fmt.Sprintf(format, n) }
			return []modules.Resource{
				&network.IPAddress{Name: "moved", Address: at("198.51.100.7%d/32"), Device: "lo"},
				&network.IPRoute{Name: "moved", Destination: at("203.0.113.%d/32"), Via: gateway, Device: dev, Table: at("10%d"), Metric: n, MTU: 1400, Type: "unicast"},
				&network.IPRule{Name: "moved", Priority: 200 + n, From: at("203.0.113.%d"), Table: at("10%d")},
			}
		}
		now := "ip -4 -br address show dev lo; ip -4 rule; ip -4 route show table all | grep -v '^broadcast'"
		was := b.said(t, now)
		for _, r := range moved(1) {
			b.apply(t, stage(t, b.Lab.Name, r))
		}
		for _, r := range moved(2) {
			st := stage(t, b.Lab.Name, r)
			if got := b.plan(t, st); !slices.Contains(got, "now former") && !slices.Contains(got, "now copies") {
				t.Errorf("%T: the plan says %q", r, got)
			}
			b.apply(t, st)
			b.empty(t, st, "after the change")
		}
		if got := b.said(t, now); strings.Contains(got, "198.51.100.71") || strings.Contains(got, "203.0.113.1 ") || !strings.Contains(got, "198.51.100.72") || !strings.Contains(got, "203.0.113.2 ") {
			t.Errorf("the host has\n%s", got)
		}
		for _, r := range moved(3) { // and the one of before goes too where the plan takes away what never was
			switch r := r.(type) {
			case *network.IPAddress:
				r.Absent = true
			case *network.IPRoute:
				r.Absent = true
			case *network.IPRule:
				r.Absent = true
			}
			b.apply(t, stage(t, b.Lab.Name, r))
		}
		if got := b.said(t, now); got != was {
			t.Errorf("the host has\n%s\nbefore\n%s", got, was)
		}
	})
	all := []modules.Resource{table, address, route, rule}
	t.Run("incident 49: the kernel's answer for a packet that is forwarded", func(t *testing.T) {
		b.shell(t, "ip link add br-x type veth peer name br-y; ip link set br-x up; ip link set br-y up; ip address add 172.20.0.1/16 dev br-x; sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.br-x.rp_filter=0")
		asked := *route
		asked.Probe, asked.From, asked.Mark = "203.0.113.7", "172.20.0.2", 100
		st := stage(t, b.Lab.Name, &asked, table, address, rule)
		b.empty(t, st, "with rule and forwarding")
		for _, d := range []struct{ what, do, undo string }{
			{"no rule", "ip rule del pref 100", "ip rule add pref 100 fwmark 100 table 100"},
			{"a longer prefix", "ip route add 203.0.113.0/24 dev br-x table 100", "ip route del 203.0.113.0/24 dev br-x table 100"},
			{"no forwarding", "sysctl -qw net.ipv4.ip_forward=0", "sysctl -qw net.ipv4.ip_forward=1"},
			{"rp_filter", "ip rule add pref 90 to 172.20.0.2 table 7; sysctl -qw net.ipv4.conf.br-x.rp_filter=1; ip route add 172.20.0.2/32 dev " + dev + " table 7", "ip rule del pref 90; ip route flush table 7; sysctl -qw net.ipv4.conf.br-x.rp_filter=0"},
		} {
			b.shell(t, d.do)
			if asked.IIF = ""; d.what == "rp_filter" {
				asked.IIF = "br-x" // the way back leads elsewhere, and that is what it does not like
			}
			st := stage(t, b.Lab.Name, &asked, table, address)
			if got := b.plan(t, st); len(got) != 1 || got[0] != "?now answer" {
				t.Errorf("%s shows as %q", d.what, got)
			}
			b.shell(t, d.undo)
		}
		asked.IIF = ""
		b.empty(t, st, "again")
		b.shell(t, "ip link del br-x")
	})
	t.Run("incident 47: the inverse, of what scripts left behind too", func(t *testing.T) {
		b.undone(t, before,
			&network.IPRule{Name: rule.Name, Priority: 100, FWMark: "100", Table: "100", Absent: true},
			&network.IPRoute{Name: route.Name, Destination: "default", Via: gateway, Device: dev, Table: "100", Src: route.Src, MTU: 1400, Type: "unicast", Absent: true},
			&network.IPAddress{Name: address.Name, Device: "lo", Absent: true},
			&network.RouteTable{Name: "ashburn", Number: 100, Absent: true},
		)
		gone := []modules.Resource{
			&network.IPRule{Name: rule.Name, Priority: 100, FWMark: "100", Table: "ashburn", Absent: true},
			&network.IPRoute{Name: route.Name, Destination: "default", Via: gateway, Device: dev, Table: "ashburn", Type: "unicast", Absent: true},
			&network.RouteTable{Name: "ashburn", Number: 100, Absent: true},
		}
		b.empty(t, stage(t, b.Lab.Name, gone...), "by the name of a table that is gone with them")
	})
	t.Run("incident 46: after each that may take it away", func(t *testing.T) {
		for _, r := range all {
			b.apply(t, stage(t, b.Lab.Name, mine(r, all)...))
		}
		for _, what := range []string{"systemctl restart docker.service", "systemctl stop docker.service docker.socket; systemctl start docker.service", "systemctl start firewalld.service; firewall-cmd --reload; systemctl restart firewalld.service; systemctl stop firewalld.service", "reboot"} {
			if what != "reboot" {
				b.shell(t, what)
			} else if err := b.Lab.Reboot(t.Context()); err != nil {
				t.Fatal(err)
			} else {
				b.Cut() // that connection is the former boot's
			}
			b.shell(t, `for i in $(seq 1200); do [ "$(systemctl list-jobs --no-legend | wc -l)" = 0 ] && exit; sleep 0.05; done; systemctl list-jobs; exit 1`)
			for _, r := range all {
				b.empty(t, stage(t, b.Lab.Name, mine(r, all)...), "after "+what)
			}
		}
	})
}

// mine is a resource with the others of its plan as neighbours.
func mine(r modules.Resource, all []modules.Resource) []modules.Resource {
	return append([]modules.Resource{r}, slices.DeleteFunc(slices.Clone(all), func(o modules.Resource) bool { return o == r })...)
}
