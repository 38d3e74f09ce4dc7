package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// folder has the namespaces' names. It is not ip's /run/netns: the first `ip netns` of a machine mounts that folder over
// itself, and what was mounted in it before can then be neither reached nor removed.
const folder = "/run/bisc-relay-lab"

func pathOf(name string) string { return filepath.Join(folder, name) }

// ownPrefix names this process, by pid and start, so that another one that gets the same pid later does not pass for it.
func ownPrefix() (string, error) {
	start, err := startOf("self")
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d.%s.", os.Getpid(), start), nil
}

// startOf is when a process started, in clock ticks since boot: field 22 of /proc/PID/stat.
func startOf(pid string) (string, error) {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return "", err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 20 {
		return "", fmt.Errorf("/proc/%s/stat has %d fields", pid, len(fields)+2)
	}
	return fields[19], nil
}

// Sweep removes the namespaces whose process is dead: one that was killed could not clean up. Their links go with them.
func Sweep() error {
	names, err := filepath.Glob(pathOf("*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		pid, rest, ok := strings.Cut(filepath.Base(name), ".")
		start, _, ok2 := strings.Cut(rest, ".")
		if !ok || !ok2 {
			continue // not a name of ours
		}
		if now, err := startOf(pid); err == nil && now == start {
			continue // its process lives
		} else if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, removeName(filepath.Base(name)))
	}
	return errors.Join(errs...)
}

// newNamed makes a namespace, enters it, and gives it a name by a mount on a file.
func newNamed(name string) (netns.NsHandle, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return -1, err
	}
	handle, err := netns.New()
	if err != nil {
		return -1, err
	}
	file, err := os.OpenFile(pathOf(name), os.O_CREATE|os.O_EXCL, 0o444)
	if err == nil {
		err = errors.Join(file.Close(), unix.Mount(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()), pathOf(name), "", unix.MS_BIND, ""))
	}
	if err != nil {
		handle.Close()
	}
	return handle, err
}

// removeName takes a namespace's name away. Somebody else's sweep may have been faster.
func removeName(name string) error {
	path := pathOf(name)
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("unmount %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove namespace %s: %w", name, err)
	}
	return nil
}
