package agave

import (
	"errors"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules"
)

func texts(facts []modules.Fact) string {
	var out []string
	for _, f := range facts {
		mark := ""
		if f.Unknown {
			mark = "? "
		}
		if f.Wrong {
			mark = "! "
		}
		out = append(out, mark+f.Topic+": "+f.Text)
	}
	return strings.Join(out, "\n")
}

const podGroup = "/sys/fs/cgroup/docker/abc/kubelet/pod1"

// telling is a host on which a validator runs in a pod with a limit.
func telling() *hosttest.Fake {
	f := hosttest.New("h")
	f.Answer(0, "42 agave-validator 1000 running\n", host.WatchValidators()...)
	f.Answer(0, "now 1\n42 1000 u1 agave-validator - /docker/abc/kubelet/pod1/c1"+asks, host.Homes.Argv("")...)
	f.Files["/proc/uptime"] = "3610.00 100.00\n"
	f.Files["/proc/42/cgroup"] = "0::/docker/abc/kubelet/pod1/c1\n"
	for _, g := range []string{podGroup + "/c1", podGroup, "/sys/fs/cgroup/docker/abc/kubelet", "/sys/fs/cgroup/docker/abc", "/sys/fs/cgroup/docker"} {
		f.Files[g+"/memory.current"], f.Files[g+"/memory.max"], f.Files[g+"/memory.events"] = "1073741824\n", "max\n", "low 0\noom 0\noom_kill 0\n"
	}
	f.Files[podGroup+"/memory.max"], f.Files[podGroup+"/memory.current"] = "4294967296\n", "2147483648\n"
	return f
}

// TestTellProcessAndMemory: since when, how much memory, what is left of the tightest limit, and whom the kernel killed.
func TestTellProcessAndMemory(t *testing.T) {
	f := telling()
	got := texts(tellProcesses(t.Context(), f))
	if !strings.HasSuffix(strings.Split(got, "\n")[0], ", for 1h0m0s") || !strings.Contains(got, "memory: 1GiB in use of 4GiB, 2GiB left") {
		t.Error(got)
	}
	f.Answer(0, "now 1\n42 1000 - - - /system.slice/sol.service"+asks, host.Homes.Argv("")...)
	if got := texts(tellProcesses(t.Context(), f)); !strings.Contains(got, "running; in no pod, control group /system.slice/sol.service, for 1h0m0s") {
		t.Error(got)
	}
	f.Files[podGroup+"/memory.events"] = "low 0\noom_kill 2\n"
	if got := texts(tellProcesses(t.Context(), f)); !strings.Contains(got, "! memory: 1GiB in use of 4GiB, 2GiB left; the kernel has killed 2 times for want of memory") {
		t.Error(got)
	}
	f.Errors["read "+podGroup+"/memory.max"] = errors.New("stuck")
	if got := texts(tellProcesses(t.Context(), f)); !strings.Contains(got, "? memory: stuck") {
		t.Errorf("what cannot be read is no missing limit:\n%s", got)
	}
	f = telling()
	for name := range f.Files {
		if strings.HasPrefix(name, "/sys/fs/cgroup") {
			delete(f.Files, name)
			f.Missing[name] = true
		}
	}
	if got := texts(tellProcesses(t.Context(), f)); !strings.Contains(got, "memory: not counted: no control group of the process has a memory controller") {
		t.Errorf("no accounting is no memory:\n%s", got)
	}
	f = telling()
	f.Answer(3, "", host.WatchValidators()...)
	if got := texts(tellProcesses(t.Context(), f)); !strings.HasPrefix(got, "? validator: ") {
		t.Errorf("a table that cannot be read is no empty one:\n%s", got)
	}
	f.Answer(0, "", host.WatchValidators()...)
	if got := texts(tellProcesses(t.Context(), f)); got != "validator: no process" {
		t.Error(got)
	}
	f.Answer(0, "42 agave-validator 1000 stuck\n", host.WatchValidators()...)
	if got := texts(tellProcesses(t.Context(), telling())); strings.HasPrefix(got, "!") {
		t.Error(got)
	}
	stuck := telling()
	stuck.Answer(0, "42 agave-validator 1000 stuck\n", host.WatchValidators()...)
	if got := texts(tellProcesses(t.Context(), stuck)); !strings.HasPrefix(got, "! validator: ") {
		t.Error(got)
	}
}

// TestTellSnapshots lists pairs, and never takes a folder that cannot be read for an empty one.
func TestTellSnapshots(t *testing.T) {
	f := hosttest.New("h")
	s := &Snapshot{Path: "/s"}
	f.Missing["/s"] = true
	if got := texts(s.Tell(t.Context(), f, 0)); got != "snapshots: /s: no such folder" {
		t.Error(got)
	}
	at := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	f.Stats["/s"] = host.Stat{Type: host.Directory}
	full, inc := "/s/snapshot-100-Ab.tar.zst", "/s/incremental-snapshot-100-250-Cd.tar.zst"
	f.Globs["/s/*snapshot-*"] = []string{full, inc, inc + ".aria2"}
	f.Stats[full], f.Stats[inc] = host.Stat{Type: host.Regular, Size: 10, ModTime: at}, host.Stat{Type: host.Regular, Size: 10, ModTime: at.Add(time.Hour)}
	f.Stats[inc+".aria2"] = host.Stat{Type: host.Regular, Size: 1}
	if got := texts(s.Tell(t.Context(), f, 0)); got != "snapshots: /s: 1 pair; full 100 alone, written 2026-01-02 03:04Z" {
		t.Error(got)
	}
	f.Globs["/s/*snapshot-*"] = []string{full, inc}
	if got := texts(s.Tell(t.Context(), f, 0)); got != "snapshots: /s: 1 pair; full 100 + incremental 250, written 2026-01-02 04:04Z" {
		t.Error(got)
	}
	f.Errors["glob /s/*snapshot-*"] = errors.New("stuck")
	if got := texts(s.Tell(t.Context(), f, 0)); !strings.HasPrefix(got, "? snapshots: ") {
		t.Error(got)
	}
}
