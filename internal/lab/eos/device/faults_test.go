package device

import (
	"strings"
	"testing"
	"time"
)

func TestAFullDiskKeepsTheOldStartup(t *testing.T) {
	d, s, _ := boot(t, nil)
	before := d.Startup()
	commit(t, s, "r", route)
	d.SetFaults(func(f *Faults) { f.DiskFull = true })
	refused(t, s, "copy running-config startup-config", "No space left on device")
	refused(t, s, "configure checkpoint save x", "No space left on device")
	if d.Startup() != before {
		t.Error("startup changed")
	}
	commit(t, s, "q", "no "+route) // a commit needs no disk
	d.SetFaults(func(f *Faults) {
		*f = Faults{CopyFails: "Error copying system:/running-config to flash:/startup-config (Input/output error)"}
	})
	refused(t, s, "write memory", "Input/output error")
	d.SetFaults(func(f *Faults) { *f = Faults{} })
	if out := must(t, s, "write memory"); out != "Copy completed successfully.\n" || strings.Contains(d.Startup(), route) {
		t.Errorf("%q", out)
	}
}

func TestADeniedCommandNamesWhatWasTyped(t *testing.T) {
	d, s, _ := boot(t, func(o *Options) { o.Flags.LoginPrivileged = true })
	d.SetFaults(func(f *Faults) { f.Deny = []string{"configure session", "bash sudo"} })
	if e := refused(t, s, "configure session x", "% Authorization denied for command 'configure session x'"); e.Kind != Denied {
		t.Errorf("kind %v", e.Kind)
	}
	refused(t, s, "bash sudo id", "Authorization denied")
	must(t, s, "show configuration sessions")
}

func TestUnprogrammed(t *testing.T) {
	d, s, c := boot(t, nil)
	d.SetFaults(func(f *Faults) { f.Unprogrammed = true })
	commit(t, s, "r", route, "monitor session 1 source Ethernet1/1 rx", "monitor session 1 destination Cpu")
	c.pass(time.Minute)
	if got := in(t, any(model(t, s, "show ip route 192.0.2.7/32")), "vrfs", "default", "routes", "192.0.2.7/32", "kernelProgrammed"); got != false {
		t.Error("programmed")
	}
	if got := in(t, any(model(t, s, "show monitor session")), "sessions", "1", "targetInterfaces", 0, "operState"); got != "unknown" {
		t.Errorf("%v", got)
	}
	d.SetFaults(func(f *Faults) { f.Unprogrammed = false })
	c.pass(3 * time.Second)
	if got := in(t, any(model(t, s, "show monitor session")), "sessions", "1", "mirrorDeviceName"); got != "mirror0" {
		t.Errorf("the fault is gone, and the session is still %v", got)
	}
}

func TestTimersThatFireOrNeverDo(t *testing.T) {
	d, s, c := boot(t, nil)
	must(t, s, "configure session x", route, "commit timer 00:10:00")
	d.SetFaults(func(f *Faults) { f.FireTimer = true })
	if strings.Contains(d.Running(), route) {
		t.Error("it was to fire")
	}
	must(t, s, "configure session y", route, "commit timer 00:00:10")
	d.SetFaults(func(f *Faults) { f.NoTimer = true })
	c.pass(time.Hour)
	if !strings.Contains(d.Running(), route) {
		t.Error("it was never to fire")
	}
	must(t, s, "configure session y abort")
	if strings.Contains(d.Running(), route) {
		t.Error("abort does not revert")
	}
	refused(t, s, "configure session y commit", "% Session y")
	must(t, s, "configure session z")
	for _, bad := range []string{"commit timer", "commit timer 5", "commit timer 00:61:00", "commit timer 00:00:00", "commit soon"} {
		if _, err := s.Run(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestUnknownJSONHasNoneOfTheKeys(t *testing.T) {
	d, s, _ := boot(t, nil)
	d.SetFaults(func(f *Faults) { f.UnknownJSON = true })
	if _, there := model(t, s, "show configuration sessions detail")["sessions"]; there {
		t.Error("the unknown shape has the known key")
	}
}

func TestSlowCommandsSayWhatTheyCost(t *testing.T) {
	d, s, _ := boot(t, nil)
	d.SetFaults(func(f *Faults) { f.Slow = map[string]time.Duration{"configure session": 12 * time.Second} })
	if got := s.Cost("configure session x commit"); got != 12*time.Second {
		t.Errorf("%v", got)
	}
	if got := s.Cost("show version"); got != 0 {
		t.Errorf("%v", got)
	}
}
