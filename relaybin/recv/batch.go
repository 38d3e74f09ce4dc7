package recv

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	groSize  = 64 << 10 // the largest that UDP_GRO makes
	oneSize  = 2048     // a datagram of the relay with room; longer ones are marked Cut
	ctlSize  = 96       // a time stamp, a segment size, and their headers
	messages = 32       // in one recvmmsg; with UDP_GRO that is up to 2,048 datagrams
)

// mmsghdr is struct mmsghdr of recvmmsg(2); x/sys has none. Go pads it as C does, on 32 bits too.
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

// Batch is the room for one Read, to be used again and again. It is for one goroutine.
type Batch struct {
	Messages []Message // of the last Read

	all      []Message
	buffers  [][]byte
	controls [][ctlSize]byte
	names    []unix.RawSockaddrInet4
	vectors  []unix.Iovec
	headers  []mmsghdr
}

// Message is one datagram, or with UDP_GRO several of one sender behind each other, each Segment bytes long and the last
// one at most so. Data is good until the next Read.
type Message struct {
	Data    []byte
	Segment int    // never 0 unless Data is empty
	From    uint32 // the sender's IPv4 address
	Port    uint16 // and port
	Time    int64  // when the kernel took it in, nanoseconds since 1970 by the real-time clock; 0: it did not say
	Cut     bool   // longer than the room: the rest is lost
}

// NewBatch makes room for a Read of this socket.
func (s *Socket) NewBatch() *Batch {
	n, size := messages, oneSize
	if s.gro {
		size = groSize
	}
	b := &Batch{
		all: make([]Message, n), buffers: make([][]byte, n), controls: make([][ctlSize]byte, n),
		names: make([]unix.RawSockaddrInet4, n), vectors: make([]unix.Iovec, n), headers: make([]mmsghdr, n),
	}
	for i := range n {
		b.buffers[i] = make([]byte, size)
		b.vectors[i].Base = &b.buffers[i][0]
		b.vectors[i].SetLen(size)
		h := &b.headers[i].hdr
		h.Iov, h.Name, h.Control = &b.vectors[i], (*byte)(unsafe.Pointer(&b.names[i])), &b.controls[i][0]
		h.SetIovlen(1)
	}
	return b
}

// Read fills b with what waits, without waiting, and reports whether there may be more. Nothing there is no error. An error
// that the network reported to the socket (ICMP) is not one of receiving and is passed over.
func (s *Socket) Read(b *Batch) (more bool, err error) {
	n, err := b.receive(s.fd)
	if n == 0 && err == nil && s.gutter >= 0 {
		n, err = b.receive(s.gutter)
	}
	b.Messages = b.all[:n]
	for i := range n {
		b.message(i)
	}
	return n == len(b.headers), err
}

func (b *Batch) receive(fd int) (int, error) {
	for i := range b.headers {
		h := &b.headers[i].hdr
		h.Namelen = unix.SizeofSockaddrInet4
		h.SetControllen(ctlSize)
		h.Flags = 0
	}
	for {
		n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.headers[0])), uintptr(len(b.headers)), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EAGAIN:
			return 0, nil
		case unix.EINTR, unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH: // the last three are news of packets sent
			continue
		}
		return 0, fmt.Errorf("receive: %w", errno)
	}
}

// message reads what the kernel wrote for the i-th message.
func (b *Batch) message(i int) {
	h, m := &b.headers[i], &b.all[i]
	m.Data = b.buffers[i][:h.len]
	m.Segment, m.Time = len(m.Data), 0
	m.From = binary.BigEndian.Uint32(b.names[i].Addr[:])
	port := (*[2]byte)(unsafe.Pointer(&b.names[i].Port)) // network order
	m.Port = binary.BigEndian.Uint16(port[:])
	m.Cut = h.hdr.Flags&unix.MSG_TRUNC != 0
	control := b.controls[i][:h.hdr.Controllen]
	for len(control) >= unix.SizeofCmsghdr {
		c := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
		if int(c.Len) < unix.SizeofCmsghdr || int(c.Len) > len(control) {
			return
		}
		b.control(m, c, control[unix.CmsgLen(0):c.Len])
		control = control[min(unix.CmsgSpace(int(c.Len)-unix.CmsgLen(0)), len(control)):]
	}
}

func (b *Batch) control(m *Message, c *unix.Cmsghdr, data []byte) {
	switch {
	case c.Level == unix.SOL_SOCKET && c.Type == unix.SO_TIMESTAMPNS && len(data) >= int(unsafe.Sizeof(unix.Timespec{})):
		m.Time = (*unix.Timespec)(unsafe.Pointer(&data[0])).Nano()
	case c.Level == unix.SOL_UDP && c.Type == unix.UDP_GRO && len(data) >= 4:
		if size := int(*(*int32)(unsafe.Pointer(&data[0]))); size > 0 && size < len(m.Data) {
			m.Segment = size
		}
	}
}
