package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"bisc/internal/lab/rootfs"
	"bisc/internal/lab/vm/image"
	"bisc/internal/lab/vm/qemu"
)

// Machine is one running virtual machine.
type Machine struct {
	image   image.Image
	config  qemu.Config
	dir     string // of its disks, its console and its monitor
	held    *os.File
	release func() // of what it runs on, in the cache
	process *qemu.Process

	mu     sync.Mutex
	client *ssh.Client

	closing sync.Once
	err     error // of Close
}

// bootLimit is how long a boot may take until sshd answers: 17 s on quiet cores, a minute on busy ones.
const bootLimit = 4 * time.Minute

// start starts QEMU and waits for sshd.
func (m *Machine) start(ctx context.Context, limit time.Duration) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not up after %s", limit))
	defer cancel()
	if m.process, err = qemu.Start(ctx, m.config); err != nil {
		return err
	}
	m.config.Port = m.process.Port
	if err := m.waitSSH(ctx); err != nil {
		err = fmt.Errorf("%w\nconsole:\n%s", err, m.consoleTail())
		m.process.Kill()
		return err
	}
	return nil
}

// Dial is the address of the machine's sshd. It stays over reboots.
func (m *Machine) Dial() string { return fmt.Sprintf("127.0.0.1:%d", m.process.Port) }

// HostKeys are sshd's public keys, as in authorized_keys. All machines have the same one.
func (m *Machine) HostKeys() []string { return []string{m.image.HostKey} }

// Port is the port of Dial.
func (m *Machine) Port() int { return m.process.Port }

// KeyFile is the private key that logs in as root, ops, pw and nosudo.
func (m *Machine) KeyFile() string { return rootfs.KeyFile() }

// KnownHosts is a known_hosts file with the machine's key.
func (m *Machine) KnownHosts() string { return filepath.Join(m.dir, "known_hosts") }

// SSHConfig is an ssh_config with which ssh -F reaches the machine as biscayne, and bisc too.
func (m *Machine) SSHConfig() string { return filepath.Join(m.dir, "ssh_config") }

// Console returns what the kernel and systemd have said on the serial line since the machine was resumed.
func (m *Machine) Console() string {
	text, err := os.ReadFile(filepath.Join(m.dir, "console"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (m *Machine) consoleTail() string {
	lines := strings.Split(strings.TrimRight(m.Console(), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-30):], "\n")
}

// describe writes known_hosts and ssh_config.
func (m *Machine) describe() error {
	known := fmt.Sprintf("[127.0.0.1]:%d %s\nbiscayne %s\n", m.Port(), m.image.HostKey, m.image.HostKey)
	config := fmt.Sprintf("Host biscayne\n\tHostName 127.0.0.1\n\tPort %d\n\tUser ops\n\tIdentityFile %s\n\tIdentitiesOnly yes\n\tUserKnownHostsFile %s\n\tStrictHostKeyChecking yes\n",
		m.Port(), m.KeyFile(), m.KnownHosts())
	return errors.Join(os.WriteFile(m.KnownHosts(), []byte(known), 0o600), os.WriteFile(m.SSHConfig(), []byte(config), 0o600))
}

// BootID is the kernel's boot id.
func (m *Machine) BootID(ctx context.Context) (string, error) {
	out, err := m.Exec(ctx, "cat", "/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(out)), err
}

// Reboot has systemd reboot the machine and returns when the next boot's sshd answers.
func (m *Machine) Reboot(ctx context.Context) error {
	return m.again(ctx, "reboot", func() error {
		_, _ = m.Exec(ctx, "systemctl", "reboot") // the answer may be lost: the reset tells, not the exit status
		return nil
	})
}

// Reset is the reset button: nothing is synced or told. It returns when the next boot's sshd answers.
func (m *Machine) Reset(ctx context.Context) error {
	return m.again(ctx, "reset", func() error { return m.process.Reset(ctx) })
}

// Await does what makes the machine boot anew by itself, and returns when the next boot's sshd answers.
func (m *Machine) Await(ctx context.Context, act func() error) error {
	return m.again(ctx, "boot", act)
}

// again acts, waits for the machine's reset, and for sshd after it.
func (m *Machine) again(ctx context.Context, what string, act func() error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, bootLimit+stopLimit, fmt.Errorf("not up again after %s", bootLimit+stopLimit))
	defer cancel()
	for len(m.process.Resets()) > 0 {
		<-m.process.Resets()
	}
	if err := act(); err != nil {
		return fmt.Errorf("%s the virtual machine: %w", what, err)
	}
	select {
	case <-m.process.Resets():
	case <-m.process.Ended():
		return fmt.Errorf("%s the virtual machine: QEMU has ended: %s", what, m.process.Said())
	case <-ctx.Done():
		return fmt.Errorf("%s the virtual machine: no reset: %w\nconsole:\n%s", what, context.Cause(ctx), m.consoleTail())
	}
	m.disconnect()
	if err := m.waitSSH(ctx); err != nil {
		return fmt.Errorf("%s the virtual machine: %w\nconsole:\n%s", what, err, m.consoleTail())
	}
	return nil
}

// stopLimit is how long systemd may take to stop everything.
const stopLimit = 3 * time.Minute

// PowerOff cuts the power: what the guest had not flushed is lost. Boot starts the machine again.
func (m *Machine) PowerOff(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("no end within a minute"))
	defer cancel()
	defer m.disconnect()
	return m.process.Quit(ctx)
}

// Boot starts a machine whose power was cut, from its disks, at the same port.
func (m *Machine) Boot(ctx context.Context) error {
	m.config.Incoming = ""
	return m.start(ctx, bootLimit)
}

// Close ends the machine and removes its disks. A second call does nothing.
func (m *Machine) Close() error {
	m.closing.Do(func() {
		m.process.Kill()
		m.disconnect()
		m.err = errors.Join(os.RemoveAll(m.dir), m.held.Close())
		m.release()
	})
	return m.err
}
