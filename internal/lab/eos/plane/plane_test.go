package plane

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bisc/internal/lab/eos/device"
	"bisc/internal/lab/eos/linux"
)

// A monitor session to the CPU is unknown until it is programmed, then it has the next free mirrorN, on which what its list takes, and
// nothing else, comes in.
func TestMirror(t *testing.T) {
	_, p := switched(t, Options{MirrorDelay: 50 * time.Millisecond, FirstMirror: 3})
	session := device.Mirror{Name: "1", ACL: "SHREDS", Destination: "Cpu", Sources: []device.MirrorSource{{Interface: "Ethernet1/1", Direction: "rx"}},
		Rules: []device.ACLRule{{Sequence: 10, Text: "permit udp any any eq 20000"}}}
	view := device.View{Interfaces: []device.Interface{routed("Ethernet1/1", "default", "192.0.2.1/24")}, Mirrors: []device.Mirror{session}}
	p.SetFaults(func(f *Faults) { f.MirrorStuck = true })
	p.Apply(view)
	p.Settle()
	if got := p.Mirror("1"); got != (device.MirrorState{State: "unknown"}) {
		t.Errorf("stuck: %+v", got)
	}
	p.SetFaults(func(f *Faults) { f.MirrorStuck = false })
	until(t, "the session to be active", func() bool { return p.Mirror("1") == device.MirrorState{State: "active", Device: "mirror3"} })
	next := frames(t, "mirror3")
	wanted, other := udp("192.0.2.2:8000", "203.0.113.10:20000", 100), udp("192.0.2.2:8000", "203.0.113.10:20001", 100)
	sendFrom(t, p, "xet1_1", other, wanted, other)
	if got := next(); !bytes.Equal(got, wanted) {
		t.Errorf("mirrored %x, want %x", got, wanted)
	}
	until(t, "the queue's count", func() bool { return p.Queues()[mirrorClass].EnqueuedPackets > 0 }) // it comes after the frame
	if got := p.Queues()[mirrorClass]; got.EnqueuedPackets != 1 || got.EnqueuedBytes != uint64(len(wanted)) || got.DroppedPackets != 0 {
		t.Errorf("the queue's counters: %+v", got)
	}
	if got := p.Hits("SHREDS", 10); got != 1 {
		t.Errorf("the rule was met %d times", got)
	}

	session.Rules = []device.ACLRule{{Sequence: 10, Text: "permit udp any any eq 20001"}}
	second := session
	second.Name = "2"
	view.Mirrors = []device.Mirror{session, second}
	p.Apply(view)
	until(t, "the second session", func() bool { return p.Mirror("2").Device == "mirror4" })
	sendFrom(t, p, "xet1_1", wanted, other)
	if got := next(); !bytes.Equal(got, other) {
		t.Errorf("after the list changed: %x, want %x", got, other)
	}

	view.Mirrors = []device.Mirror{second}
	p.Apply(view)
	p.Settle()
	if _, err := net.InterfaceByName("mirror3"); err == nil {
		t.Error("the first session's device is still there")
	}
	view.Mirrors = []device.Mirror{session, second}
	p.Apply(view)
	until(t, "the number that is free again", func() bool { return p.Mirror("1").Device == "mirror3" })
	view.Copp, view.Mirrors = map[string]int{"copp-system-mirroring": 8}, []device.Mirror{session}
	p.Apply(view)
	p.Settle()
	many := make([][]byte, 1000)
	for i := range many {
		many[i] = other
	}
	sendFrom(t, p, "xet1_1", many...)
	until(t, "drops", func() bool { return p.Queues()[mirrorClass].DroppedPackets > 500 })
	before := p.Queues()[mirrorClass].DroppedPackets
	p.Drop(mirrorClass, 5)
	if got := p.Queues()[mirrorClass].DroppedPackets; got < before+5 {
		t.Errorf("dropped %d, and 5 more: %d", before, got)
	}
}

// The kernel has the routes of the configuration when KernelFib has put them there; what hands do to them is seen.
func TestRoutes(t *testing.T) {
	_, p := switched(t, Options{})
	prefix := netip.MustParsePrefix("203.0.113.128/25")
	route := device.Route{VRF: "default", Egress: "default", Prefix: prefix, NextHop: netip.MustParseAddr("198.51.100.2"), Interface: "Ethernet4/1"}
	between := device.Route{VRF: "default", Egress: "relay", Prefix: netip.MustParsePrefix("203.0.113.1/32"), NextHop: netip.MustParseAddr("192.0.2.9"), Interface: "Ethernet5/1"}
	view := device.View{VRFs: []string{"relay"}, Routes: []device.Route{route, between},
		Interfaces: []device.Interface{routed("Ethernet4/1", "default", "198.51.100.1/24"), routed("Ethernet5/1", "relay", "192.0.2.8/31")}}
	p.SetFaults(func(f *Faults) { f.KernelStuck, f.HardwareStuck = true, true })
	p.Apply(view)
	p.Settle()
	if got := p.Route("default", prefix); got != (device.RouteState{}) {
		t.Errorf("stuck: %+v", got)
	}
	p.SetFaults(func(f *Faults) { *f = Faults{} })
	both := device.RouteState{Hardware: true, Kernel: true}
	until(t, "the route", func() bool { return p.Route("default", prefix) == both })
	if got := p.Route("default", between.Prefix); got != both {
		t.Errorf("between VRFs: %+v", got)
	}
	if got := p.Route("default", netip.MustParsePrefix("0.0.0.0/0")); got != (device.RouteState{}) {
		t.Errorf("a route that is none: %+v", got)
	}
	if got := ip(t, "route", "get", "203.0.113.200"); !strings.Contains(got, "via 198.51.100.2 dev et4_1") {
		t.Errorf("the kernel says %s", got)
	}
	ip(t, "route", "del", prefix.String())
	if got := p.Route("default", prefix); got.Kernel {
		t.Error("somebody took the route away, and it is still called programmed")
	}
	ip(t, "route", "add", "203.0.113.64/26", "via", "198.51.100.2", "dev", "et4_1")

	p.Reload()
	if got := ip(t, "route", "show"); got != "" {
		t.Errorf("after a reload the kernel has %s", got)
	}
	p.Apply(view)
	until(t, "the route after a reload", func() bool { return p.Route("default", prefix).Kernel })
	if got := ip(t, "route", "show"); strings.Contains(got, "203.0.113.64/26") {
		t.Errorf("a hand's route is back: %s", got)
	}
	if err := p.Plug("Ethernet4/1", false); err != nil {
		t.Fatal(err)
	}
	p.Settle()
	if got := ip(t, "route", "show"); strings.Contains(got, prefix.String()) || p.Link("Ethernet4/1").Up {
		t.Errorf("without its cable: %s", got)
	}
	view.Routes = nil
	if err := p.Plug("Ethernet4/1", true); err != nil {
		t.Fatal(err)
	}
	p.Apply(view)
	p.Settle()
	if got := ip(t, "route", "show"); strings.Contains(got, prefix.String()) {
		t.Errorf("a route that is no longer configured: %s", got)
	}
}

// ip runs ip in the switch's default namespace, which is this process's.
func ip(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ip", append([]string{"-4"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// bash runs a command on the switch, as root.
func bash(t *testing.T, system *linux.System, command string) string {
	t.Helper()
	var out, errs bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if status := system.BashAs(ctx, "root", command, nil, &out, &errs); status != 0 {
		t.Fatalf("%s: status %d: %s", command, status, &errs)
	}
	return out.String()
}

// Agents run as processes, start again when they end, and are dropped with the root at a reload, as is all but flash.
func TestAgents(t *testing.T) {
	system, p := switched(t, Options{})
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write("/mnt/flash/agent", "#!/bin/bash\necho \"started with $*\"\nexec sleep infinity\n")
	view := device.View{Daemons: []device.Daemon{
		{Name: "mine", Exec: "/mnt/flash/agent --a 'b c' $HOME", Enabled: true}, {Name: "off", Exec: "/mnt/flash/agent"}, {Name: "others", Exec: "/usr/local/bin/others-agent", Enabled: true},
		{Name: "missing", Exec: "/mnt/flash/none", Enabled: true},
	}, Handlers: []device.Handler{{Name: "boot", Trigger: "on-boot", Action: "echo booted >>/mnt/flash/boots"}, {Name: "other", Trigger: "on-startup-config", Action: "rm -rf /mnt/flash"}}}
	p.Apply(view)
	p.Settle()
	until(t, "the agents", func() bool { return p.Daemon("mine").Running && p.Daemon("others").Running })
	until(t, "a crash loop", func() bool {
		s, _ := system.ProcMgr().State("missing")
		return s.Starts > 3 && !s.Running && s.PID == 0
	})
	if p.Daemon("off").Running {
		t.Error("an agent that is shut down runs")
	}
	first := p.Daemon("mine")
	until(t, "the agent's words", func() bool { // as they are: no shell
		return bash(t, system, fmt.Sprintf("cat /var/log/agents/mine-%d", first.PID)) == "started with --a 'b c' $HOME\n"
	})
	bash(t, system, fmt.Sprintf("kill %d", first.PID))
	until(t, "another process", func() bool { s := p.Daemon("mine"); return s.Running && s.PID != first.PID })
	// A changed exec line is for the next start.
	second := p.Daemon("mine")
	view.Daemons[0].Exec = "/mnt/flash/agent other"
	p.Apply(view)
	p.Settle()
	if got := p.Daemon("mine"); got != second {
		t.Errorf("exec changed: %+v, want %+v", got, second)
	}
	until(t, "the boot's event handler", func() bool { return bash(t, system, "cat /mnt/flash/boots || true") == "booted\n" })
	bash(t, system, "touch /tmp/t /var/v /etc/e /mnt/flash/f; (setsid sleep 1000 &)")

	p.Reload()
	if got := bash(t, system, "ls /tmp /var/v /etc/e 2>/dev/null; ls /mnt/flash; ps -C sleep -o stat= | grep -v Z || true"); got != "/tmp:\nagent\nboots\nf\n" {
		t.Errorf("after a reload: %q", got)
	}
	view.Daemons = view.Daemons[:1]
	p.Apply(view)
	until(t, "the agent after a reload", func() bool { return p.Daemon("mine").Running })
	until(t, "the second boot's handler", func() bool { return bash(t, system, "cat /mnt/flash/boots") == "booted\nbooted\n" })
	third := p.Daemon("mine")
	view.Daemons[0].Enabled = false
	p.Apply(view)
	p.Settle()
	if s := p.Daemon("mine"); s.Running || unix.Kill(third.PID, 0) == nil {
		t.Errorf("shut down: %+v", s)
	}
}

// The VRFs' namespaces have names, and their ports are in them.
func TestVRFs(t *testing.T) {
	system, p := switched(t, Options{DefaultNetns: "ns-default"})
	view := device.View{VRFs: []string{"management"}, Interfaces: []device.Interface{routed("Management1", "management", "198.51.100.9/24"),
		{Name: "Loopback101", VRF: "default", Addresses: []netip.Prefix{netip.MustParsePrefix("203.0.113.7/32")}, Enabled: true}}}
	p.Apply(view)
	p.Settle()
	if got := bash(t, system, "ip netns list | sed 's/ .*//' | sort"); got != "ns-default\nns-management\n" {
		t.Errorf("the namespaces: %q", got)
	}
	if got := bash(t, system, "ip netns exec ns-management ip -br -4 addr show ma1"); !strings.Contains(got, "198.51.100.9/24") {
		t.Errorf("in the VRF: %q", got)
	}
	if got := bash(t, system, "ip route get 203.0.113.7"); !strings.HasPrefix(got, "local ") {
		t.Errorf("a loopback's address: %q", got)
	}
	p.Apply(device.View{})
	p.Settle()
	if got := bash(t, system, "ip netns list; ip -br link show ma1 | cut -c1-3; ip -br -4 addr"); strings.Contains(got, "management") || !strings.Contains(got, "ma1") || strings.Contains(got, "198.51") || strings.Contains(got, "203.0") {
		t.Errorf("without the VRF: %q", got)
	}
}
