package device

import (
	"strings"
	"testing"
	"time"
)

const route = "ip route 192.0.2.7/32 172.16.1.188"

func agent(d *Device) *Manager {
	return d.SecondManager(ManagerOptions{Text: func() string { return "ntp server 0.pool.ntp.org\n" }})
}

// commit puts one line in force by a session of an operator.
func commit(t *testing.T, s *Shell, name string, lines ...string) {
	t.Helper()
	must(t, s, append(append([]string{"configure session " + name}, lines...), "end", "configure session "+name+" commit")...)
}

// eos.md 0.2: the agent's session is a copy of what ran when it was opened. Committed later, it undoes what came between, and
// the save that follows makes that last.
func TestAStaleSnapshotUndoesWhatCameBetween(t *testing.T) {
	d, s, _ := boot(t, nil)
	m := d.SecondManager(ManagerOptions{Text: func() string { return "ntp server 9.pool.ntp.org\n" }})
	if went, err := m.Begin(); err != nil || !went {
		t.Fatal(went, err)
	}
	commit(t, s, "ours", route)
	if !strings.Contains(d.Running(), route) {
		t.Fatal("our route does not run")
	}
	if err := m.End(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(d.Running(), route) || strings.Contains(d.Startup(), route) {
		t.Error("the stale snapshot left our route alone")
	}
	if !strings.Contains(d.Startup(), "9.pool.ntp.org") {
		t.Error("the agent's own line is not saved")
	}
}

// With commit merge only what the session changed is put in force (eos.md B.1).
func TestMergeKeepsWhatCameBetween(t *testing.T) {
	d, s, _ := boot(t, nil)
	commit(t, s, "merge", "service configuration session commit merge")
	m := d.SecondManager(ManagerOptions{Text: func() string {
		return "ntp server 9.pool.ntp.org\nno ntp server 1.pool.ntp.org\ninterface Tunnel500\nmtu 9000\n"
	}})
	if _, err := m.Begin(); err != nil {
		t.Fatal(err)
	}
	commit(t, s, "ours", route, "interface Tunnel500", "description OURS")
	if err := m.End(); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]bool{route + "\n": true, "9.pool": true, "1.pool": false, "description OURS": true, "mtu 9000": true} {
		if strings.Contains(d.Running(), line) != want {
			t.Errorf("%q runs: %v, want %v", line, !want, want)
		}
	}
}

// It does nothing while somebody holds the lock, for an hour; then it forces it (eos.md 0.2).
func TestTheAgentHonoursALockForAnHour(t *testing.T) {
	d, s, c := boot(t, nil)
	must(t, s, "configure lock transaction bisc-1")
	commit(t, s, "ours", route)
	c.pass(time.Hour - time.Second)
	if err := agent(d).Cycle(); err != nil || strings.Contains(d.Startup(), route) {
		t.Errorf("it went on under a lock: %v", err)
	}
	c.pass(time.Second)
	if err := agent(d).Cycle(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(d.Startup(), route) {
		t.Error("it did not save")
	}
	if out := must(t, s, "show configuration lock | json"); strings.Contains(out, "bisc-1") {
		t.Errorf("the lock is not forced: %s", out)
	}
}

// What has not changed is aborted, old sessions are cleared, and all is saved: also a commit that nobody confirmed.
func TestTheAgentSavesWhatNobodyConfirmed(t *testing.T) {
	d, s, c := boot(t, nil)
	m := agent(d)
	if _, err := m.Begin(); err != nil {
		t.Fatal(err)
	}
	must(t, s, "configure session ours", route, "commit timer 00:01:00")
	if err := m.Cycle(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(d.Startup(), route) {
		t.Error("the agent did not save")
	}
	c.pass(time.Minute)
	if strings.Contains(d.Running(), route) || !strings.Contains(d.Startup(), route) {
		t.Error("want the route reverted, and poison in startup")
	}
	if out := must(t, s, "show running-config diffs"); !strings.Contains(out, "-"+route) {
		t.Errorf("the drift is not shown: %s", out)
	}
	if names := d.pendingNames("doublezero-agent-"); len(names) > 0 {
		t.Errorf("it left %v", names)
	}
}
