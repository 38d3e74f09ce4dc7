package eoshost

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"bisc/internal/host/sshhost"
)

// far is a command line behind sshd, for what the emulator does not do: it stands on a real terminal of the kernel, whose line
// discipline echoes, buffers and is switched between modes as under EOS's own editor, and its faults are switches.
type far struct {
	t    *testing.T
	port int
	key  ssh.Signer // of the host
	id   string     // file of the login's key
	sudo string     // folder of a stand-in for sudo
	into []string   // argv that leads into the switch's Linux; none: this machine's

	hostname  string
	supers    string // "(s1)"
	banner    string
	enabled   bool   // at login
	password  string // of enable
	noEnable  bool   // enable is refused
	noLength  bool   // terminal length 0 does not work
	pagesOnce bool   // the pager comes once though switched off
	lag       bool   // each command is echoed once more before it is taken
	earlyEcho bool   // the terminal echoes by itself whatever the client asked for
	readline  bool   // the editor echoes only where the terminal would
	losesHead bool   // what is typed before the first prompt is lost
	noBash    bool
	noSudo    bool
	noSFTP    bool
	noSCP     bool
	execAll   bool // exec is privileged
	drip      time.Duration
	shows     map[string]string
	refuses   map[string]string

	mu     sync.Mutex
	upload string   // by which content came
	typed  []string // lines that the command lines took, but for comments
	logins int
	wires  []net.Conn
}

func newFar(t *testing.T) *far {
	t.Helper()
	return &far{t: t, hostname: "sw1", enabled: true, shows: map[string]string{}, refuses: map[string]string{}}
}

func signer(t *testing.T) (ssh.Signer, ed25519.PrivateKey) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return s, private
}

// start listens, and gives how to reach it.
func (f *far) start() Config {
	t := f.t
	t.Helper()
	f.key, _ = signer(t)
	login, private := signer(t)
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	f.id = filepath.Join(t.TempDir(), "id")
	if err := os.WriteFile(f.id, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	f.sudo = t.TempDir()
	if err := os.WriteFile(filepath.Join(f.sudo, "sudo"), []byte("#!/bin/sh\n[ \"$1\" = -n ] && shift\nexec \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.port = l.Addr().(*net.TCPAddr).Port
	t.Cleanup(func() {
		_ = l.Close()
		f.cut()
	})
	server := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(login.PublicKey().Marshal()) {
			return nil, fmt.Errorf("not this key")
		}
		return nil, nil
	}}
	server.AddHostKey(f.key)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.logins++
			f.wires = append(f.wires, c)
			f.mu.Unlock()
			go f.serve(c, server)
		}
	}()
	return Config{SSH: sshhost.Config{
		Name: "sw", Addresses: []string{"127.0.0.1"}, Port: f.port, User: "install", Become: sshhost.Sudo,
		HostKeys: []string{ssh.FingerprintSHA256(f.key.PublicKey())}, Identities: []string{f.id}, AgentSocket: "none",
	}}
}

// cut ends all connections.
func (f *far) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.wires {
		_ = c.Close()
	}
}

func (f *far) serve(c net.Conn, server *ssh.ServerConfig) {
	conn, chans, reqs, err := ssh.NewServerConn(c, server)
	if err != nil {
		return
	}
	defer conn.Close()
	go ssh.DiscardRequests(reqs)
	for n := range chans {
		if n.ChannelType() != "session" {
			_ = n.Reject(ssh.Prohibited, "only sessions")
			continue
		}
		ch, reqs, err := n.Accept()
		if err != nil {
			return
		}
		go f.session(ch, reqs)
	}
}

func (f *far) session(ch ssh.Channel, reqs <-chan *ssh.Request) {
	echo := true
	for r := range reqs {
		ok := true
		switch r.Type {
		case "pty-req":
			var p ptyRequest
			if err := ssh.Unmarshal(r.Payload, &p); err != nil {
				f.t.Errorf("pty-req: %v", err)
			}
			echo = f.earlyEcho || !strings.Contains(p.Modes, "\x35\x00\x00\x00\x00")
		case "shell":
			go f.shell(ch, echo)
		case "exec":
			var e struct{ Command string }
			_ = ssh.Unmarshal(r.Payload, &e)
			go f.exec(ch, e.Command)
		case "subsystem":
			if ok = !f.noSFTP; ok {
				go func() {
					f.by("sftp")
					s, err := sftp.NewServer(ch)
					if err == nil {
						_ = s.Serve()
					}
					_ = ch.Close()
				}()
			}
		}
		if r.WantReply {
			_ = r.Reply(ok, nil)
		}
	}
}

// exec is the command line without a terminal: a login shell that gives the line to the CLI [V].
func (f *far) exec(ch ssh.Channel, line string) {
	defer ch.Close()
	if !f.execAll && !strings.HasPrefix(line, "scp ") || f.noSCP && strings.HasPrefix(line, "scp ") {
		fmt.Fprintf(ch, "%% Invalid input (privileged mode required)\n")
		_, _ = ch.SendRequest("exit-status", false, []byte{0, 0, 0, 0})
		return
	}
	if f.by("tee"); strings.HasPrefix(line, "scp ") {
		f.by("scp")
	}
	cmd := f.bash(strings.TrimPrefix(line, "bash "))
	in, err := cmd.StdinPipe()
	if err != nil {
		f.t.Error(err)
		return
	}
	cmd.Stdout, cmd.Stderr = ch, ch.Stderr()
	if err := cmd.Start(); err != nil {
		f.t.Error(err)
		return
	}
	go func() {
		_, _ = io.Copy(in, ch)
		_ = in.Close()
	}()
	_ = cmd.Wait()
	_, _ = ch.SendRequest("exit-status", false, []byte{0, 0, 0, byte(cmd.ProcessState.ExitCode())})
}

func (f *far) bash(line string) *exec.Cmd {
	argv := append(slices.Clone(f.into), "bash", "-c", line)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "PATH="+f.sudo+":"+os.Getenv("PATH"))
	return cmd
}

// shell runs a command line on a terminal of its own.
func (f *far) shell(ch ssh.Channel, echo bool) {
	defer ch.Close()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		f.t.Error(err)
		return
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		f.t.Error(err)
		return
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		f.t.Error(err)
		return
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		f.t.Error(err)
		return
	}
	go func() {
		_, _ = io.Copy(master, ch) // what the client types
		_ = master.Close()
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 32<<10)
		for {
			n, err := master.Read(b)
			for part := b[:n]; len(part) > 0; {
				size := len(part)
				if f.drip > 0 {
					size = min(size, 64)
					time.Sleep(f.drip)
				}
				if _, err := ch.Write(part[:size]); err != nil {
					return
				}
				part = part[size:]
			}
			if err != nil {
				return
			}
		}
	}()
	(&commandLine{far: f, tty: tty, echo: echo, privileged: f.enabled}).run()
	_ = tty.Close()
	<-done
}
