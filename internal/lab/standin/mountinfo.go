package standin

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// entry is a line of mountinfo, as far as it matters here.
type entry struct{ device, root, point string }

// unescape undoes the octal escapes of mountinfo.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

func mounts(name string) []entry {
	text, err := os.ReadFile(name)
	if err != nil { // the process has ended
		return nil
	}
	var all []entry
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 5 {
			all = append(all, entry{f[2], unescape.Replace(f[3]), unescape.Replace(f[4])})
		}
	}
	return all
}

// busy tells whether any process of the host has the device mounted, in whatever mount namespace, or open.
func busy(major, minor uint32) bool {
	device := fmt.Sprintf("%d:%d", major, minor)
	infos, _ := filepath.Glob("/proc/[0-9]*/mountinfo")
	for _, name := range infos {
		for _, m := range mounts(name) {
			if m.device == device {
				return true
			}
		}
	}
	files, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, name := range files {
		var st unix.Stat_t
		if unix.Stat(name, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFBLK && st.Rdev == unix.Mkdev(major, minor) {
			return true
		}
	}
	return false
}
