package recv

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// drops follows a socket's 32-bit count of packets that the kernel threw away, across its wrap.
type drops struct {
	fd    int
	first uint32 // when the socket was taken over
	last  uint32
	sum   uint64
}

func (d *drops) start(fd int) error {
	n, err := dropped(fd)
	d.fd, d.first, d.last = fd, n, n
	return err
}

func (d *drops) look() (uint64, error) {
	n, err := dropped(d.fd)
	if err != nil {
		return d.sum, err
	}
	d.sum += uint64(n - d.last)
	d.last = n
	return d.sum, nil
}

// Drops counts the packets that the kernel threw away since the socket was opened or taken over: overflow, because the
// buffer was full, and refused, because the sender is not allowed. Without a gutter all are in overflow.
//
// This is the counter that SO_RXQ_OVFL would attach to each packet; asked for by itself it costs the path nothing and is
// right also when no packet follows the last drop. For one goroutine.
func (s *Socket) Drops() (overflow, refused uint64, err error) {
	if overflow, err = s.main.look(); err != nil || s.gutter < 0 {
		return overflow, 0, err
	}
	refused, err = s.side.look()
	return overflow, refused, err
}

// Before is how many packets the socket had lost to a full buffer when it was taken over: under the daemons before this one,
// and between them.
func (s *Socket) Before() uint32 { return s.main.first }

// dropped asks for SK_MEMINFO_DROPS (linux/sock_diag.h, since 4.12).
func dropped(fd int) (uint32, error) {
	const meminfo, dropsAt = 55, 8 // SO_MEMINFO; x/sys has the name, but no call that takes an array
	var info [9]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, meminfo, uintptr(unsafe.Pointer(&info[0])), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0, fmt.Errorf("ask the socket for its drops: %w", errno)
	}
	return info[dropsAt], nil
}
