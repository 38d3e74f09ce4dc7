package plane

import (
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// tapBuffer holds what comes while the tap has no processor: a second of the design rate, twice over.
const tapBuffer = 32 << 20

// tap copies what passes a port to a monitor session.
type tap struct {
	socket    int
	rx, tx    bool
	mirror    *mirror
	closing   chan struct{}
	ended     chan struct{}
	closeOnce sync.Once
}

// newTap opens a packet socket on a port.
func newTap(port *port, direction string, m *mirror) (*tap, error) {
	t := &tap{rx: direction != "tx", tx: direction != "rx", mirror: m, closing: make(chan struct{}), ended: make(chan struct{})}
	l, err := port.space.link.LinkByName(port.dev)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", port.dev, err)
	}
	err = port.space.do(func() (err error) {
		t.socket, err = packetSocket(l.Attrs().Index, unix.ETH_P_ALL)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("tap %s: %w", port.dev, err)
	}
	go t.serve()
	return t, nil
}

// packetSocket opens a socket of whole frames on a device of the present namespace.
func packetSocket(index int, protocol uint16) (int, error) {
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	err = errors.Join(
		unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, tapBuffer),
		// The limit is how late the end of the tap may be noticed.
		unix.SetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 50_000}),
		unix.Bind(socket, &unix.SockaddrLinklayer{Ifindex: index, Protocol: protocol<<8 | protocol>>8}))
	if err != nil {
		unix.Close(socket)
		return -1, err
	}
	return socket, nil
}

// serve copies until the tap is closed.
func (t *tap) serve() {
	defer close(t.ended)
	defer unix.Close(t.socket)
	buffer := make([]byte, 16<<10)
	for {
		n, from, err := unix.Recvfrom(t.socket, buffer, 0)
		select {
		case <-t.closing:
			return
		default:
		}
		if err != nil {
			continue // the receive limit, a signal, or a port that is down
		}
		link, ok := from.(*unix.SockaddrLinklayer)
		if !ok || link.Pkttype == unix.PACKET_OUTGOING && !t.tx || link.Pkttype != unix.PACKET_OUTGOING && !t.rx {
			continue
		}
		if frame := buffer[:n]; t.mirror.filter.Load().takes(frame) {
			t.mirror.out.send(frame)
		}
	}
}

func (t *tap) close() {
	t.closeOnce.Do(func() { close(t.closing) })
	<-t.ended
}

// injector sends frames into the far end of a device, so that they come in on it, as many as the processor's queue lets pass.
type injector struct {
	socket int
	queue  *queue
	mu     sync.Mutex
	closed bool
}

func newInjector(in *space, dev string, q *queue) (*injector, error) {
	l, err := in.link.LinkByName(dev)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", dev, err)
	}
	i := &injector{queue: q}
	err = in.do(func() (err error) {
		if i.socket, err = packetSocket(l.Attrs().Index, 0); err != nil { // protocol 0: it receives nothing
			return err
		}
		return unix.SetsockoptInt(i.socket, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1)
	})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dev, err)
	}
	return i, nil
}

// send copies one frame, or drops it. Two taps of a session may send at once.
func (i *injector) send(frame []byte) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed || !i.queue.admit(len(frame)) {
		return
	}
	for {
		err := unix.Send(i.socket, frame, 0)
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.ENOBUFS) {
			continue
		}
		if err != nil { // too long for the device, say
			i.queue.drop(len(frame))
			return
		}
		i.queue.pass(len(frame))
		return
	}
}

func (i *injector) close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.closed {
		i.closed = true
		unix.Close(i.socket)
	}
}
