package send

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// patience is how long a test waits for an event that must come, on a machine that does other things too.
const patience = time.Minute

// The other end, and this one.
var (
	there = netip.MustParseAddrPort("198.51.100.2:20000")
	here  = netip.MustParsePrefix("198.51.100.1/24")
)

// host is a network namespace with a veth pair: h0 here, h1 at the other end.
type host struct {
	own, other netns.NsHandle
}

// hosts moves the test's goroutine to a namespace of its own, joined to another by a cable. Both go when the test's thread does.
func hosts(t *testing.T) host {
	t.Helper()
	runtime.LockOSThread() // and never unlocked: a thread in another namespace must not be used again
	other := must(netns.New())(t)
	t.Cleanup(func() { other.Close() })
	setUp(t, "lo")
	own := must(netns.New())(t)
	setUp(t, "lo") // errors about silent neighbours come over it
	t.Cleanup(func() { own.Close() })
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "h0"
	do(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "h1"}))
	do(t, netlink.LinkSetNsFd(must(netlink.LinkByName("h1"))(t), int(other)))
	address(t, "h0", here)
	setUp(t, "h0")
	h := host{own, other}
	h.at(t, h.other, func() {
		address(t, "h1", netip.PrefixFrom(there.Addr(), 24))
		setUp(t, "h1")
	})
	return h
}

// at does f in a namespace.
func (h host) at(t *testing.T, ns netns.NsHandle, f func()) {
	t.Helper()
	do(t, netns.Set(ns))
	f()
	do(t, netns.Set(h.own))
}

// listen opens a socket at the other end.
func (h host) listen(t *testing.T) *net.UDPConn {
	t.Helper()
	var c *net.UDPConn
	h.at(t, h.other, func() { c = must(net.ListenUDP("udp4", net.UDPAddrFromAddrPort(there)))(t) })
	t.Cleanup(func() { c.Close() })
	do(t, c.SetReadBuffer(1<<20))
	return c
}

func address(t *testing.T, device string, prefix netip.Prefix) {
	t.Helper()
	do(t, netlink.AddrAdd(must(netlink.LinkByName(device))(t), must(netlink.ParseAddr(prefix.String()))(t)))
}

func setUp(t *testing.T, device string) {
	t.Helper()
	do(t, netlink.LinkSetUp(must(netlink.LinkByName(device))(t)))
}

// sysctl writes a file of /proc/sys/net, of the namespace that the test is in.
func sysctl(t *testing.T, name, value string) {
	t.Helper()
	do(t, os.WriteFile("/proc/sys/net/"+name, []byte(value), 0o644))
}

// run runs a program in the namespace that the test is in.
func run(t *testing.T, argv ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", argv, err, out)
	}
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T { t.Helper(); do(t, err); return v }
}

// receive reads a packet, which must come.
func receive(t *testing.T, c *net.UDPConn) []byte {
	t.Helper()
	b := make([]byte, 65536)
	do(t, c.SetReadDeadline(time.Now().Add(patience)))
	return b[:must(c.Read(b))(t)]
}

// packet is n bytes that begin with a number.
func packet(number, n int) []byte {
	b := bytes.Repeat([]byte{byte(n)}, n)
	b[0], b[1] = byte(number>>8), byte(number)
	return b
}

// shreds are n packets of the sizes that shreds have, in turn, and one now and then that is neither.
func shreds(n int) [][]byte {
	var all [][]byte
	for i := range n {
		all = append(all, packet(i, [...]int{1203, 1228, 1203, 1228, 1207, 1203, 1228}[i%7]))
	}
	return all
}
