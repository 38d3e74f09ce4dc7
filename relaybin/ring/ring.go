// Package ring reads frames from a network device through a ring of memory that the kernel fills: AF_PACKET, TPACKET_V2.
//
// Version 2 has a state for each frame, so that a frame can be taken the moment it is there. Version 3 hands over whole blocks,
// and a block that is not full only after a timeout of a millisecond at least: at 7,500 frames/s each frame would wait for it.
// What version 3 gains at high rates, few wake-ups and large batches, Wait gains by short naps that grow with the rate. A tap,
// for which nobody waits, is of version 3.
//
// What did not pay: a ring of 2 or 8 MiB in place of 32 (the processor's cache holds all of them, and the small ones lost frames when
// the machine was busy); a nap below 20,000 frames/s (at 7,500 they are 133 us apart, and a nap that gathers two delays by more than
// the 100 us that are allowed); telling Go's scheduler of each sleep (twice the processor time at 7,500/s: see poll); a clock read
// a frame (one a turn does).
//
// Any device will do: Ethernet, loopback, bridge, tunnel. Where frames have an Ethernet header they are read with it (SOCK_RAW),
// since only so the kernel tells the EtherType that stands before the data: without it (SOCK_DGRAM) kernels from 6.12 on tell the
// one behind all VLAN tags, and leave the second tag in the data.
package ring

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"bisc/relaybin/frame"
)

// Auto is the device name that stands for the one mirror device there is.
const Auto = "auto"

// Sizes of the ring when none are given: 16,384 places of 2 KiB are 32 MiB, two seconds at 7,500 frames/s and 50 ms at 300,000.
const (
	DefaultFrames = 16384
	DefaultSize   = 2048
)

// Options say what is read.
type Options struct {
	Device      string      // its name, or Auto
	Match       frame.Match // what the kernel lets through
	Frames      int         // how many frames the ring holds; 0: DefaultFrames
	Size        int         // bytes a frame may have, with 64 for the kernel; a power of two from 256 to 65536; 0: DefaultSize
	Promiscuous bool        // also take frames to other machines' link addresses, which a mirror's are

	// Tap is for listening beside a path, where nobody waits for the frames: they come up to 10 ms late, at less cost, and with the
	// kernel's stamp. A large packet that a sender or a device made of many (GSO, GRO) comes as the datagrams that it was made of;
	// without Tap it is longer than a place, and so truncated. A Packet is then valid until the next, too.
	Tap bool
}

// Ring is an open ring. One goroutine reads it; State, Device and Stats may be called from any.
type Ring struct {
	options Options
	header  int // bytes of the link's header
	fd      int
	memory  []byte
	size    int
	count   int
	tap     *blocks // with Options.Tap, and then memory, next and held are not used
	vnet    bool    // large packets say how they are to be cut
	taken   bool    // something was, since Release
	next    int     // the place that the kernel fills next
	held    int     // places before it that were handed out and not yet given back
	pace    pace
	opened  time.Time
	looked  int64 // when the device was last looked for, by clock
	index   atomic.Int32
	state   atomic.Int32
	name    atomic.Pointer[string]
	stats   stats
}

// Open makes a ring on a device that is there. The errors say what was missing and what to do about it: ErrNoDevice,
// ErrAmbiguous, or that of a system call.
func Open(o Options) (*Ring, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	link, err := Find(o.Device)
	if err != nil {
		return nil, err
	}
	header, err := header(link.Name)
	if err != nil {
		return nil, err
	}
	kind := unix.SOCK_DGRAM
	if header > 0 {
		kind = unix.SOCK_RAW
	}
	fd, err := unix.Socket(unix.AF_PACKET, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0) // protocol 0: nothing comes before bind
	if err != nil {
		return nil, fmt.Errorf("open a packet socket: %w (the capability CAP_NET_RAW is needed)", err)
	}
	r := &Ring{header: header, options: o, fd: fd, size: o.Size, count: o.Frames, opened: time.Now()}
	if err := r.setUp(); err != nil {
		_ = r.Close() // the error before it is the one that matters
		return nil, err
	}
	if err := r.bind(link); err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

// check completes o and says what cannot be.
func (o *Options) check() error {
	if o.Frames == 0 {
		o.Frames = DefaultFrames
	}
	if o.Size == 0 {
		o.Size = DefaultSize
	}
	switch {
	case o.Match.Addr.IsValid() && !o.Match.Addr.Unmap().Is4():
		return fmt.Errorf("ring: %v is not an IPv4 address", o.Match.Addr)
	case o.Size < 256 || o.Size > 65536 || o.Size&(o.Size-1) != 0:
		return fmt.Errorf("ring: a frame's size of %d is not a power of two from 256 to 65536", o.Size)
	case o.Frames < 1 || o.Frames*o.Size < blockSize || o.Frames*o.Size%blockSize != 0:
		return fmt.Errorf("ring: %d frames of %d bytes are not a multiple of %d bytes", o.Frames, o.Size, blockSize)
	}
	return nil
}

// blockSize is what the kernel allocates at a time: the largest frame, so that any frame's size divides it. Larger blocks
// could not be had from fragmented memory.
const blockSize = 65536

// setUp gives the socket its filter and its ring.
func (r *Ring) setUp() error {
	program, err := filter(r.options.Match, uint32(r.header))
	if err != nil {
		return err
	}
	prog := make([]unix.SockFilter, len(program))
	for i, in := range program {
		prog[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	if err := unix.SetsockoptSockFprog(r.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]}); err != nil {
		return fmt.Errorf("ring: attach the kernel filter: %w", err)
	}
	runtime.KeepAlive(prog)
	// The filter drops outgoing frames too; this spares the kernel their copies, from 4.20 on.
	_ = unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
	if r.options.Tap {
		return r.startTap()
	}
	if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V2); err != nil {
		return fmt.Errorf("ring: the kernel has no TPACKET_V2: %w", err)
	}
	return r.allocate()
}

// allocate has the kernel make the ring, and maps it.
func (r *Ring) allocate() error {
	bytes := r.count * r.size
	req := unix.TpacketReq{
		Block_size: blockSize,
		Block_nr:   uint32(bytes / blockSize),
		Frame_size: uint32(r.size),
		Frame_nr:   uint32(r.count),
	}
	if err := unix.SetsockoptTpacketReq(r.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return fmt.Errorf("ring: the kernel gives no ring of %d frames, %d MiB: %w (ask for a smaller one)", r.count, bytes>>20, err)
	}
	memory, err := unix.Mmap(r.fd, 0, bytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("ring: map %d MiB: %w", bytes>>20, err)
	}
	r.memory = memory
	return nil
}

// Next fills p with the next frame and reports whether there was one. The frame stays where it is until Release.
func (r *Ring) Next(p *Packet) bool {
	if r.tap != nil {
		return r.nextTapped(p)
	}
	if r.held == r.count {
		return false // all are handed out; what stands at next was already
	}
	h := r.place(r.next)
	status := atomic.LoadUint32(&h.Status)
	if status&unix.TP_STATUS_USER == 0 {
		return false
	}
	r.take(p, h, status)
	r.held++
	if r.next++; r.next == r.count {
		r.next = 0
	}
	return true
}

// place is the kernel's note on the frame at a place.
func (r *Ring) place(n int) *unix.Tpacket2Hdr {
	return (*unix.Tpacket2Hdr)(unsafe.Pointer(&r.memory[n*r.size]))
}

// take reads what the kernel noted on a frame. Lengths and offsets are the kernel's, and within the place.
func (r *Ring) take(p *Packet, h *unix.Tpacket2Hdr, status uint32) {
	start := unsafe.Pointer(h)
	link := (*unix.RawSockaddrLinklayer)(unsafe.Add(start, addressAt))
	header := int(h.Net) - int(h.Mac)
	p.Data = unsafe.Slice((*byte)(unsafe.Add(start, int(h.Net))), max(int(h.Snaplen)-header, 0))
	p.Wire = int(h.Len) - header
	p.EtherType = link.Protocol<<8 | link.Protocol>>8
	p.Tagged = status&unix.TP_STATUS_VLAN_VALID != 0
	p.VLAN = h.Vlan_tci
	p.Time = int64(h.Sec)*1e9 + int64(h.Nsec)
}

// addressAt is where the kernel writes the frame's link address: behind the header, aligned to 16 bytes.
const addressAt = (unix.SizeofTpacket2Hdr + 15) &^ 15

// Release gives back to the kernel all frames that Next has handed out.
func (r *Ring) Release() {
	if r.tap != nil {
		r.tap.release()
		if r.taken && r.State() != Up {
			r.state.Store(int32(Up))
		}
		r.taken = false
		return
	}
	place := r.next - r.held
	if place < 0 {
		place += r.count
	}
	if r.held > 0 && r.State() != Up {
		r.state.Store(int32(Up)) // frames come from no other device
	}
	r.pace.frames += r.held
	for ; r.held > 0; r.held-- {
		atomic.StoreUint32(&r.place(place).Status, unix.TP_STATUS_KERNEL)
		if place++; place == r.count {
			place = 0
		}
	}
}

// Close gives back the ring. No Packet may be used after it.
func (r *Ring) Close() error {
	if r.tap != nil {
		r.memory, r.tap = r.tap.memory, nil
	}
	if r.memory != nil {
		if err := unix.Munmap(r.memory); err != nil {
			return fmt.Errorf("ring: unmap: %w", err)
		}
		r.memory = nil
	}
	return unix.Close(r.fd)
}
