package supervise

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// leader returns the machine's number of the host's PID 1.
func (g *guest) leader() (int, error) {
	g.mu.Lock()
	nspawn := g.nspawn
	g.mu.Unlock()
	if nspawn == 0 {
		return 0, errors.New("the host is not running")
	}
	for _, pid := range children(nspawn) {
		own, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
		if err != nil {
			continue
		}
		if machine, ok := find(g.record.proc(), own, pid); ok {
			return machine, nil
		}
	}
	return 0, errors.New("the host has no PID 1 yet")
}

// children returns the processes that nspawn started, as this namespace counts.
func children(parent int) []int {
	var pids []int
	all, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, name := range all {
		status, err := os.ReadFile(name)
		if err == nil && field(string(status), "PPid") == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// find looks in the machine's /proc for the process that is 1 in the PID namespace own, and pid in ours: NSpid lists a
// process' numbers from the outermost namespace to its own.
func find(machineProc, own string, pid int) (int, bool) {
	all, _ := filepath.Glob(machineProc + "/[0-9]*/status")
	for _, name := range all {
		status, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		numbers := strings.Fields(field(string(status), "NSpid"))
		n := len(numbers)
		if n < 3 || numbers[n-1] != "1" || numbers[n-2] != strconv.Itoa(pid) {
			continue
		}
		if ns, err := os.Readlink(filepath.Join(filepath.Dir(name), "ns/pid")); err != nil || ns != own {
			continue
		}
		machine, err := strconv.Atoi(numbers[0])
		return machine, err == nil
	}
	return 0, false
}

// field returns a line's value in a status file.
func field(status, key string) string {
	for line := range strings.Lines(status) {
		if value, ok := strings.CutPrefix(line, key+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
