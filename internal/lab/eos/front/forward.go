package front

import (
	"fmt"
	"io"
	"sync"

	"golang.org/x/crypto/ssh"
)

// forwardTCP is direct-tcpip (RFC 4254, 7.2).
func (p *peer) forwardTCP(c ssh.NewChannel) {
	var to struct {
		Host     string
		Port     uint32
		From     string
		FromPort uint32
	}
	if err := ssh.Unmarshal(c.ExtraData(), &to); err != nil {
		c.Reject(ssh.ConnectionFailed, "open failed")
		return
	}
	p.forward(c, p.front.Access().TCP, "tcp", fmt.Sprintf("%s:%d", to.Host, to.Port))
}

// forwardUnix is direct-streamlocal@openssh.com (OpenSSH's PROTOCOL, 2.4).
func (p *peer) forwardUnix(c ssh.NewChannel) {
	var to struct {
		Path string
		Rest string
		Port uint32
	}
	if err := ssh.Unmarshal(c.ExtraData(), &to); err != nil {
		c.Reject(ssh.ConnectionFailed, "open failed")
		return
	}
	p.forward(c, p.front.Access().StreamLocal, "unix", to.Path)
}

// forward joins a channel with what the device itself reaches at the address.
func (p *peer) forward(c ssh.NewChannel, allowed bool, network, address string) {
	p.front.log.add(Heard{Face: "forward", Conn: p.id, User: p.conn.User(), Detail: network + " " + address})
	if !allowed {
		c.Reject(ssh.Prohibited, "open failed")
		return
	}
	far, err := p.front.opts.Dial(p.front.ctx, network, address)
	if err != nil {
		c.Reject(ssh.ConnectionFailed, "open failed")
		return
	}
	defer far.Close()
	near, requests, err := c.Accept()
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	var both sync.WaitGroup
	both.Go(func() {
		io.Copy(far, near)
		if half, ok := far.(interface{ CloseWrite() error }); ok {
			half.CloseWrite()
		}
	})
	io.Copy(near, far)
	near.Close()
	far.Close()
	both.Wait()
}
