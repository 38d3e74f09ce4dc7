package agave

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// waysOut is what is left to do about threads that nothing ends. A reboot is never among them: it would wait for the same threads.
func waysOut(all []Process) []string {
	var out []string
	unkillable, frozen := false, false
	var longest time.Duration
	for _, p := range all {
		for _, t := range p.Threads {
			unkillable = unkillable || t.State == "D" || strings.Contains(p.Why, "killed")
			frozen = frozen || strings.Contains(t.Where, "percpu_rwsem_wait") || slices.ContainsFunc(t.Stack, func(f string) bool { return strings.HasPrefix(f, "sb_start_") || f == "__sb_start_write" })
			longest = max(longest, t.For)
		}
	}
	if frozen {
		out = append(out, "it looks like a frozen file system: thaw it where it is mounted (fsfreeze -u MOUNTPOINT); the threads then go on")
	}
	if zfs(all) {
		out = append(out, "the stacks are those of io_uring on ZFS (OpenZFS before 2.2.8): these threads do not come back")
	}
	if !unkillable {
		return append(out, "none of these threads is in D or killed: see what they wait for in /proc/PID/task/TID/stack; bisc kills nothing")
	}
	if longest < time.Minute {
		return append(out, fmt.Sprintf("wait: the longest of them has stood still for %s; a slow device may yet answer", longest))
	}
	return append(out, "look at the device (dmesg, zpool status); where it does not come back, nothing but switching the power off and on ends these threads: "+
		"no signal does, and docker stop, docker restart and reboot would wait for them for ever")
}

// zfs tells the deadlock of incident 2 by the functions in which its threads are found.
func zfs(all []Process) bool {
	for _, p := range all {
		for _, t := range p.Threads {
			for _, f := range append([]string{t.Where}, t.Stack...) {
				if f == "io_wq_put_and_exit" || f == "dsl_dir_tempreserve_space" || f == "zap_pid_ns_processes" {
					return true
				}
			}
		}
	}
	return false
}
