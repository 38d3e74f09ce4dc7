package box

import (
	"context"
	"fmt"
	"net"
	"os"
	"path"
	"sync"

	"golang.org/x/sys/unix"
)

// eapiSocket is eAPI's on the switch. [V] the reference, A.2. It lies in RAM: each boot has another one.
const eapiSocket = "/var/run/command-api.sock"

// backlog is how many connections wait for who accepts them.
const backlog = 128

// handed is a listener that was opened in the caller's network namespace: whoever connects there comes out here. While it is paused
// the kernel refuses connections.
type handed struct {
	net.Listener
	file    *os.File
	mu      sync.Mutex
	changed *sync.Cond
	paused  bool
	closed  bool
}

// take makes a listener of a file that was handed over.
func take(fd uintptr) (*handed, error) {
	h := &handed{file: os.NewFile(fd, "listener")}
	h.changed = sync.NewCond(&h.mu)
	l, err := net.FileListener(h.file)
	if err != nil {
		return nil, fmt.Errorf("take over listener %d: %w", fd, err)
	}
	h.Listener = l
	return h, nil
}

// pause has connections refused. The socket keeps its port when it stops listening.
func (h *handed) pause() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.paused {
		return nil
	}
	h.paused = true
	if err := unix.Shutdown(int(h.file.Fd()), unix.SHUT_RDWR); err != nil {
		return fmt.Errorf("pause listener %s: %w", h.Addr(), err)
	}
	return nil
}

// resume lets connections in again.
func (h *handed) resume() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.paused {
		return nil
	}
	if err := unix.Listen(int(h.file.Fd()), backlog); err != nil {
		return fmt.Errorf("resume listener %s: %w", h.Addr(), err)
	}
	h.paused = false
	h.changed.Broadcast()
	return nil
}

// Accept waits through pauses.
func (h *handed) Accept() (net.Conn, error) {
	for {
		h.mu.Lock()
		for h.paused && !h.closed {
			h.changed.Wait()
		}
		closed := h.closed
		h.mu.Unlock()
		if closed {
			return nil, net.ErrClosed
		}
		conn, err := h.Listener.Accept()
		h.mu.Lock()
		again := err != nil && !h.closed && h.interrupted()
		h.mu.Unlock()
		if !again {
			return conn, err
		}
	}
}

// interrupted tells that accepting failed because of a pause, which may be over by now. EINVAL is what accept(2) says of a socket that
// does not listen.
func (h *handed) interrupted() bool {
	listens, err := unix.GetsockoptInt(int(h.file.Fd()), unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	return err == nil && (h.paused || listens == 1)
}

// Close pauses it for good.
func (h *handed) Close() error {
	err := h.pause()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.changed.Broadcast()
	return err
}

// opening is one time that a face of eAPI is open on a handed listener: it ends, and the listener can be opened again.
type opening struct {
	*handed
	once sync.Once
	over chan struct{}
}

func (h *handed) open() (net.Listener, error) {
	return &opening{handed: h, over: make(chan struct{})}, h.resume()
}

// Accept gives connections until Close.
func (o *opening) Accept() (net.Conn, error) {
	conn, err := o.Listener.Accept()
	select {
	case <-o.over:
		if err == nil {
			conn.Close()
		}
		return nil, net.ErrClosed
	default:
		return conn, err
	}
}

// Close ends it: connections are refused.
func (o *opening) Close() (err error) {
	o.once.Do(func() {
		close(o.over)
		err = o.pause()
	})
	return err
}

// listen opens a face of eAPI.
func (b *box) listen(network, address string) (net.Listener, error) {
	switch {
	case network == "unix":
		at := b.system.Path(address)
		l, err := net.Listen("unix", at)
		if err != nil {
			return nil, err
		}
		return l, os.Chmod(at, 0o666)
	case address == https:
		return b.https.open()
	}
	return net.Listen(network, address)
}

// dial reaches what the switch itself reaches: addresses in its default namespace, which is this process's, and sockets in its root.
func (b *box) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if network == "unix" {
		address = b.system.Path(path.Clean("/" + address))
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}
