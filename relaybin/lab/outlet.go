package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mmsghdr is the kernel's struct of sendmmsg and recvmmsg.
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
	_   [unsafe.Sizeof(uintptr(0)) - 4]byte
}

// outlet sends the frames of one path from a packet socket.
type outlet struct {
	Path
	number  uint32
	socket  int
	crc     *crc32.Table
	frames  [setSize][]byte // one for each place of a set
	late    []byte          // the frame that is held back
	holds   bool
	iovecs  [4 * batch]unix.Iovec
	headers [4 * batch]mmsghdr
	queued  int
	random  *rand.Rand
	sent    SentPath
}

func (n *Net) newOutlet(path Path, number uint32) (*outlet, error) {
	if path.Device == "" {
		path.Device = Inlet
	}
	if !path.Source.IsValid() {
		path.Source = netip.AddrPortFrom(PeerAddr, 8000)
	}
	if !path.To.IsValid() && path.Device == Inlet {
		path.To = Advertised
	} else if !path.To.IsValid() {
		path.To = DirectTVU
	}
	o := &outlet{Path: path, number: number, crc: castagnoli(), random: rand.New(rand.NewPCG(path.Seed, 7)), late: make([]byte, 0, 2048)}
	to, err := n.macBehind(path.Device)
	if err != nil {
		return nil, err
	}
	for i := range o.frames {
		o.frames[i] = frame(to, path.Source, path.To, sizeAt(i))
	}
	for i := range o.headers {
		o.headers[i].hdr.Iov = &o.iovecs[i]
		o.headers[i].hdr.SetIovlen(1)
	}
	o.socket, err = n.packetSocket(path.Device)
	return o, err
}

// macBehind is where frames on a device go: to the host's own address on the direct link, so that its kernel takes them;
// to nobody's on others, as a mirror port gives frames that are for somebody else.
func (n *Net) macBehind(device string) (net.HardwareAddr, error) {
	if device != DirectIn {
		return net.HardwareAddr{0x02, 0, 0, 0, 0, 0x01}, nil
	}
	l, err := n.Host.link.LinkByName(Direct)
	if err != nil {
		return nil, fmt.Errorf("find %s on the host: %w", Direct, err)
	}
	return l.Attrs().HardwareAddr, nil
}

// packetSocket opens a socket that sends whole frames on a device of the present namespace, past its queue.
func (n *Net) packetSocket(device string) (int, error) {
	l, err := n.Turbine.link.LinkByName(device)
	if err != nil {
		return -1, fmt.Errorf("find %s: %w", device, err)
	}
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open a packet socket: %w", err)
	}
	err = errors.Join(unix.Bind(socket, &unix.SockaddrLinklayer{Ifindex: l.Attrs().Index}),
		unix.SetsockoptInt(socket, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1))
	if err != nil {
		unix.Close(socket)
		return -1, fmt.Errorf("set up the packet socket of %s: %w", device, err)
	}
	return socket, nil
}

const frameHeaders = 14 + 20 + 8

// frame is an Ethernet frame with IPv4 and UDP headers and room for a payload. Its UDP checksum is 0: none.
func frame(to net.HardwareAddr, source, dest netip.AddrPort, payload int) []byte {
	b := make([]byte, frameHeaders+payload)
	copy(b, to)
	copy(b[6:], []byte{0x02, 0, 0, 0, 0, 0x02})
	binary.BigEndian.PutUint16(b[12:], unix.ETH_P_IP)
	ip := b[14:]
	ip[0], ip[8], ip[9] = 0x45, 64, unix.IPPROTO_UDP
	binary.BigEndian.PutUint16(ip[2:], uint16(28+payload))
	copy(ip[12:], source.Addr().AsSlice())
	copy(ip[16:], dest.Addr().AsSlice())
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(ip[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(ip[10:], ^uint16(sum+sum>>16))
	udp := ip[20:]
	binary.BigEndian.PutUint16(udp, source.Port())
	binary.BigEndian.PutUint16(udp[2:], dest.Port())
	binary.BigEndian.PutUint16(udp[4:], uint16(8+payload))
	return b
}

// add puts the frame of a shred into the queue, as often and as late as the path has it.
func (o *outlet) add(shred []byte, place int, stamp Stamp) error {
	if o.Lost > 0 && o.random.Float64() < o.Lost {
		o.sent.Lost++
		return nil
	}
	b := o.frames[place]
	copy(b[frameHeaders:], shred)
	stamp.write(b[frameHeaders:], o.crc)
	if o.Late > 0 && !o.holds && o.random.Float64() < o.Late {
		o.late, o.holds = append(o.late[:0], b...), true
		o.sent.Late++
		return nil
	}
	o.queue(b)
	if o.Twice > 0 && o.random.Float64() < o.Twice {
		o.sent.Twice++
		o.queue(b)
	}
	if o.holds {
		o.release()
		return o.send() // before its buffer is used again
	}
	return nil
}

// release puts the frame that was held back into the queue.
func (o *outlet) release() {
	if o.holds {
		o.queue(o.late)
		o.holds = false
	}
}

func (o *outlet) queue(b []byte) {
	o.iovecs[o.queued].Base = &b[0]
	o.iovecs[o.queued].SetLen(len(b))
	o.queued++
}

// send gives the queue to the device.
func (o *outlet) send() error {
	for done := 0; done < o.queued; {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(o.socket), uintptr(unsafe.Pointer(&o.headers[done])), uintptr(o.queued-done), 0, 0, 0)
		switch errno {
		case 0:
			done += int(n)
			o.sent.Frames += uint64(n)
		case unix.EINTR, unix.ENOBUFS, unix.EAGAIN: // the device is full: it drains by itself
		default:
			return fmt.Errorf("send on %s: %w", o.Device, errno)
		}
	}
	o.queued = 0
	runtime.KeepAlive(o)
	return nil
}
