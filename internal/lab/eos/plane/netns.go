package plane

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// space is a network namespace: the switch's default one, a VRF's, or the one where far ends lie.
type space struct {
	name string
	file *os.File
	link *netlink.Handle
}

// openSpace takes a namespace by its open file.
func openSpace(name string, file *os.File) (*space, error) {
	link, err := netlink.NewHandleAt(netns.NsHandle(file.Fd()))
	if err != nil {
		return nil, fmt.Errorf("open netlink in network namespace %s: %w", name, err)
	}
	return &space{name, file, link}, nil
}

// newSpace makes a namespace with loopback up, without IPv6 (whose solicitations would count as packets), that forwards, as a
// switch does.
func newSpace(name string) (*space, error) {
	var file *os.File
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		f, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
		file = f
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("make network namespace %s: %w", name, err)
	}
	s, err := openSpace(name, file)
	if err != nil {
		return nil, err
	}
	return s, s.prepare()
}

// prepare sets up what a namespace has from the start.
func (s *space) prepare() error {
	err := s.do(func() error {
		var errs []error
		for name, value := range map[string]string{
			"ipv6/conf/all/disable_ipv6": "1", "ipv6/conf/default/disable_ipv6": "1", "ipv4/ip_forward": "1",
			"ipv4/conf/all/rp_filter": "0", "ipv4/conf/default/rp_filter": "0",
		} {
			// /proc/sys/net shows the namespace of the thread that opens it.
			if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0o644); err != nil && !errors.Is(err, os.ErrNotExist) {
				errs = append(errs, err)
			}
		}
		return errors.Join(errs...)
	})
	if err != nil {
		return fmt.Errorf("set up network namespace %s: %w", s.name, err)
	}
	lo, err := s.link.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find lo in %s: %w", s.name, err)
	}
	return s.link.LinkSetUp(lo)
}

// do runs f in the namespace; sockets that it opens stay there.
func (s *space) do(f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(int(s.file.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter network namespace %s: %w", s.name, err)
		}
		return f()
	})
}

// onThread runs f on a thread that ends with it: the thread's namespaces may be changed for good. It is never the process's first
// one, whose namespaces /proc/self shows.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			done <- onThread(f)
			runtime.UnlockOSThread()
			return
		}
		done <- f()
	}()
	return <-done
}

func (s *space) close() {
	s.link.Close()
	s.file.Close()
}
