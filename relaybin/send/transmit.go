package send

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// stall is how long one Flush waits for room in the socket. What comes meanwhile waits in the ring or socket it is read from.
const stall = 5 * time.Millisecond

// transmit sends the batch. Each packet of it is counted once, as sent or as lost.
func (s *Sender) transmit() {
	b := &s.out
	if !s.connected && b.n > 0 {
		s.again()
	}
	waited := false
	tried := -1 // the message that was tried again after an error
	for at := 0; at < b.n; {
		n, errno := s.call(b.messages[at:b.n])
		if n > 0 {
			s.took(b.messages[at : at+n])
			at += n
			continue
		}
		m := &b.messages[at]
		switch {
		case errno == unix.EINTR:
		case errno == unix.EAGAIN && !waited:
			waited = true
			s.room()
		case m.head.Control != nil && (errno == unix.EIO || errno == unix.EINVAL || errno == unix.EMSGSIZE):
			s.apart(at)
		case told(errno) && tried != at:
			// It may be of packets before, and then this one was not even tried.
			tried = at
			s.Counts.Failed[failure(errno)]++
			s.drain()
		default:
			s.lose(m, failure(errno))
			at++
		}
	}
	b.clear()
}

// again connects a socket that had no route yet. Where there is still none, the batch is lost.
func (s *Sender) again() {
	err := s.connect()
	if err == nil {
		return
	}
	f := Other
	if errno, ok := err.(unix.Errno); ok {
		f = failure(errno)
	}
	for i := range s.out.messages[:s.out.n] {
		s.lose(&s.out.messages[i], f)
	}
	s.out.clear()
}

// call is sendmmsg: how many messages the kernel took, or why it took none. It never sleeps, so Go's scheduler is not told of it.
func (s *Sender) call(messages []message) (int, unix.Errno) {
	s.Counts.Calls++
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&messages[0])), uintptr(len(messages)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// took counts what the kernel took.
func (s *Sender) took(messages []message) {
	for i := range messages {
		packets := messages[i].packets()
		s.Counts.Sent += uint64(len(packets))
		s.Counts.Bytes += uint64(len(packets)) * uint64(packets[0].Len)
	}
}

// lose counts the packets of a message that the kernel refused.
func (s *Sender) lose(m *message, f Failure) {
	s.Counts.Failed[f]++
	s.Counts.Lost[f] += uint64(len(m.packets()))
}

// told says whether errno may be what the kernel was told of packets sent before (ICMP, a silent neighbour). It is given to the
// next send instead of sending, once.
func told(errno unix.Errno) bool {
	switch errno {
	case unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EMSGSIZE, unix.EPROTO, unix.ENOPROTOOPT, unix.EACCES, unix.EHOSTDOWN:
		return true
	}
	return false
}

// apart takes the large packets from message at on apart, and makes no more: the device does not compute checksums (EIO, before
// Linux 6.11) or a packet does not fit its MTU (EINVAL, EMSGSIZE
// in newer kernels).
func (s *Sender) apart(at int) {
	s.segments = false
	s.Counts.Failed[Offload]++
	b := &s.out
	var rest [sizes * maxSegments][]unix.Iovec
	n := 0
	for i := at; i < b.n; i++ {
		rest[n] = b.messages[i].packets()
		n++
	}
	b.n = at
	for _, packets := range rest[:n] {
		b.single(packets)
	}
}

// room waits until the socket takes more, for stall at most.
func (s *Sender) room() {
	s.Counts.Failed[Again]++
	fds := [1]unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLOUT}}
	_, _ = unix.Poll(fds[:], int(stall.Milliseconds())) // an error shows at the next send
}

// drain takes the notes on errors off the socket, so that they do not fill its buffer. What they say, send has said.
func (s *Sender) drain() {
	var b [1]byte
	part := unix.Iovec{Base: &b[0]}
	part.SetLen(1)
	m := unix.Msghdr{Iov: &part}
	m.SetIovlen(1)
	for range maxSegments {
		_, _, errno := unix.Syscall(unix.SYS_RECVMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&m)), unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		if errno != 0 {
			return
		}
	}
}
