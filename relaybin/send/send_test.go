package send

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func open(t *testing.T, o Options) *Sender {
	t.Helper()
	if !o.To.IsValid() {
		o.To = there
	}
	s := must(Open(o))(t)
	t.Cleanup(func() { s.Close() })
	return s
}

// greet sends until a packet arrives: while the neighbour is being looked for the kernel keeps only some.
func greet(t *testing.T, s *Sender, c *net.UDPConn) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		s.Add(packet(0, 100))
		s.Flush()
		do(t, c.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
		if _, err := c.Read(make([]byte, 100)); err != nil {
			continue
		}
		for err := error(nil); err == nil; { // the others that were kept
			do(t, c.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
			_, err = c.Read(make([]byte, 100))
		}
		return
	}
	t.Fatalf("nothing arrived within %v", patience)
}

// deliver sends n shreds, wants all at the other end as they are, each size in order, and all counted.
func deliver(t *testing.T, h host, s *Sender, n int) {
	t.Helper()
	c := h.listen(t)
	defer c.Close()
	greet(t, s, c)
	batches(t, s, c, n)
}

// batches sends n shreds in batches of 70, and wants all.
func batches(t *testing.T, s *Sender, c *net.UDPConn, n int) {
	t.Helper()
	before := s.Counts
	all := shreds(n)
	for len(all) > 0 {
		part := all[:min(70, len(all))]
		all = all[len(part):]
		for _, p := range part {
			s.Add(p)
		}
		s.Flush()
		last := map[int]int{}
		for range part {
			got := receive(t, c)
			number := int(got[0])<<8 | int(got[1])
			if want := packet(number, len(got)); string(got) != string(want) || number < last[len(got)] {
				t.Fatalf("packet %d of %d bytes is not what was sent, or out of order", number, len(got))
			}
			last[len(got)] = number
		}
	}
	if sent := s.Counts.Sent - before.Sent; sent != uint64(n) || s.Counts.Lost != before.Lost {
		t.Errorf("%d packets were counted as sent, want %d; lost %v", sent, n, s.Counts.Lost)
	}
}

func TestLargePackets(t *testing.T) {
	h := hosts(t)
	s := open(t, Options{GSO: On})
	c := h.listen(t)
	greet(t, s, c)
	calls := s.Counts.Calls
	batches(t, s, c, 140)
	// Two batches of three sizes, of which none has more than 54: one call each.
	if s.Counts.Calls-calls != 2 || !s.Segments() {
		t.Errorf("%d system calls for two batches", s.Counts.Calls)
	}
}

func TestOneByOne(t *testing.T) {
	h := hosts(t)
	s := open(t, Options{GSO: Off})
	deliver(t, h, s, 140)
	if s.Segments() {
		t.Error("packets go as large ones though they should not")
	}
}

// A device that computes no checksums: before Linux 6.11 the kernel refuses to cut for it, since then it does it itself.
func TestFaultF42_ChecksumOffloadOff(t *testing.T) {
	h := hosts(t)
	run(t, "ethtool", "-K", "h0", "tx", "off")
	deliver(t, h, open(t, Options{}), 140)
}

// What such a kernel refuses is sent one by one, nothing is lost, and large packets are tried again when asked to.
func TestFaultF42_SegmentsRefused(t *testing.T) {
	for name, refuse := range map[string]func(*testing.T, *Sender){
		"the socket computes no checksums": func(t *testing.T, s *Sender) {
			do(t, unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_NO_CHECK, 1))
		},
		"a shred does not fit the MTU": func(t *testing.T, s *Sender) {
			do(t, netlink.LinkSetMTU(must(netlink.LinkByName("h0"))(t), 1240))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := hosts(t)
			s := open(t, Options{})
			refuse(t, s)
			deliver(t, h, s, 140)
			if s.Segments() || s.Counts.Failed[Offload] != 1 {
				t.Errorf("large packets are still made, after %d refusals", s.Counts.Failed[Offload])
			}
			if s.Probe(); !s.Segments() {
				t.Error("large packets are not tried again")
			}
			deliver(t, h, s, 70)
		})
	}
}

// Nobody listens: it is counted by name, and what is sent once somebody does arrives.
func TestFaultF43_Refused(t *testing.T) {
	h := hosts(t)
	s := open(t, Options{})
	for end := time.Now().Add(patience); s.Counts.Failed[Refused] < 3; {
		if time.Now().After(end) {
			t.Fatalf("refused %d times", s.Counts.Failed[Refused])
		}
		s.Add(packet(0, 1203))
		s.Flush()
	}
	if s.Counts.Lost != ([Failures]uint64{}) {
		t.Errorf("what the kernel was told of earlier packets cost later ones: %v", s.Counts.Lost)
	}
	deliver(t, h, s, 140)
}

// The destination is silent, as when its machine is gone: the neighbour's silence is counted, sending never blocks, and when
// it is back, packets arrive again without anything being done.
func TestFaultF43_Silent(t *testing.T) {
	h := hosts(t)
	sysctl(t, "ipv4/neigh/h0/mcast_solicit", "1")
	sysctl(t, "ipv4/neigh/h0/ucast_solicit", "1")
	sysctl(t, "ipv4/neigh/h0/retrans_time_ms", "20")
	h.at(t, h.other, func() { do(t, netlink.LinkSetARPOff(must(netlink.LinkByName("h1"))(t))) })
	s := open(t, Options{})
	for end := time.Now().Add(patience); s.Counts.Failed[HostUnreachable] < 3; {
		if time.Now().After(end) {
			t.Fatalf("failed: %v", s.Counts.Failed)
		}
		s.Add(packet(0, 1203))
		s.Add(packet(1, 1203))
		s.Flush()
	}
	h.at(t, h.other, func() { do(t, netlink.LinkSetARPOn(must(netlink.LinkByName("h1"))(t))) })
	c := h.listen(t)
	for end := time.Now().Add(patience); ; {
		if time.Now().After(end) {
			t.Fatal("nothing arrives after the destination is back")
		}
		s.Add(packet(7, 1228))
		s.Flush()
		do(t, c.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
		if n, err := c.Read(make([]byte, 2000)); err == nil && n > 0 {
			break
		}
	}
}

// The cable: the device goes down, the route with it, and all comes back.
func TestFaultF43_DeviceDown(t *testing.T) {
	h := hosts(t)
	s := open(t, Options{})
	deliver(t, h, s, 14)
	do(t, netlink.LinkSetDown(must(netlink.LinkByName("h0"))(t)))
	s.Add(packet(0, 1203))
	s.Add(packet(1, 1228))
	s.Flush()
	if s.Counts.Lost[NetUnreachable]+s.Counts.Lost[NetDown] != 2 {
		t.Errorf("lost %v of 2 without a route", s.Counts.Lost)
	}
	setUp(t, "h0")
	deliver(t, h, s, 14)
}

// With no route at the start, as early in a boot, the sender opens all the same and sends once there is one.
func TestFaultF43_NoRouteYet(t *testing.T) {
	h := hosts(t)
	do(t, netlink.LinkSetDown(must(netlink.LinkByName("h0"))(t)))
	s := open(t, Options{})
	s.Add(packet(0, 1203))
	s.Flush()
	if s.Counts.Lost[NetUnreachable] != 1 {
		t.Errorf("lost %v", s.Counts.Lost)
	}
	setUp(t, "h0")
	deliver(t, h, s, 14)
}

// A device that takes nothing more: a full socket costs a short wait and then counted packets, and never blocks.
func TestFaultF43_FullSocket(t *testing.T) {
	hosts(t)
	run(t, "tc", "qdisc", "add", "dev", "h0", "root", "tbf", "rate", "8bit", "burst", "1600", "limit", "100mb")
	s := open(t, Options{GSO: Off, Buffer: 8192})
	for range 100 {
		s.Add(packet(0, 1203))
	}
	s.Flush()
	if s.Counts.Lost[Again] == 0 || s.Counts.Lost[Again]+s.Counts.Sent != 100 {
		t.Errorf("%d sent, %v lost of 100 by a device that takes nothing", s.Counts.Sent, s.Counts.Lost)
	}
}

// After a change of addresses the sender sends from the new one, once it is told to choose again.
func TestReconnect(t *testing.T) {
	h := hosts(t)
	s := open(t, Options{})
	c := h.listen(t)
	link := must(netlink.LinkByName("h0"))(t)
	do(t, netlink.AddrDel(link, must(netlink.ParseAddr(here.String()))(t)))
	do(t, netlink.AddrAdd(link, must(netlink.ParseAddr("198.51.100.77/24"))(t)))
	do(t, s.Reconnect())
	s.Add(packet(0, 1203))
	s.Flush()
	do(t, c.SetReadDeadline(time.Now().Add(patience)))
	_, from, err := c.ReadFromUDPAddrPort(make([]byte, 2000))
	if err != nil || from.Addr().Unmap() != netip.MustParseAddr("198.51.100.77") {
		t.Errorf("from %v, %v", from, err)
	}
}

// Each packet is stamped once and in the order in which they arrive, also when large ones are refused.
func TestStampsInOrder(t *testing.T) {
	h := hosts(t)
	number := byte(0)
	s := open(t, Options{Stamp: func(b []byte) { b[2] = number; number++ }})
	do(t, unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_NO_CHECK, 1))
	c := h.listen(t)
	greet(t, s, c)
	number = 0
	for _, p := range shreds(100) {
		s.Add(p)
	}
	s.Flush()
	for want := range byte(100) {
		if got := receive(t, c)[2]; got != want {
			t.Fatalf("packet %d has the stamp %d", want, got)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	hosts(t)
	for want, o := range map[string]Options{
		"not an IPv4 address": {To: netip.MustParseAddrPort("[2001:db8::1]:1")},
		"no such device":      {To: there, Device: "h9"},
		"cannot assign":       {To: there, From: netip.MustParseAddr("192.0.2.1")},
	} {
		if _, err := Open(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
}

func TestSendAllocatesNothing(t *testing.T) {
	h := hosts(t)
	h.listen(t)
	for _, mode := range []Mode{Auto, Off} {
		s := open(t, Options{GSO: mode, Stamp: func(b []byte) { b[0]++ }})
		all := shreds(300)
		if n := testing.AllocsPerRun(20, func() {
			for _, p := range all {
				s.Add(p)
			}
			s.Flush()
		}); n != 0 {
			t.Errorf("%s: %v allocations for 300 packets", mode, n)
		}
	}
}

func BenchmarkSend(b *testing.B) {
	for _, mode := range []Mode{Auto, Off} {
		b.Run(string(mode), func(b *testing.B) {
			c := must(unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0))(new(testing.T))
			defer unix.Close(c)
			if err := unix.Bind(c, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
				b.Fatal(err)
			}
			at, err := unix.Getsockname(c)
			if err != nil {
				b.Fatal(err)
			}
			s, err := Open(Options{To: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(at.(*unix.SockaddrInet4).Port)), GSO: mode})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			all := shreds(64)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				s.Add(all[n%64])
				if n++; n%64 == 0 {
					s.Flush()
				}
			}
		})
	}
}
