package all

import (
	"slices"
	"strings"
	"testing"

	"bisc/internal/lab"
	"bisc/modules"
	"bisc/modules/network"
)

// said is what a command on the host prints.
func (b *bench) said(t *testing.T, script string) string {
	t.Helper()
	out, err := b.Lab.Shell(t.Context(), script)
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}

// rules is the host's rules without counters, times and tables in which there is no rule.
const rules = `for f in iptables-save ip6tables-save iptables-legacy-save; do $f 2>/dev/null | grep -v '^#' | sed 's/\[[0-9]*:[0-9]*\]//'; done; cat /proc/net/ip_tables_names`

// relayRules are those of the relay's last working state: the node's address is docker's own network's here.
func relayRules() []modules.Resource {
	nat := func(name, protocol, port string) modules.Resource {
		return &network.NATRule{Name: name, Action: "dnat", Protocol: protocol, Destination: "192.0.2.65", Port: port, To: "172.20.0.2", Position: "first"}
	}
	accept := func(name, protocol, port string) modules.Resource {
		return &network.FilterRule{Name: name, Chain: "DOCKER-USER", Action: "accept", Protocol: protocol, Destination: "172.20.0.2", Port: port, Position: "first"}
	}
	mark := func(name string, r network.NATRule) modules.Resource {
		r.Name, r.Action, r.To, r.Source, r.Position = name, "mark", "100", "172.20.0.0/16", "first"
		return &r
	}
	return []modules.Resource{
		nat("gossip", "udp", "8001"), nat("ip_echo", "tcp", "8001"), nat("tvu", "udp", "9000:9025"),
		accept("gossip reaches the node", "udp", "8001"), accept("ip_echo reaches the node", "tcp", "8001"), accept("tvu reaches the node", "udp", "9000:9025"),
		mark("gossip out", network.NATRule{Protocol: "udp", SourcePort: "8001"}), mark("tvu out", network.NATRule{Protocol: "udp", SourcePort: "9000:9025"}),
		mark("ip_echo answers", network.NATRule{Protocol: "tcp", SourcePort: "8001"}), mark("ip_echo asks", network.NATRule{Protocol: "tcp", Port: "8001"}),
		&network.NATRule{Name: "as the relay", Action: "snat", Marked: "100", To: "192.0.2.65", Position: "first"},
	}
}

func TestPacketRulesOnAHost(t *testing.T) {
	t.Parallel()
	b := newBench(t, lab.HostOptions{Name: "rules", Docker: true})
	b.shell(t, "until docker info >/dev/null 2>&1; do sleep 0.1; done; iptables -t mangle -A FORWARD -p tcp --dport 1 -j ACCEPT; iptables -t mangle -F")
	before := b.said(t, rules)
	all := relayRules()
	st := stage(t, b.Lab.Name, all...)

	b.plan(t, st)
	if after := b.said(t, rules); after != before {
		t.Errorf("the plan changed the rules:\n%s\nbefore:\n%s", after, before)
	}
	const dnat, jump = "-d 192.0.2.65 -p udp --dport 8001 -j DNAT --to-destination 172.20.0.2", "-m addrtype --dst-type LOCAL -j DOCKER"
	inOrder := func(t *testing.T, when string) {
		t.Helper()
		b.empty(t, st, when)
		got := b.said(t, "iptables -t nat -S PREROUTING; iptables -S DOCKER-USER; iptables -t mangle -S PREROUTING; iptables -t nat -S POSTROUTING | head -2")
		at := 0
		for _, want := range []string{"bisc: gossip\"", "bisc: ip_echo\"", "bisc: tvu\"", jump, "bisc: gossip reaches", "bisc: ip_echo reaches", "bisc: tvu reaches", "-j RETURN", "bisc: gossip out", "bisc: tvu out", "bisc: ip_echo answers", "bisc: ip_echo asks", "bisc: as the relay"} {
			i := strings.Index(got[at:], want)
			if i < 0 || strings.Count(got, want) != 1 {
				t.Errorf("%s: %q is not there once, in its place:\n%s", when, want, got)
				return
			}
			at += i
		}
	}
	unit := "bisc-net-nat-gossip.service"
	b.holds(t, all,
		damage{"removed", "iptables -t nat -D PREROUTING 1", []string{"now rule"}},
		damage{"changed", "iptables -t nat -R PREROUTING 1 -d 192.0.2.66 -p udp --dport 8001 -m comment --comment 'bisc: gossip' -j DNAT --to-destination 172.20.0.2", []string{"now rule"}},
		damage{"changed and copied", "iptables -t nat -I PREROUTING 1 -d 192.0.2.66 -p udp --dport 8001 -m comment --comment 'bisc: gossip' -j DNAT --to-destination 172.20.0.2", []string{"now rule"}},
		damage{"twice", "iptables -t nat -A PREROUTING " + dnat, []string{"now copies"}},
		damage{"four times", "for i in 1 2 3; do iptables -t nat -I PREROUTING 1 " + dnat + "; done", []string{"now copies"}},
		damage{"below docker's (incident 43)", "iptables -t nat -D PREROUTING " + jump + "; iptables -t nat -I PREROUTING 1 " + jump, []string{"now position", "now position", "now position"}},
		damage{"the second before the first", "iptables -t nat -D PREROUTING 1; iptables -t nat -I PREROUTING 2 " + dnat, []string{"now position"}},
		damage{"flushed", "iptables -t nat -F PREROUTING; iptables -t nat -A PREROUTING " + jump, []string{"now rule", "now rule", "now rule"}},
		damage{"docker's chain flushed", "iptables -F DOCKER-USER; iptables -A DOCKER-USER -j RETURN", []string{"now rule", "now rule", "now rule"}},
		damage{"the unit disabled", "systemctl disable " + unit, []string{"boot enabled", "boot restart of docker", "boot restart of firewalld"}},
		damage{"the unit edited", "sed -i 's/8001/8002/' /etc/systemd/system/" + unit, []string{"boot unit"}},
		damage{"the unit gone", "rm -f /etc/systemd/system/" + unit + " /etc/systemd/system/*.wants/" + unit, []string{"boot unit", "boot enabled", "boot restart of docker", "boot restart of firewalld"}},
		damage{"saved by netfilter-persistent (incident 47)", "iptables-save >/etc/iptables/rules.v4", many("boot rules.v4", len(all))},
	)
	inOrder(t, "after all repairs")

	t.Run("docker restarted", func(t *testing.T) {
		b.shell(t, "systemctl restart docker; until docker info >/dev/null 2>&1; do sleep 0.1; done; "+waitForUnits)
		inOrder(t, "after docker's restart")
	})
	t.Run("docker stopped and started", func(t *testing.T) {
		b.shell(t, "systemctl stop docker docker.socket; iptables -F DOCKER-USER; iptables -t nat -F PREROUTING; systemctl start docker; until docker info >/dev/null 2>&1; do sleep 0.1; done; "+waitForUnits)
		inOrder(t, "after docker's stop and start")
	})
	t.Run("docker killed", func(t *testing.T) {
		b.shell(t, "iptables -t nat -F PREROUTING; old=$(systemctl show -p MainPID --value docker); kill -9 $old; until [ \"$(systemctl show -p MainPID --value docker)\" != $old ] && docker info >/dev/null 2>&1; do sleep 0.1; done; "+waitForUnits)
		inOrder(t, "after docker was killed")
	})
	t.Run("our units never stop docker", func(t *testing.T) {
		pid := b.said(t, "systemctl show -p MainPID,ActiveEnterTimestampMonotonic docker")
		b.shell(t, "systemctl restart bisc-net-nat-tvu.service; systemctl stop 'bisc-net-*'; "+waitForUnits)
		if now := b.said(t, "systemctl show -p MainPID,ActiveEnterTimestampMonotonic docker"); now != pid {
			t.Errorf("docker was %s and is %s", pid, now)
		}
		// Run alone, the last of the plan goes to the head, before the two that the plan wants before it.
		if got := b.plan(t, st); !slices.Equal(got, []string{"now position", "now position"}) {
			t.Errorf("the plan says %q", got)
		}
		b.apply(t, st)
		inOrder(t, "after their restart and stop")
	})
	t.Run("rebooted", func(t *testing.T) {
		if err := b.Lab.Reboot(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.Cut()
		b.shell(t, "until docker info >/dev/null 2>&1; do sleep 0.1; done; "+waitForUnits)
		inOrder(t, "after a reboot")
	})
	t.Run("gone without a trace (incident 47)", func(t *testing.T) {
		b.shell(t, "iptables-save >/etc/iptables/rules.v4; iptables -t nat -A PREROUTING "+dnat)
		absent := stage(t, b.Lab.Name, gone(relayRules())...)
		b.apply(t, absent)
		b.empty(t, absent, "after their removal")
		if after := b.said(t, rules); after != before {
			t.Errorf("the rules are\n%s\nand were\n%s", after, before)
		}
		b.shell(t, "! grep -e 192.0.2.65 -e 172.20.0.2 /etc/iptables/rules.v4; ! ls /etc/systemd/system | grep bisc-net; ! ls /etc/systemd/system/*.wants | grep bisc-net; ! systemctl list-units --all --no-legend | grep bisc-net")
		if err := b.Lab.Reboot(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.Cut()
		b.shell(t, "until docker info >/dev/null 2>&1; do sleep 0.1; done; "+waitForUnits+"; ! iptables-save | grep -e 192.0.2.65 -e 172.20.0.2")
		b.empty(t, absent, "after a reboot")
	})
}

// waitForUnits returns when systemd has nothing left to do.
const waitForUnits = "while systemctl list-jobs --no-legend | grep -q .; do sleep 0.1; done"

func many(word string, n int) []string {
	var out []string
	for range n {
		out = append(out, word)
	}
	return out
}
