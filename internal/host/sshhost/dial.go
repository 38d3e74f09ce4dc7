package sshhost

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// dial makes the byte stream to an address: over the jump host, by the proxy command, or straight.
func dial(ctx context.Context, cfg *Config, jump *connection, address string) (net.Conn, error) {
	switch {
	case jump != nil:
		defer jump.wire.hurry()()
		c, err := jump.client.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, fmt.Errorf("via %s: %w", jump.cfg.Name, err)
		}
		return newBreakable(c), nil
	case cfg.ProxyCommand != "" && cfg.ProxyCommand != "none":
		return dialProxy(cfg, address)
	case cfg.Dial != nil:
		return cfg.Dial(ctx, "tcp", address)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", address)
}

// breakable is a connection over a jump host that this end can end. x/crypto's Close only asks the jump host to, and the
// reading goes on until it has; one that is cut off never does.
type breakable struct {
	net.Conn
	in *io.PipeReader
}

func newBreakable(c net.Conn) *breakable {
	r, w := io.Pipe()
	go func() {
		_, err := io.Copy(w, c)
		w.CloseWithError(err)
	}()
	return &breakable{c, r}
}

func (b *breakable) Read(p []byte) (int, error) { return b.in.Read(p) }

// Close does not wait for the jump host.
func (b *breakable) Close() error {
	_ = b.in.CloseWithError(net.ErrClosed)
	go func() { _ = b.Conn.Close() }()
	return nil
}

// dialProxy runs the proxy command as ssh does: by the shell, the values put into its text. sane has refused values
// that mean something to a shell.
func dialProxy(cfg *Config, address string) (net.Conn, error) {
	h, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	line := strings.NewReplacer("%%", "%", "%h", h, "%p", port, "%r", cfg.user(), "%n", cfg.Name).Replace(cfg.ProxyCommand)
	cmd := exec.Command("sh", "-c", "exec "+line)
	p := &proxy{cmd: cmd, gone: make(chan struct{})}
	cmd.Stderr = &p.said
	cmd.WaitDelay = time.Second // a child of the command may hold stderr open
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.out, err = cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("proxy command: %w", err)
	}
	return p, nil
}

// proxy is a proxy command as a connection. It knows no deadlines; closing it ends reads and writes.
type proxy struct {
	out  io.ReadCloser
	in   io.WriteCloser
	cmd  *exec.Cmd
	said lastWords
	once sync.Once
	gone chan struct{}
}

// Write and Read put what the command said in their error's place: why it ended is not in the stream.
func (p *proxy) Write(b []byte) (int, error) {
	n, err := p.in.Write(b)
	if err != nil {
		err = p.ended(err)
	}
	return n, err
}

func (p *proxy) Read(b []byte) (int, error) {
	n, err := p.out.Read(b)
	if err != nil {
		err = p.ended(err)
	}
	return n, err
}

func (p *proxy) ended(err error) error {
	p.reap()
	select { // its last words may still be on their way
	case <-p.gone:
	case <-time.After(p.cmd.WaitDelay):
	}
	if said := p.said.line(); said != "" {
		return fmt.Errorf("proxy command: %s: %w", said, err)
	}
	return err
}

// Close ends the command.
func (p *proxy) Close() error {
	_ = p.cmd.Process.Kill()
	p.reap()
	return nil
}

// reap waits for the command's end, which ends the reading too.
func (p *proxy) reap() {
	p.once.Do(func() {
		_ = p.in.Close()
		go func() {
			_ = p.cmd.Wait()
			close(p.gone)
		}()
	})
}

func (p *proxy) LocalAddr() net.Addr              { return proxyAddr{} }
func (p *proxy) RemoteAddr() net.Addr             { return proxyAddr{} }
func (p *proxy) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (p *proxy) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (p *proxy) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

type proxyAddr struct{}

func (proxyAddr) Network() string { return "proxy" }
func (proxyAddr) String() string  { return "0.0.0.0:0" } // known_hosts wants an address here; the name is what it looks up

// sane refuses addresses and users that could be taken for an option or mean something to a shell, as ssh does.
func (c *Config) sane() error {
	for _, a := range append([]string{c.user()}, c.addresses()...) {
		if err := plain(a); err != nil {
			return err
		}
	}
	if c.Port < 0 || c.Port > 65535 {
		return fmt.Errorf("port %s is none", strconv.Itoa(c.Port))
	}
	if c.Become != "" && c.Become != BecomeNone && c.Become != Sudo {
		return fmt.Errorf("become %q: want %q or %q", c.Become, BecomeNone, Sudo)
	}
	return nil
}

// plain refuses a host or user name that starts with "-" or has other characters than names and addresses have.
func plain(name string) error {
	if name == "" {
		return fmt.Errorf("an empty name or address")
	}
	for i, r := range name {
		ok := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._:%@+\\", r) || r == '-' && i > 0
		if !ok {
			return fmt.Errorf("%q is no name or address (character %q at %d)", name, r, i)
		}
	}
	return nil
}
