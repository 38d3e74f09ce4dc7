package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Space is a network namespace with a name: `nsenter --net=PATH` enters it.
type Space struct {
	Name   string
	file   string
	ours   bool // made here, and so removed here
	handle netns.NsHandle
	link   *netlink.Handle // asks the namespace's kernel half

	starts chan func() // done on a thread that stays in the namespace: see Start
	mu     sync.Mutex
	procs  []*exec.Cmd
}

// newSpace makes a namespace with loopback up and without IPv6, whose router solicitations would count as packets.
func newSpace(name string) (*Space, error) {
	s := &Space{Name: name, file: pathOf(name), ours: true, starts: make(chan func())}
	err := onOwnThread(func() error {
		before, err := netns.Get()
		if err != nil {
			return err
		}
		defer before.Close()
		if s.handle, err = newNamed(name); err != nil {
			return err
		}
		err = os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0o644)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return errors.Join(err, netns.Set(before))
		}
		return netns.Set(before)
	})
	if err != nil {
		return nil, fmt.Errorf("make network namespace %s (it needs root): %w", name, err)
	}
	if err := s.open(); err != nil {
		return nil, err
	}
	lo, err := s.link.LinkByName("lo")
	if err != nil {
		return nil, fmt.Errorf("find lo in %s: %w", name, err)
	}
	return s, s.link.LinkSetUp(lo)
}

// borrow takes a namespace that somebody else made, as it is.
func borrow(file string) (*Space, error) {
	handle, err := netns.GetFromPath(file)
	if err != nil {
		return nil, fmt.Errorf("open network namespace %s: %w", file, err)
	}
	s := &Space{Name: file, file: file, handle: handle, starts: make(chan func())}
	return s, s.open()
}

func (s *Space) open() (err error) {
	if s.link, err = netlink.NewHandleAt(s.handle); err != nil {
		return fmt.Errorf("open netlink in %s: %w", s.Name, err)
	}
	entered := make(chan error)
	go s.serveStarts(entered)
	return <-entered // before that the namespace may not be closed
}

// Path is the namespace's file, which nsenter and setns(2) take.
func (s *Space) Path() string { return s.file }

// Netlink asks and changes the namespace's links, addresses, routes and neighbours. It ends with the namespace.
func (s *Space) Netlink() *netlink.Handle { return s.link }

// Do runs a function in the namespace, on a thread of its own, and returns its error. Sockets that it opens stay in the
// namespace. Goroutines that it starts do not run there.
func (s *Space) Do(f func() error) error {
	return onOwnThread(func() error {
		before, err := netns.Get()
		if err != nil {
			return fmt.Errorf("hold the present namespace: %w", err)
		}
		defer before.Close()
		if err := netns.Set(s.handle); err != nil {
			return fmt.Errorf("enter namespace %s: %w", s.Name, err)
		}
		err = f()
		if back := netns.Set(before); back != nil {
			runtime.LockOSThread() // the thread ends with the goroutine: nobody else may get it
			err = errors.Join(err, fmt.Errorf("leave namespace %s: %w", s.Name, back))
		}
		return err
	})
}

// Start starts a program in the namespace. It is killed when the namespace is closed, or this process dies.
func (s *Space) Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	done := make(chan error)
	s.starts <- func() { done <- cmd.Start() }
	if err := <-done; err != nil {
		return fmt.Errorf("start %s in namespace %s: %w", cmd.Path, s.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.procs = append(s.procs, cmd)
	return nil
}

// serveStarts starts programs on one thread that lives as long as the namespace: the kernel sends Pdeathsig when the
// thread ends that started the program, not when the process does. It says once whether that thread is in the namespace.
func (s *Space) serveStarts(entered chan<- error) {
	_ = onOwnThread(func() error {
		if err := netns.Set(s.handle); err != nil {
			entered <- fmt.Errorf("enter namespace %s: %w", s.Name, err)
			return nil // the thread is in no other
		}
		entered <- nil
		for start := range s.starts {
			start()
		}
		runtime.LockOSThread() // once more than it is unlocked: this thread ends, and is never used outside
		return nil
	})
}

// close kills the namespace's programs and removes its name. What still uses the namespace keeps it alive, nameless.
func (s *Space) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, cmd := range s.procs {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill() // it may have ended by itself
		}
	}
	close(s.starts)
	s.link.Close()
	err := s.handle.Close()
	if s.ours {
		err = errors.Join(err, removeName(s.Name))
	}
	return err
}

// onOwnThread runs f on a thread that nothing else uses meanwhile, and never on the process' first: /proc/self/net is
// that thread's.
func onOwnThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if unix.Gettid() == os.Getpid() {
			done <- onOwnThread(f) // keeps the first thread until another one has done it
			return
		}
		done <- f()
	}()
	return <-done
}
