package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"bisc/internal/lab/rootfs"
	"bisc/internal/lab/spec"
)

// Host is one running host.
type Host struct {
	Name string

	lab *Lab
	mu  sync.Mutex
	// What bisc-lab told last.
	event   spec.Event
	up      bool
	boots   int           // boots that came up
	changed chan struct{} // closed and made anew with each event
}

func (h *Host) apply(e spec.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.up = e.Event == spec.Up; h.up {
		h.event = e
		h.boots = e.Boot
	} else {
		h.event.Leader = 0 // the number may be another process' by now
	}
	close(h.changed)
	h.changed = make(chan struct{})
}

// waitFor returns when good says so. good is called with the host locked.
func (h *Host) waitFor(ctx context.Context, good func(*Host) bool) error {
	for {
		h.mu.Lock()
		ok, changed := good(h), h.changed
		h.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-h.lab.ended:
			return errors.Join(errors.New("bisc-lab has ended"), h.lab.err)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (h *Host) last() spec.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.event
}

// Port is the TCP port on 127.0.0.1 that leads to the host's sshd. It stays over reboots; while the host is down
// connections to it are closed at once.
func (h *Host) Port() int { return h.last().Port }

// Dial is 127.0.0.1:Port.
func (h *Host) Dial() string { return fmt.Sprintf("127.0.0.1:%d", h.Port()) }

// Addr is the host's address in the lab's own network, where the other hosts reach it.
func (h *Host) Addr() string { return h.last().Addr }

// BootID is the kernel's boot id, as the host has it in /proc/sys/kernel/random/boot_id.
func (h *Host) BootID() string { return h.last().BootID }

// Leader is the machine's pid of the host's PID 1.
func (h *Host) Leader() int { return h.last().Leader }

// Root is where the machine sees the host's root directory with all mounts of the host. It changes with each boot.
func (h *Host) Root() string { return fmt.Sprintf("/proc/%d/root", h.Leader()) }

// KeyFile is the private key that logs in as root, ops, pw and nosudo.
func (h *Host) KeyFile() string { return rootfs.KeyFile() }

// KnownHosts is a known_hosts file with the keys of all hosts of the lab.
func (h *Host) KnownHosts() string { return h.lab.KnownHosts() }

// HostKeys are sshd's public keys as in authorized_keys: ed25519, ecdsa, rsa. They stay over reboots.
func (h *Host) HostKeys() []string { return h.last().Keys }

func (h *Host) knownHosts() string {
	text := ""
	for _, key := range h.HostKeys() {
		text += fmt.Sprintf("[127.0.0.1]:%d %s\n%s,%s %s\n", h.Port(), key, h.Addr(), h.Name, key)
	}
	return text
}

// Console returns what PID 1 of the host has said since the lab started.
func (h *Host) Console() string {
	text, err := os.ReadFile(filepath.Join(h.last().Files, "console"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (h *Host) consoleTail() string {
	lines := strings.Split(h.Console(), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// Reboot reboots the host from within and returns when the next boot's sshd answers.
func (h *Host) Reboot(ctx context.Context) error {
	before := h.boot()
	// The answer is lost when systemd is fast: the next boot tells, not the exit status.
	_, asked := h.Exec(ctx, "systemctl", "reboot")
	if err := h.WaitBoot(ctx, before); err != nil {
		return fmt.Errorf("reboot %s: %w", h.Name, errors.Join(err, asked))
	}
	return nil
}

// WaitBoot returns when a boot later than number before is up; Boots gives the number. It is for a reboot that someone
// else asked for.
func (h *Host) WaitBoot(ctx context.Context, before int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, upLimit, fmt.Errorf("no new boot after %s", upLimit))
	defer cancel()
	return h.waitFor(ctx, func(h *Host) bool { return h.up && h.boots > before })
}

// Boots is the number of the last boot that came up; 1 is the first.
func (h *Host) Boots() int { return h.boot() }

func (h *Host) boot() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.boots
}

// Kill cuts the host's power: nothing is synced or told, open connections just fall silent. It returns when the host
// is down. What programs had written stays, as the lab's disks are memory; Start boots the host again.
func (h *Host) Kill(ctx context.Context) error {
	if err := h.lab.tell(spec.Kill, h.Name); err != nil {
		return err
	}
	return h.waitFor(ctx, func(h *Host) bool { return !h.up })
}

// Start boots a host that is down, and returns when its sshd answers.
func (h *Host) Start(ctx context.Context) error {
	before := h.boot()
	if err := h.lab.tell(spec.Start, h.Name); err != nil {
		return err
	}
	return h.WaitBoot(ctx, before)
}
