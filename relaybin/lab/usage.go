package lab

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Usage is what a process has used since it started.
type Usage struct {
	CPU          time.Duration // as the scheduler counts, ns; user and system, and the softirqs that ran inside it
	User, System time.Duration // as the kernel shares CPU out by its tick: a sample, good over seconds
	Resident     int64         // bytes in memory now
	Peak         int64         // the most there were
}

// UsageOf reads what a process of this machine has used. It has to live, or not to be waited for yet.
func UsageOf(pid int) (u Usage, err error) {
	var t unix.Timespec
	// The clock of a process' processor time: CPUCLOCK_SCHED, in the kernel's encoding of a pid.
	if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil {
		return u, fmt.Errorf("read the processor time of process %d: %w", pid, err)
	}
	u.CPU = time.Duration(t.Nano())
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 22 {
		return u, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields)+2)
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100 on all that Go runs on
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		return u, fmt.Errorf("/proc/%d/stat: user %q, system %q", pid, fields[11], fields[12])
	}
	u.User, u.System = time.Duration(user)*tick, time.Duration(system)*tick
	u.Resident, u.Peak, err = memoryOf(pid)
	return u, err
}

func memoryOf(pid int) (resident, peak int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		to := map[string]*int64{"VmRSS": &resident, "VmHWM": &peak}[name]
		if to == nil {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("/proc/%d/status: %q", pid, line)
		}
		*to = kib << 10
	}
	return resident, peak, nil
}

// Since is what has been used since an earlier reading; memory is as it is now.
func (u Usage) Since(before Usage) Usage {
	u.CPU -= before.CPU
	u.User -= before.User
	u.System -= before.System
	return u
}
