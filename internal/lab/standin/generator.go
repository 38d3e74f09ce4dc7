package standin

import (
	"fmt"
	"io"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// generator is the program that makes mount units of /etc/fstab. Real is where it is in the root file system, RealCopy
// where a host has it; both are relative to the root.
const (
	generator = "systemd-fstab-generator"
	Real      = "usr/lib/systemd/system-generators/" + generator
	RealCopy  = "usr/lib/bisc-lab/" + generator
)

// fstabGenerator becomes the real generator in a mount namespace where /sys can be written. Where it is read-only the
// generator takes it that this is a container and leaves out all entries for devices. PID 1 still sees it read-only and
// waits for no device units, which without udev would never come.
func fstabGenerator(args []string, _ io.Writer) error {
	runtime.LockOSThread() // exec keeps the namespace of the thread that calls it
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("make a mount namespace: %w", err)
	}
	if err := unix.Mount("", "/sys", "", sysFlags, ""); err != nil {
		return fmt.Errorf("make /sys writable: %w", err)
	}
	return unix.Exec("/"+RealCopy, append([]string{generator}, args...), os.Environ())
}
