package main

import (
	"strings"
	"testing"

	"bisc/internal/lab"
)

// A rule that drops ssh is refused; where the plan insists, it is taken back by the host, and with it come back the rules of
// iptables, word by word, and nft's own tables, sets and all.
func TestFaultF34_LockedOutByAFilterRule(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	onHost(t, h, `nft -f - <<'END'
table inet site {
	set friends { type ipv4_addr; flags interval; elements = { 192.0.2.0/24, 198.51.100.7 } }
	map doors { type inet_service : verdict; elements = { 53 : accept, 111 : drop } }
	chain in { type filter hook input priority filter + 5; policy accept; ip saddr @friends accept; udp dport vmap @doors; tcp dport 4444 counter reject with tcp reset; }
}
table ip6 six {
	chain in { type filter hook input priority 0; policy accept; tcp dport 4445 drop; }
}
END
iptables -t nat -A PREROUTING -p udp -d 192.0.2.81 --dport 20000 -m comment --comment "a \"quoted\" word" -j DNAT --to-destination 172.20.0.2:9000
iptables -t mangle -A PREROUTING -p udp --sport 8001 -j MARK --set-mark 100
iptables -A INPUT -p udp -m multiport --dports 8001,9000:9025 -m conntrack --ctstate NEW -j ACCEPT`)
	// iptables-restore makes the chains that iptables-save has told of, empty ones too: those are no rules.
	const look = `nft -s list table inet site; nft -s list table ip6 six; iptables-save | grep -v '^#' | sed 's/\[[0-9:]*\]//'; ls /etc/systemd/system/*.wants/*; systemctl show -p LoadState,ActiveState bisc-net-filter-door.service`
	before := onHost(t, h, look)
	door := `
  filter_rule "door" {
    chain    = "INPUT"
    action   = "drop"
    protocol = "tcp"
    port     = "22"
`
	d.write(t, "plan.bisc.hcl", onUnits(door+"  }"))
	d.bisc(t, "plan").wants(t, 2, "takes: tcp 22 (sshd)", "bisc leaves it", "say takes")
	d.write(t, "plan.bisc.hcl", onUnits(door+"    takes = [\"22\"]\n  }"))
	d.bisc(t, "plan").wants(t, 2, "can cut off (the packet filter)")
	d.bisc(t, "apply", "--auto-approve", "--confirm-within", "6s").wants(t, 1, "a:units.filter_rule[door]   failed: the host took the change back")
	if after := onHost(t, h, look); after != before {
		t.Errorf("after:\n%s\nbefore:\n%s", after, before)
	}
	nothingLeft(t, h)
	d.bisc(t, "plan").wants(t, 2)
	said := onHost(t, h, "journalctl --sync; journalctl -q -o cat -t bisc -b")
	if strings.Contains(said, "FAILED") || !strings.Contains(said, "rules of nft as before") || !strings.Contains(said, "rules of iptables as before") {
		t.Errorf("the host says: %s", said)
	}
}

// A host whose firewalld runs: what is taken back leaves a firewalld that knows its own rules, docker's rules and those of
// others as they were. Put back by nft alone, they would have other handles, and firewalld and docker fail from then on.
func TestFaultF34_FirewalldAfterARevert(t *testing.T) {
	t.Parallel()
	f, err := sharedFleet()
	if err != nil {
		t.Fatal(err)
	}
	h := lab.ForTest(t, lab.Options{Program: f.program, Hosts: []lab.HostOptions{{Name: "walled", Docker: true}}}).Host("walled")
	d := deskFor(t, h)
	const ready = `until docker info >/dev/null 2>&1; do sleep 0.1; done; `
	onHost(t, h, ready+`systemctl start firewalld; systemctl restart docker; `+ready+`docker network create relay
until firewall-cmd --zone docker --list-interfaces | grep -q br-; do sleep 0.1; done
iptables -t nat -I PREROUTING -p udp -d 192.0.2.81 --dport 20000 -j DNAT --to-destination 172.20.0.2:9000`)
	const look = `iptables-save | grep -v '^#' | sed 's/\[[0-9:]*\]//'; nft -s list table inet firewalld; firewall-cmd --list-all-policies; cat /etc/firewalld/zones/*.xml /etc/firewalld/policies/*.xml 2>/dev/null || :`
	before := onHost(t, h, look)
	d.write(t, "plan.bisc.hcl", onUnits(`
  firewalld_policy "locked" {
    ingress_zone = "docker"
    ingress      = ["docker0", "docker:relay"]
    egress_zone  = "drop"
    egress       = ["eth0"]
  }
`))
	const named = "--destroy=a:units.firewalld_policy[locked]"
	shown := d.bisc(t, "plan", named)
	_, digest, _ := strings.Cut(shown.out, "digest ")
	d.bisc(t, "apply", "--approve", strings.TrimSpace(digest), "--confirm-within", "10s", named).wants(t, 1, "the host took the change back")
	if after := onHost(t, h, look); after != before {
		t.Errorf("after:\n%s\nbefore:\n%s", after, before)
	}
	said := onHost(t, h, "journalctl --sync; journalctl -q -o cat -t bisc -b")
	if strings.Contains(said, "FAILED") || !strings.Contains(said, "rules of firewalld as before") {
		t.Errorf("the host says: %s", said)
	}
	onHost(t, h, "docker network rm relay; docker network create relay; firewall-cmd --zone trusted --add-interface x0; firewall-cmd --zone trusted --remove-interface x0")
}
