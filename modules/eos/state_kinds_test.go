package eos

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"bisc/internal/eosconf"
	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/kindtest"
)

const (
	ours   = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	theirs = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
)

func monitorLines() eosconf.Want {
	return merge("", "monitor session 1 ip access-group SHRED-RELAY", "monitor session 1 source Ethernet1/1 rx", "monitor session 1 destination Cpu")
}

func list() eosconf.Want {
	return merge("ip access-list SHRED-RELAY", "10 permit udp any any eq 20000")
}

func monitor() *Monitor {
	m := MonitorKind.New("1").(*Monitor)
	m.Sources, m.ACL, m.Window = []string{"Ethernet1/1 rx"}, "SHRED-RELAY", 10*time.Millisecond
	return m
}

const queues = `{"ingressVoqs":{"sources":{"all":{"cpuClasses":{"CoppSystemMirroring":{"ports":{"":{"enqueuedPackets":24393382,"droppedPackets":%d}}}}}}}}`

// TestMonitor: incident 41: what is configured is not in force until the chip says so; a device by another name is as good.
func TestMonitor(t *testing.T) {
	for _, c := range []struct {
		what   string
		lines  []eosconf.Want
		said   string // of the sessions
		drops  string
		change func(*Monitor)
		words  []string
	}{
		{what: "nothing there", lines: []eosconf.Want{list()}, words: []string{"now running: (none) -> monitor session 1 ip access-group SHRED-RELAY", "boot startup", "configure (3 lines)",
			"monitor session 1 ip access-group SHRED-RELAY\n", "!programmed"}},
		{what: "no list either", words: []string{"acl: (none) -> SHRED-RELAY", "why: there is no such list", "!step"}},
		{what: "the wrong switch", lines: []eosconf.Want{list()}, change: func(m *Monitor) { m.Sources = []string{"Ethernet9/1 rx"} }, words: []string{"sources: (none) -> Ethernet9/1", "!step"}},
		{what: "in force", lines: []eosconf.Want{list(), monitorLines()}, said: `{"sessions":{"1":{"mirrorDeviceName":"mirror3","targetInterfaces":[{"name":"Cpu","operState":"active"}]}}}`, words: []string{"in sync"}},
		{what: "not programmed yet", lines: []eosconf.Want{list(), monitorLines()}, said: `{"sessions":{"1":{"mirrorDeviceName":"","targetInterfaces":[{"name":"Cpu","operState":"unknown"}]}}}`,
			words: []string{"now programmed: Cpu unknown -> Cpu active", "!step", "!why"}},
		{what: "active without a device", lines: []eosconf.Want{list(), monitorLines()}, said: `{"sessions":{"1":{"mirrorDeviceName":"","targetInterfaces":[{"name":"Cpu","operState":"active"}]}}}`,
			words: []string{"now programmed: Cpu active, without a device -> Cpu active"}},
		{what: "another session", lines: []eosconf.Want{list(), monitorLines()}, said: `{"sessions":{"2":{}}}`, words: []string{"now programmed: no session 1 in force"}},
		{what: "an answer of another form", lines: []eosconf.Want{list(), monitorLines()}, said: `{"monitors":{}}`, words: []string{"error: ", "a shape that this bisc does not know"}},
		{what: "a target of another form", lines: []eosconf.Want{list(), monitorLines()}, said: `{"sessions":{"1":{"targetInterfaces":[{"name":"Cpu"}]}}}`, words: []string{"error: ", "no operState"}},
		{what: "no such counters", lines: []eosconf.Want{list(), monitorLines()}, said: `{"sessions":{"1":{"mirrorDeviceName":"mirror0","targetInterfaces":[{"name":"Cpu","operState":"active"}]}}}`,
			drops: `{"ingressVoqs":{"sources":{"all":{"cpuClasses":{}}}}}`, words: []string{"error: ", "max_drops = -1"}},
		{what: "counters that are left unlooked at", lines: []eosconf.Want{list(), monitorLines()}, said: `{"sessions":{"1":{"mirrorDeviceName":"mirror0","targetInterfaces":[{"name":"Cpu","operState":"active"}]}}}`,
			drops: `{}`, change: func(m *Monitor) { m.MaxDrops = -1 }, words: []string{"in sync"}},
		{what: "another's source in it", lines: []eosconf.Want{list(), monitorLines(), merge("", "monitor session 1 source Ethernet4/1 rx")}, words: []string{"no monitor session 1 source Ethernet4/1 rx", "!now programmed"}},
		{what: "away", lines: []eosconf.Want{list(), monitorLines()}, change: func(m *Monitor) { m.Absent = true }, words: []string{"no monitor session 1\n", "destroys: the monitor session 1"}},
		{what: "away already: no command, it would fail", lines: []eosconf.Want{list()}, change: func(m *Monitor) { m.Absent = true }, words: []string{"in sync"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			b := newBox(t, c.lines...)
			b.Shows["show monitor session | json"] = c.said
			b.Shows["show cpu counters queue | json"] = fmt.Sprintf(queues, 318898833)
			if c.drops != "" {
				b.Shows["show cpu counters queue | json"] = c.drops
			}
			m := monitor()
			if c.change != nil {
				c.change(m)
			}
			has(t, planOf(t, b, m), c.words...)
		})
	}
}

// TestMonitorDrops: two looks, and the rate between them; a counter that went back is no answer.
func TestMonitorDrops(t *testing.T) {
	at := time.Now()
	first := queue{at, 1000, 1 << 53}
	for what, c := range map[string]struct {
		second queue
		max    int
		want   string
	}{
		"none":            {queue{at.Add(2 * time.Second), 9000, 1 << 53}, 0, "in sync\n"},
		"some":            {queue{at.Add(2 * time.Second), 9000, 1<<53 + 10}, 0, "5 packets a second dropped, 4000 passed"},
		"within":          {queue{at.Add(2 * time.Second), 9000, 1<<53 + 10}, 5, "in sync\n"},
		"one of millions": {queue{at.Add(time.Second), 9000, 1<<53 + 1}, 0, "1 packets a second dropped"},
		"cleared":         {queue{at.Add(time.Second), 0, 0}, 0, "error"},
	} {
		m := monitor()
		m.MaxDrops = c.max
		var change modules.Change
		if err := m.judge(&change, first, c.second); (err != nil) != (c.want == "error") {
			t.Errorf("%s: %v", what, err)
		} else if err == nil {
			has(t, kindtest.Print(change), c.want)
		}
	}
}

func TestMirrorDevice(t *testing.T) {
	b := newBox(t)
	b.Shows["show monitor session | json"] = `{"sessions":{"1":{"mirrorDeviceName":"mirror7"},"2":{"mirrorDeviceName":""}}}`
	if got, err := MirrorDevice(t.Context(), b, "1"); got != "mirror7" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for _, session := range []string{"2", "3"} {
		if got, err := MirrorDevice(t.Context(), b, session); err == nil {
			t.Errorf("session %s has the device %q", session, got)
		}
	}
}

const rib = `{"vrfs":{"default":{"routes":{"192.0.2.9/32":{"routeType":"%s","hardwareProgrammed":%v,"kernelProgrammed":%v,"routeAction":"forward","vias":[{"nexthopAddr":"%s","interface":"Ethernet4/1"}]}}}}}`

// TestStaticRoute: incident 38: configured, in the table, in the hardware and in the kernel are four facts.
func TestStaticRoute(t *testing.T) {
	there := merge("", "ip route 192.0.2.9/32 203.0.113.1")
	for _, c := range []struct {
		what   string
		lines  []eosconf.Want
		said   string
		change func(*StaticRoute)
		words  []string
	}{
		{what: "not configured", words: []string{"now running: (none) -> ip route 192.0.2.9/32 203.0.113.1", "settle: 30s", "!rib"}},
		{what: "all four", lines: []eosconf.Want{there}, said: fmt.Sprintf(rib, "static", true, true, "203.0.113.1"), words: []string{"in sync"}},
		{what: "not in the table", lines: []eosconf.Want{there}, said: `{"vrfs":{"default":{"routes":{}}}}`, words: []string{"now rib: (none) -> static via 203.0.113.1", "!why", "!step"}},
		{what: "another's wins", lines: []eosconf.Want{there}, said: fmt.Sprintf(rib, "eBGP", true, true, "203.0.113.1"), words: []string{"now rib: eBGP via 203.0.113.1 Ethernet4/1 -> static"}},
		{what: "by another hop", lines: []eosconf.Want{there}, said: fmt.Sprintf(rib, "static", true, true, "203.0.113.3"), words: []string{"now rib: static via 203.0.113.3 Ethernet4/1 -> static via 203.0.113.1"}},
		{what: "not in the hardware", lines: []eosconf.Want{there}, said: fmt.Sprintf(rib, "static", false, true, "203.0.113.1"), words: []string{"now programmed: not in the hardware", "!rib", "!kernel:"}},
		{what: "not in the kernel", lines: []eosconf.Want{there}, said: fmt.Sprintf(rib, "static", true, false, "203.0.113.1"), words: []string{"now kernel: not in the kernel", "!rib"}},
		{what: "not in the kernel, which is not asked for", lines: []eosconf.Want{there}, said: fmt.Sprintf(rib, "static", true, false, "203.0.113.1"), change: func(r *StaticRoute) { r.RequireKernel = false }, words: []string{"in sync"}},
		{what: "what is not said is not known", lines: []eosconf.Want{there}, said: `{"vrfs":{"default":{"routes":{"192.0.2.9/32":{"routeType":"static","vias":[{"nexthopAddr":"203.0.113.1"}]}}}}}`, words: []string{"error: ", "a shape that this bisc does not know"}},
		{what: "no VRF in the answer", lines: []eosconf.Want{there}, said: `{"vrfs":{}}`, words: []string{"error: ", "a shape that this bisc does not know"}},
		{what: "one beside it", lines: []eosconf.Want{merge("", "ip route 192.0.2.9/32 203.0.113.7")}, words: []string{"-> ip route 192.0.2.9/32 203.0.113.1", "!no ip route"}},
		{what: "one instead", lines: []eosconf.Want{merge("", "ip route 192.0.2.9/32 203.0.113.7")}, change: func(r *StaticRoute) { r.Exclusive = true },
			words: []string{"ip route 192.0.2.9/32 203.0.113.7 -> ip route 192.0.2.9/32 203.0.113.1", "step:   no ip route 192.0.2.9/32\nstep:   ip route 192.0.2.9/32 203.0.113.1\n"}},
		{what: "a VRF that is not there", change: func(r *StaticRoute) { r.EgressVRF = "relay" }, words: []string{"egress_vrf: (none) -> relay", "add eos_vrf", "!step"}},
		{what: "a VRF that does not route", lines: []eosconf.Want{{Under: []string{"vrf instance relay"}}}, change: func(r *StaticRoute) { r.VRF = "relay" }, words: []string{"vrf: relay does not route", "!step"}},
		{what: "away", lines: []eosconf.Want{there}, change: func(r *StaticRoute) { r.Absent = true }, words: []string{"no ip route 192.0.2.9/32\n", "destroys: "}},
		{what: "egress-vrf with an interface: taken, and never installed", change: func(r *StaticRoute) { r.EgressVRF, r.NextHop = "relay", "Tunnel100" }, words: []string{"error: next_hop", "never installs"}},
		{what: "host bits", change: func(r *StaticRoute) { r.Prefix = "192.0.2.9/24" }, words: []string{"error: ", "192.0.2.0/24"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			b := newBox(t, c.lines...)
			b.Shows["show ip route 192.0.2.9/32 | json"] = c.said
			r := StaticRouteKind.New("192.0.2.9/32").(*StaticRoute)
			r.NextHop = "203.0.113.1"
			if c.change != nil {
				c.change(r)
			}
			has(t, planOf(t, b, r), c.words...)
		})
	}
}

const execLine = "/mnt/flash/bisc/shredmirror --config x"

// process says what /proc has of process 4711: began after 1000 s, the switch up for so many seconds.
func (b *box) process(up, cmdline, exe, file string) {
	b.Shows["show daemon bisc-relay | json"] = `{"daemons":{"bisc-relay":{"running":true,"pid":4711,"option":{},"data":{}}}}`
	b.Files["/proc/4711/stat"] = "4711 (a ) b) S 1 1 1 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 9 0 100000 1 2 3"
	b.Files["/proc/uptime"] = up + " 99.9\n"
	b.Files["/proc/4711/cmdline"] = strings.ReplaceAll(cmdline, " ", "\x00") + "\x00"
	b.Answer(0, exe+"  /proc/4711/exe\n", "sha256sum", "--", "/proc/4711/exe")
	if file == "" {
		b.Missing["/mnt/flash/bisc/shredmirror"] = true
		b.Answer(1, "", "sha256sum", "--", "/mnt/flash/bisc/shredmirror")
		return
	}
	b.Answer(0, file+"  /mnt/flash/bisc/shredmirror\n", "sha256sum", "--", "/mnt/flash/bisc/shredmirror")
}

// TestDaemon: incident 39: what runs is of the file on flash and of the exec line, and comes again after a boot.
func TestDaemon(t *testing.T) {
	there := merge("daemon bisc-relay", "exec "+execLine, "no shutdown")
	const again = "kill -TERM"
	for _, c := range []struct {
		what   string
		lines  []eosconf.Want
		seen   func(*box)
		change func(*Daemon)
		words  []string
	}{
		{what: "well", lines: []eosconf.Want{there}, words: []string{"in sync"}},
		{what: "not there", words: []string{"daemon bisc-relay (with 2 lines)", "step:   daemon bisc-relay\nstep:   exec " + execLine + "\nstep:   no shutdown\nstep:   exit", "!program", "!" + again}},
		{what: "not there, nor its program", seen: func(b *box) { b.process("2000", execLine, ours, "") }, words: []string{"why: nothing is there, and nothing in this plan puts it there", "!step"}},
		{what: "another program runs", lines: []eosconf.Want{there}, seen: func(b *box) { b.process("2000", execLine, theirs, ours) },
			words: []string{"now program: sha256:fedcba987654 -> sha256:0123456789ab", again, "' restart 4711 100000\n", "settle: 30s"}},
		{what: "its file is gone", lines: []eosconf.Want{there}, seen: func(b *box) { b.process("2000", execLine, ours, "") }, words: []string{"why: the file is gone", "!step"}},
		{what: "with other arguments", lines: []eosconf.Want{there}, seen: func(b *box) { b.process("2000", execLine+" -v", ours, ours) }, words: []string{"now arguments: " + execLine + " -v -> " + execLine + "\n", again}},
		{what: "another exec line: ended after the commit", lines: []eosconf.Want{merge("daemon bisc-relay", "exec "+execLine+" -v", "no shutdown")}, seen: func(b *box) { b.process("2000", execLine+" -v", ours, ours) },
			words: []string{"now running: daemon bisc-relay / exec " + execLine + " -v", "configure", again, "!now arguments"}},
		{what: "young", lines: []eosconf.Want{there}, seen: func(b *box) { b.process("1014.5", execLine, ours, ours) }, words: []string{"now steady: process 4711 is younger than 15s", "!step"}},
		{what: "old enough", lines: []eosconf.Want{there}, seen: func(b *box) { b.process("1015.5", execLine, ours, ours) }, words: []string{"in sync"}},
		{what: "does not run", lines: []eosconf.Want{there}, seen: func(b *box) {
			b.Shows["show daemon bisc-relay | json"] = `{"daemons":{"bisc-relay":{"running":false,"pid":0}}}`
		}, words: []string{"now process: not running -> running", "!step"}},
		{what: "does not run, in a commit that waits to be proved: the save that waits with it hides nothing", lines: []eosconf.Want{there}, seen: func(b *box) {
			b.startup = with(t, base)
			b.tell()
			b.Shows["show configuration sessions detail | json"] = `{"sessions":{"s":{"state":"committed"}},"commitTimerSessionName":"s","commitTimerExpireTime":1.5}`
			b.Shows["show daemon bisc-relay | json"] = `{"daemons":{"bisc-relay":{"running":false,"pid":0}}}`
		}, words: []string{"now process: not running -> running", "boot startup: (none) -> daemon bisc-relay", "!step"}},
		{what: "ProcMgr does not know it", lines: []eosconf.Want{there}, seen: func(b *box) {
			b.Errors["show show daemon bisc-relay | json"] = &host.ShowError{Command: "x", Text: "Agent bisc-relay does not exist"}
		}, words: []string{"now process: Agent bisc-relay does not exist -> running"}},
		{what: "the question is denied", lines: []eosconf.Want{there}, seen: func(b *box) {
			b.Errors["show show daemon bisc-relay | json"] = &host.ShowError{Command: "x", Text: "no", Denied: true}
		}, words: []string{"error: what ProcMgr says"}},
		{what: "an answer of another form", lines: []eosconf.Want{there}, seen: func(b *box) { b.Shows["show daemon bisc-relay | json"] = `{"daemons":{"bisc-relay":{"pid":4711}}}` }, words: []string{"error: ", "a shape that this bisc does not know"}},
		{what: "it ended while it was looked at", lines: []eosconf.Want{there}, seen: func(b *box) {
			delete(b.Files, "/proc/4711/stat")
			b.Missing["/proc/4711/stat"] = true
		}, words: []string{"now process: process 4711 has ended -> running"}},
		{what: "shut down", lines: []eosconf.Want{there}, change: func(d *Daemon) { d.Running = false }, words: []string{"step:   daemon bisc-relay\nstep:   shutdown\nstep:   exit", "destroys: the daemon bisc-relay"}},
		{what: "shut down, and runs", lines: []eosconf.Want{merge("daemon bisc-relay", "exec "+execLine)}, change: func(d *Daemon) { d.Running = false }, words: []string{"now process: process 4711 runs -> not running"}},
		{what: "away", lines: []eosconf.Want{there}, change: func(d *Daemon) { d.Absent = true }, words: []string{"no daemon bisc-relay\n", "destroys: "}},
		{what: "in another VRF", lines: []eosconf.Want{merge("daemon bisc-relay", "exec /sbin/ip netns exec ns-relay "+execLine, "no shutdown")},
			change: func(d *Daemon) {
				d.Exec, d.Program = "/sbin/ip netns exec ns-relay "+execLine, "/mnt/flash/bisc/shredmirror"
			}, words: []string{"in sync"}},
		{what: "where no boot leaves it", change: func(d *Daemon) { d.Exec = "/tmp/shredmirror" }, words: []string{"error: exec", "below /mnt/flash"}},
		{what: "with a shell's words", change: func(d *Daemon) { d.Exec = "/mnt/flash/x -a '$HOME'" }, words: []string{"error: exec", "no shell"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			b := newBox(t, c.lines...)
			b.process("2000", execLine, ours, ours)
			if c.seen != nil {
				c.seen(b)
			}
			d := DaemonKind.New("bisc-relay").(*Daemon)
			d.Exec = execLine
			if c.change != nil {
				c.change(d)
			}
			has(t, planOf(t, b, d), c.words...)
		})
	}
}

// TestSaved: what would be kept is told line by line, and nothing is saved that nobody confirmed.
func TestSaved(t *testing.T) {
	const sessions = "show configuration sessions detail | json"
	b := newBox(t)
	if got := planOf(t, b, &Saved{Name: "x"}); got != "in sync\n" {
		t.Errorf("of equal halves: %s", got)
	}
	b.running = with(t, base, merge("", "ip route 192.0.2.9/32 203.0.113.1"), merge("interface Loopback255", "description theirs"))
	b.tell()
	for what, c := range map[string]struct {
		said  string
		words []string
	}{
		"free":             {`{"sessions":{"cfg-1":{"state":"pending"}}}`, []string{"boot startup: (none) -> ", "second manager's among them: interface Loopback255 / description theirs", "| +ip route 192.0.2.9/32", "step: cli copy running-config startup-config"}},
		"a timer, 4.32":    {`{"sessions":{"s":{"state":"committed"}},"commitTimerSessionName":"s","commitTimerExpireTime":1.5}`, []string{"why: the commit of session s waits", "!step"}},
		"a timer, before":  {`{"sessions":{"t":{"state":"pendingCommitTimer"}}}`, []string{"why: the commit of session t waits", "!step"}},
		"another form":     {`{"pending":[]}`, []string{"error: ", "a shape that this bisc does not know"}},
		"a new state":      {`{"sessions":{"s":{"state":"provisional"}}}`, []string{"error: ", "session s is in state \"provisional\"", "!step"}},
		"an odd form":      {`{"sessions":{"s":{"state":4}}}`, []string{"error: ", "a shape that this bisc does not know"}},
		"a name of itself": {`{"sessions":{},"commitTimerSessionName":7}`, []string{"error: "}},
	} {
		t.Run(what, func(t *testing.T) {
			b.Shows[sessions] = c.said
			has(t, planOf(t, b, &Saved{Name: "x"}), c.words...)
		})
	}
}

// TestRestartEndsThatProcess: one with another start time is another process; one that is gone needs no end; one that does not
// listen is made to.
func TestRestartEndsThatProcess(t *testing.T) {
	begin := func(script string) (*exec.Cmd, string, string) {
		cmd := exec.Command("sh", "-c", script)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		if _, err := out.Read(make([]byte, 1)); err != nil { // it has set its traps
			t.Fatal(err)
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		began, _, err := ageOf(string(stat), "1000000.0 1")
		if err != nil {
			t.Fatal(err)
		}
		return cmd, fmt.Sprint(cmd.Process.Pid), began
	}
	run := func(pid, began string) {
		t.Helper()
		if out, err := exec.Command("sh", "-c", restart, "restart", pid, began).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	cmd, pid, began := begin("echo x; exec sleep 60")
	run(pid, began+"1")
	// Ended, it would be a zombie: nobody has taken its status yet.
	if stat, err := os.ReadFile("/proc/" + pid + "/stat"); err != nil || strings.Contains(string(stat), ") Z ") {
		t.Fatalf("a process that began at another time was ended: %s, %v", stat, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // whoever supervises it takes its status
	run(pid, began)
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "terminated") {
		t.Errorf("ended by %v", err)
	}
	run(pid, began) // it is gone
	deaf, pid, began := begin("trap '' TERM; echo x; while :; do sleep 1; done")
	go func() { ended <- deaf.Wait() }()
	run(pid, began)
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("one that does not listen ended by %v", err)
	}
}
