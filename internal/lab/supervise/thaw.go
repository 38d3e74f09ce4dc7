package supervise

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// fithaw is linux/fs.h's FITHAW.
const fithaw = 0xC0045878

// thaw thaws what a test has frozen in a host and a lab that is interrupted leaves so. A thread that writes there cannot be
// killed, and the lab's namespaces, its memory and its devices would stay for as long as the machine runs. It is called in
// the lab's PID namespace. A file system of the machine's own, which this process sees as well, is left alone.
func thaw() {
	done := map[string]bool{}
	for _, m := range mountsIn("/proc/self/mountinfo") {
		done[m.device] = true
	}
	tables, _ := filepath.Glob("/proc/[0-9]*/task/[0-9]*/mountinfo") // of threads: a leader may be dead, and a thread hang
	for _, table := range tables {
		for _, m := range mountsIn(table) {
			if done[m.device] {
				continue
			}
			fd, err := unix.Open(strings.TrimSuffix(table, "mountinfo")+"root"+m.at, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_DIRECTORY, 0)
			if err != nil { // a file's mount, or one out of this thread's view
				continue
			}
			unix.IoctlSetInt(fd, fithaw, 0) // EINVAL: it is not frozen
			unix.Close(fd)
			done[m.device] = true
		}
	}
}

type mounted struct{ device, at string }

// mountsIn returns the mounts of a table that have a device which can be frozen.
func mountsIn(table string) []mounted {
	text, err := os.ReadFile(table)
	if err != nil { // the thread has ended
		return nil
	}
	var all []mounted
	for line := range strings.Lines(string(text)) {
		before, after, _ := strings.Cut(line, " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if len(fields) > 4 && len(kind) > 1 && strings.HasPrefix(kind[1], "/dev/") {
			all = append(all, mounted{fields[2], fields[4]})
		}
	}
	return all
}
