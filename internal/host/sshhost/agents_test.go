package sshhost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/lab"
)

// sshAgent is a real ssh-agent at a socket.
type sshAgent struct {
	socket string
	cmd    *exec.Cmd
}

// startAgent starts ssh-agent in a folder as it makes them itself, and adds keys.
func startAgent(t *testing.T, tmp, name string, keys ...string) *sshAgent {
	t.Helper()
	dir := filepath.Join(tmp, "ssh-"+name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	a := &sshAgent{socket: filepath.Join(dir, "agent.1")}
	a.cmd = exec.Command("ssh-agent", "-D", "-a", a.socket)
	said, err := a.cmd.StdoutPipe() // it says where it listens once it does
	if err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.kill)
	if _, err := said.Read(make([]byte, 1)); err != nil {
		t.Fatalf("ssh-agent: %v", err)
	}
	for _, k := range keys {
		a.add(t, k)
	}
	return a
}

func (a *sshAgent) add(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command("ssh-add", append([]string{"-q"}, args...)...)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+a.socket, "SSH_ASKPASS_REQUIRE=force", "SSH_ASKPASS="+askpass(t))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ssh-add %v: %v: %s", args, err, out)
	}
}

// kill leaves the socket behind, as a session that ends badly does.
func (a *sshAgent) kill() {
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
}

func askpass(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "askpass")
	if err := os.WriteFile(name, []byte("#!/bin/sh\necho phrase\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

// privateKey is a copy of the lab's key with the mode that ssh-add wants.
func privateKey(t *testing.T, h *lab.Host) string {
	t.Helper()
	b, err := os.ReadFile(h.KeyFile())
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "id")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestFaultF11_AgentSockets: an agent is found by the fingerprint of its key, wherever its socket is by now, and where it is
// nowhere the error lists what was tried.
func TestFaultF11_AgentSockets(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a"))
	a := l.Host("a")
	id := privateKey(t, a)
	_, print := labKey(t, a)
	stranger := filepath.Join(t.TempDir(), "stranger")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// begin gives a folder where agents are looked for, and how to log in with the key pinned.
	begin := func(t *testing.T) (string, Config) {
		tmp := t.TempDir()
		t.Setenv("TMPDIR", tmp)
		t.Setenv("SSH_AUTH_SOCK", "")
		t.Setenv("XDG_RUNTIME_DIR", "")
		t.Setenv("HOME", t.TempDir())
		cfg := config(a, "ops")
		cfg.Identities, cfg.AgentSocket, cfg.AgentKey = nil, "", print
		return tmp, cfg
	}
	open := func(t *testing.T, cfg Config) error {
		h, err := pool(t).Open(t.Context(), cfg)
		if err == nil {
			works(t, h)
			_ = h.Close()
		}
		return err
	}
	t.Run("replaced", func(t *testing.T) {
		tmp, cfg := begin(t)
		old := startAgent(t, tmp, "old", id)
		t.Setenv("SSH_AUTH_SOCK", old.socket)
		if err := open(t, cfg); err != nil {
			t.Fatal(err)
		}
		old.kill()
		if err := os.Remove(old.socket); err != nil {
			t.Fatal(err)
		}
		says(t, open(t, cfg), host.ErrUnreachable, old.socket, "no such file", "agent_key "+print+" is in none of them", "ssh-add")
		startAgent(t, tmp, "new", id)
		if err := open(t, cfg); err != nil {
			t.Error(err)
		}
	})
	t.Run("the agent of ssh's configuration, then the environment's", func(t *testing.T) {
		tmp, cfg := begin(t)
		one := startAgent(t, tmp, "one", stranger)
		two := startAgent(t, t.TempDir(), "two", id)
		cfg.AgentSocket = one.socket
		t.Setenv("SSH_AUTH_SOCK", two.socket)
		if err := open(t, cfg); err != nil {
			t.Error(err)
		}
		cfg.AgentSocket = "$OTHER_AGENT"
		t.Setenv("OTHER_AGENT", two.socket)
		t.Setenv("SSH_AUTH_SOCK", "")
		if err := open(t, cfg); err != nil {
			t.Error(err)
		}
	})
	t.Run("five stale sockets", func(t *testing.T) {
		tmp, cfg := begin(t)
		for i := range 3 {
			startAgent(t, tmp, fmt.Sprint("dead", i)).kill()
		}
		for i := range 2 { // they take connections and say nothing
			stopped := startAgent(t, tmp, fmt.Sprint("stopped", i))
			if err := stopped.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
		}
		says(t, open(t, cfg), host.ErrUnreachable, "dead0", "dead1", "dead2", "connection refused", "stopped0", "stopped1", "no answer in 2s")
		startAgent(t, tmp, "alive", id)
		if err := open(t, cfg); err != nil {
			t.Error(err)
		}
	})
	t.Run("wrong key, and locked", func(t *testing.T) {
		tmp, cfg := begin(t)
		wrong := startAgent(t, tmp, "wrong", stranger)
		locked := startAgent(t, tmp, "locked", id)
		locked.add(t, "-x")
		t.Setenv("SSH_AUTH_SOCK", wrong.socket)
		b, err := os.ReadFile(stranger + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		says(t, open(t, cfg), host.ErrUnreachable, "agent "+wrong.socket+": it has "+fingerprint(t, string(b)), "agent "+locked.socket+": it has no keys (locked")
		locked.add(t, "-X")
		if err := open(t, cfg); err != nil {
			t.Error(err)
		}
	})
	t.Run("what is not ours", func(t *testing.T) {
		tmp, cfg := begin(t)
		real := startAgent(t, t.TempDir(), "real", id)
		dir := filepath.Join(tmp, "ssh-link")
		if err := errors.Join(os.Mkdir(dir, 0o700), os.Symlink(real.socket, filepath.Join(dir, "agent.1"))); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Dir(real.socket), filepath.Join(tmp, "ssh-folderlink")); err != nil {
			t.Fatal(err)
		}
		foreign := startAgent(t, tmp, "foreign", id)
		if err := os.Chown(foreign.socket, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		folder := startAgent(t, tmp, "folder", id)
		if err := os.Chown(filepath.Dir(folder.socket), 65534, 65534); err != nil {
			t.Fatal(err)
		}
		if got := otherAgents(); strings.Contains(strings.Join(got, " "), tmp) {
			t.Errorf("these were asked: %v", got)
		}
		says(t, open(t, cfg), host.ErrUnreachable, print)
	})
	t.Run("an identity that is only in an agent", func(t *testing.T) {
		tmp, cfg := begin(t)
		startAgent(t, tmp, "elsewhere", stranger, id)
		only := filepath.Join(t.TempDir(), "only")
		out, err := exec.Command("ssh-keygen", "-y", "-f", id).Output()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(only+".pub", out, 0o600); err != nil {
			t.Fatal(err)
		}
		cfg.AgentKey, cfg.Identities = "", []string{only}
		if err := open(t, cfg); err != nil {
			t.Error(err)
		}
	})
	t.Run("gone between the list and the signature", func(t *testing.T) {
		tmp, cfg := begin(t)
		first := startAgent(t, tmp, "first", id)
		l := &login{ctx: t.Context(), cfg: &cfg}
		defer l.close()
		signers, err := l.signers()
		if err != nil || len(signers) != 1 {
			t.Fatalf("%v, %v", signers, err)
		}
		first.kill()
		if _, err := signers[0].Sign(nil, []byte("x")); err == nil {
			t.Error("signed by nobody")
		}
		startAgent(t, tmp, "second", id)
		if sig, err := signers[0].Sign(nil, []byte("x")); err != nil || signers[0].PublicKey().Verify([]byte("x"), sig) != nil {
			t.Errorf("not signed: %v", err)
		}
	})
}

// TestSlowPassphrase: the time in which an operator types a passphrase is not the host's, and it is asked for once a run.
func TestSlowPassphrase(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a", "b"))
	id := privateKey(t, l.Host("a"))
	if out, err := exec.Command("ssh-keygen", "-q", "-p", "-N", "phrase", "-P", "", "-f", id).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Setenv("SSH_AUTH_SOCK", "")
	for _, c := range []struct {
		name  string
		grace string // sshd's own limit
		conns int64
	}{{"within sshd's patience", "120", 1}, {"beyond it", "6", 2}} {
		t.Run(c.name, func(t *testing.T) {
			outOfBand(l.Host("a"))(t, `echo "LoginGraceTime $1" >/etc/ssh/sshd_config.d/grace.conf; systemctl restart ssh`, c.grace)
			px, cfg := through(t, l.Host("a"), "ops")
			asked := 0
			cfg.Identities, cfg.AgentSocket, cfg.ConnectTimeout = []string{id}, "", 4*time.Second
			cfg.Passphrase = func(ctx context.Context, _ string) (string, error) {
				asked++
				select {
				case <-time.After(2*cfg.ConnectTimeout + time.Second):
					return "phrase", nil
				case <-ctx.Done():
					return "", context.Cause(ctx)
				}
			}
			p := pool(t)
			h, err := p.Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			works(t, h)
			second := config(l.Host("b"), "ops")
			second.Identities, second.AgentSocket, second.Passphrase = cfg.Identities, "", cfg.Passphrase
			b, err := p.Open(t.Context(), second)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			works(t, b)
			if n := px.Counters().Connections; asked != 1 || n != c.conns {
				t.Errorf("asked %d times over %d connections, want once over %d", asked, n, c.conns)
			}
		})
	}
}

// A silent host is not waited for longer because somebody typed.
func TestStopwatch(t *testing.T) {
	over := errors.New("over")
	ctx, w, cancel := limited(t.Context(), 50*time.Millisecond, over)
	defer cancel()
	resume := w.pause()
	inner := w.pause()
	select {
	case <-ctx.Done():
		t.Fatal("ended while paused")
	case <-time.After(200 * time.Millisecond): // that nothing happens has no event
	}
	inner()
	resume()
	<-ctx.Done()
	if context.Cause(ctx) != over || !w.wasPaused() {
		t.Errorf("%v, paused %v", context.Cause(ctx), w.wasPaused())
	}
}
