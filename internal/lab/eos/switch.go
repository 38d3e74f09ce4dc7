package eos

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/rpc"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/vishvananda/netns"
	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"bisc/internal/lab/eos/box"
	"bisc/internal/lab/eos/linux"
)

// Options says what a switch is to be; its fields are documented there.
type Options = box.Options

// Switch is a running switch.
type Switch struct {
	Name  string // of its configuration when it started, and in SSHConfig
	Addr  string // of its SSH server, 127.0.0.1:PORT: in the network namespace of whoever called Start
	HTTPS string // of eAPI, likewise; refused until the configuration enables it
	Key   string // the file of the users' private key; its public half is beside it, .pub
	// HostKey is its SSH host key, an authorized_keys line; KnownHosts is a file with it.
	HostKey, KnownHosts string
	User                string // the first of Options.Users
	Netns               string // the file of its default network namespace
	Flash               string // its flash, as a folder of this machine. It stays over reloads, not over Close
	PID                 int    // of its init, as this process sees it

	dir      string
	cmd      *exec.Cmd
	lifeline io.Closer
	client   *rpc.Client
	cables   *os.File
	stderr   *os.File
	ended    chan struct{}
	once     sync.Once
	closed   atomic.Bool
	err      error
}

// startLimit is how long a switch may take to start: a tenth of a second, or ten on a machine that compiles meanwhile.
const startLimit = time.Minute

// Start starts a switch and returns when it answers. Close ends it; so does the end of this process. It needs root.
func Start(ctx context.Context, opts Options) (sw *Switch, err error) {
	path, err := program(ctx, opts.Program)
	if err != nil {
		return nil, err
	}
	sw = &Switch{Name: opts.Device.Hostname, User: "admin", ended: make(chan struct{})}
	if sw.Name == "" {
		sw.Name = "localhost"
	}
	if len(opts.Users) > 0 {
		sw.User = opts.Users[0]
	}
	if err := sweep(); err != nil {
		return nil, fmt.Errorf("start a switch: %w", err)
	}
	if sw.dir, err = newDir(); err != nil {
		return nil, fmt.Errorf("start a switch: %w", err)
	}
	if err := sw.start(ctx, path, opts); err != nil {
		return nil, fmt.Errorf("start a switch (it needs root, and namespaces): %w", errors.Join(err, sw.Close()))
	}
	return sw, nil
}

func (sw *Switch) start(ctx context.Context, path string, opts Options) error {
	public, err := sw.writeKey()
	if err != nil {
		return err
	}
	socket, err := sw.run(path)
	if err != nil {
		return err
	}
	sw.client = rpc.NewClient(socket)
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("it has not answered within %s", startLimit))
	defer cancel()
	var up box.Up
	call := sw.client.Go("Switch.Start", box.StartArgs{Options: opts, Key: public}, &up, make(chan *rpc.Call, 1))
	select {
	case <-call.Done:
	case <-sw.ended:
		return sw.failure()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if call.Error != nil {
		return sw.because(call.Error)
	}
	sw.HostKey, sw.KnownHosts = up.HostKey, filepath.Join(sw.dir, "known_hosts")
	_, port, _ := net.SplitHostPort(sw.Addr)
	sw.Netns, sw.Flash = fmt.Sprintf("/proc/%d/ns/net", sw.PID), fmt.Sprintf("/proc/%d/root%s", sw.PID, linux.Flash)
	return errors.Join(
		os.WriteFile(sw.KnownHosts, fmt.Appendf(nil, "[127.0.0.1]:%s %s\n", port, up.HostKey), 0o600),
		os.WriteFile(filepath.Join(sw.dir, "ssh_config"), []byte(sw.sshConfig(port)), 0o600))
}

// writeKey makes the users' key.
func (sw *Switch) writeKey() (public string, err error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	block, err := ssh.MarshalPrivateKey(private, "lab")
	if err != nil {
		return "", err
	}
	key, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		return "", err
	}
	sw.Key = filepath.Join(sw.dir, "key")
	public = string(ssh.MarshalAuthorizedKey(key))
	return public, errors.Join(os.WriteFile(sw.Key, pem.EncodeToMemory(block), 0o600), os.WriteFile(sw.Key+".pub", []byte(public), 0o600))
}

// run starts the process with what it is handed.
func (sw *Switch) run(path string) (control net.Conn, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	mine, theirs := os.NewFile(uintptr(pair[0]), "control"), os.NewFile(uintptr(pair[1]), "control")
	defer mine.Close()
	defer theirs.Close()
	if sw.cables, err = newNetns(); err != nil {
		return nil, err
	}
	handed := []*os.File{theirs, sw.cables}
	for _, addr := range []*string{&sw.Addr, &sw.HTTPS} {
		file, err := listen(addr)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		handed = append(handed, file)
	}
	if sw.stderr, err = os.Create(filepath.Join(sw.dir, "stderr")); err != nil {
		return nil, err
	}
	sw.cmd = exec.Command(path, box.InitVerb)
	sw.cmd.Stdout, sw.cmd.Stderr, sw.cmd.ExtraFiles = sw.stderr, sw.stderr, handed
	sw.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: linux.Namespaces, Setsid: true}
	if sw.lifeline, err = sw.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := sw.cmd.Start(); err != nil {
		return nil, err
	}
	sw.PID = sw.cmd.Process.Pid
	go func() {
		_ = sw.cmd.Wait() // it ends when it is told to, or its standard error says why
		close(sw.ended)
	}()
	return net.FileConn(mine)
}

// listen opens a port of this network namespace, to be handed over. The port is named when it is bound: one that the kernel chose is
// given away when the switch stops listening for a while, as it does during a reload.
func listen(addr *string) (*os.File, error) {
	for range 50 {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		*addr = free.Addr().String()
		free.Close()
		l, err := net.Listen("tcp", *addr)
		if errors.Is(err, syscall.EADDRINUSE) {
			continue // somebody was faster
		}
		if err != nil {
			return nil, err
		}
		defer l.Close()
		return l.(*net.TCPListener).File()
	}
	return nil, errors.New("find a free port: each was taken by someone else")
}

// newNetns makes the network namespace in which far ends of cables lie. It has no name: it lives as long as somebody has it open.
func newNetns() (file *os.File, err error) {
	err = onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a network namespace: %w", err)
		}
		handle, err := netns.GetFromThread(os.Getpid(), unix.Gettid())
		file = os.NewFile(uintptr(handle), "cables")
		return err
	})
	return file, err
}

// because adds what the process said to an error.
func (sw *Switch) because(err error) error {
	if said, _ := os.ReadFile(sw.stderr.Name()); len(said) > 0 {
		return fmt.Errorf("%w\n%s", err, strings.TrimSpace(string(said)))
	}
	return err
}

func (sw *Switch) failure() error { return sw.because(errors.New("the switch's process has ended")) }

// sshConfig is the text of SSHConfig.
func (sw *Switch) sshConfig(port string) string {
	return fmt.Sprintf("Host %s\n\tHostName 127.0.0.1\n\tPort %s\n\tUser %s\n\tIdentityFile %s\n\tIdentitiesOnly yes\n\tUserKnownHostsFile %s\n\tStrictHostKeyChecking yes\n\tLogLevel ERROR\n",
		sw.Name, port, sw.User, sw.Key, sw.KnownHosts)
}

// SSHConfig is a file for ssh -F, which has the switch by its name.
func (sw *Switch) SSHConfig() string { return filepath.Join(sw.dir, "ssh_config") }

// Close ends the switch, waits until it has ended, and removes its files. A second call does nothing.
func (sw *Switch) Close() error {
	sw.once.Do(func() {
		sw.closed.Store(true)
		if sw.lifeline != nil {
			sw.lifeline.Close()
			_ = sw.cmd.Process.Kill() // pid 1 of its namespace: all others end with it
			<-sw.ended
		}
		if sw.client != nil {
			sw.client.Close()
		}
		for _, f := range []*os.File{sw.cables, sw.stderr} {
			if f != nil {
				f.Close()
			}
		}
		sw.err = os.RemoveAll(sw.dir)
	})
	return sw.err
}
