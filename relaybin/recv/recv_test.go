package recv

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var home = netip.MustParseAddrPort("127.0.0.1:0")

func listen(t testing.TB, o Options) *Socket {
	t.Helper()
	s, err := Listen(home, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// sender is a socket at from, connected to s; with a segment it sends several datagrams a write (UDP_SEGMENT).
func sender(t testing.TB, s *Socket, from string, segment int) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	to, err := s.Local()
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		unix.Bind(fd, &unix.SockaddrInet4{Addr: netip.MustParseAddr(from).As4()}),
		unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}),
		unix.SetsockoptInt(fd, unix.SOL_UDP, unix.UDP_SEGMENT, segment),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return fd
}

func send(t testing.TB, fd int, data []byte) {
	t.Helper()
	if n, err := unix.Write(fd, data); err != nil || n != len(data) {
		t.Fatalf("sent %d of %d: %v", n, len(data), err)
	}
}

// Several datagrams of one write come as one message with their size, stamped, with their sender.
func TestReadCoalesced(t *testing.T) {
	for _, gro := range []bool{true, false} {
		s := listen(t, Options{GRO: gro})
		b := s.NewBatch()
		before := time.Now().UnixNano()
		payload := bytes.Repeat([]byte("shred "), 500) // 3,000 bytes: 1,200 + 1,200 + 600
		send(t, sender(t, s, "127.0.0.1", 1200), payload)
		if _, err := s.Read(b); err != nil {
			t.Fatal(err)
		}
		var got []byte
		var sizes []int
		for _, m := range b.Messages {
			for rest := m.Data; len(rest) > 0; rest = rest[min(m.Segment, len(rest)):] {
				sizes = append(sizes, min(m.Segment, len(rest)))
			}
			got = append(got, m.Data...)
			if m.From != 0x7f000001 || m.Port == 0 || m.Cut {
				t.Errorf("from %x:%d, cut %v", m.From, m.Port, m.Cut)
			}
			if m.Time < before || m.Time > time.Now().UnixNano() {
				t.Errorf("stamped %d, sent after %d", m.Time, before)
			}
		}
		if !bytes.Equal(got, payload) || len(sizes) != 3 || sizes[2] != 600 {
			t.Errorf("gro %v: %d bytes in datagrams of %v", gro, len(got), sizes)
		}
		if want := map[bool]int{true: 1, false: 3}[gro]; len(b.Messages) != want {
			t.Errorf("gro %v: %d messages, want %d", gro, len(b.Messages), want)
		}
	}
}

// An empty datagram is a message; nothing there is none; one longer than the room is marked.
func TestReadEdges(t *testing.T) {
	s := listen(t, Options{})
	b := s.NewBatch()
	if more, err := s.Read(b); more || err != nil || len(b.Messages) != 0 {
		t.Fatalf("empty socket: %d messages, more %v, %v", len(b.Messages), more, err)
	}
	from := sender(t, s, "127.0.0.1", 0)
	send(t, from, nil)
	send(t, from, make([]byte, oneSize+1))
	if _, err := s.Read(b); err != nil || len(b.Messages) != 2 {
		t.Fatalf("%d messages, %v", len(b.Messages), err)
	}
	if m := b.Messages[0]; len(m.Data) != 0 || m.Cut {
		t.Errorf("empty datagram: %d bytes, cut %v", len(m.Data), m.Cut)
	}
	if m := b.Messages[1]; len(m.Data) != oneSize || !m.Cut {
		t.Errorf("long datagram: %d bytes, cut %v", len(m.Data), m.Cut)
	}
	for range messages + 1 {
		send(t, from, []byte("x"))
	}
	if more, _ := s.Read(b); !more || len(b.Messages) != messages {
		t.Errorf("%d messages, more %v", len(b.Messages), more)
	}
	if more, _ := s.Read(b); more || len(b.Messages) != 1 {
		t.Errorf("rest: %d messages, more %v", len(b.Messages), more)
	}
}

// A flood from a forbidden sender fills nothing: each datagram is counted as refused, and all of the allowed one's arrive,
// though the flood is many times the buffer.
func TestForbiddenFlood(t *testing.T) {
	s := listen(t, Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.8/30"), netip.MustParsePrefix("192.0.2.0/24")}, GRO: true, Buffer: 1 << 16})
	if !s.Gutter() {
		t.Fatal("no gutter")
	}
	good, bad, edge := sender(t, s, "127.0.0.11", 0), sender(t, s, "127.0.0.7", 1000), sender(t, s, "127.0.0.12", 0)
	b, got := s.NewBatch(), 0
	for range 200 {
		send(t, bad, make([]byte, 10_000))
		send(t, edge, []byte("x"))
		send(t, good, []byte("shred"))
		for more := true; more; {
			var err error
			if more, err = s.Read(b); err != nil {
				t.Fatal(err)
			}
			for _, m := range b.Messages {
				if string(m.Data) != "shred" {
					t.Fatalf("%d bytes of a forbidden sender", len(m.Data))
				}
				got++
			}
		}
	}
	overflow, refused, err := s.Drops()
	if got != 200 || overflow != 0 || refused != 200*11 || err != nil {
		t.Errorf("read %d of 200, overflow %d, refused %d of 2200, %v", got, overflow, refused, err)
	}
}

// A socket that nobody reads overflows, and each lost datagram is counted, also across a take-over.
func TestOverflow(t *testing.T) {
	s := listen(t, Options{})
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<14); err != nil {
		t.Fatal(err)
	}
	from := sender(t, s, "127.0.0.1", 0)
	const sent = 300
	for range sent {
		send(t, from, make([]byte, 1200))
	}
	b, read := s.NewBatch(), 0
	for more := true; more; read += len(b.Messages) {
		var err error
		if more, err = s.Read(b); err != nil {
			t.Fatal(err)
		}
	}
	overflow, _, err := s.Drops()
	if read == sent || uint64(read)+overflow != sent || err != nil {
		t.Errorf("read %d, dropped %d of %d, %v", read, overflow, sent, err)
	}
	next, err := Adopt([]*os.File{file(t, s.fd)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if now, _, _ := next.Drops(); now != 0 || uint64(next.Before()) != overflow {
		t.Errorf("taken over: %d drops of its own, %d before, want 0 and %d", now, next.Before(), overflow)
	}
}

func file(t *testing.T, fd int) *os.File {
	t.Helper()
	d, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(d), "ip")
	t.Cleanup(func() { f.Close() })
	return f
}

// A socket of systemd's is taken over with what waits in it; a filter of a process before does not stay; what lay there from
// a sender that is not allowed is told by Allowed. Anything but one port is refused.
func TestAdopt(t *testing.T) {
	first := listen(t, Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}})
	send(t, sender(t, first, "127.0.0.2", 0), []byte("kept"))
	send(t, sender(t, first, "127.0.0.1", 0), []byte("refused"))
	s, err := Adopt([]*os.File{file(t, first.fd), file(t, first.gutter)}, Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	send(t, sender(t, first, "127.0.0.1", 0), []byte("allowed"))
	b := s.NewBatch()
	if _, err := s.Read(b); err != nil || len(b.Messages) != 2 {
		t.Fatalf("%d messages, %v", len(b.Messages), err)
	}
	if s.Allowed(b.Messages[0].From) || !s.Allowed(b.Messages[1].From) || string(b.Messages[1].Data) != "allowed" {
		t.Errorf("%q allowed %v, %q allowed %v", b.Messages[0].Data, s.Allowed(b.Messages[0].From), b.Messages[1].Data, s.Allowed(b.Messages[1].From))
	}

	other := listen(t, Options{})
	stream, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	tcp, err := stream.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	for name, files := range map[string][]*os.File{"none": nil, "two ports": {file(t, first.fd), file(t, other.fd)}, "tcp": {tcp},
		"three": {file(t, first.fd), file(t, first.fd), file(t, first.fd)}} {
		if s, err := Adopt(files, Options{}); err == nil {
			s.Close()
			t.Errorf("%s: taken over", name)
		}
	}
}

// Without a list anybody may send, whatever filter and group the daemon before has left.
func TestAllowNobodyNamed(t *testing.T) {
	for sockets := 1; sockets <= 2; sockets++ {
		first := listen(t, Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}})
		files := []*os.File{file(t, first.fd)}
		if sockets == 2 {
			files = append(files, file(t, first.gutter))
		} else {
			unix.Close(first.gutter)
			first.gutter = -1
		}
		s, err := Adopt(files, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for range 20 { // each from a port of its own, as a group without a program would share them out
			send(t, sender(t, s, "127.0.0.1", 0), []byte("x"))
		}
		b := s.NewBatch()
		if _, err := s.Read(b); err != nil || len(b.Messages) != 20 {
			t.Errorf("%d sockets: %d messages of 20, %v", sockets, len(b.Messages), err)
		}
	}
}

// A port that another daemon has is refused, whoever has allowed what.
func TestListenTwice(t *testing.T) {
	for _, allow := range [][]netip.Prefix{nil, {netip.MustParsePrefix("127.0.0.2/32")}} {
		s := listen(t, Options{Allow: allow})
		at, err := s.Local()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Listen(at, Options{Allow: allow}); !errors.Is(err, unix.EADDRINUSE) {
			t.Errorf("second on %s: %v", at, err)
			if again != nil {
				again.Close()
			}
		}
	}
	if _, err := Listen(netip.MustParseAddrPort("[::1]:0"), Options{}); !errors.Is(err, ErrNotIPv4) {
		t.Errorf("IPv6: %v", err)
	}
}

// The buffer is as large as asked for where CAP_NET_ADMIN allows it, and never made smaller.
func TestBuffer(t *testing.T) {
	s := listen(t, Options{Buffer: 32 << 20})
	if s.Buffer() != 32<<20 {
		t.Errorf("granted %d", s.Buffer())
	}
	again, err := Adopt([]*os.File{file(t, s.fd)}, Options{Buffer: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.Buffer() != 32<<20 {
		t.Errorf("made smaller: %d", again.Buffer())
	}
}

func BenchmarkRead(b *testing.B) {
	for _, segments := range []int{1, 40} {
		b.Run(map[int]string{1: "single", 40: "coalesced"}[segments], func(b *testing.B) {
			s := listen(b, Options{GRO: true, Buffer: 32 << 20, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
			from, batch := sender(b, s, "127.0.0.1", 1256), s.NewBatch()
			payload := make([]byte, segments*1256)
			got := 0
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				for range messages {
					send(b, from, payload)
				}
				b.StartTimer()
				if _, err := s.Read(batch); err != nil {
					b.Fatal(err)
				}
				for _, m := range batch.Messages {
					got += len(m.Data) / m.Segment
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(got), "ns/packet")
		})
	}
}
