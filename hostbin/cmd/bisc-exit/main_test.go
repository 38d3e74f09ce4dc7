package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test's own program be bisc-exit, and stand in for a validator, by the name under which it is called.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "bisc-exit":
		main()
	case "agave-validator":
		validator(os.Args[2:])
	default:
		os.Exit(m.Run())
	}
}

// validator stands in for agave with --ledger L, and for what asks it to exit, with --ledger L exit --force: that says so in L/asked,
// fails where there is L/deaf, or no L/pid yet, and waits for its end.
func validator(args []string) {
	pid := filepath.Join(args[0], "pid")
	if len(args) == 1 {
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, syscall.SIGUSR1)
		_ = os.WriteFile(pid+".new", strconv.AppendInt(nil, int64(os.Getpid()), 10), 0o600)
		_ = os.Rename(pid+".new", pid)
		<-asked
		return
	}
	text, err := os.ReadFile(pid)
	if err != nil {
		fmt.Println("admin socket: not there yet")
		os.Exit(1)
	}
	f, _ := os.OpenFile(filepath.Join(args[0], "asked"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	_, _ = f.WriteString("x")
	if _, err := os.Stat(filepath.Join(args[0], "deaf")); err == nil {
		fmt.Println("admin socket: nobody listens")
		os.Exit(1)
	}
	n, _ := strconv.Atoi(string(text))
	for end := time.Now().Add(time.Minute); syscall.Kill(n, syscall.SIGUSR1) == nil && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
}

// answer is what the API server says of the pods: the status and the body.
type answer struct {
	status int
	body   string
}

const (
	uid = "11111111-2222-3333-4444-555555555555"
	own = `{"metadata":{"uid":"` + uid + `"},"spec":{"nodeName":"n","containers":[{"name":"agave-validator"}]}}`
	// its successor, of the same name, on a node
	next = `{"metadata":{"uid":"another"},"spec":{"nodeName":"n","containers":[{"name":"caddy"},{"name":"agave-validator"}]}}`
	// one that was evicted, and is kept
	evicted = `{"metadata":{"uid":"third"},"spec":{"nodeName":"n","containers":[{"name":"agave-validator"}]},"status":{"phase":"Failed"}}`
	doomed  = `{"metadata":{"uid":"` + uid + `","deletionTimestamp":"2026-03-10T00:00:00Z"},"spec":{"nodeName":"n","containers":[{"name":"agave-validator"}]}}`
)

func pods(items ...string) answer {
	return answer{200, `{"kind":"PodList","items":[` + strings.Join(items, ",") + `]}`}
}

// site is a host of its own process namespace, in which validators live and bisc-exit watches, and an API server.
type site struct {
	*testing.T
	dir   string
	says  atomic.Pointer[answer]
	which atomic.Pointer[answer] // cluster it is
	looks atomic.Int64
	cmd   *exec.Cmd
	ended chan error
}

// newSite starts an API server that knows its client by the certificate of a kubeconfig.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{T: t, dir: t.TempDir(), ended: make(chan error, 1)}
	s.say(pods(own))
	s.is("a-cluster")
	api := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := answer{400, "{}"}
		switch {
		case len(r.TLS.PeerCertificates) != 1:
		case r.URL.Path == "/api/v1/namespaces/laconic/pods":
			p = *s.says.Load()
			s.looks.Add(1)
		case r.URL.Path == "/api/v1/namespaces/kube-system":
			p = *s.which.Load()
		}
		w.Header().Set("Location", "http://192.0.2.1/")
		w.WriteHeader(p.status)
		_, _ = w.Write([]byte(p.body))
	}))
	cert, key := identity(t)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	api.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
	api.StartTLS()
	t.Cleanup(api.Close)
	b64 := base64.StdEncoding.EncodeToString
	s.put("config", fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: kind-a
contexts: [{name: kind-a, context: {cluster: kind-a, user: kind-a}}]
clusters: [{name: kind-a, cluster: {server: %q, certificate-authority-data: %s}}]
users: [{name: kind-a, user: {client-certificate-data: %s, client-key-data: %s}}]
`, strings.Replace(api.URL, "//", "//op:sesame@", 1), b64(cert), b64(cert), b64(key)))
	t.Cleanup(func() {
		if said, _ := os.ReadFile(filepath.Join(s.dir, "said")); strings.Contains(string(said), "sesame") {
			t.Errorf("the password in the server's URL is said: %s", said)
		}
	})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	s.put("bisc-exit", string(text))
	s.put("agave-validator", string(text))
	return s
}

// identity is a certificate that serves as authority, server and client.
func identity(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	own, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: own})
}

func (s *site) put(name, text string) {
	s.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o700); err != nil {
		s.Fatal(err)
	}
}

func (s *site) say(a answer) { s.says.Store(&a) }

// is says which cluster the API server's is.
func (s *site) is(uid string) {
	s.which.Store(&answer{200, `{"kind":"Namespace","metadata":{"uid":"` + uid + `"}}`})
}

// runs starts a validator on the ledger 1, and bisc-exit as its parent, in a process namespace of their own. A line that is written to
// the fifo orders is done there.
func (s *site) runs() {
	s.Helper()
	if err := syscall.Mkfifo(filepath.Join(s.dir, "orders"), 0o600); err != nil {
		s.Fatal(err)
	}
	s.cmd = exec.Command("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", `D=$1
		new() { # LEDGER [POD [CONTAINER]]: one in a container as the kubelet makes it, or, of the pod none, in none
			log="$D/pods/${2:-$U}/containers/${3:-agave-validator}"
			mkdir -p "$D/$1" "$log"; >"$log/0"; >"$D/$1/at"
			[ "${2:-}" != none ] || exec "$D/agave-validator" --ledger "$D/$1"
			exec unshare --mount sh -c 'mount --bind "$1" "$2"; exec "$3" --ledger "$4"' x "$log/0" "$D/$1/at" "$D/agave-validator" "$D/$1"
		}
		U=$2; new 1 & while :; do read -r order <"$D/orders"; eval "$order"; done &
		exec "$D/bisc-exit" --kubeconfig "$D/config" --every 20ms --namespace laconic --pod "agave-0/$2" >"$D/said" 2>&1`, "x", s.dir, uid)
	if err := s.cmd.Start(); err != nil {
		s.Fatal(err)
	}
	go func() { s.ended <- s.cmd.Wait() }()
	s.Cleanup(func() { _ = s.cmd.Process.Kill() }) // and with it all of its namespace
	s.lives("1")
}

// lives waits for the validator of a ledger.
func (s *site) lives(ledger string) {
	s.Helper()
	s.until("a validator lives on "+ledger, func() bool { return s.read(ledger+"/pid") != "" })
}

func (s *site) order(line string) {
	s.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, "orders"), []byte(line+"\n"), 0); err != nil {
		s.Fatal(err)
	}
}

// asked is how often the validator of a ledger was.
func (s *site) asked(ledger string) int { return len(s.read(ledger + "/asked")) }

// last is what bisc-exit said last.
func (s *site) last() string {
	lines := strings.Split(strings.TrimSpace(s.read("said")), "\n")
	return lines[len(lines)-1]
}

func (s *site) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(s.dir, name))
	return string(text)
}

func (s *site) until(what string, holds func() bool) {
	s.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.Fatalf("%s: not within 30 s; it said\n%s", what, s.read("said"))
		}
	}
}

// turns waits for so many more looks.
func (s *site) turns(n int64) {
	s.Helper()
	want := s.looks.Load() + n
	s.until("it looks again", func() bool { return s.looks.Load() >= want })
}

// ends wants it to end well.
func (s *site) ends() {
	s.Helper()
	select {
	case err := <-s.ended:
		if err != nil {
			s.Errorf("it ended with %v:\n%s", err, s.read("said"))
		}
	case <-time.After(30 * time.Second):
		s.Fatalf("it does not end; it said\n%s", s.read("said"))
	}
}

// TestAskedWhenDeleted: once; and it stays until the pod is gone, since the kubelet may start the container again.
func TestAskedWhenDeleted(t *testing.T) {
	s := newSite(t)
	s.runs()
	s.until("it is armed", func() bool { return strings.HasPrefix(s.last(), "armed: ") })
	s.say(pods(doomed, evicted))
	s.until("none is left", func() bool { return strings.HasSuffix(s.last(), "no process of theirs is left") })
	s.order("new 2 &")
	s.lives("2")
	s.until("the one that the kubelet started again is asked", func() bool { return s.asked("2") > 0 })
	s.turns(5)
	s.say(pods(evicted))
	s.ends()
	if s.asked("1") != 1 || s.asked("2") != 1 {
		t.Errorf("asked %d and %d times:\n%s", s.asked("1"), s.asked("2"), s.read("said"))
	}
}

// TestNobodyAskedUnlessDeleted: a pod that stays, and every answer that is none, over many looks; then it is asked yet.
func TestNobodyAskedUnlessDeleted(t *testing.T) {
	s := newSite(t)
	s.runs()
	for _, says := range []answer{
		pods(own), pods(own, next), {500, pods(doomed).body}, {401, `{"kind":"Status","reason":"Unauthorized"}`}, {404, "404 page not found"},
		{404, `{"kind":"Status","reason":"NotFound"}`}, {200, ""}, {200, `{"kind":"Status"}`}, {200, `{"items":[]}`}, {200, `{"kind":"PodList","items":[{}]}`}, {302, pods().body},
	} {
		s.say(says)
		s.turns(5)
		if s.asked("1") > 0 {
			t.Fatalf("%d %s: it was asked", says.status, says.body)
		}
	}
	s.say(pods())
	s.ends()
	if s.asked("1") != 1 {
		t.Errorf("asked %d times:\n%s", s.asked("1"), s.read("said"))
	}
}

// TestNobodyAskedByAnotherCluster: one that has none of the pods is no deletion where it never had them, nor where it is another than
// had them (kind create cluster changes the current context); nor one that does not tell which it is.
func TestNobodyAskedByAnotherCluster(t *testing.T) {
	s := newSite(t)
	s.say(pods())
	s.runs()
	none := func(when string) {
		t.Helper()
		want := s.looks.Load() + 5
		s.until("it looks again", func() bool { return s.looks.Load() >= want || s.asked("1") > 0 })
		if s.asked("1") > 0 || !strings.Contains(s.last(), "nobody is asked") {
			t.Fatalf("%s: asked %d times:\n%s", when, s.asked("1"), s.read("said"))
		}
	}
	none("it never had the pods")
	s.say(pods(own))
	s.until("it is armed", func() bool { return strings.HasPrefix(s.last(), "armed: ") })
	s.is("another-cluster")
	s.say(pods())
	none("another has none of them")
	s.is("")
	none("one that does not say which it is")
	s.is("a-cluster")
	s.ends()
	if s.asked("1") != 1 {
		t.Errorf("asked %d times:\n%s", s.asked("1"), s.read("said"))
	}
}

// TestNotTheSuccessor: one that the kubelet started again is asked in its place. One of the pod that comes after it is not, nor one of another
// container of the pod's, nor one that is in no pod: whenever it was started.
func TestNotTheSuccessor(t *testing.T) {
	s := newSite(t)
	s.runs()
	s.order("new 4 none &")
	s.lives("4")
	s.order("new 5 " + uid + " other &")
	s.lives("5")
	s.order("kill -USR1 " + s.read("1/pid") + "; new 2 &")
	s.lives("2")
	s.until("it sees that", func() bool {
		own, others, _ := strings.Cut(s.last(), "; not of these pods, and asked nothing: ")
		return strings.Contains(own, "armed: ") && strings.Contains(own, " ["+s.read("2/pid")+":") && !strings.Contains(own, "["+s.read("1/pid")+":") &&
			strings.Contains(others, s.read("4/pid")+":") && strings.Contains(others, s.read("5/pid")+":")
	})
	if err := os.WriteFile(filepath.Join(s.dir, "2/deaf"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.say(pods(doomed, next))
	s.until("it asks", func() bool { return s.asked("2") > 1 })
	s.order("new 3 21111111-2222-3333-4444-555555555555 &")
	s.lives("3")
	s.turns(5)
	if said := s.read("said"); !strings.Contains(said, "could not be asked to exit (exit status 1)") || !strings.Contains(said, "nobody listens") {
		t.Errorf("one that is deaf: %s", said)
	}
	if err := os.Remove(filepath.Join(s.dir, "2/deaf")); err != nil {
		t.Fatal(err)
	}
	s.say(pods(next))
	s.ends()
	for _, other := range []string{"1", "3", "4", "5"} {
		if s.asked(other) > 0 {
			t.Errorf("%s was asked, which is not of the pod, or was gone:\n%s", other, s.read("said"))
		}
	}
}
