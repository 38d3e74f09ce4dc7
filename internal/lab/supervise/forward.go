package supervise

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// forward passes connections to a loopback port of the machine on to an address on the switch.
func forward(from net.Listener, through netns, to netip.AddrPort) {
	for {
		conn, err := from.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			far, err := through.dial(to, 5*time.Second)
			if err != nil { // the host is down: the client sees its connection close
				return
			}
			defer far.Close()
			splice(conn.(*net.TCPConn), far)
		}()
	}
}

// splice copies both ways until both sides have ended, passing each end on by itself: ssh closes one way first.
func splice(a, b *net.TCPConn) {
	var both sync.WaitGroup
	both.Go(func() { io.Copy(a, b); a.CloseWrite() })
	both.Go(func() { io.Copy(b, a); b.CloseWrite() })
	both.Wait()
}

// listen opens a loopback port; 0 is any free one.
func listen(port int) (net.Listener, error) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, fmt.Errorf("open the host's port: %w", err)
	}
	return l, nil
}
