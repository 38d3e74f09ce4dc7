package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// halt is what docker sends a node to stop it, as the image says: systemd's own, SIGRTMIN+3.
const halt = syscall.Signal(37)

// restartDelay is how long a service that ended by itself stays down: kubelet's RestartSec on a kind node.
const restartDelay = time.Second

// initProcess is what the node's first process starts, and to which the kernel gives every process whose parent died. It
// alone waits for children: a wait for one by os/exec would miss what the other took. The first process itself is a shell,
// as it must have one thread like systemd: the first thread of a program with several would show as a zombie while its
// namespace cannot end, and docker would say other things than of a kind node.
type initProcess struct {
	mu       sync.Mutex
	services []*service // in the order of their start
	children map[int]chan<- syscall.WaitStatus
	halting  bool
}

// initMain runs the services of the rig that the image names, until docker stops the node.
func initMain([]string) error {
	if os.Getppid() != 1 {
		return errors.New("init is started by a node's first process")
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("take orphans in: %w", err)
	}
	p := &initProcess{children: map[int]chan<- syscall.WaitStatus{}}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, halt, syscall.SIGTERM, os.Interrupt)
	go p.reap()
	if err := prepare(); err != nil {
		return err
	}
	if err := p.listen(); err != nil {
		return err
	}
	services, err := wanted(os.Getenv("LAB_RIG"), os.Getenv("HOSTNAME"))
	if err != nil {
		return err
	}
	p.services = services
	for _, s := range p.services {
		if err := p.start(s); err != nil {
			return err
		}
	}
	<-stop
	p.shutdown()
	return nil
}

// prepare makes what docker does not: mounts that containers get are seen by the node's own, as in any systemd.
func prepare() error {
	if err := syscall.Mount("", "/", "", syscall.MS_SHARED|syscall.MS_REC, ""); err != nil {
		return fmt.Errorf("share the node's mounts: %w", err)
	}
	if err := syscall.Mount("", "/sys/fs/cgroup", "", syscall.MS_REMOUNT|syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("make the node's control groups its own: %w", err)
	}
	// The kubelet looks there for kills by lack of memory, and does not start without. The machine's own is not for a test.
	if err := os.Symlink(os.DevNull, "/dev/kmsg"); err != nil && !os.IsExist(err) {
		return fmt.Errorf("make a kernel log: %w", err)
	}
	for _, dir := range []string{"/run/containerd", "/var/lib/kubelet/pods", "/var/log/pods", "/etc/kubernetes"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("prepare the node: %w", err)
		}
	}
	return nil
}

// reap takes the end of every child, its own and those that it inherited.
func (p *initProcess) reap() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	for {
		var status syscall.WaitStatus
		p.mu.Lock() // a child that ends at once must be known first
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		tell := p.children[pid]
		delete(p.children, pid)
		p.mu.Unlock()
		if err == nil && pid > 0 {
			if tell != nil {
				tell <- status
			}
			continue
		}
		<-ended
	}
}

// shutdown does what systemd does: services are stopped, the last started first, then every process left is asked to end
// and waited for. It has no limit: docker's is shorter than systemd's.
func (p *initProcess) shutdown() {
	p.mu.Lock()
	p.halting = true
	p.mu.Unlock()
	for i := len(p.services) - 1; i >= 0; i-- {
		p.stop(p.services[i])
	}
	syscall.Kill(-1, syscall.SIGTERM)
	syscall.Kill(-1, syscall.SIGCONT)
	for len(others()) > 0 {
		time.Sleep(20 * time.Millisecond)
	}
}

// others are the node's processes but this one and its parent.
func others() []int {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	var pids []int
	for _, dir := range dirs {
		if pid, err := strconv.Atoi(strings.TrimPrefix(dir, "/proc/")); err == nil && pid != 1 && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}
