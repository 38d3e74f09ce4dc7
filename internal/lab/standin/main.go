package standin

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// programs are the stand-ins by the name they are called by.
var programs = map[string]func(args []string, out io.Writer) error{
	"zfs":                  zfs,
	"zpool":                zpool,
	"zvol_wait":            zvolWait,
	"modprobe":             modprobe,
	"rmmod":                rmmod,
	"lsmod":                lsmod,
	"systemd-modules-load": modulesLoad,
	generator:              fstabGenerator,
}

// Links returns where in a host's root each program is to be found.
func Links() []string {
	return []string{
		"usr/sbin/zfs", "usr/sbin/zpool", "usr/bin/zvol_wait",
		"usr/local/sbin/zfs", "usr/local/sbin/zpool",
		"usr/sbin/modprobe", "usr/sbin/rmmod", "usr/sbin/lsmod", "usr/bin/lsmod",
		"usr/lib/systemd/systemd-modules-load",
		"usr/lib/systemd/system-generators/" + generator,
	}
}

// Is tells whether the program of that name is a stand-in.
func Is(name string) bool { return programs[name] != nil }

// failure is an error with an exit status other than 1.
type failure struct {
	error
	status int
}

// usage is what a wrong command line ends with: zfs and zpool exit with 2.
func usage(format string, args ...any) error {
	return failure{fmt.Errorf(format, args...), 2}
}

// Main runs the stand-in called name and returns its exit status.
func Main(name string, args []string) int {
	err := programs[name](args, os.Stdout)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, err)
	if f := (failure{}); errors.As(err, &f) {
		return f.status
	}
	return 1
}
