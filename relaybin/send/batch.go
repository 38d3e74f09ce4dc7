package send

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// message is the kernel's struct mmsghdr.
type message struct {
	head unix.Msghdr
	sent uint32
}

// control is the one control message of a large packet: the size to cut it to.
type control struct {
	head unix.Cmsghdr
	size uint16
	_    [6]byte // CMSG_SPACE
}

// batch is what goes with one system call.
type batch struct {
	messages [sizes * maxSegments]message
	n        int
	controls [sizes]control
	larges   int
}

func (b *batch) init() {
	for i := range b.controls {
		c := &b.controls[i]
		c.head.Level, c.head.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
		c.head.SetLen(unix.CmsgLen(2))
	}
}

// large appends packets of one size as one.
func (b *batch) large(packets []unix.Iovec, size int) {
	c := &b.controls[b.larges]
	b.larges++
	c.size = uint16(size)
	m := &b.messages[b.n]
	b.n++
	m.head.Iov = &packets[0]
	m.head.SetIovlen(len(packets))
	m.head.Control = (*byte)(unsafe.Pointer(c))
	m.head.SetControllen(unix.CmsgSpace(2))
}

// single appends packets one by one.
func (b *batch) single(packets []unix.Iovec) {
	for i := range packets {
		m := &b.messages[b.n]
		b.n++
		m.head.Iov = &packets[i]
		m.head.SetIovlen(1)
		m.head.Control = nil
		m.head.SetControllen(0)
	}
}

// packets are those of the message.
func (m *message) packets() []unix.Iovec { return unsafe.Slice(m.head.Iov, m.head.Iovlen) }

// clear forgets all messages.
func (b *batch) clear() { b.n, b.larges = 0, 0 }
