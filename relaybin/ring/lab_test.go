package ring

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"bisc/relaybin/frame"
	"bisc/relaybin/pcap"
)

var ours = frame.Match{Addr: netip.MustParseAddr("203.0.113.10"), Port: 8001}

// patience is how long a test waits for an event that must come, on a machine that does other things too.
const patience = time.Minute

// namespace moves the test's goroutine to a network namespace of its own, with no name, which goes when the test's thread does.
func namespace(t *testing.T) {
	t.Helper()
	runtime.LockOSThread() // and never unlocked: a thread in another namespace must not be used again
	ns, err := netns.New()
	if err != nil {
		t.Fatalf("make a network namespace (root is needed): %v", err)
	}
	ns.Close()
	link(t, "lo")
}

// veth makes a pair of devices that are up, and on whose queues the kernel does not drop what is sent any more.
func veth(t *testing.T, name, peer string) {
	t.Helper()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: peer}); err != nil {
		t.Fatal(err)
	}
	link(t, name)
	link(t, peer)
	for end := time.Now().Add(patience); link(t, name).Attrs().OperState != netlink.OperUp || link(t, peer).Attrs().OperState != netlink.OperUp; {
		if time.Now().After(end) {
			t.Fatalf("%s and %s are not up after %v", name, peer, patience)
		}
	}
}

// link sets a device up and returns it.
func link(t *testing.T, name string) netlink.Link {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetUp(l); err != nil {
		t.Fatal(err)
	}
	return l
}

// sender sends Ethernet frames by a device.
func sender(t *testing.T, device string) func(frames ...[]byte) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	l, err := net.InterfaceByName(device)
	if err != nil {
		t.Fatal(err)
	}
	return func(frames ...[]byte) {
		t.Helper()
		for _, b := range frames {
			if err := unix.Sendto(fd, b, 0, &unix.SockaddrLinklayer{Ifindex: l.Index}); err != nil {
				t.Fatalf("send %d bytes by %s: %v", len(b), device, err)
			}
		}
	}
}

// open opens a ring that the test closes.
func open(t *testing.T, o Options) *Ring {
	t.Helper()
	r, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// receive waits for a frame and returns it, copied and given back.
func receive(t *testing.T, r *Ring) Packet {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if _, err := r.Wait(100 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		var p Packet
		if r.Next(&p) {
			p.Data = bytes.Clone(p.Data)
			r.Release()
			return p
		}
	}
	t.Fatalf("no frame came within %v", patience)
	return Packet{}
}

// arrives sends a frame by a device again and again until the ring has it: right after a device came up its cable may not have.
func arrives(t *testing.T, r *Ring, device string, b []byte) {
	t.Helper()
	send := sender(t, device)
	for end := time.Now().Add(patience); time.Now().Before(end); {
		send(b)
		there, err := r.Wait(20 * time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		for p := new(Packet); r.Next(p); {
		}
		if r.Release(); there {
			return
		}
	}
	t.Fatalf("no frame came from %s within %v", device, patience)
}

// reach waits until the device is in a state, while nothing is sent.
func reach(t *testing.T, r *Ring, want State) {
	t.Helper()
	for end := time.Now().Add(patience); r.State() != want; {
		if time.Now().After(end) {
			t.Fatalf("%s is %v after %v, want %v", r.Device(), r.State(), patience, want)
		}
		if _, err := r.Wait(10 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
}

type captured struct {
	frame []byte
	whole bool // nothing was cut off
}

// fixtures are the frames of a mirror port.
func fixtures(t testing.TB) []captured {
	t.Helper()
	f, err := os.Open("../../../shared/fixtures/solana/frames/mirrored-frames.pcap")
	if err != nil {
		t.Fatalf("the frames are missing (CI has them): %v", err)
	}
	defer f.Close()
	r, err := pcap.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all []captured
	for {
		var p pcap.Packet
		if err := r.Next(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, captured{bytes.Clone(p.Data), len(p.Data) == p.Length})
	}
}
