package front

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// openssh runs one of OpenSSH's clients, as a person at a controller would, with nothing but the emulator's key and host key.
func (s *stage) openssh(stdin []byte, program string, args ...string) (string, int) {
	s.t.Helper()
	known := filepath.Join(s.dir, "known_hosts")
	host, port, _ := net.SplitHostPort(s.addr)
	line := fmt.Sprintf("[%s]:%s %s", host, port, ssh.MarshalAuthorizedKey(s.host.PublicKey()))
	must(s.t, os.WriteFile(known, []byte(line), 0o600))
	portFlag := "-P"
	if program == "ssh" {
		portFlag = "-p"
	}
	all := append([]string{"-F", "none", portFlag, port, "-i", s.keyFile, "-o", "UserKnownHostsFile=" + known, "-o", "GlobalKnownHostsFile=none",
		"-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"}, args...)
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, all...)
	cmd.Stdin = bytes.NewReader(stdin)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	status := exitStatus(cmd.Run())
	if errs.Len() > 0 {
		s.t.Logf("%s: %s", program, errs.String())
	}
	return out.String(), status
}

// A single command goes to the CLI's parser and not to a shell (eos.md A.3).
func TestExec(t *testing.T) {
	s := newStage(t)
	at := "install@127.0.0.1"
	run := func(command string) (string, int) { return s.openssh(nil, "ssh", at, command) }
	out, status := run("show version | json")
	equal(t, "a pipe of the CLI's", fmt.Sprint(out, status), s.answers["show version | json"]+"\n0")
	out, status = run("show version")
	equal(t, "show", fmt.Sprint(out, status), "Arista DCS-7280CR3A-32S\n0")
	out, status = run("ls")
	equal(t, "no shell", fmt.Sprint(out, status), "% Invalid input\n1")
	out, status = run("bash id -u")
	equal(t, "bash wants privilege", fmt.Sprint(out, status), "% Invalid input\n1")
	out, status = run("enable\nshow version")
	equal(t, "one line", fmt.Sprint(out, status), "% Invalid input\n1")

	s.SetAccess(Access{ExecLines: true, MaxSessions: 10})
	out, status = run("show version\nenable\nbash echo $((6*7)); exit 9")
	equal(t, "several lines", fmt.Sprint(out, status), "Arista DCS-7280CR3A-32S\n42\n9")
	s.SetAccess(Access{BashLogin: true, MaxSessions: 10})
	out, status = run("echo $((6*7)); exit 8")
	equal(t, "a login shell of bash", fmt.Sprint(out, status), "42\n8")
}

// What passes through bash passes as it is: every byte, both ways, and both outputs apart.
func TestExecBinary(t *testing.T) {
	s := newStage(t)
	s.SetAccess(Access{ExecPrivileged: true, MaxSessions: 10})
	data := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{1}).Read(data)
	out, status := s.openssh(data, "ssh", "install@127.0.0.1", "bash timeout 60 cat; echo apart >&2; exit 5")
	if out != string(data) || status != 5 {
		t.Errorf("%d bytes came back of %d, equal: %v; status %d", len(out), len(data), out == string(data), status)
	}
	out, status = s.openssh(data, "ssh", "install@127.0.0.1", "bash head -c 3 >/dev/null; echo over")
	equal(t, "a command that leaves its input", fmt.Sprint(out, status), "over\n0")
}

// sftp's and scp's own programs put and fetch files; each door can be shut.
func TestFiles(t *testing.T) {
	s := newStage(t)
	local, remote := filepath.Join(s.dir, "local"), filepath.Join(s.dir, "flash-file")
	data := make([]byte, 300_000)
	rand.NewChaCha8([32]byte{2}).Read(data)
	must(t, os.WriteFile(local, data, 0o644))
	try := func(name string, put, get func() int) {
		t.Helper()
		back := filepath.Join(s.dir, "back")
		os.Remove(remote)
		os.Remove(back)
		if a, b := put(), get(); a != 0 || b != 0 {
			t.Errorf("%s: put ends with %d, get with %d", name, a, b)
		}
		for _, file := range []string{remote, back} {
			if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s: %s: %d bytes, %v", name, file, len(got), err)
			}
		}
	}
	run := func(stdin, program string, args ...string) func() int {
		return func() int { _, status := s.openssh([]byte(stdin), program, args...); return status }
	}
	back := filepath.Join(s.dir, "back")
	there := "install@127.0.0.1:" + remote
	try("scp -O", run("", "scp", "-O", local, there), run("", "scp", "-O", there, back))
	try("scp", run("", "scp", local, "install@127.0.0.1:"+remote), run("", "scp", "install@127.0.0.1:"+remote, back))
	try("sftp", run("put "+local+" flash-file\n", "sftp", "-b", "-", "install@127.0.0.1"),
		run("get flash-file "+back+"\n", "sftp", "-b", "-", "install@127.0.0.1"))

	s.SetAccess(Access{MaxSessions: 10})
	if run("", "scp", "-O", local, there)() == 0 || run("ls\n", "sftp", "-b", "-", "install@127.0.0.1")() == 0 {
		t.Error("scp and sftp are shut, and serve")
	}
}

// Forwarding reaches what the device reaches, and can be shut.
func TestForward(t *testing.T) {
	s := newStage(t)
	must(t, s.SetEAPI(EAPI{LocalHTTP: true, Unix: true}))
	c := s.dial()
	for _, to := range []net.Addr{s.EAPIAddress("http"), s.EAPIAddress("unix")} {
		conn, err := c.Dial(to.Network(), to.String())
		must(t, err)
		fmt.Fprint(conn, "POST /command-api HTTP/1.0\r\n\r\n")
		b := make([]byte, 12)
		if _, err := conn.Read(b); err != nil || string(b) != "HTTP/1.0 200" {
			t.Errorf("through %s: %q, %v", to.Network(), b, err)
		}
		conn.Close()
	}
	if _, err := c.Dial("unix", filepath.Join(s.dir, "nothing")); !strings.Contains(fmt.Sprint(err), "open failed") {
		t.Errorf("nobody listens: %v", err)
	}
	s.SetAccess(Access{MaxSessions: 10})
	for _, to := range []net.Addr{s.EAPIAddress("http"), s.EAPIAddress("unix")} {
		if _, err := c.Dial(to.Network(), to.String()); !strings.Contains(fmt.Sprint(err), "prohibited") {
			t.Errorf("forwarding to %s is shut: %v", to.Network(), err)
		}
	}
}

// Ten sessions on one connection, as sshd has it, and one more when one has ended; a keepalive is answered.
func TestLimits(t *testing.T) {
	s := newStage(t)
	c := s.dial()
	var open []*dialogue
	for range 10 {
		d := s.terminal(c, 0, 0, 1)
		d.until("was-sw01>")
		open = append(open, d)
	}
	if _, err := c.NewSession(); !strings.Contains(fmt.Sprint(err), "open failed") {
		t.Errorf("an eleventh session: %v", err)
	}
	if ok, _, err := c.SendRequest("keepalive@openssh.com", true, nil); ok || err != nil {
		t.Errorf("a keepalive: %v, %v", ok, err)
	}
	open[3].send("exit\n")
	open[3].rest()
	open[3].s.Wait()
	if !eventually(t, func() bool { session, err := c.NewSession(); return err == nil && session.Close() == nil }) {
		t.Error("no session after one has ended")
	}
	_, err := ssh.Dial("tcp", s.addr, &ssh.ClientConfig{
		User: "install", Auth: []ssh.AuthMethod{ssh.Password("x")}, HostKeyCallback: ssh.FixedHostKey(s.host.PublicKey()),
	})
	var auth *ssh.ServerAuthError
	if err == nil || errors.As(err, &auth) || !strings.Contains(err.Error(), "unable to authenticate") {
		t.Errorf("a login by password: %v", err)
	}
}

// eventually asks until it is true; it gives up after a minute.
func eventually(t *testing.T, is func() bool) bool {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if is() {
			return true
		}
	}
	return false
}
