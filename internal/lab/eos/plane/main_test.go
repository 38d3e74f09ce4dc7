package plane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bisc/internal/lab/eos/device"
	"bisc/internal/lab/eos/linux"
)

// TestMain runs the tests in namespaces of their own, which end with them: this program again, as their first process.
func TestMain(m *testing.M) {
	if tool := linux.Tool(filepath.Base(os.Args[0])); tool != nil {
		os.Exit(tool(os.Args[1:]))
	}
	const inside = "BISC_PLANE_TEST_INSIDE"
	if os.Getenv(inside) != "" {
		if err := linux.Isolate("lab-sw01", 16<<20, ""); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: linux.Namespaces, Pdeathsig: syscall.SIGKILL}
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, "run the tests in namespaces of their own (it needs root):", err)
		os.Exit(1)
	}
	os.Exit(cmd.ProcessState.ExitCode())
}

// switched is a Linux and its planes, whose problems fail the test.
func switched(t *testing.T, options Options) (*linux.System, *Plane) {
	t.Helper()
	system, err := linux.Start(linux.Options{Image: []string{"/usr/local/bin/others-agent"}, Pause: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	cables, err := newSpace("cables")
	if err != nil {
		t.Fatal(err)
	}
	options.Cables = cables.file
	options.Problem = func(err error) { t.Error(err) }
	p, err := New(system, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Reload()
		if err := system.Stop(); err != nil {
			t.Error(err)
		}
		for _, port := range p.ports {
			l, err := port.space.link.LinkByName(port.dev)
			if err == nil {
				err = port.space.link.LinkDel(l)
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
	return system, p
}

// limit is how long a test waits for what is to happen in milliseconds.
const limit = 30 * time.Second

// until waits for something, by looking often.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited %s for %s", limit, what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// routed is an interface with an address.
func routed(name, vrf, address string) device.Interface {
	return device.Interface{Name: name, VRF: vrf, Addresses: []netip.Prefix{netip.MustParsePrefix(address)}, MTU: 1500, Enabled: true, Routed: true}
}

// frames reads what comes in on a device of the default namespace.
func frames(t *testing.T, dev string) (next func() []byte) {
	t.Helper()
	i, err := net.InterfaceByName(dev)
	if err != nil {
		t.Fatal(err)
	}
	socket, err := packetSocket(i.Index, unix.ETH_P_IP)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(socket) })
	return func() []byte {
		t.Helper()
		buffer := make([]byte, 2048)
		for end := time.Now().Add(limit); time.Now().Before(end); {
			if n, _, err := unix.Recvfrom(socket, buffer, 0); err == nil {
				return buffer[:n]
			}
		}
		t.Fatalf("nothing came in on %s within %s", dev, limit)
		return nil
	}
}

// sendFrom sends frames out of a device of the cables' namespace.
func sendFrom(t *testing.T, p *Plane, dev string, frames ...[]byte) {
	t.Helper()
	l, err := p.cables.link.LinkByName(dev)
	if err != nil {
		t.Fatal(err)
	}
	err = p.cables.do(func() error {
		socket, err := packetSocket(l.Attrs().Index, 0)
		if err != nil {
			return err
		}
		defer unix.Close(socket)
		for _, f := range frames {
			if err := unix.Send(socket, f, 0); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
