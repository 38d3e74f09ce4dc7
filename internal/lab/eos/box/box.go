package box

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"bisc/internal/lab/eos/device"
	"bisc/internal/lab/eos/front"
	"bisc/internal/lab/eos/linux"
	"bisc/internal/lab/eos/plane"
)

// box is a running switch.
type box struct {
	options Options
	log     *journal
	device  *device.Device
	front   *front.Front
	system  *linux.System
	plane   *plane.Plane
	ahead   atomic.Int64 // how far the switch's clock is ahead, in ns
	ssh     *handed
	https   *handed
	manager manager
}

// Main is the switch's process: it waits for Start on the control socket and then answers there until the caller is gone.
func Main() error {
	socket, err := net.FileConn(os.NewFile(controlFile, "control"))
	if err != nil {
		return fmt.Errorf("the control socket that eos.Start hands over: %w", err)
	}
	server := rpc.NewServer()
	if err := server.RegisterName("Switch", &Control{}); err != nil {
		return err
	}
	server.ServeConn(socket) // ends with the caller
	return nil
}

// start makes the switch. It is called once.
func start(options Options, authorized ssh.PublicKey) (b *box, up Up, err error) {
	b = &box{options: options, log: &journal{}}
	hostname := options.Device.Hostname
	if hostname == "" {
		hostname = "localhost"
	}
	mount := ""
	if options.NoExec {
		mount = "noexec"
	}
	if err := linux.Isolate(hostname, options.FlashSize, mount); err != nil {
		return nil, up, err
	}
	files := flash{linux.Flash}
	for name, text := range options.Flash {
		if err := files.WriteFile(name, text); err != nil {
			return nil, up, fmt.Errorf("write %s to flash: %w", name, err)
		}
	}
	if b.system, err = linux.Start(linux.Options{User: options.users()[0], Version: options.Device.Version, Image: options.Image, Pause: options.AgentPause, Log: b.log.add}); err != nil {
		return nil, up, err
	}
	b.plane, err = plane.New(b.system, plane.Options{Cables: os.NewFile(cablesFile, "cables"), MirrorDelay: options.MirrorDelay, FirstMirror: options.FirstMirror,
		DefaultNetns: options.DefaultNetns, Problem: b.log.problem})
	if err != nil {
		return nil, up, err
	}
	b.plane.SetFaults(func(f *plane.Faults) { *f = options.Plane })
	if up.HostKey, err = b.faces(authorized); err != nil {
		return nil, up, err
	}
	o := options.Device
	o.Linux, o.Plane, o.Files, o.Now = b.system, &carrier{b.plane, b}, files, b.now
	b.device = device.New(o)
	for _, err := range b.device.BootErrors() {
		b.log.problem(fmt.Errorf("startup-config: %w", err))
	}
	go b.tick()
	b.plane.Settle()
	b.serve()
	return b, up, nil
}

// now is the switch's clock.
func (b *box) now() time.Time { return time.Now().Add(time.Duration(b.ahead.Load())) }

// tick lets what is due on the switch happen.
func (b *box) tick() {
	for range time.Tick(50 * time.Millisecond) {
		b.log.tell(b.device.Syslog)
		b.device.Tick()
	}
}

// carrier is the switch's planes, with what else a reload ends: the connections.
type carrier struct {
	*plane.Plane
	box *box
}

// Reload takes the switch down. Connections end as those of a machine that is gone: by a reset, once somebody asks. (device.Plane)
func (c *carrier) Reload() {
	pause := c.box.ssh.pause()
	c.box.front.CutAll()
	eapi := c.box.front.SetEAPI(front.EAPI{}) // Apply opens it again
	c.Plane.Reload()
	if err := errors.Join(pause, eapi, c.box.ssh.resume()); err != nil {
		c.box.log.problem(fmt.Errorf("reload: %w", err))
	}
}

// Apply has the configuration carried out. (device.Plane)
func (c *carrier) Apply(view device.View) {
	c.Plane.Apply(view)
	e := view.EAPI
	want := front.EAPI{HTTPS: e.Enabled && e.HTTPS != 0, LocalHTTP: e.Enabled && e.LocalHTTP != 0, Unix: e.Enabled && e.UnixSocket}
	if err := c.box.front.SetEAPI(want); err != nil {
		c.box.log.problem(err)
	}
}

// faces makes the switch's faces; serve lets them in.
func (b *box) faces(authorized ssh.PublicKey) (hostKey string, err error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	key, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return "", err
	}
	if b.ssh, err = take(sshFile); err != nil {
		return "", err
	}
	if b.https, err = take(httpsFile); err != nil {
		return "", err
	}
	if err := b.https.pause(); err != nil {
		return "", err
	}
	b.front, err = front.New(front.Options{
		Open:        func(user, tty string) front.Shell { return b.device.Shell(user, tty) },
		Motd:        func() string { return b.device.Banner("motd") },
		LoginBanner: func() string { return b.device.Banner("login") },
		Bash:        b.system.BashAs,
		SFTP:        b.system.SFTP,
		Dial:        b.dial,
		HostKey:     key,
		Authorized: func(user string, k ssh.PublicKey) bool {
			return b.knows(user) && string(k.Marshal()) == string(authorized.Marshal())
		},
		Password: func(user, password string) bool {
			want, ok := b.options.Passwords[user]
			return ok && want == password
		},
		EAPI: front.EAPIAddresses{HTTPS: https, LocalHTTP: "127.0.0.1:8080", Unix: eapiSocket, Listen: b.listen},
	})
	if err != nil {
		return "", err
	}
	if b.options.Access != (front.Access{}) {
		b.front.SetAccess(b.options.Access)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key.PublicKey()))), b.front.SetFaults(b.options.Front)
}

func (b *box) knows(user string) bool {
	for _, u := range b.options.users() {
		if u == user {
			return true
		}
	}
	return false
}

// serve lets SSH in.
func (b *box) serve() {
	go func() {
		if err := b.front.ServeSSH(b.ssh); err != nil && !errors.Is(err, net.ErrClosed) {
			b.log.problem(err)
		}
	}()
}
