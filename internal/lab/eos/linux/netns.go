package linux

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// NameNetns gives a network namespace a name for ip netns, in the present root. A name that is there already stays.
func (s *System) NameNetns(name string, file *os.File) error {
	at := s.Path("/run/netns/" + name)
	var fs unix.Statfs_t
	if err := unix.Statfs(at, &fs); err == nil && fs.Type == unix.NSFS_MAGIC {
		return nil
	}
	if err := bind(fmt.Sprintf("/proc/self/fd/%d", file.Fd()), at); err != nil {
		return fmt.Errorf("name network namespace %s: %w", name, err)
	}
	return nil
}

// UnnameNetns takes a name away.
func (s *System) UnnameNetns(name string) error {
	at := s.Path("/run/netns/" + name)
	if err := unix.Unmount(at, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("take the name of network namespace %s: %w", name, err)
	}
	if err := os.Remove(at); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
