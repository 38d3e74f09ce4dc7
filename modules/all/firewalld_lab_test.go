package all

import (
	"testing"

	"bisc/internal/lab"
	"bisc/layers"
	"bisc/modules"
	"bisc/modules/network"
)

const dockerUp = "until docker info >/dev/null 2>&1; do sleep 0.1; done; "

// firewalld starts, reloads and docker makes networks, each in its own time: what the plan says is asked when nothing is under
// way any more.
func TestFirewalldPolicyOnAHost(t *testing.T) {
	t.Parallel()
	b := newBench(t, lab.HostOptions{Name: "walled", Docker: true})
	policy := func() *network.FirewalldPolicy {
		return &network.FirewalldPolicy{Name: "docker-to-relay", IngressZone: "docker", Ingress: []string{"docker0", "docker:relay"}, EgressZone: "trusted", Egress: []string{"relay0"}, Target: "ACCEPT"}
	}
	rules := []modules.Resource{relayRules()[0], relayRules()[3]} // one of each chain: each reload makes them all again
	for _, r := range rules {
		if f, ok := r.(*network.FilterRule); ok {
			f.Beside = []string{"inet firewalld"}
		}
	}
	b.shell(t, dockerUp+"docker network create relay")
	// Off, as it is by default: the policy waits for it, and says so.
	if got := b.plan(t, stage(t, b.Lab.Name, policy())); len(got) != 1 || got[0] != "?now firewalld" {
		t.Errorf("with firewalld off the plan says %q", got)
	}
	b.shell(t, "systemctl enable --now firewalld; systemctl restart docker; "+dockerUp)
	all := append([]modules.Resource{policy()}, rules...)
	st := stage(t, b.Lab.Name, all...)
	settled := dockerUp + waitForUnits + `; until iptables -S FORWARD | grep -q DOCKER-USER && iptables -t nat -S PREROUTING | grep -q DOCKER; do sleep 0.1; done`
	b.holds(t, all,
		damage{"the policy off the disk", "firewall-cmd --permanent --delete-policy docker-to-relay", []string{"boot policy"}},
		damage{"the target", "firewall-cmd --permanent --policy docker-to-relay --set-target DROP", []string{"boot target"}},
		damage{"the tunnel out of its zone", "firewall-cmd --zone trusted --remove-interface relay0", []string{"now zone of relay0"}},
		damage{"the tunnel out of its zone after boot", "firewall-cmd --permanent --zone trusted --change-interface=x0; firewall-cmd --permanent --zone trusted --remove-interface relay0; firewall-cmd --permanent --zone trusted --remove-interface x0", []string{"boot zone of relay0"}},
	)
	t.Run("docker makes its network anew", func(t *testing.T) {
		old := b.said(t, "docker network inspect -f '{{slice .Id 0 12}}' relay")
		b.shell(t, "docker network rm relay; docker network create relay")
		now := b.said(t, "docker network inspect -f '{{slice .Id 0 12}}' relay")
		b.wants(t, stage(t, b.Lab.Name, all[0]), "boot zone of br-"+now, "boot zone of br-"+old)
		b.apply(t, st)
		b.empty(t, st, "after the repair")
	})
	t.Run("firewalld restarted", func(t *testing.T) {
		b.shell(t, "systemctl restart firewalld; "+settled+"; systemctl restart docker; "+settled)
		b.empty(t, st, "after firewalld's restart, and docker's after it")
	})
	t.Run("reloaded without the policy", func(t *testing.T) {
		b.shell(t, "firewall-cmd --permanent --delete-policy docker-to-relay; firewall-cmd --reload; "+settled)
		b.apply(t, st)
		b.shell(t, settled)
		b.apply(t, st)
		b.empty(t, st, "after the repair")
	})
	t.Run("rebooted", func(t *testing.T) {
		if err := b.Lab.Reboot(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.Cut()
		b.shell(t, settled)
		b.empty(t, st, "after a reboot")
	})
	t.Run("gone without a trace", func(t *testing.T) {
		gone := policy()
		gone.Absent = true
		b.apply(t, stage(t, b.Lab.Name, append([]modules.Resource{gone}, rules...)...))
		b.shell(t, settled)
		b.empty(t, stage(t, b.Lab.Name, gone), "after its removal")
		b.shell(t, "! grep -r docker-to-relay /etc/firewalld --include=*.xml; ! grep -r -e relay0 -e br- -e docker0 /etc/firewalld --include=*.xml; ! firewall-cmd --list-all-policies | grep docker-to-relay; ! firewall-cmd --zone trusted --list-interfaces | grep relay0")
	})
}

// wants fails unless the plan says exactly this.
func (b *bench) wants(t *testing.T, st *layers.Stage, want ...string) {
	t.Helper()
	got := b.plan(t, st)
	if len(got) != len(want) {
		t.Errorf("the plan says %q, want %q", got, want)
		return
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("the plan says %q, want %q", got, want)
		}
	}
}
