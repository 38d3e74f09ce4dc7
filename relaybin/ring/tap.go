package ring

import (
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Measures of a tap.
const (
	tapBlock = 128 << 10             // bytes of a block: the largest packet fits, 64 KiB
	tapDelay = 10 * time.Millisecond // after which the kernel hands over a block that is not full
)

// blocks is a ring of version 3, for listening beside a path. A frame takes the room it needs, so that the large packets which a
// sender (GSO) or a device (GRO) makes of many fit as they are; each costs one note, and the kernel wakes the reader once a block.
type blocks struct {
	memory []byte
	count  int
	at     int // the block that is read, or is next
	held   int // blocks before it that were read and not yet given back
	left   int // frames in the block at, that are still to be read
	frame  int // where the next of them is, in memory
	split  split
}

// startTap gives the socket a ring of version 3.
func (r *Ring) startTap() error {
	if r.header > 0 {
		// Tells how large packets are to be cut. Without it (a kernel that has it not, a device without Ethernet headers) such a
		// packet is one datagram, of which the reader says what it can.
		r.vnet = unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1) == nil
	}
	if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return fmt.Errorf("ring: the kernel has no TPACKET_V3: %w", err)
	}
	b := &blocks{count: max(r.count*r.size/tapBlock, 2)}
	req := unix.TpacketReq3{
		Block_size:     tapBlock,
		Block_nr:       uint32(b.count),
		Frame_size:     2048, // says nothing in version 3 but has to divide
		Frame_nr:       uint32(b.count * tapBlock / 2048),
		Retire_blk_tov: uint32(tapDelay.Milliseconds()),
	}
	if err := unix.SetsockoptTpacketReq3(r.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return fmt.Errorf("ring: the kernel gives no ring of %d KiB: %w (ask for a smaller one)", b.count*tapBlock>>10, err)
	}
	memory, err := unix.Mmap(r.fd, 0, b.count*tapBlock, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("ring: map %d KiB: %w", b.count*tapBlock>>10, err)
	}
	b.memory, r.tap = memory, b
	return nil
}

// blockHead is the beginning of a block: the kernel's struct tpacket_block_desc as far as it is read here.
type blockHead struct {
	version, private uint32
	status           uint32
	frames, first    uint32
}

func (b *blocks) head() *blockHead {
	return (*blockHead)(unsafe.Pointer(&b.memory[b.at*tapBlock]))
}

// ready says whether the block at is the reader's and has frames.
func (b *blocks) ready() bool {
	if b.left > 0 || b.split.more() {
		return true
	}
	return b.held < b.count && atomic.LoadUint32(&b.head().status)&unix.TP_STATUS_USER != 0
}

// nextTapped fills p with the next datagram.
func (r *Ring) nextTapped(p *Packet) bool {
	b := r.tap
	if b.split.more() {
		b.split.next(p)
		return true
	}
	for b.left == 0 {
		if !b.ready() {
			return false
		}
		head := b.head()
		b.left, b.frame = int(head.frames), b.at*tapBlock+int(head.first)
		if b.left == 0 {
			b.turn() // the kernel may hand over a block that has none
		}
	}
	h := (*unix.Tpacket3Hdr)(unsafe.Pointer(&b.memory[b.frame]))
	size := r.tapped(p, h)
	b.frame += int(h.Next_offset)
	if b.left--; b.left == 0 {
		b.turn()
	}
	if size > 0 {
		b.split.begin(p, size)
	}
	r.taken = true
	return true
}

// turn leaves the block at for the next one.
func (b *blocks) turn() {
	b.held++
	if b.at++; b.at == b.count {
		b.at = 0
	}
}

// tapped reads what the kernel noted on a frame, and returns the size to which a large packet is to be cut, or 0.
func (r *Ring) tapped(p *Packet, h *unix.Tpacket3Hdr) int {
	const addressAt = (unix.SizeofTpacket3Hdr + 15) &^ 15
	start := unsafe.Pointer(h)
	link := (*unix.RawSockaddrLinklayer)(unsafe.Add(start, addressAt))
	header := int(h.Net) - int(h.Mac)
	p.Data = unsafe.Slice((*byte)(unsafe.Add(start, int(h.Net))), max(int(h.Snaplen)-header, 0))
	p.Wire = int(h.Len) - header
	p.EtherType = link.Protocol<<8 | link.Protocol>>8
	p.Tagged = h.Status&unix.TP_STATUS_VLAN_VALID != 0
	p.VLAN = uint16(h.Hv1.Vlan_tci)
	p.Time = int64(h.Sec)*1e9 + int64(h.Nsec)
	if !r.vnet {
		return 0
	}
	// struct virtio_net_hdr stands before the link's header: flags, gso_type, hdr_len (16 bits), gso_size (16 bits), ...
	vnet := unsafe.Slice((*byte)(unsafe.Add(start, int(h.Mac)-vnetSize)), vnetSize)
	if vnet[1]&^vnetECN != vnetUDP {
		return 0
	}
	return int(vnet[4]) | int(vnet[5])<<8
}

// The kernel's struct virtio_net_hdr and its types (linux/virtio_net.h). UDP_L4 is told since Linux 6.2; before, the kernel drops
// such a packet here and counts it as dropped.
const (
	vnetSize = 10
	vnetUDP  = 5
	vnetECN  = 0x80
)

// release gives back to the kernel all blocks that were read.
func (b *blocks) release() {
	at := b.at - b.held
	if at < 0 {
		at += b.count
	}
	if b.held > 0 && b.split.more() {
		b.held-- // its last packet is still being cut
		defer func() { b.held++ }()
	}
	for ; b.held > 0; b.held-- {
		head := (*blockHead)(unsafe.Pointer(&b.memory[at*tapBlock]))
		atomic.StoreUint32(&head.status, unix.TP_STATUS_KERNEL)
		if at++; at == b.count {
			at = 0
		}
	}
}
