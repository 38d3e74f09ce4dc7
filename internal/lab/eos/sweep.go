package eos

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// newDir makes a switch's folder. Its name tells whose it is, so that what a process left behind that was killed is swept by the next.
func newDir() (string, error) {
	start, err := startOf("self")
	if err != nil {
		return "", err
	}
	return os.MkdirTemp("", fmt.Sprintf("bisc-eos-%d.%s.", os.Getpid(), start))
}

// sweep removes the folders whose process is dead. Nothing else of a switch outlives it.
func sweep() error {
	names, err := filepath.Glob(filepath.Join(os.TempDir(), "bisc-eos-*.*.*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		parts := strings.Split(strings.TrimPrefix(filepath.Base(name), "bisc-eos-"), ".")
		if len(parts) != 3 {
			continue // not a name of ours
		}
		now, err := startOf(parts[0])
		switch {
		case err == nil && now == parts[1]: // its process lives
		case err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, unix.ESRCH):
			errs = append(errs, err)
		default:
			errs = append(errs, os.RemoveAll(name))
		}
	}
	return errors.Join(errs...)
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
