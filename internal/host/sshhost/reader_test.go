package sshhost

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"bisc/internal/host"
	"bisc/internal/lab"
)

// readerHost puts the reader on a lab host, as bisc schedule key says, and gives how to log in with its key.
func readerHost(t *testing.T, h *lab.Host) Config {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	const path = "/usr/local/lib/bisc/reader"
	outOfBand(h)(t, `useradd --system --no-create-home --home-dir /var/lib/bisc-reader --shell /bin/sh bisc-reader
mkdir -p /var/lib/bisc-reader/.ssh /usr/local/lib/bisc
printf %s "$1" >/usr/local/lib/bisc/reader; chmod 755 /usr/local/lib/bisc/reader
printf %s "$2" >/etc/sudoers.d/bisc-reader; chmod 440 /etc/sudoers.d/bisc-reader; visudo -cf /etc/sudoers.d/bisc-reader
printf %s "$3" >/var/lib/bisc-reader/.ssh/authorized_keys`,
		ReaderProgram(), ReaderSudoers("bisc-reader", path), ReaderAuthorizedKey(string(ssh.MarshalAuthorizedKey(signer.PublicKey())), "bisc-reader", path))
	cfg := config(h, "bisc-reader")
	cfg.Identities, cfg.Reader, cfg.Become = []string{key}, true, Sudo
	return cfg
}

// TestReader: over the reader's key everything can be asked and nothing done, whatever the far end sends.
func TestReader(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a"))
	h := l.Host("a")
	cfg := readerHost(t, h)
	r, err := ready(t, pool(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("it answers", func(t *testing.T) { readerAnswers(t, r) })
	t.Run("pages", func(t *testing.T) { readerPages(t, r, outOfBand(h)) })
	t.Run("no keys", func(t *testing.T) { readerKeepsKeys(t, r, outOfBand(h)) })
	before, err := h.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("it asks only what is on its list", func(t *testing.T) { readerRefuses(t, r) })
	t.Run("it does nothing", func(t *testing.T) { readerDoesNothing(t, r) })
	t.Run("no writer", func(t *testing.T) {
		if _, err := pool(t).OpenWriter(t.Context(), cfg, LockRequest{Owner: "evil", Run: "x"}); err == nil || !strings.Contains(err.Error(), "nothing else") {
			t.Errorf("a writer over the reader's key: %v", err)
		}
	})
	t.Run("nor does its account", func(t *testing.T) {
		out := outOfBand(h)(t, `runuser -u bisc-reader -- sudo -n /usr/local/lib/bisc/reader x 2>&1 || true; runuser -u bisc-reader -- sudo -n id 2>&1 || true`)
		if strings.Count(out, "password is required") != 2 {
			t.Errorf("sudo: %s", out)
		}
	})
	t.Run("the key opens nothing else", func(t *testing.T) { keyOpensNothing(t, cfg) })
	after, err := h.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range before.Diff(after) {
		if !strings.Contains(d, "/var/log/") && !strings.Contains(d, "/run/sudo") && !strings.Contains(d, "/var/lib/sudo") {
			t.Errorf("it left a trace: %s", d)
		}
	}
}

func readerAnswers(t *testing.T, r *Host) {
	works(t, r)
	for _, argv := range [][]string{{"systemctl", "show", "-p", "Id", "--", "ssh.service"}, {"getent", "passwd", "root"}, host.Validators.Argv(), host.Uses.Argv("8:0")} {
		if out, err := r.Query(t.Context(), argv...); err != nil || out.Exit != 0 {
			t.Errorf("%s: %v %+v", argv[0], err, out)
		}
	}
	if b, err := r.ReadFile(t.Context(), "/etc/sudoers.d/bisc-reader"); err != nil || len(b) == 0 {
		t.Errorf("a file of root's: %v", err)
	}
	if _, err := r.ReadFile(t.Context(), "/no/such/file"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if st, err := r.Stat(t.Context(), "/etc/shadow"); err != nil || st.UID != 0 {
		t.Errorf("stat: %+v %v", st, err)
	}
	if names, err := r.Glob(t.Context(), "/etc/sudoers.d/*"); err != nil || len(names) == 0 {
		t.Errorf("glob: %v %v", names, err)
	}
	if _, err := r.Probe(t.Context(), "id"); !errors.Is(err, host.ErrNoProbes) {
		t.Errorf("a probe: %v", err)
	}
}

// readerKeepsKeys: keys are not given out, by name, by where a link leads, and by what they look like.
func readerKeepsKeys(t *testing.T, r *Host, shell func(*testing.T, string, ...string) string) {
	shell(t, `mkdir /srv/keys; cd /srv/keys; ln -s /etc/shadow link; printf '[%s]' "$(seq -s, 1 64)" >id.json
printf -- '-----BEGIN OPENSSH PRIVATE KEY-----\nx\n' >odd-name; mkfifo pipe; ln -s /dev/zero zero; echo fine >fine
printf 'root:$y$j9T$abcdefghijklmnopqrstuv$abcdefghijklmnopqrstuvwxyz:19000:0:99999:7:::\n' >shadow.bak
{ head -c 65530 /dev/zero | tr '\0' '\n'; printf -- '-----BEGIN RSA PRIVATE KEY-----\nx\n'; } >astride`)
	for _, name := range []string{"/etc/shadow", "/etc/ssh/ssh_host_ed25519_key", "/proc/1/environ", "/proc/self/mem", "/srv/keys/link", "/srv/keys/id.json", "/srv/keys/shadow.bak", "/srv/keys/astride", "/srv/keys/odd-name", "/srv/keys/pipe",
		"/srv/keys/zero", "/dev/null", "/srv/keys/../../etc/shadow", "/proc/1/root/etc/shadow"} {
		if b, err := r.ReadFile(t.Context(), name); err == nil {
			t.Errorf("%s is given out: %d bytes", name, len(b))
		}
	}
	if b, err := r.ReadFile(t.Context(), "/srv/keys/fine"); err != nil || string(b) != "fine\n" {
		t.Errorf("%q %v", b, err)
	}
}

// readerPages: a page of the host's own is asked, and nothing that would make the key a proxy, whatever the client says.
func readerPages(t *testing.T, r *Host, shell func(*testing.T, string, ...string) string) {
	own := strings.Fields(shell(t, "hostname -I"))
	if len(own) == 0 {
		t.Fatal("the host has no address beside loopback")
	}
	port := servePage(t, shell)
	at := host.Endpoint{Network: "tcp", Address: "127.0.0.1:" + port}
	if got, err := r.Get(t.Context(), at, "/metrics"); err != nil || string(got.Body) != "ok" {
		t.Errorf("%+v %v", got, err)
	}
	for _, what := range []string{
		"tcp " + own[0] + ":" + port + " /metrics", "tcp 127.0.0.1:" + port + " /admin", "tcp 127.0.0.1:" + port + " /metrics/../admin", "tcp 0.0.0.0:" + port + " /metrics",
		"tcp [::ffff:127.0.0.1]:" + port + " /metrics", "tcp [::]:" + port + " /metrics", "unix /run/docker.sock /metrics", "unix /run/bisc/../docker.sock /metrics", "tcp 127.0.0.1:" + port + " /metrics HTTP/1.0",
		"tcp 127.0.0.1:" + port + " /metrics\r\nX: y", "tcp 127.0.0.1:" + port, "udp 127.0.0.1:" + port + " /metrics", "tcp localhost:" + port + " /metrics", "",
	} {
		if a, err := r.ask(t.Context(), newRequest(opGet, host.DefaultAnswer, what)); err == nil || len(a.out.Stdout) > 0 {
			t.Errorf("%q is asked: %q", what, a.out.Stdout)
		}
	}
	if n := strings.TrimSpace(shell(t, "cat /srv/asked")); n != "GET /metrics HTTP/1.1" {
		t.Errorf("the host was asked: %q", n)
	}
}

// servePage has the host answer any page of a port on every address of its own, and writes down what was asked.
func servePage(t *testing.T, shell func(*testing.T, string, ...string) string) (port string) {
	shell(t, `cat >/srv/page.py <<'END'
import http.server, os
class H(http.server.BaseHTTPRequestHandler):
  def do_GET(self):
    open("/srv/asked", "a").write(self.requestline + "\n")
    self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers(); self.wfile.write(b"ok")
  def log_message(self, *a): pass
s = http.server.ThreadingHTTPServer(("", 0), H)
open("/srv/port.new", "w").write("%d\n" % s.server_port)
os.rename("/srv/port.new", "/srv/port")
s.serve_forever()
END
(exec setsid python3 /srv/page.py >/srv/said 2>&1 </dev/null & echo $! >/srv/pid)
n=0; until [ -s /srv/port ]; do n=$((n + 1)); if [ $n -gt 600 ]; then cat /srv/said; exit 1; fi; sleep 0.1; done`)
	t.Cleanup(func() { shell(t, `kill "$(cat /srv/pid)"; rm -f /srv/asked /srv/port`) })
	return strings.TrimSpace(shell(t, "cat /srv/port"))
}

// An agent asks any address that is the host's own, and no other machine's though there is a way there.
func TestGetAsksTheHostAlone(t *testing.T) {
	l := lab.ForTest(t, lab.Names("one"))
	h := l.Host("one")
	shell := outOfBand(h)
	r, err := ready(t, pool(t), config(h, "ops"))
	if err != nil {
		t.Fatal(err)
	}
	port := servePage(t, shell)
	for _, own := range append(strings.Fields(shell(t, "hostname -I")), "127.0.0.1") {
		at := host.Endpoint{Network: "tcp", Address: net.JoinHostPort(own, port)}
		if got, err := r.Get(t.Context(), at, "/metrics"); err != nil || string(got.Body) != "ok" {
			t.Errorf("%s: %+v %v", own, got, err)
		}
	}
	shell(t, `ip netns add far && ip link add near type veth peer name eth0 netns far && ip addr add 198.51.100.1/30 dev near && ip link set near up
ip -n far addr add 198.51.100.2/30 dev eth0 && ip -n far link set eth0 up && ip netns exec far sh -c 'exec setsid python3 -m http.server --bind 198.51.100.2 8000 >/srv/far 2>&1 </dev/null & echo $! >/srv/farpid'
n=0; until curl -so /dev/null http://198.51.100.2:8000/; do n=$((n + 1)); if [ $n -gt 600 ]; then exit 1; fi; sleep 0.1; done`)
	t.Cleanup(func() { shell(t, `kill "$(cat /srv/farpid)"; ip netns del far`) })
	if got, err := r.Get(t.Context(), host.Endpoint{Network: "tcp", Address: "198.51.100.2:8000"}, "/metrics"); err == nil || !strings.Contains(err.Error(), "no address of this host") {
		t.Errorf("another machine was asked: %+v %v", got, err)
	}
}

// readerRefuses: the list on the host counts, not the one of whoever asks.
func readerRefuses(t *testing.T, r *Host) {
	for _, argv := range [][]string{{"touch", "/evil"}, {"sh", "-c", "touch /evil"}, {"sh", "-c", "touch /evil", "uses"}, {"sh", "-c", host.Uses.Text + "\ntouch /evil", "uses"}, {"/bin/id"},
		{"systemctl", "start", "x"}, {"systemctl", "show", "-H", "evil"}, {"systemctl", "show", "--host=evil"}, {"getent", "shadow"}, {"blkid", "-w", "/evil", "/dev/null"},
		{"blkid", "-p", "-o", "export", "--", "/dev/zero"}, {"blockdev", "--getsize64", "--setro", "/dev/sda"}, {"zfs", "destroy", "x"}, {"apt-config", "dump", "-c=/evil"}, host.Blankness.Argv("/dev/zero"), {""}} {
		out, err := r.ask(t.Context(), newRequest(opRun, host.DefaultAnswer, argv...))
		if !errors.Is(err, host.ErrNotReadOnly) {
			t.Errorf("%s: %v %q", host.Quote(argv...), err, out.out.Stdout)
		}
	}
}

// readerDoesNothing sends what a writer sends, and what no client of ours would.
func readerDoesNothing(t *testing.T, r *Host) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	a, ok := r.c.far.(*agent)
	if !ok {
		t.Fatalf("the far end is a %T", r.c.far)
	}
	for _, f := range [][]byte{
		appendFrame(nil, frameMore, 0, []byte(`open my $f, '>', '/evil'; close $f`)),
		appendFrame(nil, frameNote, 7, []byte("note")),
		appendFrame(nil, 'T', 7, []byte("0")),
	} {
		a.enqueue(f)
	}
	put := newRequest(opPut, host.DefaultAnswer, "/evil", "420", "0", "0", "", "1", ".bisc-tmp-1-x", "", "0")
	put.stdin = []byte("x")
	put.step = true
	step := newRequest(opRun, host.DefaultAnswer, "true")
	step.step = true
	fed := newRequest(opRun, host.DefaultAnswer, "true")
	fed.stdin = []byte("x")
	for name, req := range map[string]*request{"put": put, "step": step, "input": fed, "lock": newRequest(opLock, host.DefaultAnswer, `{"token":0}`), "check": newRequest(opCheck, host.DefaultAnswer)} {
		ans, err := r.ask(ctx, req)
		if err == nil && !strings.Contains(ans.lock, "nothing else") {
			t.Errorf("%s was done: %+v", name, ans)
		}
	}
	works(t, r) // and it still answers
}

// keyOpensNothing uses the key as ssh would.
func keyOpensNothing(t *testing.T, cfg Config) {
	cfg.Reader = false
	conn, err := pool(t).connect(t.Context(), &cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.close()
	defer conn.wire.hurry()()
	said := func(begin func(*ssh.Session) error) string {
		t.Helper()
		s, err := conn.client.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var out strings.Builder
		s.Stdout, s.Stderr, s.Stdin = &out, &out, strings.NewReader("id; touch /evil\n")
		if err := begin(s); err != nil {
			return "refused"
		}
		_ = s.Wait()
		return out.String()
	}
	for name, begin := range map[string]func(*ssh.Session) error{
		"a command": func(s *ssh.Session) error { return s.Start("id; touch /evil") },
		"a shell":   func(s *ssh.Session) error { return s.Shell() },
	} {
		if out := said(begin); out != "refused" && !strings.Contains(out, "does nothing else") {
			t.Errorf("%s: %q", name, out)
		}
	}
	if c, err := sftp.NewClient(conn.client); err == nil {
		_ = c.Close()
		t.Error("it gives sftp")
	}
	if out := said(func(s *ssh.Session) error { return s.RequestPty("xterm", 24, 80, nil) }); out != "refused" {
		t.Errorf("a terminal: %q", out)
	}
	if c, err := conn.client.DialContext(t.Context(), "tcp", "127.0.0.1:22"); err == nil {
		_ = c.Close()
		t.Error("it forwards ports")
	}
	if l, err := conn.client.Listen("tcp", "127.0.0.1:0"); err == nil {
		_ = l.Close()
		t.Error("it forwards ports back")
	}
}
