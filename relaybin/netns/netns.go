// Package netns opens sockets inside another network namespace, and tells when the namespace behind a path was replaced.
package netns

import (
	"fmt"
	"runtime"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// ID tells one namespace from another: the device and inode of its file (namespaces(7)). A number may come again after its
// namespace is gone, so a namespace that is held open is compared with, never one that is only remembered.
type ID struct{ Device, Inode uint64 }

// Space is an open namespace. While it is open the kernel does not give its number away.
type Space struct {
	Path   string // as it was opened: /run/netns/NAME or /proc/PID/ns/net
	handle netns.NsHandle
	id     ID
}

// Open opens the namespace at path. Errors wrap what the kernel said: unix.ENOENT when the path or the process is gone,
// unix.EACCES or unix.EPERM when /proc/PID/ns/net needs CAP_SYS_PTRACE.
func Open(path string) (*Space, error) {
	h, err := netns.GetFromPath(path)
	if err != nil {
		return nil, fmt.Errorf("open network namespace %s: %w", path, err)
	}
	s := &Space{Path: path, handle: h}
	var st unix.Stat_t
	if err := unix.Fstat(int(h), &st); err != nil {
		h.Close()
		return nil, fmt.Errorf("look at network namespace %s: %w", path, err)
	}
	var fs unix.Statfs_t
	// A path that ip-netns has not mounted yet is an empty file: entering it fails with EINVAL, which explains nothing.
	if err := unix.Fstatfs(int(h), &fs); err != nil || fs.Type != unix.NSFS_MAGIC {
		h.Close()
		return nil, fmt.Errorf("%s is no network namespace (or not yet): %w", path, unix.ENOENT)
	}
	s.id = ID{uint64(st.Dev), st.Ino}
	return s, nil
}

// ID is the namespace's identity.
func (s *Space) ID() ID { return s.id }

// Current reports whether the path still leads to this namespace. An error means that it leads nowhere: the namespace was
// taken away, and another may come.
func (s *Space) Current() (bool, error) {
	now, err := Open(s.Path)
	if err != nil {
		return false, err
	}
	defer now.Close()
	return now.id == s.id, nil
}

// Do runs f inside the namespace: sockets that f opens belong to it for good. Entering needs CAP_SYS_ADMIN. f runs on an
// operating system thread of its own, which ends afterwards, so that no other goroutine is ever in the wrong namespace.
func (s *Space) Do(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := netns.Set(s.handle); err != nil {
			done <- fmt.Errorf("enter network namespace %s (needs CAP_SYS_ADMIN): %w", s.Path, err)
			return
		}
		done <- f()
	}()
	return <-done
}

// Close lets the namespace go.
func (s *Space) Close() error { return s.handle.Close() }
