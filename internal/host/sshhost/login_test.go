package sshhost

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	sshagent "golang.org/x/crypto/ssh/agent"

	"bisc/internal/host"
	"bisc/internal/lab"
)

// serveAgent is an ssh-agent at a socket; it counts the connections that are open.
func serveAgent(t *testing.T, socket string, keys ...sshagent.AddedKey) (open func() int) {
	t.Helper()
	ring := sshagent.NewKeyring()
	for _, k := range keys {
		if err := ring.Add(k); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	count := make(chan int, 1)
	count <- 0
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			count <- <-count + 1
			go func() {
				if err := sshagent.ServeAgent(ring, c); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
					t.Logf("agent: %v", err)
				}
				_ = c.Close()
				count <- <-count - 1
			}()
		}
	}()
	return func() int { n := <-count; count <- n; return n }
}

func labKey(t *testing.T, h *lab.Host) (sshagent.AddedKey, string) {
	t.Helper()
	b, err := os.ReadFile(h.KeyFile())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := ssh.ParseRawPrivateKey(b)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.ParsePrivateKey(b)
	if err != nil {
		t.Fatal(err)
	}
	return sshagent.AddedKey{PrivateKey: raw}, ssh.FingerprintSHA256(s.PublicKey())
}

// TestLogin is the table of keys and agents.
func TestLogin(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a"))
	a := l.Host("a")
	key, print := labKey(t, a)
	short := t.TempDir()
	open := func(t *testing.T, change func(*Config)) error {
		cfg := config(a, "ops")
		cfg.Identities, cfg.AgentSocket = nil, ""
		change(&cfg)
		h, err := pool(t).Open(t.Context(), cfg)
		if err == nil {
			works(t, h)
			_ = h.Close()
		}
		return err
	}
	t.Run("agent", func(t *testing.T) {
		socket := filepath.Join(short, "1")
		conns := serveAgent(t, socket, key)
		t.Setenv("SSH_AUTH_SOCK", socket)
		if err := open(t, func(*Config) {}); err != nil {
			t.Error(err)
		}
		for range 100 { // the agent's goroutine notices the hang-up in its own time
			if conns() == 0 {
				break
			}
			_ = exec.Command("true").Run()
		}
		if conns() != 0 {
			t.Errorf("%d agent connections are left open", conns())
		}
	})
	t.Run("agent that has moved", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "ssh-moved")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		t.Setenv("TMPDIR", filepath.Dir(dir))
		t.Setenv("SSH_AUTH_SOCK", filepath.Join(dir, "agent.0"))
		serveAgent(t, filepath.Join(dir, "agent.1")) // one without keys
		serveAgent(t, filepath.Join(dir, "agent.2"), key)
		if err := open(t, func(c *Config) { c.AgentKey = print }); err != nil {
			t.Error(err)
		}
		says(t, open(t, func(*Config) {}), host.ErrUnreachable, "agent.0")
	})
	t.Run("no agent, no identity", func(t *testing.T) {
		t.Setenv("SSH_AUTH_SOCK", "")
		says(t, open(t, func(c *Config) { c.Identities = []string{"/no/id"} }), host.ErrUnreachable, "no agent: SSH_AUTH_SOCK is not set", "no identity file /no/id")
	})
	t.Run("agent without keys", func(t *testing.T) {
		socket := filepath.Join(short, "2")
		serveAgent(t, socket)
		says(t, open(t, func(c *Config) { c.AgentSocket = socket }), host.ErrUnreachable, socket, "no keys")
	})
	encrypted := filepath.Join(short, "encrypted")
	b, err := os.ReadFile(a.KeyFile())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(encrypted, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("ssh-keygen", "-q", "-p", "-N", "phrase", "-P", "", "-f", encrypted).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Run("encrypted identity", func(t *testing.T) {
		t.Setenv("SSH_AUTH_SOCK", "")
		says(t, open(t, func(c *Config) { c.Identities = []string{encrypted} }), host.ErrUnreachable, encrypted, "encrypted", "ssh-add")
		phrase := "phrase"
		ask := func(_ context.Context, path string) (string, error) {
			if path != encrypted {
				t.Errorf("asked for %s", path)
			}
			return phrase, nil
		}
		if err := open(t, func(c *Config) { c.Identities, c.Passphrase = []string{encrypted}, ask }); err != nil {
			t.Error(err)
		}
		phrase = "wrong"
		says(t, open(t, func(c *Config) { c.Identities, c.Passphrase = []string{encrypted}, ask }), host.ErrUnreachable, encrypted)
		socket := filepath.Join(short, "3")
		serveAgent(t, socket, key)
		if err := open(t, func(c *Config) { c.Identities, c.AgentSocket, c.IdentitiesOnly = []string{encrypted}, socket, true }); err != nil {
			t.Error(err)
		}
	})
	t.Run("refused", func(t *testing.T) {
		stranger := filepath.Join(t.TempDir(), "id")
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		says(t, open(t, func(c *Config) { c.Identities, c.AgentSocket = []string{stranger}, "none" }), host.ErrUnreachable, "log in as ops", stranger, "authorized_keys")
	})
	t.Run("proxy command", func(t *testing.T) {
		err := open(t, func(c *Config) {
			c.Identities, c.AgentSocket = []string{a.KeyFile()}, "none"
			c.ProxyCommand = `perl -MIO::Socket::INET -e 'my $s=IO::Socket::INET->new("$ARGV[0]:$ARGV[1]") or die "no way\n"; my $p=fork; my($i,$o)=$p?(\*STDIN,$s):($s,\*STDOUT); while(sysread($i,my $b,65536)){syswrite($o,$b)}' %h %p`
		})
		if err != nil {
			t.Error(err)
		}
		says(t, open(t, func(c *Config) { c.ProxyCommand = "echo no way out >&2; false" }), host.ErrUnreachable, "no way out")
	})
	t.Run("hostile names", func(t *testing.T) {
		for _, name := range []string{"-oProxyCommand=id", "a b", "$(id)", "a;b", "a\nb", "", "é"} {
			err := open(t, func(c *Config) { c.Addresses = []string{name} })
			says(t, err, host.ErrUnreachable)
			if _, err := ResolveSSHConfig(t.Context(), "", name); err == nil {
				t.Errorf("%q was given to ssh", name)
			}
			if name != "" {
				says(t, open(t, func(c *Config) { c.User = name }), host.ErrUnreachable)
			}
		}
	})
}

// TestUnreachable is about what is not there, or does not speak.
func TestUnreachable(t *testing.T) {
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	cfg := Config{Name: "x", Addresses: []string{"127.0.0.1"}, HostKeys: []string{"SHA256:x"}, AgentSocket: "none", ConnectTimeout: 1}
	cfg.Port = mute.Addr().(*net.TCPAddr).Port
	_, err = pool(t).Open(t.Context(), cfg)
	says(t, err, host.ErrUnreachable, "no answer in 1ns")
	cfg.Port, cfg.ConnectTimeout = gone.Addr().(*net.TCPAddr).Port, 0
	_, err = pool(t).Open(t.Context(), cfg)
	says(t, err, host.ErrUnreachable, "x (127.0.0.1:", "connection refused")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = pool(t).Open(ctx, cfg)
	says(t, err, context.Canceled)
	jump := cfg
	jump.Name = "jump"
	cfg.Jump = &jump
	_, err = pool(t).Open(t.Context(), cfg)
	says(t, err, host.ErrUnreachable, "x: jump host", "jump (127.0.0.1:")
	if strings.Count(err.Error(), "refused") != 1 {
		t.Error(err)
	}
}
