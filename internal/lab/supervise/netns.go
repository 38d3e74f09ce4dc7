package supervise

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// netns is a network namespace that has no name anywhere: it lives as long as this file or a process in it.
type netns struct{ file *os.File }

// path is how another process of this PID namespace names it.
func (n netns) path() string { return fmt.Sprintf("/proc/1/fd/%d", n.file.Fd()) }

// newNetns makes a network namespace with nothing but an idle loopback in it.
func newNetns() (netns, error) {
	var n netns
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a network namespace: %w", err)
		}
		f, err := os.Open(fmt.Sprintf("/proc/1/task/%d/ns/net", unix.Gettid()))
		n.file = f
		return err
	})
	return n, err
}

// do runs f in the namespace, and so the processes that f starts and the sockets that it opens.
func (n netns) do(f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter a network namespace: %w", err)
		}
		return f()
	})
}

// onThread runs f on a thread that ends with it: the thread's namespaces are changed for good.
func onThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}

// ip gives commands to one ip process in the namespace.
func (n netns) ip(commands ...string) error {
	return n.do(func() error {
		cmd := exec.Command("ip", "-batch", "-")
		cmd.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("ip: %w: %s", err, bytes.TrimSpace(out))
		}
		return nil
	})
}

// dial opens a TCP connection from within the namespace.
func (n netns) dial(to netip.AddrPort, limit time.Duration) (*net.TCPConn, error) {
	var conn net.Conn
	err := n.do(func() (err error) {
		conn, err = net.DialTimeout("tcp", to.String(), limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// switchAddr is the switch's own address and the hosts' way out, which leads nowhere.
var switchAddr = netip.MustParsePrefix("10.99.0.1/16")

// newSwitch makes the namespace with the bridge.
func newSwitch() (netns, error) {
	n, err := newNetns()
	if err != nil {
		return n, err
	}
	return n, n.ip("link set lo up", "link add br0 type bridge", "link set br0 up", "addr add "+switchAddr.String()+" dev br0")
}

// plug joins a host's namespace to the switch as its eth0. The hardware address is made from the network address: a
// host that reboots keeps it, so that nobody's neighbour table goes stale.
func (n netns) plug(host netns, port int, addr netip.Addr) error {
	veth := fmt.Sprintf("v%d", port)
	a := addr.As4()
	// The old pair goes with the old namespace, but only a while after its last process.
	n.ip("link del " + veth)
	err := n.ip(
		fmt.Sprintf("link add %s type veth peer name eth0 address 02:63:%02x:%02x:%02x:%02x netns %s", veth, a[0], a[1], a[2], a[3], host.path()),
		fmt.Sprintf("link set %s master br0 up", veth),
	)
	if err != nil {
		return err
	}
	return host.ip(
		"link set lo up",
		fmt.Sprintf("addr add %s/%d dev eth0", addr, switchAddr.Bits()),
		"link set eth0 up",
		"route add default via "+switchAddr.Addr().String(),
	)
}
