package biscayne_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"bisc/internal/lab"
	"bisc/internal/lab/eos"
	"bisc/internal/lab/eos/device"
)

// site is a host and two switches that stand for biscayne, was-sw01 and mia-sw01, with inventory/switch.hcl; and peer, somebody
// outside who sends to was-sw01's uplink, as turbine does.
type site struct {
	*bench
	was, mia *eos.Switch
	peer     *lab.Host
}

// newSite starts them, wired up. What a switch is at first is in testdata/switches.
func newSite(t *testing.T) *site {
	t.Helper()
	t.Parallel()
	l := lab.ForTest(t, lab.Options{Program: filepath.Join(programs, "bisc-lab"), Hosts: []lab.HostOptions{{Name: "biscayne", Docker: true}, {Name: "peer"}}})
	b := &bench{T: t, host: l.Host("biscayne"), dir: t.TempDir(), variant: "plain"}
	b.sh(blockDevice)
	b.sh("systemctl start docker")
	b.desk("switch.hcl")
	s := &site{bench: b, was: emulated(t, "was-sw01"), mia: emulated(t, "mia-sw01"), peer: l.Host("peer")}
	for name, sw := range map[string]*eos.Switch{"was-sw01": s.was, "mia-sw01": s.mia} {
		_, port, _ := strings.Cut(sw.Addr, ":")
		b.appendTo("ssh_config", fmt.Sprintf("Host %s\n HostName 127.0.0.1\n Port %s\n User install\n IdentityFile %s\n IdentitiesOnly yes\n UserKnownHostsFile %s\n", name, port, sw.Key, sw.KnownHosts))
	}
	b.appendTo("ssh_config", fmt.Sprintf("Host peer\n HostName 127.0.0.1\n Port %d\n User ops\n IdentityFile %s\n IdentitiesOnly yes\n UserKnownHostsFile %s\n", s.peer.Port(), s.peer.KeyFile(), s.peer.KnownHosts()))
	b.appendTo("lab.hcl", fmt.Sprintf("host \"peer\" {\n  platform = \"linux\"\n  ssh_config = %q\n  become = true\n}\n", filepath.Join(b.dir, "ssh_config")))
	for _, err := range []error{
		s.was.Wire("Ethernet1/1", netnsOf(s.peer), "up0", netip.MustParsePrefix("203.0.113.80/31")),
		s.was.Wire("Ethernet4/1", netnsOf(l.Host("biscayne")), "bb0", netip.MustParsePrefix("192.0.2.1/31")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	b.sh("ip address add 198.51.100.235/32 dev lo; sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.bb0.rp_filter=0")
	return s
}

func emulated(t *testing.T, name string) *eos.Switch {
	t.Helper()
	startup, err := os.ReadFile("testdata/switches/" + name + ".cfg")
	if err != nil {
		t.Fatal(err)
	}
	return eos.ForTest(t, eos.Options{
		Device: device.Options{Hostname: "lab-" + name, Serial: "LAB-" + name, Startup: string(startup), Ports: []string{"Ethernet1/1", "Ethernet4/1", "Management1"}},
		Users:  []string{"install"}, Image: []string{"/usr/local/bin/doublezero-agent"},
	})
}

// appendTo adds to one of the operator's files.
func (b *bench) appendTo(name, text string) {
	b.Helper()
	was, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil {
		b.Fatal(err)
	}
	b.write(name, string(was)+text)
}

func netnsOf(h *lab.Host) string { return fmt.Sprintf("/proc/%d/ns/net", h.Leader()) }

// sessions are the configuration sessions that were opened on a switch, as its log of lines says.
func (s *site) sessions(sw *eos.Switch) (n int) {
	s.Helper()
	lines, err := sw.Control().Lines()
	if err != nil {
		s.Fatal(err)
	}
	for _, l := range lines {
		if strings.HasPrefix(l, "configure session ") && !strings.Contains(l, " commit") && !strings.Contains(l, " abort") {
			n++
		}
	}
	return n
}

// cli types lines into a switch behind bisc's back.
func (s *site) cli(sw *eos.Switch, lines ...string) string {
	s.Helper()
	out, err := sw.Control().CLI("somebody", lines...)
	if err != nil {
		s.Fatal(err)
	}
	return out
}

// The relay as a whole: a host and its switches from nothing to shreds that arrive; a second apply does nothing; what somebody breaks on
// the switch is named, in each of its four columns, and mended; a reload brings all of it back without bisc.
func TestSwitches(t *testing.T) {
	s := newSite(t)
	s.apply()
	s.marked("after the first apply")
	before := s.sessions(s.was)
	if before == 0 {
		t.Fatal("no session was opened: does the test read the switch's log?")
	}
	s.apply()
	if now := s.sessions(s.was); now != before {
		t.Errorf("the second apply opened %d sessions", now-before)
	}
	s.bisc(0, "check", "--layer", "relay")
	for _, c := range []struct {
		situation string
		breaks    func(s *site)
		says      [2]string
	}{
		{"running: the mirror was taken away by hand", func(s *site) { s.cli(s.was, "configure", "no monitor session 1", "end") }, [2]string{"eos_monitor[1]", "running"}},
		{"startup: a route that write memory did not keep (incident 39)", func(s *site) {
			s.cli(s.was, "configure", "no ip route 198.51.100.235/32 192.0.2.1", "end", "write memory", "configure", "ip route 198.51.100.235/32 192.0.2.1", "end")
		}, [2]string{"eos_static_route[198.51.100.235/32]", "startup"}},
		{"programmed: the link to the next hop is down", func(s *site) { s.plug("Ethernet4/1", false) }, [2]string{"eos_static_route[198.51.100.235/32]", "rib: (none), want static via 192.0.2.1"}},
		{"the daemon was shut down", func(s *site) { s.cli(s.was, "configure", "daemon bisc-shredmirror", "shutdown", "end") }, [2]string{"eos_daemon[bisc-shredmirror]", "running"}},
		{"its program is another", func(s *site) { s.bash("cd /mnt/flash/bisc && cp shredmirror x && echo y >>x && mv x shredmirror") }, [2]string{"relay_binary[shredmirror]", "program"}},
	} {
		t.Run(c.situation, func(t *testing.T) {
			s := &site{bench: s.on(t), was: s.was, mia: s.mia, peer: s.peer}
			c.breaks(s)
			s.says(s.bisc(3, "drift", "--layer", "relay"), c.says[0], c.says[1])
			s.plug("Ethernet4/1", true)
			s.apply()
			s.marked("mended")
		})
	}
	t.Run("a change is kept only if the other end agrees", func(t *testing.T) {
		s := &site{bench: s.on(t), was: s.was, mia: s.mia, peer: s.peer}
		proved := []string{"apply", "--auto-approve", "--until-clean", "--host", "was-sw01", "--set", "relay_proof=true"}
		s.cli(s.was, "configure", "no monitor session 1", "end")
		without := s.running(s.was)
		s.sh("systemctl stop bisc-shredunwrap.service bisc-shredunwrap-ip.socket bisc-shredunwrap-sequenced.socket")
		out := s.bisc(1, proved...)
		s.says(out, "eos_monitor[1]", "failed: the host took the change back")
		if !strings.Contains(out, `invariant["the host takes what the mirror sends"] does not hold`) {
			t.Errorf("the other end is not named:\n%s", out)
		}
		if now := s.running(s.was); now != without {
			t.Errorf("was-sw01 has\n%s\nbefore\n%s", now, without)
		}
		s.apply()
		s.bisc(0, proved...)
		s.marked("proved from the other end")
	})
	if err := s.was.Control().Reload(); err != nil {
		t.Fatal(err)
	}
	// The mirror is active some seconds after the boot, and the daemon waits for its device.
	for until := time.Now().Add(time.Minute); ; time.Sleep(time.Second) {
		out, errs, status := s.types("plan", "--host", "was-sw01")
		if status == 0 {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("a minute after a reload: exit %d\n%s%s", status, out, errs)
		}
	}
	s.bisc(0, "check", "--layer", "relay")
	s.marked("after a reload")
}

// marked sends marked packets in at the switch, and wants all of them at the host.
func (s *site) marked(when string) {
	s.Helper()
	if out := s.bisc(0, "relay", "mark", "--from", "peer", "--wait", "20s"); !strings.Contains(out, "all 5 marked packets to 203.0.113.81:20000 came") {
		s.Fatalf("%s: %s", when, out)
	}
}

func (s *site) plug(port string, in bool) {
	s.Helper()
	if err := s.was.Control().Plug(port, in); err != nil {
		s.Fatal(err)
	}
}

func (s *site) bash(command string) {
	s.Helper()
	if _, err := s.was.Control().Bash(command); err != nil {
		s.Fatal(err)
	}
}

// The design ashburn comes on both switches and goes again by its runbook; what the second manager owns is as it was.
func TestSwitchesAshburnAndBack(t *testing.T) {
	s := newSite(t)
	was, mia := s.running(s.was), s.running(s.mia)
	switches := []string{"--host", "was-sw01", "--host", "mia-sw01", "--set", "relay_design=ashburn"}
	s.bisc(0, append([]string{"apply", "--auto-approve", "--until-clean"}, switches...)...)
	for sw, lines := range map[*eos.Switch][]string{
		s.was: {"ip route 198.51.100.65/32 192.0.2.1"},
		s.mia: {"vrf instance relay", "interface Tunnel100", "   vrf relay", "ip route 198.51.100.65/32 egress-vrf relay 169.254.100.1", "ip route vrf relay 0.0.0.0/0 egress-vrf default 192.0.2.2"},
	} {
		for _, text := range []string{s.running(sw), s.cli(sw, "show startup-config")} {
			for _, l := range lines {
				if !strings.Contains(text, "\n"+l+"\n") {
					t.Errorf("%s has no line %q:\n%s", sw.Name, l, text)
				}
			}
		}
	}
	s.bisc(0, append([]string{"plan"}, switches...)...)
	s.rollback("relay-rollback-ashburn", "--set", "relay_design=ashburn")
	if now := s.running(s.was); now != was {
		t.Errorf("was-sw01 has\n%s\nbefore\n%s", now, was)
	}
	if now := s.running(s.mia); now != mia {
		t.Errorf("mia-sw01 has\n%s\nbefore\n%s", now, mia)
	}
}

// rollback runs a runbook as a person does who has read it: what is destroyed is named, and each round approved.
func (s *site) rollback(name string, args ...string) {
	s.Helper()
	line := append([]string{"run", name}, args...)
	shown, errs, status := s.types(append(line, "--plan")...)
	if status != 4 && status != 2 {
		s.Fatalf("exit %d:\n%s%s", status, shown, errs)
	}
	for _, m := range regexp.MustCompile(`to permit it: (--destroy) '?([^'\n]*)'?`).FindAllStringSubmatch(shown, -1) {
		line = append(line, m[1], m[2])
	}
	if out, errs, status := s.asks("destroy\ndestroy\ndestroy\n", line...); status != 0 {
		s.Fatalf("exit %d:\n%s%s", status, out, errs)
	}
}

func (s *site) running(sw *eos.Switch) string { return s.cli(sw, "show running-config") }

// A policy that redirects is refused with its reason, and nothing of the switch is changed: its profile cannot do it, and no profile is
// changed by bisc.
func TestSwitchesCannotRedirect(t *testing.T) {
	s := newSite(t)
	before := s.running(s.was)
	dnat := []string{"--host", "was-sw01", "--set", "relay_design=dnat"}
	s.says(s.bisc(2, append([]string{"plan"}, dnat...)...), "eos_traffic_policy[SHRED-RELAY]", "tunnel-interface-acl")
	s.bisc(2, append([]string{"drift"}, dnat...)...)
	s.bisc(2, append([]string{"apply", "--auto-approve"}, dnat...)...)
	if now := s.running(s.was); now != before {
		t.Errorf("was-sw01 has\n%s\nbefore\n%s", now, before)
	}
}

// A switch that is not the one of the inventory gets nothing, not a line (incidents 48 and 50): one play went to all switches, and what is
// a leftover on one is the source of the tunnel on the other.
func TestSwitchesByName(t *testing.T) {
	s := newSite(t)
	text, err := os.ReadFile(filepath.Join(s.dir, "ssh_config"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("ssh_config", strings.NewReplacer("Host was-sw01\n", "Host mia-sw01\n", "Host mia-sw01\n", "Host was-sw01\n").Replace(string(text)))
	before := s.running(s.mia)
	out, errs, status := s.types("apply", "--auto-approve", "--host", "was-sw01")
	if status != 1 || !strings.Contains(out+errs, "lab-mia-sw01") || !strings.Contains(out+errs, "lab-was-sw01") {
		t.Errorf("exit %d:\n%s%s", status, out, errs)
	}
	if now := s.running(s.mia); now != before || s.sessions(s.mia) > 0 {
		t.Errorf("something was done on the wrong switch:\n%s", now)
	}
}
