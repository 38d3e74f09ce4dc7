package front

import (
	"errors"
	"fmt"
	"net"
	"sync"

	"golang.org/x/crypto/ssh"
)

// peer is one SSH connection.
type peer struct {
	front *Front
	link  *link
	conn  *ssh.ServerConn
	id    int64

	mu       sync.Mutex
	sessions int
}

// ServeSSH takes SSH connections until the listener or the front is closed.
func (f *Front) ServeSSH(l net.Listener) error {
	if err := f.serve(l, f.accept); err != nil {
		return fmt.Errorf("the switch's ssh server: %w", err)
	}
	return nil
}

// config is the server's: public keys alone (`authentication protocol public-key`, fixtures configs/real-7280CR3A-4.34.0F) [V].
func (f *Front) config() *ssh.ServerConfig {
	c := &ssh.ServerConfig{
		ServerVersion: "SSH-2.0-OpenSSH_eos_lab",
		PublicKeyCallback: func(m ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if !f.opts.Authorized(m.User(), key) {
				return nil, errors.New("no such key")
			}
			return &ssh.Permissions{}, nil
		},
	}
	if f.opts.LoginBanner != nil {
		c.BannerCallback = func(ssh.ConnMetadata) string { return f.opts.LoginBanner() }
	}
	c.AddHostKey(f.opts.HostKey)
	return c
}

// accept serves one connection to its end.
func (f *Front) accept(l *link) {
	conn, channels, requests, err := ssh.NewServerConn(l, f.config())
	if err != nil {
		return // the client knows why
	}
	p := &peer{front: f, link: l, conn: conn, id: f.ids.Add(1)}
	f.log.add(Heard{Face: "ssh", Conn: p.id, User: conn.User(), Detail: conn.RemoteAddr().String()})
	f.wg.Go(func() {
		for r := range requests {
			if r.WantReply {
				// sshd refuses a keepalive@openssh.com that it gets as any request that it does not know: that is the sign of life.
				r.Reply(false, nil)
			}
		}
	})
	var open sync.WaitGroup
	for c := range channels {
		open.Go(func() { p.channel(c) })
	}
	conn.Close()
	open.Wait()
}

// from is the address that the user came from.
func (p *peer) from() string {
	host, _, err := net.SplitHostPort(p.conn.RemoteAddr().String())
	if err != nil {
		return ""
	}
	return host
}

// channel serves one channel to its end. What sshd says in each case is fixed, reasons too.
func (p *peer) channel(c ssh.NewChannel) {
	switch c.ChannelType() {
	case "session":
		if !p.take() {
			c.Reject(ssh.ConnectionFailed, "open failed") // sshd past MaxSessions
			return
		}
		defer p.give()
		p.session(c)
	case "direct-tcpip":
		p.forwardTCP(c)
	case "direct-streamlocal@openssh.com":
		p.forwardUnix(c)
	default:
		c.Reject(ssh.UnknownChannelType, "unknown channel type")
	}
}

func (p *peer) take() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sessions >= p.front.Access().MaxSessions {
		return false
	}
	p.sessions++
	return true
}

func (p *peer) give() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sessions--
}
