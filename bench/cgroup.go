package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cgroup is a control group of the unified hierarchy. It counts the processor time of all that ever ran in it, also of
// what left its parent behind, as Ansible's ssh masters do.
type cgroup string

// unified is where the unified hierarchy is, alone or beside the old ones.
func unified() string {
	if _, err := os.Stat("/sys/fs/cgroup/unified/cgroup.procs"); err == nil {
		return "/sys/fs/cgroup/unified"
	}
	return "/sys/fs/cgroup"
}

// newCgroup makes an empty group; remove ends it.
func newCgroup(name string) (cgroup, error) {
	g := cgroup(filepath.Join(unified(), fmt.Sprintf("bisc-bench-%s-%d", name, os.Getpid())))
	if err := os.Mkdir(string(g), 0o755); err != nil {
		return "", fmt.Errorf("make a control group to count processor time: %w", err)
	}
	return g, nil
}

// groupOf is the group that all processes of a lab host are below, by its PID 1.
func groupOf(leader int) (cgroup, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", leader))
	if err != nil {
		return "", fmt.Errorf("find the host's control group: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			return cgroup(unified() + strings.TrimSuffix(path, "/init.scope")), nil
		}
	}
	return "", fmt.Errorf("process %d is in no group of the unified hierarchy", leader)
}

// used is the processor time so far, user and system.
func (g cgroup) used() (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join(string(g), "cpu.stat"))
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "usage_usec "); ok {
			us, err := strconv.ParseInt(n, 10, 64)
			return time.Duration(us) * time.Microsecond, err
		}
	}
	return 0, errors.New("cpu.stat has no usage_usec")
}

// processes are the pids in the group itself.
func (g cgroup) processes() []int {
	text, err := os.ReadFile(filepath.Join(string(g), "cgroup.procs"))
	if err != nil {
		return nil
	}
	var pids []int
	for f := range strings.FieldsSeq(string(text)) {
		if pid, err := strconv.Atoi(f); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// kill kills what is in the group, also what left its parent behind.
func (g cgroup) kill() {
	for _, pid := range g.processes() {
		if p, err := os.FindProcess(pid); err == nil {
			_ = p.Kill()
		}
	}
}

// end kills what is left in the group and removes it.
func (g cgroup) end() error {
	for range 100 {
		g.kill()
		if err := os.Remove(string(g)); err == nil || errors.Is(err, os.ErrNotExist) {
			return nil
		}
		time.Sleep(20 * time.Millisecond) // a killed process leaves its group a little later
	}
	return fmt.Errorf("%s does not become empty", g)
}
