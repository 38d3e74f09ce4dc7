package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bisc/relaybin/daemon"
	"bisc/relaybin/mark"
	"bisc/relaybin/recv"
	"bisc/relaybin/send"
	"bisc/relaybin/stream"
)

// TestMain runs the tests, or, started again by one of them, is the daemon itself.
func TestMain(m *testing.M) {
	if os.Getenv("BISC_TEST_DAEMON") != "" {
		os.Unsetenv("BISC_TEST_DAEMON")
		os.Exit(daemon.Main(command()))
	}
	os.Exit(m.Run())
}

// bench is a relay in this process: its ports, sockets that send to them, and the socket where shreds arrive.
type bench struct {
	*relay
	in   [forms]int
	sink *recv.Socket
	out  *recv.Batch
}

func newBench(t testing.TB, change func(*settings)) *bench {
	t.Helper()
	home := netip.MustParseAddrPort("127.0.0.1:0")
	sink, err := recv.Listen(home, recv.Options{Buffer: 32 << 20, GRO: true})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{sink: sink, out: sink.NewBatch()}
	s := &settings{allow: prefixes{netip.MustParsePrefix("127.0.0.1/32")}, filter: "on", buffer: 32 << 20, gro: true, gso: "auto"}
	if s.to, err = sink.Local(); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(s)
	}
	c := newCounts()
	b.relay = &relay{rule: s.rule(), filter: s.newFilter(), enforce: s.filter == "on", counts: c, to: s.destination(c), log: slog.Default(), books: stream.NewBooks()}
	for f := range forms {
		socket, err := recv.Listen(home, s.options())
		if err != nil {
			t.Fatal(err)
		}
		b.inputs = append(b.inputs, &input{form: f, socket: socket, batch: socket.NewBatch()})
		b.in[f] = connected(t, socket)
	}
	if _, err := b.to.look(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.close(); sink.Close() })
	return b
}

func connected(t testing.TB, to *recv.Socket) int {
	t.Helper()
	at, err := to.Local()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: at.Addr().As4(), Port: int(at.Port())}); err != nil {
		t.Fatal(err)
	}
	return fd
}

// through puts a packet in at a form's port and returns what arrives at the validator, and the drop reason when nothing does.
func (b *bench) through(t testing.TB, f form, packet []byte) (arrived [][]byte, dropped string) {
	t.Helper()
	before := make([]uint64, reasons)
	for i := range before {
		before[i] = b.counts.drops.Value(i)
	}
	if _, err := unix.Write(b.in[f], packet); err != nil {
		t.Fatal(err)
	}
	if err := b.take(b.inputs[f]); err != nil {
		t.Fatal(err)
	}
	if _, err := b.sink.Read(b.out); err != nil {
		t.Fatal(err)
	}
	for _, m := range b.out.Messages {
		arrived = append(arrived, append([]byte(nil), m.Data...))
	}
	for i, name := range reasonNames() {
		if n := b.counts.drops.Value(i) - before[i]; n > 0 {
			dropped += strings.Repeat(name+" ", int(n))
		}
	}
	return arrived, strings.TrimSpace(dropped)
}

// fixtures reads a file of ../shared/fixtures/solana, a JSON object a line.
func fixtures[T any](t testing.TB, name string) (out []T) {
	t.Helper()
	path := filepath.Join("../../../../shared/fixtures/solana", name)
	f, err := os.Open(path)
	if err != nil {
		t.Fatalf("%v: the tests need the project's fixtures at ../shared/fixtures beside the tree", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one T
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		out = append(out, one)
	}
	if len(out) == 0 {
		t.Fatalf("%s is empty", path)
	}
	return out
}

type frameCase struct {
	Name, Hex, Why string
	Forward        any
	Payload        int    `json:"payload_len"`
	Sum            string `json:"payload_sha256"`
}

// Each packet as the mirror port gave it is forwarded as exactly its payload, or dropped for a reason with a name.
func TestFormIP(t *testing.T) {
	b := newBench(t, func(s *settings) {
		s.matchAddr, s.matchPort = netip.MustParseAddr("203.0.113.10"), 8001
		s.filter = "off"
	})
	for _, c := range fixtures[frameCase](t, "frames/unwrap-inputs.jsonl") {
		packet, err := hex.DecodeString(c.Hex)
		if err != nil {
			t.Fatal(err)
		}
		arrived, dropped := b.through(t, formIP, packet)
		switch {
		case c.Forward == false && (len(arrived) != 0 || dropped == ""):
			t.Errorf("%s (%s): %d arrived, dropped %q", c.Name, c.Why, len(arrived), dropped)
		case c.Forward == true && len(arrived) != 1:
			t.Errorf("%s (%s): %d arrived, dropped %q", c.Name, c.Why, len(arrived), dropped)
		case len(arrived) == 1 && fmt.Sprintf("%x", sha256.Sum256(arrived[0])) != c.Sum:
			t.Errorf("%s (%s): %d bytes arrived, not its %d", c.Name, c.Why, len(arrived[0]), c.Payload)
		}
	}
}

type filterCase struct {
	Name, Hex, Why string
	Header         any `json:"header_ok"`
}

// In both forms, what a relay may judge is dropped by its rule's name; what only a validator can judge goes on as it came.
// With count nothing is dropped, and off is for variants that nobody knows yet.
func TestFilter(t *testing.T) {
	enforced := map[string]bool{"short": true, "bad_variant": true, "bad_variant or short": true, "version": true}
	for _, mode := range []string{"on", "count", "off"} {
		b := newBench(t, func(s *settings) { s.version, s.filter = 50093, mode })
		var number uint64
		for _, c := range fixtures[filterCase](t, "filter/filter-cases.jsonl") {
			payload, err := hex.DecodeString(c.Hex)
			if err != nil {
				t.Fatal(err)
			}
			for f, packet := range [forms][]byte{inIP(payload), inSequence(1, number, payload)} {
				arrived, dropped := b.through(t, form(f), packet)
				number++
				want := len(payload) > 0 && (mode != "on" || !enforced[c.Why])
				switch {
				case want && (len(arrived) != 1 || string(arrived[0]) != string(payload)):
					t.Errorf("%s, %s, %s (%s): did not arrive, dropped %q", mode, form(f), c.Name, c.Why, dropped)
				case !want && (len(arrived) != 0 || dropped == ""):
					t.Errorf("%s, %s, %s (%s): %d arrived, dropped %q", mode, form(f), c.Name, c.Why, len(arrived), dropped)
				case !want && c.Why == "version" && dropped != "shred_version", !want && c.Why == "bad_variant" && dropped != "bad_variant":
					t.Errorf("%s, %s, %s: dropped %q, want %s", mode, form(f), c.Name, dropped, c.Why)
				}
			}
		}
	}
}

// inIP wraps a payload as the mirror sends it in the form ip.
func inIP(payload []byte) []byte {
	b := make([]byte, 28, 28+len(payload))
	b[0], b[8], b[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(b[2:], uint16(28+len(payload)))
	copy(b[12:], []byte{192, 0, 2, 1, 203, 0, 113, 10})
	binary.BigEndian.PutUint16(b[22:], 8001)
	binary.BigEndian.PutUint16(b[24:], uint16(8+len(payload)))
	return append(b, payload...)
}

func inSequence(id uint32, number uint64, payload []byte) []byte {
	b := make([]byte, stream.Size, stream.Size+len(payload))
	stream.Header{Stream: id, Sequence: number, Time: time.Now().UnixNano()}.Encode(b)
	return append(b, payload...)
}

// shredOf is a code shred, as far as its header goes, with a number in its body.
func shredOf(number uint64) []byte {
	b := make([]byte, 1228)
	b[64] = 0x66
	binary.LittleEndian.PutUint64(b[65:], 400_000_000)
	binary.LittleEndian.PutUint16(b[77:], 50093)
	b[83], b[85] = 32, 32
	binary.LittleEndian.PutUint64(b[200:], number)
	return b
}

// What is none of the form on its port is dropped by name, on either port.
func TestFormsDoNotMix(t *testing.T) {
	b := newBench(t, nil)
	sequenced := inSequence(1, 1, shredOf(1))
	broken := append([]byte(nil), sequenced...)
	broken[9] ^= 1
	newer := append([]byte(nil), sequenced...)
	newer[2] = 2
	for _, c := range []struct {
		f      form
		packet []byte
		want   string
	}{
		{formIP, sequenced, "not_ip"},
		{formIP, shredOf(1), "not_ip"},
		{formSequenced, inIP(shredOf(1)), "magic"},
		{formSequenced, shredOf(1), "magic"},
		{formSequenced, broken, "checksum"},
		{formSequenced, newer, "version"},
		{formSequenced, sequenced[:20], "short"},
		{formSequenced, sequenced[:28], "short"},
		{formSequenced, nil, "short"},
		{formIP, inIP(nil), "short"},
		{formIP, nil, "short"},
	} {
		arrived, dropped := b.through(t, c.f, c.packet)
		if len(arrived) != 0 || dropped != c.want {
			t.Errorf("%d bytes on %s: %d arrived, dropped %q, want %q", len(c.packet), c.f, len(arrived), dropped, c.want)
		}
	}
}

// Every prefix of a packet of either form, and every bit of its headers turned over: nothing but a whole shred goes on.
func TestDamage(t *testing.T) {
	b := newBench(t, func(s *settings) {
		s.matchAddr, s.matchPort, s.version = netip.MustParseAddr("203.0.113.10"), 8001, 50093
	})
	for f, whole := range [forms][]byte{inIP(shredOf(1)), inSequence(1, 1, shredOf(1))} {
		step := 61
		if os.Getenv("BISC_FAULTS") == "all" {
			step = 1
		}
		for n := 0; n < len(whole); n += step {
			if arrived, dropped := b.through(t, form(f), whole[:n]); len(arrived) != 0 || dropped == "" {
				t.Fatalf("%s cut at %d: %d arrived, dropped %q", form(f), n, len(arrived), dropped)
			}
		}
		for bit := range 28 * 8 {
			damaged := append([]byte(nil), whole...)
			damaged[bit/8] ^= 1 << (bit % 8)
			arrived, dropped := b.through(t, form(f), damaged)
			switch {
			case len(arrived) == 0 && dropped == "":
				t.Fatalf("%s, bit %d: neither arrived nor dropped", form(f), bit)
			case len(arrived) == 1 && string(arrived[0]) != string(whole[28:]):
				t.Fatalf("%s, bit %d: %d bytes of garbage arrived", form(f), bit, len(arrived[0]))
			case form(f) == formSequenced && len(arrived) != 0:
				t.Fatalf("bit %d of the header of the form sequenced went unseen", bit)
			}
		}
	}
}

// Several packets in one message are taken apart, accounted each, and go on grouped; nothing on the way allocates.
func TestPathDoesNotAllocate(t *testing.T) {
	b := newBench(t, nil)
	message := coalesced(0)
	enable(t, b.in[formSequenced], len(message)/40)
	if n := testing.AllocsPerRun(50, func() {
		if _, err := unix.Write(b.in[formSequenced], message); err != nil {
			t.Fatal(err)
		}
		if err := b.take(b.inputs[formSequenced]); err != nil {
			t.Fatal(err)
		}
		if _, err := b.sink.Read(b.out); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a batch of 40 packets", n)
	}
	if got, want := b.counts.forwarded.Value(), b.counts.received.Value(int(formSequenced)); got != want || got < 40*50 {
		t.Errorf("forwarded %d of %d", got, want)
	}
	figures, _ := b.books.Figures()
	if len(figures) != 1 || figures[0].Duplicate != figures[0].Received-40 {
		t.Errorf("%+v: the same 40 numbers were sent again and again", figures)
	}
}

// coalesced is 40 packets of the form sequenced behind each other.
func coalesced(first uint64) (out []byte) {
	for n := first; n < first+40; n++ {
		out = append(out, inSequence(1, n, shredOf(n))...)
	}
	return out
}

func enable(t testing.TB, fd, segment int) {
	t.Helper()
	if err := unix.SetsockoptInt(fd, unix.SOL_UDP, unix.UDP_SEGMENT, segment); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkPath is receive, account, filter, forward; the sending before it is not in the time.
func BenchmarkPath(b *testing.B) {
	for _, gro := range []bool{true, false} {
		for f, message := range [forms][]byte{[]byte(strings.Repeat(string(inIP(shredOf(1))), 40)), coalesced(0)} {
			b.Run(fmt.Sprintf("%s/gro=%v", form(f), gro), func(b *testing.B) {
				path := newBench(b, func(s *settings) { s.gro = gro })
				enable(b, path.in[f], len(message)/40)
				b.ReportAllocs()
				for b.Loop() {
					b.StopTimer()
					for range 8 {
						if _, err := unix.Write(path.in[f], message); err != nil {
							b.Fatal(err)
						}
					}
					for more := true; more; {
						more, _ = path.sink.Read(path.out)
					}
					b.StartTimer()
					if err := path.take(path.inputs[f]); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(path.counts.forwarded.Value()), "ns/packet")
				if path.counts.forwarded.Value() != path.counts.received.Total() || path.counts.drops.Value(int(dropSend+reason(send.Again))) > 0 {
					b.Fatalf("forwarded %d of %d", path.counts.forwarded.Value(), path.counts.received.Total())
				}
			})
		}
	}
}

// What lay in systemd's socket before the filter of allowed senders did is told by its sender, and not forwarded.
func TestForbiddenBeforeTheFilter(t *testing.T) {
	b := newBench(t, nil)
	open, err := recv.Listen(netip.MustParseAddrPort("127.0.0.1:0"), recv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { open.Close() })
	for _, source := range []byte{1, 2} {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		at, err := open.Local()
		if err == nil {
			err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, source}})
		}
		if err == nil {
			err = unix.Sendto(fd, inSequence(1, uint64(source), shredOf(uint64(source))), 0, &unix.SockaddrInet4{Addr: at.Addr().As4(), Port: int(at.Port())})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	dup, err := unix.FcntlInt(uintptr(open.FDs()[0]), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(dup), "sequenced")
	defer file.Close()
	adopted, err := recv.Adopt([]*os.File{file}, recv.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	if err != nil {
		t.Fatal(err)
	}
	in := &input{form: formSequenced, socket: adopted, batch: adopted.NewBatch()}
	b.inputs = append(b.inputs, in)
	if err := b.take(in); err != nil {
		t.Fatal(err)
	}
	if f, d := b.counts.forwarded.Value(), b.counts.drops.Value(int(dropSource)); f != 1 || d != 1 {
		t.Errorf("forwarded %d, dropped for their source %d: want one of each", f, d)
	}
}

// A marked packet is counted by its nonce in either form, and never reaches the validator.
func TestMark(t *testing.T) {
	b := newBench(t, func(s *settings) {
		s.matchAddr, s.matchPort = netip.MustParseAddr("203.0.113.10"), 8001
	})
	n := mark.Nonce{7}
	for f, packet := range [][]byte{formIP: inIP(mark.Packet(n)), formSequenced: inSequence(1, 1, mark.Packet(n))} {
		arrived, dropped := b.through(t, form(f), packet)
		if len(arrived) != 0 || dropped != "" || b.counts.marks.nonce != n || b.counts.marks.came != uint64(f+1) {
			t.Errorf("%s: %d arrived, dropped %q, %d of nonce %s", form(f), len(arrived), dropped, b.counts.marks.came, b.counts.marks.nonce)
		}
	}
}
