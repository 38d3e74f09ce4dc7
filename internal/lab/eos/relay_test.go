package eos

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bisc/internal/lab/eos/device"
	"bisc/relaybin"
	"bisc/relaybin/lab"
)

// Addresses of the relay's test, all of documentation.
var (
	uplink   = netip.MustParsePrefix("192.0.2.129/25")    // Ethernet1/1
	peer     = netip.MustParsePrefix("192.0.2.130/25")    // the turbine peer's end
	backbone = netip.MustParsePrefix("198.51.100.129/25") // Ethernet4/1
	hostEnd  = netip.MustParsePrefix("198.51.100.130/25")
	tvu      = netip.AddrPortFrom(hostEnd.Addr(), 9000)
	shreds   = netip.MustParseAddrPort("203.0.113.10:20000") // what turbine sends to; nobody has it
)

// relayConfig is a switch's with the relay of the seeds: a list, a monitor session to the CPU, and the daemon on flash.
func relayConfig() string {
	return fmt.Sprintf(`hostname lab-sw01
!
daemon bisc-shredmirror
   exec /mnt/flash/bisc/shredmirror --match-addr %s --match-port %d --form bare --to %s --via-device et4_1 --metrics 127.0.0.1:9465
   no shutdown
!
interface Ethernet1/1
   no switchport
   ip address %s
!
interface Ethernet4/1
   no switchport
   ip address %s
!
ip access-list SHRED-RELAY
   10 permit udp any any eq %d
!
ip routing
!
monitor session 1 ip access-group SHRED-RELAY
monitor session 1 source Ethernet1/1 rx
monitor session 1 destination Cpu
!
ip route 203.0.113.128/25 %s
!
end
`, shreds.Addr(), shreds.Port(), tvu, uplink, backbone, shreds.Port(), hostEnd.Addr())
}

// program gives a relay daemon as it would be pushed to the switch.
func relayProgram(t *testing.T, name string) []byte {
	t.Helper()
	b, err := relaybin.For(name, "x86_64", "")
	if err != nil {
		t.Fatalf("%v (make relay builds it)", err)
	}
	r, err := b.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The real shredmirror runs as an agent of the switch, finds the mirror's device by itself, and what is mirrored arrives at the host by
// et4_1: also after its process was killed, and after a reload.
func TestShredsCross(t *testing.T) {
	n := lab.ForTest(t)
	sw := ForTest(t, Options{Device: device.Options{Startup: relayConfig()}, MirrorDelay: 100 * time.Millisecond, FirstMirror: 2})
	c := sw.Control()
	for _, w := range []struct {
		port, netns, dev string
		addr             netip.Prefix
	}{{"Ethernet1/1", n.Turbine.Path(), "t1", peer}, {"Ethernet4/1", n.Host.Path(), "sw0", hostEnd}} {
		if err := sw.Wire(w.port, w.netns, w.dev, w.addr); err != nil {
			t.Fatal(err)
		}
	}
	sink, err := n.Host.NewSink(tvu, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	// The binary comes to flash while the agent is configured already: until then it is started again and again.
	at := filepath.Join(sw.Flash, "bisc/shredmirror")
	if err := os.MkdirAll(filepath.Dir(at), 0o775); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, relayProgram(t, "shredmirror"), 0o755); err != nil {
		t.Fatal(err)
	}
	cross(t, n, sink, c)
	before, err := c.Agent("bisc-shredmirror")
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.CLI("test", "show monitor session", "show daemon bisc-shredmirror", "show ip route 203.0.113.128/25")
	if err != nil || !strings.Contains(out, "mirror2") || !strings.Contains(out, fmt.Sprint(before.PID)) {
		t.Errorf("show, with PID %d: %v\n%s", before.PID, err, out)
	}
	if _, err := c.BashAs(sw.User, fmt.Sprintf("sudo -n kill -9 %d", before.PID), nil); err != nil {
		t.Fatal(err)
	}
	cross(t, n, sink, c)
	after, err := c.Agent("bisc-shredmirror")
	if err != nil || after.PID == before.PID || !after.Running {
		t.Errorf("after it was killed: %+v (%v)", after, err)
	}
	if err := c.Reload(); err != nil {
		t.Fatal(err)
	}
	cross(t, n, sink, c)
	if got, err := c.Bash("ip route show 203.0.113.128/25"); err != nil || !strings.Contains(got, "via 198.51.100.130 dev et4_1") {
		t.Errorf("the kernel's route after a reload: %q, %v", got, err)
	}
}

// cross sends shreds at the uplink until some arrive at the host.
func cross(t *testing.T, n *lab.Net, sink *lab.Sink, c Control) {
	t.Helper()
	sink.Forget()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if _, err := n.Send(t.Context(), lab.Stream{Rate: 2000, Count: 100, Paths: []lab.Path{{Device: "t1", To: shreds}}}); err != nil {
			t.Fatal(err)
		}
		if got, err := sink.Wait(t.Context(), "shreds", 300*time.Millisecond, lab.Unique(50)); err == nil {
			if got.Bad != 0 {
				t.Errorf("%d shreds arrived changed", got.Bad)
			}
			return
		}
	}
	state, _ := c.Agent("bisc-shredmirror")
	logs, _ := c.Bash("tail -n 5 /var/log/agents/*; ip -br link; ip route")
	show, _ := c.CLI("test", "show monitor session")
	t.Fatalf("no shreds crossed within a minute; the agent: %+v\n%s\n%s", state, logs, show)
}
