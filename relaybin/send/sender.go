// Package send sends UDP packets to one destination, many with one system call.
//
// Packets are gathered by their size: those of one size go as one large packet which the kernel, or the device, cuts (UDP_SEGMENT,
// since Linux 4.18). Shreds have two sizes, so two system calls' work goes for as many as 54 packets each. Where that cannot be, the
// packets go one by one, still many with one call.
package send

import (
	"errors"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Mode says whether packets are sent as large ones that are cut later.
type Mode string

// The modes.
const (
	Auto Mode = "auto" // where the kernel and the device can
	On   Mode = "on"   // Open fails where the kernel cannot
	Off  Mode = "off"
)

// Limits of one large packet: the kernel's number of segments, and UDP's length.
const (
	maxSegments = 64
	maxBytes    = 65507
)

// sizes is how many sizes are gathered at a time. Shreds have two, repair responses two more.
const sizes = 4

// Options say where packets go.
type Options struct {
	To     netip.AddrPort // the destination, IPv4
	From   netip.Addr     // the address to send from; the zero Addr: the route's
	Device string         // the only device to send by; "": the route's
	OnLink bool           // never by a gateway: only where the destination is on one of this machine's own networks
	GSO    Mode           // "": Auto
	Buffer int            // bytes that may wait in the socket; 0: 4 MiB, as far as net.core.wmem_max allows

	// Stamp is called for each packet, in the order in which they go, right before they do. It may write into the packet.
	Stamp func(packet []byte)
}

// Counts are what has become of packets. They are the sending goroutine's; publish copies.
type Counts struct {
	Sent, Bytes uint64           // packets that the kernel took, and their UDP payload
	Calls       uint64           // system calls that sent
	Failed      [Failures]uint64 // what the kernel said, by Failure
	Lost        [Failures]uint64 // packets that were not sent because of it
}

// Sender sends to one destination. One goroutine uses it.
type Sender struct {
	Counts Counts

	fd        int
	to        unix.SockaddrInet4
	connected bool
	device    string
	stamp     func([]byte)
	mode      Mode
	segments  bool // packets go as large ones
	groups    [sizes]group
	out       batch
}

// group gathers packets of one size.
type group struct {
	size, n int
	packets [maxSegments]unix.Iovec
}

// Open makes a sender. Nothing is sent yet.
func Open(o Options) (*Sender, error) {
	if !o.To.Addr().Unmap().Is4() || o.To.Port() == 0 {
		return nil, fmt.Errorf("send: %v is not an IPv4 address and port", o.To)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("send: open a socket: %w", err)
	}
	s := &Sender{fd: fd, stamp: o.Stamp, mode: o.GSO}
	s.out.init()
	if err := s.setUp(o); err != nil {
		_ = unix.Close(fd) // the error before it is the one that matters
		return nil, err
	}
	return s, nil
}

func (s *Sender) setUp(o Options) error {
	if o.Buffer == 0 {
		o.Buffer = 4 << 20
	}
	if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, o.Buffer) != nil { // needs CAP_NET_ADMIN
		if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, o.Buffer); err != nil {
			return fmt.Errorf("send: set the buffer: %w", err)
		}
	}
	// Without it only "port unreachable" is told of the errors that routers and a silent next hop cause.
	if err := unix.SetsockoptInt(s.fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1); err != nil {
		return fmt.Errorf("send: ask for errors: %w", err)
	}
	if o.OnLink {
		if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_DONTROUTE, 1); err != nil {
			return fmt.Errorf("send: use no gateway: %w", err)
		}
	}
	if err := s.Bind(o.Device); err != nil {
		return err
	}
	if o.From.IsValid() {
		if err := unix.Bind(s.fd, &unix.SockaddrInet4{Addr: o.From.Unmap().As4()}); err != nil {
			return fmt.Errorf("send: from %v: %w", o.From, err)
		}
	}
	s.Probe()
	if !s.segments && s.mode == On {
		return errors.New("send: the kernel has no UDP segmentation (Linux 4.18 has); leave it to auto")
	}
	s.to = unix.SockaddrInet4{Port: int(o.To.Port()), Addr: o.To.Addr().Unmap().As4()}
	err := s.connect()
	if errors.As(err, new(unix.Errno)) && unreachable(err) {
		return nil // no route yet: tried again when there is something to send
	}
	if err != nil {
		return fmt.Errorf("send: to %v: %w", o.To, err)
	}
	return nil
}

// connect fixes the destination, and with it the address to send from.
func (s *Sender) connect() error {
	err := unix.Connect(s.fd, &s.to)
	s.connected = err == nil
	return err
}

// unreachable says whether err may pass when a route comes.
func unreachable(err error) bool {
	return errors.Is(err, unix.ENETUNREACH) || errors.Is(err, unix.EHOSTUNREACH) || errors.Is(err, unix.ENETDOWN)
}

// Reconnect chooses the address to send from anew, as the route says now. It is for after a change of addresses or routes.
func (s *Sender) Reconnect() error {
	none := unix.RawSockaddr{Family: unix.AF_UNSPEC}
	if _, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(s.fd), uintptr(unsafe.Pointer(&none)), unsafe.Sizeof(none)); errno != 0 {
		return fmt.Errorf("send: forget the destination: %w", errno)
	}
	s.connected = false
	if err := s.connect(); err != nil && !unreachable(err) {
		return fmt.Errorf("send: choose an address to send from: %w", err)
	}
	return nil
}

// Bind sends by this device only, from now on; "" leaves it to the routes. After a device has vanished and returned it has to be
// done again. The error is ENODEV when there is none.
func (s *Sender) Bind(device string) error {
	if device == "" && s.device == "" {
		return nil
	}
	if err := unix.BindToDevice(s.fd, device); err != nil {
		return fmt.Errorf("send: by the device %s: %w", device, err)
	}
	s.device = device
	return nil
}

// Probe tries large packets again after a device could not cut them: the route may lead elsewhere by now. It costs nothing where
// it still cannot.
func (s *Sender) Probe() {
	_, err := unix.GetsockoptInt(s.fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT)
	s.segments = err == nil && s.mode != Off
}

// Segments says whether packets of one size go as one large packet.
func (s *Sender) Segments() bool { return s.segments }

// Add takes a packet along. It must stay as it is until Flush; when its group is full, Add sends what was gathered.
func (s *Sender) Add(packet []byte) {
	if len(packet) == 0 || len(packet) > maxBytes {
		s.Counts.Failed[TooBig]++
		s.Counts.Lost[TooBig]++
		return
	}
	g := s.group(len(packet))
	p := &g.packets[g.n]
	p.Base = unsafe.SliceData(packet)
	p.SetLen(len(packet))
	if g.n++; g.n == maxSegments || (g.n+1)*g.size > maxBytes {
		s.Flush()
	}
}

// group returns the group of that size, or an empty one; when all are taken, all are sent first.
func (s *Sender) group(size int) *group {
	for {
		for i := range s.groups {
			if g := &s.groups[i]; g.size == size || g.n == 0 {
				g.size = size
				return g
			}
		}
		s.Flush()
	}
}

// Flush sends what was gathered and forgets it, sent or not. It does not block but for a full socket, for stall at most.
func (s *Sender) Flush() {
	for i := range s.groups {
		g := &s.groups[i]
		if g.n == 0 {
			continue
		}
		packets := g.packets[:g.n]
		if s.stamp != nil {
			for j := range packets {
				s.stamp(unsafe.Slice(packets[j].Base, g.size))
			}
		}
		if s.segments && g.n > 1 {
			s.out.large(packets, g.size)
			continue
		}
		s.out.single(packets)
	}
	s.transmit()
	for i := range s.groups {
		s.groups[i].n = 0
	}
}

// Close closes the socket. What was not flushed is forgotten.
func (s *Sender) Close() error { return unix.Close(s.fd) }
