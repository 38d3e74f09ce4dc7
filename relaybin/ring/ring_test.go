package ring

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"bisc/relaybin/frame"
)

// Every frame of the fixtures comes out of the ring with the verdict that it has as a capture, or the kernel's filter kept it
// back because it is plainly not ours.
func TestFixturesThroughTheRing(t *testing.T) { both(t, fixturesThrough) }

// both runs a test with a ring of places and with a tap.
func both(t *testing.T, test func(*testing.T, bool)) {
	t.Run("ring", func(t *testing.T) { test(t, false) })
	t.Run("tap", func(t *testing.T) { test(t, true) })
}

func fixturesThrough(t *testing.T, tap bool) {
	namespace(t)
	veth(t, "g0", "mirror0")
	r := open(t, Options{Device: Auto, Match: ours, Tap: tap})
	send := sender(t, "g0")
	rule := ours.Rule()
	marker := fixtures(t)[0].frame // comes after each, so that a frame that does not come is seen without waiting
	kept := 0
	for n, f := range fixtures(t) {
		etherType, rest := frame.Ethernet(f.frame)
		cut, want := rule.Check(etherType, rest, len(rest))
		send(f.frame, marker)
		p := receive(t, r)
		got, verdict := p.Check(&rule)
		if want == frame.Forward {
			if verdict != want || !bytes.Equal(p.Data[got.Payload:got.End], rest[cut.Payload:cut.End]) {
				t.Errorf("frame %d: %v and %d bytes, want %v and %d", n, verdict, got.End-got.Payload, want, cut.End-cut.Payload)
			}
		}
		if tagged := etherType != frame.IPv4 && verdict == frame.Forward && want == frame.Forward; tagged && !p.Tagged {
			t.Errorf("frame %d: the tag that the kernel took off is not told", n)
		}
		if verdict == frame.Forward && want != frame.Forward {
			kept++ // this is the marker already
			continue
		}
		if verdict != want {
			t.Errorf("frame %d: %v, want %v", n, verdict, want)
		}
		receive(t, r)
	}
	// wrong port, wrong address, a reply, TCP, ICMP, ARP, IPv6, GRE; cut before the address; an IP header that is none is let through
	if kept < 8 || kept > 9 {
		t.Errorf("the kernel kept back %d frames, want 8 or 9", kept)
	}
}

// The stamp is the kernel's, the place before the payload may be written to, and a place that was given back is used again.
func TestPlacesAreUsedAgain(t *testing.T) {
	namespace(t)
	veth(t, "g0", "m0")
	r := open(t, Options{Device: "m0", Match: ours, Frames: 32})
	send := sender(t, "g0")
	good := fixtures(t)[0].frame
	before := time.Now().Add(-time.Second).UnixNano()
	for n := range 200 {
		good[14+28] = byte(n)
		send(good)
		if _, err := r.Wait(patience); err != nil {
			t.Fatal(err)
		}
		var p Packet
		if !r.Next(&p) || p.Data[28] != byte(n) || p.Time < before || p.Time > time.Now().Add(time.Second).UnixNano() {
			t.Fatalf("packet %d: %+v", n, p)
		}
		copy(p.Data, bytes.Repeat([]byte{0xff}, 28))
		if r.Next(&p) {
			t.Fatal("a frame that nobody sent")
		}
		r.Release()
	}
}

// A ring that nobody reads overflows, the kernel counts what it lost, and what is in the ring is still whole.
func TestOverflowIsCounted(t *testing.T) {
	namespace(t)
	veth(t, "g0", "m0")
	r := open(t, Options{Device: "m0", Match: ours, Frames: 32})
	send := sender(t, "g0")
	good := fixtures(t)[0].frame
	for range 100 {
		send(good)
	}
	for end := time.Now().Add(patience); ; {
		frames, drops, err := r.Stats()
		if err != nil {
			t.Fatal(err)
		}
		if frames == 100 && drops > 0 {
			var p Packet
			n := uint64(0)
			for ; r.Next(&p); n++ {
				if !bytes.Equal(p.Data, good[14:]) {
					t.Fatalf("frame %d is not what was sent", n)
				}
			}
			if n+drops != 100 || n > 32 {
				t.Errorf("%d read and %d lost of 100, in a ring of 32", n, drops)
			}
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d frames, %d lost; want 100 and some", frames, drops)
		}
	}
}

// What the machine itself sends by the device is not a mirrored frame.
func TestOutgoingIsNotRead(t *testing.T) { both(t, sentAndReceived) }

func sentAndReceived(t *testing.T, tap bool) {
	namespace(t)
	veth(t, "g0", "m0")
	r := open(t, Options{Device: "m0", Match: ours, Tap: tap})
	good := fixtures(t)[0].frame
	mine := bytes.Clone(good)
	mine[14+28] ^= 0xff
	sender(t, "m0")(mine)
	sender(t, "g0")(good)
	if p := receive(t, r); p.Data[28] != good[14+28] {
		t.Error("the frame that was sent by the device was read")
	}
}

// A device that goes down and up, or vanishes and returns under its name, is read again.
func TestFaultF41_DeviceComesBack(t *testing.T) { both(t, deviceComesBack) }

func deviceComesBack(t *testing.T, tap bool) {
	namespace(t)
	veth(t, "g0", "m0")
	r := open(t, Options{Device: "m0", Match: ours, Promiscuous: true, Tap: tap})
	good := fixtures(t)[0].frame
	arrives(t, r, "g0", good)

	if err := netlink.LinkSetDown(link(t, "m0")); err != nil {
		t.Fatal(err)
	}
	reach(t, r, Down)
	link(t, "m0")
	reach(t, r, Up)
	arrives(t, r, "g0", good)

	if err := netlink.LinkDel(link(t, "m0")); err != nil {
		t.Fatal(err)
	}
	reach(t, r, Gone)
	veth(t, "g0", "m0")
	reach(t, r, Up)
	arrives(t, r, "g0", good)
}

// EOS gives a new monitor session the next free number: auto finds it, and does not guess where there are two.
func TestAutoFollowsTheName(t *testing.T) {
	namespace(t)
	if _, err := Find(Auto); !errors.Is(err, ErrNoDevice) || !strings.Contains(err.Error(), "lo") {
		t.Errorf("with no mirror device: %v", err)
	}
	veth(t, "g0", "mirror0")
	r := open(t, Options{Device: Auto, Match: ours})
	veth(t, "g1", "mirror1")
	if _, err := Find(Auto); !errors.Is(err, ErrAmbiguous) || !strings.Contains(err.Error(), "mirror0, mirror1") {
		t.Errorf("with two mirror devices: %v", err)
	}
	if err := netlink.LinkDel(link(t, "mirror0")); err != nil {
		t.Fatal(err)
	}
	for r.Device() != "mirror1" {
		if _, err := r.Wait(10 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	arrives(t, r, "g1", fixtures(t)[0].frame)
}

func TestOpenRefuses(t *testing.T) {
	namespace(t)
	for want, o := range map[string]Options{
		"no such device: m9; there are lo": {Device: "m9", Match: ours},
		"power of two":                     {Device: "lo", Match: ours, Size: 3000},
		"multiple of":                      {Device: "lo", Match: ours, Frames: 33},
	} {
		if _, err := Open(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
}

// Loopback, where a frame is both sent and received, is read once.
func TestLoopback(t *testing.T) {
	namespace(t)
	m := ours
	m.Addr = [1]frame.Match{}[0].Addr // any
	r := open(t, Options{Device: "lo", Match: m})
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for n := range 3 {
		if err := unix.Sendto(fd, fmt.Appendf(nil, "shred %d", n), 0, &unix.SockaddrInet4{Port: 8001, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			t.Fatal(err)
		}
	}
	rule := m.Rule()
	for n := range 3 {
		p := receive(t, r)
		cut, v := p.Check(&rule)
		if v != frame.Forward || string(p.Data[cut.Payload:cut.End]) != fmt.Sprint("shred ", n) {
			t.Errorf("%v: %q", v, p.Data)
		}
	}
}
