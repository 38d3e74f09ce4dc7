package all

import (
	"testing"

	"bisc/internal/lab"
	"bisc/modules"
	"bisc/modules/network"
)

// plainRules are one of each form, for a host without docker.
func plainRules() []modules.Resource {
	nat := func(name string, r network.NATRule) modules.Resource {
		r.Name, r.Position = name, "first"
		return &r
	}
	filter := func(name string, r network.FilterRule) modules.Resource {
		r.Name, r.Position = name, "first"
		return &r
	}
	return []modules.Resource{
		nat("shreds", network.NATRule{Action: "dnat", Protocol: "udp", Destination: "192.0.2.81", Port: "20000", To: "172.20.0.2:9000"}),
		nat("a range", network.NATRule{Action: "dnat", Protocol: "udp", Destination: "192.0.2.0/28", Source: "198.51.100.0/24", In: "eth+", Port: "9000:9025", SourcePort: "8001", To: "172.20.0.2"}),
		nat("tunnel", network.NATRule{Action: "dnat", Protocol: "gre", Destination: "192.0.2.82", To: "172.20.0.2"}),
		nat("here", network.NATRule{Action: "redirect", Protocol: "tcp", Destination: "192.0.2.83", Port: "80", To: "8080"}),
		nat("as the relay", network.NATRule{Action: "snat", Marked: "100", To: "192.0.2.65"}),
		nat("some bits", network.NATRule{Action: "snat", Marked: "0x1/0xff", Out: "eth0", To: "192.0.2.66"}),
		nat("as the host", network.NATRule{Action: "masquerade", Source: "172.20.0.0/16", Out: "eth0"}),
		nat("marked", network.NATRule{Action: "mark", Protocol: "udp", Source: "172.20.0.0/16", SourcePort: "8001", To: "100"}),
		nat("marked here", network.NATRule{Action: "mark", Chain: "OUTPUT", Protocol: "tcp", Port: "8001", To: "0x64"}),
		filter("let in", network.FilterRule{Chain: "INPUT", Action: "accept", Protocol: "udp", Port: "9100"}),
		filter("keep out", network.FilterRule{Chain: "INPUT", Action: "drop", Protocol: "icmp", Source: "203.0.113.7"}),
		filter("say no", network.FilterRule{Chain: "FORWARD", Action: "reject", Protocol: "tcp", Port: "25"}),
		filter("go on", network.FilterRule{Chain: "FORWARD", Action: "return", In: "eth0", Out: "lo"}),
	}
}

func gone(rules []modules.Resource) []modules.Resource {
	for _, r := range rules {
		switch r := r.(type) {
		case *network.NATRule:
			r.Absent = true
		case *network.FilterRule:
			r.Absent = true
		}
	}
	return rules
}

// A host without iptables: each rule is a table of nft's.
func TestPacketRulesByNft(t *testing.T) {
	t.Parallel()
	b := newBench(t, lab.HostOptions{Name: "nftonly"})
	b.shell(t, "rm /usr/sbin/iptables* /usr/sbin/ip6tables* /usr/sbin/xtables*; ! command -v iptables-save; systemctl disable -q netfilter-persistent; systemctl enable --now nftables")
	b.shell(t, `nft 'add table inet site; add chain inet site in { type filter hook input priority 0; policy accept; }; add rule inet site in tcp dport 4444 counter'`)
	const ruleset = "nft -s list ruleset"
	before := b.said(t, ruleset)
	all := plainRules()
	st := stage(t, b.Lab.Name, all...)
	b.plan(t, st)
	if after := b.said(t, ruleset); after != before {
		t.Errorf("the plan changed the rules:\n%s", after)
	}
	b.apply(t, st)
	b.empty(t, st, "with every form of rule")
	b.apply(t, stage(t, b.Lab.Name, gone(plainRules())...))
	if after := b.said(t, ruleset); after != before {
		t.Errorf("after their removal the rules are\n%s\nand were\n%s", after, before)
	}
	few := []modules.Resource{all[0], all[9]}
	st = stage(t, b.Lab.Name, few...)
	b.holds(t, few,
		damage{"removed", "nft delete table ip bisc_nat_shreds", []string{"now rule"}},
		damage{"another rule", "nft insert rule ip bisc_nat_shreds here udp dport 20000 accept", []string{"now rule"}},
		damage{"changed", "nft flush chain ip bisc_nat_shreds here; nft add rule ip bisc_nat_shreds here ip daddr 192.0.2.80 udp dport 20000 counter dnat to 172.20.0.2:9000", []string{"now rule"}},
		damage{"another chain", "nft 'add chain ip bisc_nat_shreds there'", []string{"now rule"}},
		damage{"the unit edited", "sed -i s/20000/20001/ /etc/systemd/system/bisc-net-nat-shreds.service", []string{"boot unit"}},
	)
	b.shell(t, "nft 'add chain inet site early { type nat hook prerouting priority -180; }'")
	b.wants(t, stage(t, b.Lab.Name, all[0]), "?now position")
	b.shell(t, "nft delete chain inet site early; nft 'add rule inet site in tcp dport 4445 drop'")
	b.wants(t, stage(t, b.Lab.Name, all[9]), "?now also decides")
	b.shell(t, "systemctl restart nftables; "+waitForUnits)
	b.empty(t, st, "after a restart of nftables.service, which empties the ruleset")
	if err := b.Lab.Reboot(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.Cut()
	b.shell(t, waitForUnits)
	b.empty(t, st, "after a reboot")
}

// A host whose iptables is the legacy one; and one on which both ways hold rules.
func TestPacketRulesByLegacy(t *testing.T) {
	t.Parallel()
	b := newBench(t, lab.HostOptions{Name: "legacy"})
	b.shell(t, "update-alternatives --set iptables /usr/sbin/iptables-legacy; update-alternatives --set ip6tables /usr/sbin/ip6tables-legacy")
	all := plainRules()
	st := stage(t, b.Lab.Name, all...)
	before := b.said(t, rules+"; nft list tables")
	b.plan(t, st)
	if after := b.said(t, rules+"; nft list tables"); after != before {
		t.Errorf("the plan made tables or rules:\n%s\nbefore:\n%s", after, before)
	}
	few := []modules.Resource{all[0], all[3], all[7], all[9]}
	st = stage(t, b.Lab.Name, few...)
	b.holds(t, few,
		damage{"removed", "iptables -t nat -D PREROUTING 1", []string{"now rule"}},
		damage{"twice", "iptables -t nat -A PREROUTING -d 192.0.2.81 -p udp --dport 20000 -j DNAT --to-destination 172.20.0.2:9000", []string{"now copies"}},
	)
	b.shell(t, "iptables-nft -A FORWARD -p tcp --dport 1 -j DROP")
	b.wants(t, st, many("?now rules", len(few))...)
	b.shell(t, "iptables-nft -F FORWARD")
	b.empty(t, st, "with nft's tables empty")
	absent := plainRules()
	b.apply(t, stage(t, b.Lab.Name, gone([]modules.Resource{absent[0], absent[3], absent[7], absent[9]})...))
	b.shell(t, "! iptables-save | grep -e ^-A; update-alternatives --set iptables /usr/sbin/iptables-nft; iptables-legacy -A FORWARD -p tcp --dport 1 -j DROP")
	b.wants(t, stage(t, b.Lab.Name, all[0]), "?now rules")
}
