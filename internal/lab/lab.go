package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"bisc/internal/lab/rootfs"
	"bisc/internal/lab/spec"
)

// HostOptions says what a host is to be.
type HostOptions = spec.Host

// Pool is a stand-in ZFS pool that a host has from its first boot.
type Pool = spec.Pool

// Options says what hosts a lab has. They share one switch: each reaches the others by name and address.
type Options struct {
	Hosts    []HostOptions
	Program  string    // bisc-lab; "" builds it from this module's source
	Progress io.Writer // what Setup has to tell when it has to build; nil is nowhere
}

// Lab is a set of running hosts.
type Lab struct {
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	program *program
	stderr  strings.Builder
	hosts   map[string]*Host
	ended   chan struct{} // closed when bisc-lab has ended
	closing sync.Once
	err     error // of bisc-lab; read after ended
}

// upLimit is how long a host may take to boot. A boot takes a second; on two cores that compile Go it has taken ten.
const upLimit = 90 * time.Second

// Start runs Setup, starts the hosts and returns when sshd answers on all of them. It needs root. When this process
// dies, the hosts end with it.
func Start(ctx context.Context, opts Options) (*Lab, error) {
	asked := spec.Lab{Hosts: opts.Hosts}
	if err := asked.Validate(); err != nil {
		return nil, err
	}
	if os.Geteuid() != 0 {
		return nil, rootfs.ErrNotRoot
	}
	if err := Setup(ctx, opts.Progress); err != nil {
		return nil, err
	}
	l := &Lab{hosts: map[string]*Host{}, ended: make(chan struct{})}
	for _, h := range opts.Hosts {
		l.hosts[h.Name] = &Host{Name: h.Name, lab: l, changed: make(chan struct{})}
	}
	if err := l.start(ctx, opts.Program, asked); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, upLimit, fmt.Errorf("not up after %s", upLimit))
	defer cancel()
	for _, h := range l.hosts {
		if err := h.waitFor(ctx, func(h *Host) bool { return h.up }); err != nil {
			err = fmt.Errorf("start host %s: %w\nconsole:\n%s", h.Name, err, h.consoleTail())
			return nil, errors.Join(err, l.Close())
		}
	}
	if err := l.writeKnownHosts(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// start runs bisc-lab and follows what it tells.
func (l *Lab) start(ctx context.Context, path string, asked spec.Lab) (err error) {
	if l.program, err = findProgram(ctx, path); err != nil {
		return err
	}
	text, err := json.Marshal(asked)
	if err != nil {
		return fmt.Errorf("encode the lab: %w", err)
	}
	l.cmd = exec.Command(l.program.path(), "host", "--lab", string(text))
	l.cmd.Stderr = &l.stderr
	if l.stdin, err = l.cmd.StdinPipe(); err != nil {
		return fmt.Errorf("start bisc-lab: %w", err)
	}
	events, err := l.cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start bisc-lab: %w", err)
	}
	if err := l.cmd.Start(); err != nil {
		return fmt.Errorf("start bisc-lab: %w", err)
	}
	go l.follow(events)
	return nil
}

// follow keeps the hosts' state as bisc-lab tells it, to its end.
func (l *Lab) follow(events io.Reader) {
	lines := bufio.NewScanner(events)
	for lines.Scan() {
		var e spec.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err == nil && l.hosts[e.Name] != nil {
			l.hosts[e.Name].apply(e)
		}
	}
	if err := l.cmd.Wait(); err != nil {
		l.err = fmt.Errorf("bisc-lab: %w: %s", err, strings.TrimSpace(l.stderr.String()))
	}
	close(l.ended)
}

// Host returns a host of the lab. It panics when there is none of that name: the test is wrong.
func (l *Lab) Host(name string) *Host {
	h, ok := l.hosts[name]
	if !ok {
		panic("lab: no host " + name)
	}
	return h
}

// Hosts returns all hosts of the lab by name.
func (l *Lab) Hosts() map[string]*Host { return l.hosts }

// KeyFile is the private key that logs in as root, ops, pw and nosudo on every host.
func (l *Lab) KeyFile() string { return rootfs.KeyFile() }

// KnownHosts is a known_hosts file with all keys of all hosts, by [127.0.0.1]:port and by their inner addresses. It is
// on the lab's own file system, which root alone can see, and goes with it.
func (l *Lab) KnownHosts() string {
	for _, h := range l.hosts {
		return filepath.Join(filepath.Dir(h.last().Files), "known_hosts")
	}
	return ""
}

func (l *Lab) writeKnownHosts() error {
	text := ""
	for _, h := range l.hosts {
		text += h.knownHosts()
	}
	if err := os.WriteFile(l.KnownHosts(), []byte(text), 0o600); err != nil {
		return fmt.Errorf("write known_hosts: %w", err)
	}
	return nil
}

// tell gives bisc-lab a command.
func (l *Lab) tell(verb, host string) error {
	if _, err := fmt.Fprintf(l.stdin, "%s %s\n", verb, host); err != nil {
		return fmt.Errorf("%s host %s: %w", verb, host, err)
	}
	return nil
}

// Close ends all hosts as if their power were cut and returns when nothing of them is left. A second call does nothing.
func (l *Lab) Close() error {
	l.closing.Do(func() {
		l.stdin.Close()
		select {
		case <-l.ended:
		case <-time.After(30 * time.Second):
			l.cmd.Process.Kill()
			<-l.ended
			l.err = errors.Join(l.err, errors.New("bisc-lab did not end by itself within 30s"))
		}
		l.err = errors.Join(l.err, l.program.close())
	})
	return l.err
}
