// Package localhost reaches the machine that bisc itself runs on: the same agent as over SSH, on a pipe. There is no
// key, no sshd and no network in it; the host can watch itself.
//
// It sees the machine as its first process does, not as bisc does: a systemd service has mounts of its own
// (ProtectSystem, PrivateTmp), in which every mount option and mount id is another.
package localhost

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/crypto/ssh"

	"bisc/internal/host"
	"bisc/internal/host/sshhost"
)

// ErrOtherMachine: bisc does not run on the machine that the inventory means.
var ErrOtherMachine = errors.New("this is another machine")

// idFile holds the machine's id: machine-id(5).
const idFile = "/etc/machine-id"

// Check compares this machine's id with the one that the inventory declares. Without it a plan for one host would be
// carried out on whatever machine its folder was copied to.
func Check(want string) error { return check(want, idFile) }

func check(want, file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading which machine this is: %w", err)
	}
	if id := strings.TrimSpace(string(b)); id != want {
		return fmt.Errorf("%w: its %s says %q, and the inventory's machine_id is %q", ErrOtherMachine, file, id, want)
	}
	return nil
}

// Sessions starts programs on this machine. It is for one sshhost.Config; Close ends what it started.
func Sessions() sshhost.Sessions {
	s := &sessions{enter: enter("/proc/self/ns/mnt", "/proc/1/ns/mnt")}
	// Who is not root may not look at the first process; sudo comes before nsenter then, and always enters.
	s.sudoEnters = os.Geteuid() != 0
	return s
}

// nsenter enters the mount namespace of the first process, before any word of the plan is looked at.
const nsenter = "nsenter --target 1 --mount -- "

// enter is what a command begins with to see the first process' mounts: nothing where they are bisc's own.
func enter(own, first string) string {
	a, errA := os.Readlink(own)
	b, errB := os.Readlink(first)
	if errA == nil && errB == nil && a == b {
		return ""
	}
	return nsenter
}

type sessions struct {
	enter      string
	sudoEnters bool

	mu     sync.Mutex
	open   []*process
	closed bool
}

// String is how the place is called in messages.
func (s *sessions) String() string { return "this machine" }

// Open gives a session that waits for its program.
func (s *sessions) Open() (ssh.Channel, <-chan *ssh.Request, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, errors.New("it was closed")
	}
	p := newProcess(s.inside)
	s.open = append(s.open, p)
	return p, p.requests, nil
}

// DialContext opens a connection from this machine, as sshd opens one from a host.
func (s *sessions) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, address)
	if errors.Is(err, syscall.ECONNREFUSED) || network == "unix" && errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", host.ErrNotListening, err)
	}
	return c, err
}

// inside puts the entering into a command line. It belongs behind sudo: only root may enter.
func (s *sessions) inside(command string) string {
	if s.enter == "" {
		return command
	}
	if before, after, ok := strings.Cut(command, "sudo -n "); s.sudoEnters && ok {
		return before + "sudo -n " + s.enter + after
	}
	if i := strings.Index(command, "sudo -S -p "); s.sudoEnters && i >= 0 {
		at := i + len("sudo -S -p ")
		at += strings.IndexByte(command[at:]+" ", ' ') + 1
		return command[:at] + s.enter + command[at:]
	}
	if s.sudoEnters {
		return command // an ordinary user cannot enter, and sees what he sees
	}
	return s.enter + command
}

// Close ends every session.
func (s *sessions) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	var errs []error
	for _, p := range s.open {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}
