// Package recv reads UDP datagrams in batches from raw sockets, without Go's netpoller and without allocating: a batch is one
// recvmmsg(2), and with UDP_GRO one message of it is up to 64 datagrams of one sender.
//
// Senders that are not allowed are kept out by the kernel. Two sockets share the port (SO_REUSEPORT): a small program picks
// the second, called the gutter, for every sender that is not allowed, and a filter drops everything there. So a flood costs
// no room in the first socket's buffer, and the two sockets' drop counters tell overflow from refusal, which the single
// counter of one filtered socket does not. Where the second socket cannot be had (systemd handed over one only), the filter
// alone does the work and its drops are counted among the kernel's.
package recv

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// Options say how a port is to be read.
type Options struct {
	Allow  []netip.Prefix // senders; empty: any
	Buffer int            // receive buffer in bytes, as SO_RCVBUF counts; 0: the system's default
	GRO    bool           // let the kernel hand over several datagrams as one
}

// Socket is one UDP port that is read.
type Socket struct {
	fd, gutter int // gutter is -1 where there is none
	allow      []source
	gro        bool
	buffer     int
	main, side drops
}

// ErrNotIPv4 says that an address cannot be listened on: shreds travel over IPv4 only (solana.md D.2).
var ErrNotIPv4 = errors.New("not an IPv4 address")

// Listen opens the port at. Errors tell the address; a port that is taken is unix.EADDRINUSE.
func Listen(at netip.AddrPort, o Options) (*Socket, error) {
	if !at.Addr().Is4() {
		return nil, fmt.Errorf("listen on %s: %w", at, ErrNotIPv4)
	}
	// The group is made only where it is needed: with it a second daemon of the same user could listen here unnoticed.
	group := len(o.Allow) > 0
	fd, err := open(at, false)
	if err == nil && group {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", at, err)
	}
	s := &Socket{fd: fd, gutter: -1}
	if group {
		local, err := s.Local()
		if err == nil {
			s.gutter, err = open(local, true)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("listen on %s for forbidden senders: %w", at, err), s.Close())
		}
	}
	return s, s.set(o)
}

// Adopt takes over the sockets that systemd opened under one name: one, or two of one port (ReusePort=yes, the same
// ListenDatagram= twice), of which the second is the gutter. They stay systemd's too, so nothing that reaches the host
// between two processes is lost; a filter of the process before stays in force until it is replaced here.
func Adopt(files []*os.File, o Options) (*Socket, error) {
	s := &Socket{fd: -1, gutter: -1}
	if len(files) == 0 || len(files) > 2 {
		return nil, fmt.Errorf("take over %d sockets of one name: one port is one socket, or two with ReusePort=yes", len(files))
	}
	for i, f := range files {
		fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("take over socket %s: %w", f.Name(), err), s.Close())
		}
		if i == 0 {
			s.fd = fd
		} else {
			s.gutter = fd
		}
		if err := datagram(fd); err != nil {
			return nil, errors.Join(fmt.Errorf("take over socket %s: %w", f.Name(), err), s.Close())
		}
	}
	if s.gutter >= 0 {
		a, errA := local(s.fd)
		b, errB := local(s.gutter)
		if err := errors.Join(errA, errB); err != nil || a != b {
			return nil, errors.Join(fmt.Errorf("take over sockets at %s and %s: two ports under one name: %w", a, b, unix.EINVAL), err, s.Close())
		}
	}
	return s, s.set(o)
}

// open makes a socket at an address. The second of a group joins the first by SO_REUSEPORT, which the kernel allows to the
// same user only.
func open(at netip.AddrPort, second bool) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, err
	}
	if second {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			return -1, errors.Join(err, unix.Close(fd))
		}
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}); err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// datagram refuses what is no UDP socket over IPv4: a .socket unit may name anything.
func datagram(fd int) error {
	for option, want := range map[int]int{unix.SO_DOMAIN: unix.AF_INET, unix.SO_TYPE: unix.SOCK_DGRAM} {
		got, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, option)
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("no UDP socket over IPv4: %w", ErrNotIPv4)
		}
	}
	return unix.SetNonblock(fd, true)
}

// set puts the options in force; on an error the socket is closed.
func (s *Socket) set(o Options) error {
	err := errors.Join(s.setAllowed(o.Allow), s.setBuffer(o.Buffer), s.setGRO(o.GRO),
		unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1), s.main.start(s.fd))
	if s.gutter >= 0 {
		err = errors.Join(err, s.side.start(s.gutter))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("set up the receiving socket: %w", err), s.Close())
	}
	return nil
}

// setBuffer asks for the buffer with the right of CAP_NET_ADMIN, and without where that is missing. Never makes it smaller:
// systemd may have given more.
func (s *Socket) setBuffer(want int) error {
	got, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	if err != nil {
		return err
	}
	if want > got/2 {
		if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, want) != nil {
			err = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, want)
		}
		if err == nil {
			got, err = unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
		}
	}
	s.buffer = got / 2 // the kernel doubles what is asked for, to cover its own overhead (socket(7))
	return err
}

// setGRO asks for coalesced datagrams; kernels before 5.0 do not know it and hand over one by one.
func (s *Socket) setGRO(on bool) error {
	if !on {
		return nil
	}
	err := unix.SetsockoptInt(s.fd, unix.SOL_UDP, unix.UDP_GRO, 1)
	s.gro = err == nil
	if errors.Is(err, unix.ENOPROTOOPT) {
		return nil
	}
	return err
}

// Local is the address that the socket listens on.
func (s *Socket) Local() (netip.AddrPort, error) { return local(s.fd) }

func local(fd int) (netip.AddrPort, error) {
	name, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("ask for the socket's address: %w", err)
	}
	in, ok := name.(*unix.SockaddrInet4)
	if !ok {
		return netip.AddrPort{}, ErrNotIPv4
	}
	return netip.AddrPortFrom(netip.AddrFrom4(in.Addr), uint16(in.Port)), nil
}

// Buffer is the receive buffer that the kernel granted, in bytes as asked for. Less than asked for means that
// net.core.rmem_max caps it and CAP_NET_ADMIN is missing.
func (s *Socket) Buffer() int { return s.buffer }

// GRO reports whether the kernel hands over several datagrams as one.
func (s *Socket) GRO() bool { return s.gro }

// Gutter reports whether forbidden senders are counted apart from what overflows.
func (s *Socket) Gutter() bool { return s.gutter >= 0 }

// FDs are for poll(2): one, or two with a gutter. Nothing wakes the second, unless it lies first in the group.
func (s *Socket) FDs() []int {
	if s.gutter < 0 {
		return []int{s.fd}
	}
	return []int{s.fd, s.gutter}
}

// Close closes the port. What systemd holds stays open there.
func (s *Socket) Close() error {
	err := unix.Close(s.fd)
	if s.gutter >= 0 {
		err = errors.Join(err, unix.Close(s.gutter))
	}
	return err
}
