package faults

import (
	"fmt"
	"os"
	"strings"
)

// Process is a process that nothing may stop or restart (I9), told by its pid and when it began.
type Process struct {
	pid   int
	began string
}

// Watch looks at a process of this machine or of a host on it, by the machine's pid.
func Watch(pid int) (*Process, error) {
	began, err := startTime(pid)
	if err != nil {
		return nil, err
	}
	return &Process{pid, began}, nil
}

func (p *Process) hurt() []string {
	if p == nil {
		return nil
	}
	if began, err := startTime(p.pid); err != nil || began != p.began {
		return []string{fmt.Sprintf("I9: the process that must live is gone: %v", err)}
	}
	return nil
}

// startTime is field 22 of /proc/PID/stat (proc(5)), in ticks since the boot. The second field is a name in parentheses,
// which may hold anything.
func startTime(pid int) (string, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(f) < 20 {
		return "", fmt.Errorf("/proc/%d/stat has %d fields", pid, len(f)+2)
	}
	if f[0] == "Z" || f[0] == "X" {
		return "", fmt.Errorf("process %d has ended", pid)
	}
	return f[19], nil
}
