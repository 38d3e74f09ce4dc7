package sshhost

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"bisc/internal/host"
	"bisc/internal/lab"
)

// TestFaultF13_HostKeys is the table of what is accepted and what is refused, against a real sshd.
func TestFaultF13_HostKeys(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a"))
	a := l.Host("a")
	shell := outOfBand(a)
	bracketed := "[127.0.0.1]:" + strconv.Itoa(a.Port())
	keys := map[string]string{} // "ssh-ed25519 AAAA..." by type
	for _, text := range strings.Split(strings.TrimSpace(shell(t, "cat /etc/ssh/ssh_host_*_key.pub")), "\n") {
		f := strings.Fields(text)
		keys[f[0]] = f[0] + " " + f[1]
	}
	if len(keys) < 2 {
		t.Fatalf("the lab host has only these keys: %v", keys)
	}
	other := generate(t, "ssh-ed25519")
	file := func(lines ...string) string {
		name := filepath.Join(t.TempDir(), "known_hosts")
		if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	open := func(t *testing.T, change func(*Config)) (*Host, error) {
		cfg := config(a, "ops")
		cfg.HostKeys = nil
		change(&cfg)
		h, err := pool(t).Open(t.Context(), cfg)
		if err == nil {
			t.Cleanup(func() { _ = h.Close() })
		}
		return h, err
	}
	for kind, key := range keys {
		t.Run("known by its "+kind, func(t *testing.T) { // whichever type the server would rather show
			h, err := open(t, func(c *Config) { c.KnownHosts = []string{"/no/such/file", file("# a comment", bracketed+" "+key)} })
			if err != nil {
				t.Fatal(err)
			}
			if h.HostKey() != fingerprint(t, key) {
				t.Errorf("%s, want %s", h.HostKey(), fingerprint(t, key))
			}
		})
		t.Run("pinned by its "+kind, func(t *testing.T) {
			for _, pin := range []string{fingerprint(t, key), key} {
				h, err := open(t, func(c *Config) { c.HostKeys = []string{fingerprint(t, other), pin} })
				if err != nil {
					t.Fatal(err)
				}
				if h.HostKey() != fingerprint(t, key) {
					t.Errorf("%s, want %s", h.HostKey(), fingerprint(t, key))
				}
			}
		})
	}
	ed := keys["ssh-ed25519"]
	t.Run("hashed", func(t *testing.T) {
		name := file(bracketed + " " + ed)
		if out, err := exec.Command("ssh-keygen", "-q", "-H", "-f", name).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if _, err := open(t, func(c *Config) { c.KnownHosts = []string{name} }); err != nil {
			t.Error(err)
		}
	})
	t.Run("alias", func(t *testing.T) {
		name := file("biscayne " + ed)
		if _, err := open(t, func(c *Config) { c.KnownHosts, c.HostKeyAlias = []string{name}, "biscayne" }); err != nil {
			t.Error(err)
		}
	})
	t.Run("unknown", func(t *testing.T) {
		name := file("elsewhere " + ed)
		_, err := open(t, func(c *Config) { c.KnownHosts = []string{name} })
		says(t, err, host.ErrUnreachable, "not known", "SHA256:", name, bracketed, "host_key")
	})
	t.Run("changed", func(t *testing.T) {
		name := file("# one", bracketed+" "+other)
		_, err := open(t, func(c *Config) { c.KnownHosts = []string{name} })
		says(t, err, host.ErrUnreachable, "changed", name+":2", fingerprint(t, ed))
	})
	t.Run("revoked", func(t *testing.T) {
		name := file("@revoked * "+ed, bracketed+" "+ed)
		_, err := open(t, func(c *Config) { c.KnownHosts = []string{name} })
		says(t, err, host.ErrUnreachable, "revoked", name+":1", "@revoked")
	})
	t.Run("one type changed, another known", func(t *testing.T) { // the server's first choice is not what is known
		rsa := keys["ssh-rsa"]
		name := file(bracketed + " " + rsa)
		h, err := open(t, func(c *Config) { c.KnownHosts = []string{name} })
		if err != nil || h.HostKey() != fingerprint(t, rsa) {
			t.Errorf("%v", err)
		}
	})
	t.Run("another port, and the bare address", func(t *testing.T) {
		for _, who := range []string{"127.0.0.1", "[127.0.0.1]:1"} {
			name := file(who + " " + ed)
			_, err := open(t, func(c *Config) { c.KnownHosts = []string{name} })
			says(t, err, host.ErrUnreachable, "not known")
		}
	})
	t.Run("nothing is learned", func(t *testing.T) { // neither by a refusal nor by a success
		name := file(bracketed+" "+ed, "# end")
		before, _ := os.ReadFile(name)
		for _, k := range [][]string{{name}, {file("elsewhere " + ed)}} {
			_, _ = open(t, func(c *Config) { c.KnownHosts = k })
		}
		if after, _ := os.ReadFile(name); string(after) != string(before) {
			t.Errorf("known_hosts became %q", after)
		}
	})
	t.Run("a pin goes before known_hosts", func(t *testing.T) {
		name := file(bracketed + " " + other)
		if _, err := open(t, func(c *Config) { c.KnownHosts, c.HostKeys = []string{name}, []string{ed} }); err != nil {
			t.Error(err)
		}
		name = file(bracketed + " " + ed)
		_, err := open(t, func(c *Config) { c.KnownHosts, c.HostKeys = []string{name}, []string{fingerprint(t, other)} })
		says(t, err, host.ErrUnreachable, "not the pinned one")
	})
	t.Run("pinned to another", func(t *testing.T) {
		_, err := open(t, func(c *Config) { c.HostKeys = []string{fingerprint(t, other)} })
		says(t, err, host.ErrUnreachable, "not the pinned one", fingerprint(t, other))
		_, err = open(t, func(c *Config) { c.HostKeys = []string{other} })
		says(t, err, host.ErrUnreachable, "not the pinned one")
	})
	t.Run("signed by a known authority", func(t *testing.T) {
		ca := filepath.Join(t.TempDir(), "ca")
		run := func(argv ...string) {
			if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %v: %s", argv, err, out)
			}
		}
		run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ca)
		pub := filepath.Join(t.TempDir(), "host.pub")
		if err := os.WriteFile(pub, []byte(ed+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		authority, err := os.ReadFile(ca + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		certified := func(more ...string) {
			run(append(append([]string{"ssh-keygen", "-q", "-s", ca, "-I", "lab", "-h"}, more...), pub)...)
			cert, err := os.ReadFile(strings.TrimSuffix(pub, ".pub") + "-cert.pub")
			if err != nil {
				t.Fatal(err)
			}
			shell(t, `printf '%s\n' "$1" >/etc/ssh/host-cert.pub; echo 'HostCertificate /etc/ssh/host-cert.pub' >/etc/ssh/sshd_config.d/cert.conf; systemctl restart ssh`, strings.TrimSpace(string(cert)))
		}
		defer shell(t, "rm /etc/ssh/sshd_config.d/cert.conf; systemctl restart ssh")
		name := file("@cert-authority " + bracketed + " " + string(authority))
		certified("-n", "127.0.0.1")
		if _, err := open(t, func(c *Config) { c.KnownHosts = []string{name} }); err != nil {
			t.Error(err)
		}
		_, err = open(t, func(c *Config) {
			c.KnownHosts = []string{file("@cert-authority elsewhere " + string(authority))}
		})
		says(t, err, host.ErrUnreachable, "certificate", "no authorities")
		certified("-n", "elsewhere")
		_, err = open(t, func(c *Config) { c.KnownHosts = []string{name} })
		says(t, err, host.ErrUnreachable, "principal", "certificate", "ssh-keygen -s")
		certified("-n", "127.0.0.1", "-V", "20200101:20200102")
		_, err = open(t, func(c *Config) { c.KnownHosts = []string{name} })
		says(t, err, host.ErrUnreachable, "expired", "certificate", "ssh-keygen -s")
	})
}

func generate(t *testing.T, kind string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", strings.TrimPrefix(kind, "ssh-"), "-N", "", "-f", name).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(name + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(string(b))
	return f[0] + " " + f[1]
}

func fingerprint(t *testing.T, key string) string {
	t.Helper()
	k, _, _, _, err := ssh.ParseAuthorizedKey([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return ssh.FingerprintSHA256(k)
}
