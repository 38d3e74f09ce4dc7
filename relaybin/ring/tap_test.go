package ring

import (
	"bytes"
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"bisc/relaybin/frame"
)

// Large packets of a sender on this machine (GSO) come out of a tap as the datagrams that they were made of, whole, in order,
// with headers that are right, also when the tap's reader takes few at a time.
func TestTapCutsLargePackets(t *testing.T) {
	namespace(t)
	m := frame.Match{Port: 8001}
	r := open(t, Options{Device: "lo", Match: m, Tap: true, Frames: 256})
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT, 1203); err != nil {
		t.Fatal(err)
	}
	const each, rounds = 40, 50
	rule := m.Rule()
	want := 0
	for round := range rounds {
		var large []byte
		for i := range each {
			large = append(large, numbered(round*each+i, 1203)...)
		}
		large = large[:len(large)-round] // the last one is shorter
		if err := unix.Sendto(fd, large, 0, &unix.SockaddrInet4{Port: 8001, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			t.Fatal(err)
		}
		for got := 0; got < each; {
			if _, err := r.Wait(patience); err != nil {
				t.Fatal(err)
			}
			var p Packet
			for few := 0; few < 7 && r.Next(&p); few++ {
				cut, v := p.Check(&rule)
				expect := numbered(want, 1203)
				if got == each-1 {
					expect = expect[:1203-round]
				}
				if v != frame.Forward || cut.BadSum || !bytes.Equal(p.Data[cut.Payload:cut.End], expect) {
					t.Fatalf("datagram %d: %v, bad sum %v, %d bytes, want %d", want, v, cut.BadSum, cut.End-cut.Payload, len(expect))
				}
				got++
				want++
			}
			r.Release()
		}
	}
}

// numbered is a payload of n bytes that begins with a number.
func numbered(number, n int) []byte {
	b := bytes.Repeat([]byte{byte(number)}, n)
	binary.BigEndian.PutUint32(b, uint32(number))
	return b
}

// What is not a whole large packet is left as it is, whatever the note on it says.
func TestSplitLeavesTheRest(t *testing.T) {
	good := fixtures(t)[0].frame[14:]
	for name, bend := range map[string]func(*Packet) int{
		"no size that cuts": func(*Packet) int { return 1203 },
		"cut":               func(p *Packet) int { p.Data = p.Data[:500]; return 100 },
		"IPv6":              func(p *Packet) int { p.EtherType = 0x86dd; return 100 },
		"no header":         func(p *Packet) int { p.Data, p.Wire = p.Data[:20], 20; return 100 },
		"too long":          func(p *Packet) int { p.Data[2] = 0xff; return 100 },
		"TCP":               func(p *Packet) int { p.Data[9] = 6; return 100 },
		"short header":      func(p *Packet) int { p.Data[0] = 0x44; return 100 },
	} {
		p := Packet{Data: bytes.Clone(good), Wire: len(good), EtherType: frame.IPv4}
		size := bend(&p)
		before := Packet{Data: bytes.Clone(p.Data), Wire: p.Wire, EtherType: p.EtherType}
		var s split
		if s.begin(&p, size); s.more() || !bytes.Equal(p.Data, before.Data) || p.Wire != before.Wire {
			t.Errorf("%s: it was cut", name)
		}
	}
}

func FuzzSplit(f *testing.F) {
	for _, c := range fixtures(f) {
		f.Add(c.frame[min(14, len(c.frame)):], uint16(400))
	}
	f.Fuzz(func(t *testing.T, b []byte, size uint16) {
		if size == 0 {
			return
		}
		p := Packet{Data: bytes.Clone(b), Wire: len(b), EtherType: frame.IPv4}
		var s split
		s.begin(&p, int(size))
		rule := frame.Match{}.Rule()
		for n := 0; s.more(); n++ {
			if _, v := p.Check(&rule); v != frame.Forward && v != frame.Fragment || n > len(b) {
				t.Fatalf("part %d of %x: %v", n, b, v)
			}
			s.next(&p)
		}
	})
}
