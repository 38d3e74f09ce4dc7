package linux

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Flash is where flash is: for the programs on the switch, and, as the same folder, for the emulator's own process.
const Flash = "/mnt/flash"

// base is the folder of the emulator's own view that everything here is mounted below.
const base = "/mnt"

// Namespaces is what the emulator's process has to have of its own: Isolate refuses without, for it mounts over folders and kills
// every process that it sees.
const Namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWUTS

// Isolate makes this process's mounts private and puts the ground for switches in place: /proc and /sys of the namespaces that it is
// in, and flash with its quota in bytes (0: 256 MiB), mounted with options beside (noexec); it stays over reloads.
func Isolate(hostname string, quota int64, options string) error {
	if err := alone(); err != nil {
		return err
	}
	if quota == 0 {
		quota = 256 << 20
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the mounts private: %w", err)
	}
	if err := unix.Sethostname([]byte(hostname)); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	for _, m := range []struct{ kind, at, options string }{
		{"proc", "/proc", ""}, {"sysfs", "/sys", ""}, {"tmpfs", base, "mode=755"},
		{"tmpfs", Flash, fmt.Sprintf("mode=775,size=%d", quota)},
	} {
		flags := uintptr(unix.MS_RELATIME)
		if m.at == Flash && options == "noexec" {
			flags |= unix.MS_NOEXEC
		}
		if err := mount(m.kind, m.at, flags, m.options); err != nil {
			return err
		}
	}
	return os.Chown(Flash, 0, adminGroup)
}

// alone proves that the process is in a PID namespace below the machine's: NSpid names one pid for each level.
func alone() error {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		if name, pids, _ := strings.Cut(line, ":"); name == "NSpid" && len(strings.Fields(pids)) > 1 {
			return nil
		}
	}
	return errors.New("the emulator's process is in no PID namespace of its own: it is started by eos.Start, or by bisc-lab eos up")
}

func mount(kind, at string, flags uintptr, options string) error {
	if err := os.MkdirAll(at, 0o755); err != nil {
		return fmt.Errorf("mount %s: %w", at, err)
	}
	if err := unix.Mount(kind, at, kind, flags, options); err != nil {
		return fmt.Errorf("mount %s on %s: %w", kind, at, err)
	}
	return nil
}

// bind shows a file or folder at another place; the place is made where it is not there.
func bind(from, at string) error {
	info, err := os.Stat(from)
	if err != nil {
		return fmt.Errorf("bind %s: %w", from, err)
	}
	if info.IsDir() {
		err = os.MkdirAll(at, 0o755)
	} else if err = os.MkdirAll(filepath.Dir(at), 0o755); err == nil {
		var f *os.File
		if f, err = os.OpenFile(at, os.O_CREATE|os.O_RDONLY, 0o644); err == nil {
			err = f.Close()
		}
	}
	if err != nil {
		return fmt.Errorf("bind %s on %s: %w", from, at, err)
	}
	if err := unix.Mount(from, at, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s on %s: %w", from, at, err)
	}
	return nil
}
