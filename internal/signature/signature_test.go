package signature

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// keygen runs the real ssh-keygen in a folder.
func keygen(t *testing.T, dir, stdin string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ssh-keygen", args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func must(t *testing.T, out string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newKey(t *testing.T, dir, name, kind string) (public string) {
	t.Helper()
	out, err := keygen(t, dir, "", "-q", "-t", kind, "-N", "", "-C", name, "-f", name)
	must(t, out, err)
	f := strings.Fields(string(read(t, dir, name+".pub")))
	return f[0] + " " + f[1]
}

// What bisc signs ssh-keygen verifies, and the other way round, for each type of key.
func TestBothWaysWithOpenSSH(t *testing.T) {
	for _, kind := range []string{"ed25519", "rsa", "ecdsa"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "plan", "a plan\n")
			write(t, dir, "allowed", `alice@example namespaces="git,plan@bisc" `+newKey(t, dir, "key", kind)+" her key\n")
			signer, err := ssh.ParsePrivateKey(read(t, dir, "key"))
			if err != nil {
				t.Fatal(err)
			}
			sig, err := Sign([]byte("a plan\n"), signer)
			if err != nil {
				t.Fatal(err)
			}
			write(t, dir, "ours.sig", string(sig))
			out, err := keygen(t, dir, "a plan\n", "-Y", "verify", "-f", "allowed", "-I", "alice@example", "-n", Namespace, "-s", "ours.sig")
			must(t, out, err)

			out, err = keygen(t, dir, "", "-Y", "sign", "-f", "key", "-n", Namespace, "plan")
			must(t, out, err)
			allowed, err := ParseAllowed("allowed", read(t, dir, "allowed"))
			if err != nil {
				t.Fatal(err)
			}
			for name, s := range map[string][]byte{"ours": sig, "theirs": read(t, dir, "plan.sig")} {
				by, err := allowed.Check([]byte("a plan\n"), s, time.Now())
				if err != nil || by.Principal != "alice@example" || by.Key != ssh.FingerprintSHA256(signer.PublicKey()) {
					t.Errorf("%s: %v, %v", name, by, err)
				}
				if _, err := allowed.Check([]byte("a plan \n"), s, time.Now()); !errors.Is(err, ErrSignature) {
					t.Errorf("%s, of another text: %v", name, err)
				}
			}
		})
	}
}

// bisc and ssh-keygen agree on what each line allows.
func TestAllowedSignersAsOpenSSHReadsThem(t *testing.T) {
	dir := t.TempDir()
	key, other, ca := newKey(t, dir, "key", "ed25519"), newKey(t, dir, "other", "ed25519"), newKey(t, dir, "ca", "ed25519")
	write(t, dir, "plan", "a plan\n")
	sign := func(with string) []byte {
		_ = os.Remove(filepath.Join(dir, "plan.sig"))
		out, err := keygen(t, dir, "", "-Y", "sign", "-f", with, "-n", Namespace, "plan")
		must(t, out, err)
		return read(t, dir, "plan.sig")
	}
	plain := sign("key")
	out, err := keygen(t, dir, "", "-q", "-s", "ca", "-I", "id", "-n", "alice@example", "-V", "-1h:+1h", "key.pub")
	must(t, out, err)
	certified := sign("key-cert.pub")
	for name, c := range map[string]struct {
		line string
		sig  []byte
		ok   bool
	}{
		"a key":                      {"alice@example " + key, plain, true},
		"behind comments and others": {"# hello\n\nbob@example " + other + "\nalice@example " + key, plain, true},
		"another's key":              {"alice@example " + other, plain, false},
		"quoted principals":          {`"alice@example" ` + key, plain, true},
		"a pattern":                  {"*@example " + key, plain, true},
		"other namespace":            {`alice@example namespaces="git" ` + key, plain, false},
		"namespace by pattern":       {`alice@example namespaces="git,*@bisc" ` + key, plain, true},
		"namespace denied":           {`alice@example namespaces="*,!plan@bisc" ` + key, plain, false},
		"valid":                      {`alice@example valid-after="20200101",valid-before="20990101120000Z" ` + key, plain, true},
		"not yet":                    {`alice@example valid-after="20990101Z" ` + key, plain, false},
		"no more":                    {`alice@example valid-before="202001011200" ` + key, plain, false},
		"an authority's certificate": {"alice@example cert-authority " + ca, certified, true},
		"for whom it is not":         {"bob@example cert-authority " + ca, certified, false},
		"without the option":         {"alice@example " + ca, certified, false},
		"the authority's own key":    {"alice@example cert-authority " + key, plain, false},
		"another authority":          {"alice@example cert-authority " + other, certified, false},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, dir, "allowed", c.line+"\n")
			write(t, dir, "sig", string(c.sig))
			out, theirs := keygen(t, dir, "a plan\n", "-Y", "verify", "-f", "allowed", "-I", "alice@example", "-n", Namespace, "-s", "sig")
			if (theirs == nil) != c.ok {
				t.Errorf("ssh-keygen: %v: %s", theirs, out)
			}
			allowed, err := ParseAllowed("allowed", []byte(c.line+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			if by, err := allowed.Check([]byte("a plan\n"), c.sig, time.Now()); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrSignature) {
				t.Errorf("bisc: %v, %v", by, err)
			}
		})
	}
}

func TestSignaturesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	key := newKey(t, dir, "key", "ed25519")
	write(t, dir, "plan", "a plan\n")
	out, err := keygen(t, dir, "", "-Y", "sign", "-f", "key", "-n", "file", "plan")
	must(t, out, err)
	allowed, err := ParseAllowed("allowed", []byte("alice@example "+key+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(read(t, dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	good, err := Sign([]byte("a plan\n"), signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := allowed.Check([]byte("a plan\n"), read(t, dir, "plan.sig"), time.Now()); !errors.Is(err, ErrSignature) {
		t.Errorf("of another namespace: %v", err)
	}
	for i := range good {
		bent := append([]byte(nil), good...)
		bent[i] ^= 4
		if by, err := allowed.Check([]byte("a plan\n"), bent, time.Now()); err == nil && !strings.ContainsAny(string(good[i]), "\n") {
			t.Errorf("byte %d altered: %v", i, by)
		}
	}
	for _, text := range []string{"alice " + key[:20], "alice", `alice sometimes ` + key, `alice valid-after="soon" ` + key, `"alice ` + key,
		`alice namespaces="file",namespaces="plan@bisc" ` + key, `alice valid-before="20200101",Valid-Before="20990101" ` + key} {
		if a, err := ParseAllowed("allowed", []byte(text+"\n")); err == nil {
			t.Errorf("%q is taken: %v", text, a)
		}
	}
}
