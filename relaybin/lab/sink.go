package lab

import (
	"fmt"
	"hash/crc32"
	"net/netip"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Received is what came to a sink.
type Received struct {
	Packets   uint64 // all
	Unique    uint64 // whole shreds of Send, each once
	Duplicate uint64 // whole ones that had come before
	Bad       uint64 // anything else: cut, changed, or not from Send
	Reordered uint64 // unique ones that came after one with a higher sequence number
	Dropped   uint64 // by the kernel, because the sink's own buffer was full: then the sink was the limit
	Paths     map[uint32]uint64
	Delay     Histogram // from the sender's stamp to the sink's hand, of unique ones
	Payloads  [][]byte  // the first ones, as many as were asked for
}

// Sink takes what comes to a UDP address of a namespace, as the validator would, and counts it.
type Sink struct {
	Addr netip.AddrPort

	socket int
	keep   int
	clock  clock
	crc    *crc32.Table
	stop   chan struct{}
	ended  chan struct{}
	once   sync.Once

	mu      sync.Mutex
	got     Received
	seen    []uint64 // a bit for each sequence number
	highest uint64
	before  uint64 // drops before Forget
	arrived *sync.Cond
	last    time.Time
}

// sinkBuffer holds what comes while the sink has no processor: half a second at the highest rate of the benchmarks.
const sinkBuffer = 512 << 20

// NewSink opens a sink in a namespace, which keeps the first payloads, as many as keep says. Port 0 takes a free one.
func (s *Space) NewSink(at netip.AddrPort, keep int) (*Sink, error) {
	k := &Sink{keep: keep, clock: newClock(), crc: castagnoli(), stop: make(chan struct{}), ended: make(chan struct{}), last: time.Now()}
	k.arrived = sync.NewCond(&k.mu)
	k.got.Paths = map[uint32]uint64{}
	if err := s.Do(func() error { return k.open(at) }); err != nil {
		return nil, fmt.Errorf("open a sink at %s in %s: %w", at, s.Name, err)
	}
	go k.serve()
	return k, nil
}

func (k *Sink) open(at netip.AddrPort) (err error) {
	if k.socket, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(k.socket, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, sinkBuffer); err != nil {
		return fmt.Errorf("receive buffer: %w", err)
	}
	// The limit is how late the end of the sink may be noticed.
	if err := unix.SetsockoptTimeval(k.socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}); err != nil {
		return fmt.Errorf("receive limit: %w", err)
	}
	if err := unix.Bind(k.socket, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}); err != nil {
		return err
	}
	name, err := unix.Getsockname(k.socket)
	if err != nil {
		return err
	}
	k.Addr = netip.AddrPortFrom(at.Addr(), uint16(name.(*unix.SockaddrInet4).Port))
	return nil
}

// serve receives until the sink is closed.
func (k *Sink) serve() {
	defer close(k.ended)
	const many = 64
	var buffers [many][2048]byte
	var iovecs [many]unix.Iovec
	var headers [many]mmsghdr
	for i := range headers {
		iovecs[i].Base = &buffers[i][0]
		iovecs[i].SetLen(len(buffers[i]))
		headers[i].hdr.Iov = &iovecs[i]
		headers[i].hdr.SetIovlen(1)
	}
	for {
		n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(k.socket), uintptr(unsafe.Pointer(&headers)), many, unix.MSG_WAITFORONE, 0, 0)
		select {
		case <-k.stop:
			return
		default:
		}
		if errno != 0 {
			continue // the receive limit, or a signal
		}
		now := k.clock.now()
		k.mu.Lock()
		for i := range int(n) {
			k.count(buffers[i][:headers[i].len], now)
		}
		k.last = time.Now()
		k.arrived.Broadcast()
		k.mu.Unlock()
	}
}

// count counts one packet.
func (k *Sink) count(packet []byte, now int64) {
	k.got.Packets++
	if len(k.got.Payloads) < k.keep {
		k.got.Payloads = append(k.got.Payloads, append([]byte(nil), packet...))
	}
	stamp, ok := readStamp(packet, k.crc)
	if !ok {
		k.got.Bad++
		return
	}
	word, bit := int(stamp.Sequence/64), uint64(1)<<(stamp.Sequence%64)
	for word >= len(k.seen) {
		k.seen = append(k.seen, make([]uint64, max(1<<14, len(k.seen)))...)
	}
	if k.seen[word]&bit != 0 {
		k.got.Duplicate++
		return
	}
	k.seen[word] |= bit
	k.got.Unique++
	k.got.Paths[stamp.Path]++
	k.got.Delay.add(time.Duration(now - stamp.Sent))
	if stamp.Sequence < k.highest {
		k.got.Reordered++
	}
	k.highest = max(k.highest, stamp.Sequence)
}
