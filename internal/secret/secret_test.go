package secret

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"
)

func script(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

// What a program is given is what was written, and of what it prints one line break at the end goes.
func TestCommand(t *testing.T) {
	k := New(t.Context())
	hostile := []string{"$(id)", "`id`", "a b", "'\"", "-rf", "\x1b[2J", "*", "", "a\nb"}
	name := script(t, `printf '%s\n' "$#"; printf '<%s>' "$@"; printf '\n\n'`)
	got, err := k.Command("", append([]string{name}, hostile...))
	if want := "9\n<" + strings.Join(hostile, "><") + ">\n"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	dir := t.TempDir()
	if got, err := k.Command(dir, []string{"pwd"}); err != nil || got != dir {
		t.Errorf("it ran in %q, %v; want %s", got, err, dir)
	}
	if got, err := k.Command("", []string{script(t, `printf 'x\r\n'`)}); err != nil || got != "x" {
		t.Errorf("got %q, %v", got, err)
	}
}

// The same program runs once a run, whether it works or not, and nothing that failed is tried again.
func TestCommandRunsOnce(t *testing.T) {
	k := New(t.Context())
	count := filepath.Join(t.TempDir(), "count")
	good, bad := script(t, `echo x >>"$1"; echo value`), script(t, `echo x >>"$1"; exit 3`)
	for range 3 {
		if got, err := k.Command("", []string{good, count}); got != "value" || err != nil {
			t.Fatalf("got %q, %v", got, err)
		}
		if _, err := k.Command("", []string{bad, count}); err == nil || !strings.Contains(err.Error(), "exit status 3") {
			t.Fatal(err)
		}
	}
	if b, _ := os.ReadFile(count); string(b) != "x\nx\n" {
		t.Errorf("the two programs ran %d times", strings.Count(string(b), "x"))
	}
}

func TestCommandFaults(t *testing.T) {
	k := New(t.Context())
	for text, want := range map[string]string{
		"echo out-of-vault; echo 'no entry out-of-vault' >&2; exit 1": "exit status 1: no entry (withheld)",
		"exit 1":             "it said nothing about why",
		"true":               "printed nothing",
		"echo":               "printed nothing",
		`printf '\377'`:      "not UTF-8",
		"exec cat /dev/zero": "printed more than 1048576 bytes",
		"head -c 100000 /dev/zero | tr '\\0' e >&2; echo end >&2; exit 1": "eend",
	} {
		_, err := k.Command("", []string{script(t, text)})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "out-of-vault") || len(err.Error()) > 3000 {
			t.Errorf("%s: %.300v, want %q", text, err, want)
		}
	}
	if _, err := k.Command("", []string{"no-such-program-at-all"}); err == nil || !strings.Contains(err.Error(), "no such program in PATH") {
		t.Error(err)
	}
	if _, err := k.Command("", nil); err == nil {
		t.Error("nothing ran, and nothing was said")
	}
}

// A program that does not end is ended at the limit, and what it started with it.
func TestCommandEnds(t *testing.T) {
	k := New(t.Context())
	k.Limit = 5 * time.Second
	pid := filepath.Join(t.TempDir(), "pid")
	_, err := k.Command("", []string{script(t, `sleep 3600 & echo $! >"$1"; wait`), pid})
	if err == nil || !strings.Contains(err.Error(), "no end within 5s") {
		t.Fatal(err)
	}
	b, err := os.ReadFile(pid)
	if err != nil {
		t.Fatal(err)
	}
	stat := "/proc/" + strings.TrimSpace(string(b)) + "/stat"
	for { // the kernel delivers the signal when it can; the test's own limit bounds this
		left, err := os.ReadFile(stat)
		if err != nil || bytes.Contains(left, []byte(") Z ")) || bytes.Contains(left, []byte(") X ")) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	k = New(ctx)
	over := errors.New("it is over")
	cancel(over)
	if _, err := k.Command("", []string{"sleep", "3600"}); !errors.Is(err, over) {
		t.Errorf("got %v, want that the run is over", err)
	}
}

// No program has what holds secrets of others in its environment.
func TestCommandEnvironment(t *testing.T) {
	t.Setenv("BISC_TEST_CANARY", "kanarienvogel")
	t.Setenv("BISC_TEST_PLAIN", "plain")
	k := New(t.Context())
	k.Hide("BISC_TEST_CANARY")
	got, err := k.Command("", []string{"env"})
	if err != nil || strings.Contains(got, "kanarienvogel") || !strings.Contains(got, "BISC_TEST_PLAIN=plain") {
		t.Errorf("%v, environment:\n%s", err, got)
	}
}

func encrypted(t *testing.T, armored bool, text string, to ...age.Recipient) []byte {
	t.Helper()
	var b bytes.Buffer
	var out io.WriteCloser = nop{&b}
	if armored {
		out = armor.NewWriter(&b)
	}
	w, err := age.Encrypt(out, to...)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(w, text)
	if err := errors.Join(err, w.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type nop struct{ io.Writer }

func (nop) Close() error { return nil }

// keeperWith has an identity file and a person who knows a passphrase, and counts how often she is asked.
func keeperWith(t *testing.T, identity []byte, passphrase string) (*Keeper, *int) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "identity")
	if err := os.WriteFile(name, identity, 0o600); err != nil {
		t.Fatal(err)
	}
	k, asked := New(t.Context()), 0
	k.Env = func(string) (string, bool) { return name, true }
	k.Ask = func(_ context.Context, what string) (string, error) {
		if what != "passphrase of "+name {
			t.Errorf("it asks for the %s", what)
		}
		asked++
		return passphrase, nil
	}
	return k, &asked
}

// Every kind of identity opens what is encrypted to it, and a passphrase is asked for once a run.
func TestIdentities(t *testing.T) {
	native, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sshPub, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	sshTo, err := agessh.NewEd25519Recipient(sshPub)
	if err != nil {
		t.Fatal(err)
	}
	plainKey, err := ssh.MarshalPrivateKey(priv, "")
	lockedKey, lockedErr := ssh.MarshalPrivateKeyWithPassphrase(priv, "", []byte("open sesame"))
	scrypt, scryptErr := age.NewScryptRecipient("open sesame")
	if err := errors.Join(err, lockedErr, scryptErr); err != nil {
		t.Fatal(err)
	}
	scrypt.SetWorkFactor(10)
	text := "# a comment\n" + native.String() + "\n"
	for name, c := range map[string]struct {
		identity []byte
		to       age.Recipient
		asked    int
	}{
		"native": {[]byte(text), native.Recipient(), 0}, "locked": {encrypted(t, false, text, scrypt), native.Recipient(), 1},
		"locked and armored": {encrypted(t, true, text, scrypt), native.Recipient(), 1},
		"ssh":                {pem.EncodeToMemory(plainKey), sshTo, 0}, "locked ssh": {pem.EncodeToMemory(lockedKey), sshTo, 1},
	} {
		for _, armored := range []bool{false, true} {
			k, asked := keeperWith(t, c.identity, "open sesame")
			for range 3 {
				if got, err := k.Open("x.age", encrypted(t, armored, "the secret\n", c.to)); got != "the secret\n" || err != nil {
					t.Errorf("%s: got %q, %v", name, got, err)
				}
			}
			if *asked != c.asked {
				t.Errorf("%s: asked %d times, want %d", name, *asked, c.asked)
			}
		}
	}
}

func TestIdentityFaults(t *testing.T) {
	mine, err := age.GenerateX25519Identity()
	other, otherErr := age.GenerateX25519Identity()
	scrypt, scryptErr := age.NewScryptRecipient("right")
	if err := errors.Join(err, otherErr, scryptErr); err != nil {
		t.Fatal(err)
	}
	scrypt.SetWorkFactor(10)
	file := encrypted(t, false, "the secret", other.Recipient())
	for name, c := range map[string]struct {
		identity string
		content  []byte
		want     string
	}{
		"another's":        {mine.String(), file, "it is encrypted to nobody whose identity is in"},
		"no identity":      {mine.String()[:40], file, "it is no age identity file"},
		"empty":            {"", file, "it is no age identity file"},
		"wrong passphrase": {string(encrypted(t, false, other.String(), scrypt)), file, "the passphrase does not open it"},
		"no age file":      {other.String(), []byte("hello"), "opening x.age"},
		"cut short":        {other.String(), file[:len(file)-3], "opening x.age"},
		"no text":          {other.String(), encrypted(t, false, "\xff\xfe", other.Recipient()), "not UTF-8"},
	} {
		k, _ := keeperWith(t, []byte(c.identity), "wrong")
		_, err := k.Open("x.age", c.content)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "AGE-SECRET-KEY-1") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	k := New(t.Context())
	k.Env = func(string) (string, bool) { return "", false }
	if _, err := k.Open("x.age", file); err == nil || !strings.Contains(err.Error(), "set BISC_AGE_IDENTITY") {
		t.Error(err)
	}
	k, _ = keeperWith(t, encrypted(t, false, other.String(), scrypt), "")
	k.Ask = nil
	if _, err := k.Open("x.age", file); err == nil || !strings.Contains(err.Error(), "nobody to ask") {
		t.Error(err)
	}
}
