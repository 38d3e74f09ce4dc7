package eoshost

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"bisc/internal/host"
	"bisc/internal/host/eoshost/eapi"
	"bisc/internal/host/sshhost"
	"bisc/internal/lab/eos/device"
	"bisc/internal/lab/eos/front"
)

// faced is the emulator's faces with a command line of few words behind them.
type faced struct {
	*front.Front
	t         *testing.T
	cfg       Config
	socket    string
	secret    string // of enable
	elsewhere string // where 127.0.0.1:8080 leads; empty: to the face
}

// few is that command line.
type few struct {
	answers            map[string]string
	tty, secret        string
	privileged, asking bool
}

func (s *few) Prompt() string {
	switch {
	case s.asking:
		return "Password: "
	case s.privileged:
		return "was-sw01#"
	}
	return "was-sw01>"
}
func (s *few) Asking() (string, bool)    { return s.Prompt(), s.asking }
func (s *few) From(string)               {}
func (s *few) InText() bool              { return false }
func (s *few) Exact(bool)                {}
func (s *few) Privilege(on bool)         { s.privileged = on }
func (s *few) Terminal() (int, int)      { return 0, 32767 }
func (s *few) Cost(string) time.Duration { return 0 }
func (s *few) Closed() bool              { return false }
func (s *few) Close()                    {}

func (s *few) MayBash(string) error {
	if !s.privileged {
		return &device.Error{Kind: device.Invalid, Message: "Invalid input", Token: 1, Word: "bash"}
	}
	return nil
}

func (s *few) Run(line string) (string, error) {
	line = strings.TrimSpace(line)
	out, known := s.answers[line]
	switch {
	case s.asking:
		if s.asking = false; line != s.secret {
			return "", &device.Error{Kind: device.Denied, Message: "Bad secret"}
		}
		s.privileged = true
	case line == "" || line[0] == '!', line == "terminal width 32767":
	case line == "terminal length 0":
		return "Pagination disabled.\n", nil
	case line == "enable":
		s.asking = s.secret != "" && !s.privileged
		s.privileged = !s.asking
	case !known && s.privileged && s.answers[strings.TrimSuffix(line, " | json")] != "":
		return "", &device.Error{Kind: device.Unconverted, Message: "This is an unconverted command"}
	case !known || !s.privileged:
		return "", &device.Error{Kind: device.Invalid, Message: "Invalid input", Token: 1, Word: "x"}
	}
	return out, nil
}

func (s *few) JSON(line string) (json.RawMessage, error) {
	if s.tty == "command-api" && line == "show logging" {
		return nil, &device.Error{Kind: device.Denied, Message: "Authorization denied for command 'show logging'"}
	}
	if a := s.answers[line+" | json"]; a != "" && s.privileged {
		return json.RawMessage(a), nil
	}
	if _, err := s.Run(line); err != nil {
		return nil, err
	}
	if strings.HasPrefix(line, "show ") {
		return nil, &device.Error{Kind: device.Unconverted, Message: "This is an unconverted command"}
	}
	return json.RawMessage("{}"), nil
}

const fewVersion = `{"version":"4.34.0F","modelName":"DCS-7280CR3A-32S","architecture":"x86_64","serialNumber":"JPA1","systemMacAddress":"00:1c:73:00:00:01","bootupTimestamp":1739832020.5}`

func fewAnswers() map[string]string {
	answers := map[string]string{
		"show hostname": "Hostname: was-sw01\n", "show hostname | json": `{"hostname":"was-sw01","fqdn":"was-sw01"}`, "show version | json": fewVersion,
		"show running-config": "! Command: show running-config\n!\nend\n", "show clock": "Thu Jan  1 00:00:00 2026\nTimezone: UTC\n", "show aaa methods authorization": "none\n",
		"show logging | json": `{"lines":[]}`,
	}
	for i := range 40 {
		answers[fmt.Sprintf("show interfaces Ethernet%d", i)] = "up\n"
		answers[fmt.Sprintf("show interfaces Ethernet%d | json", i)] = fmt.Sprintf(`{"n":%d,"counter":18446744073709551615}`, i)
	}
	return answers
}

func newFaced(t *testing.T, change ...func(*faced)) *faced {
	t.Helper()
	f := &faced{t: t, socket: filepath.Join(t.TempDir(), "s")}
	for _, c := range change {
		c(f)
	}
	key, _ := signer(t)
	login, private := signer(t)
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	id := filepath.Join(t.TempDir(), "id")
	sudo := t.TempDir()
	err = errors.Join(os.WriteFile(id, pem.EncodeToMemory(block), 0o600), os.WriteFile(filepath.Join(sudo, "sudo"), []byte("#!/bin/sh\n[ \"$1\" = -n ] && shift\nexec \"$@\"\n"), 0o755))
	if err != nil {
		t.Fatal(err)
	}
	f.Front, err = front.New(front.Options{
		HostKey: key, Home: t.TempDir(),
		Authorized: func(_ string, k ssh.PublicKey) bool {
			return string(k.Marshal()) == string(login.PublicKey().Marshal())
		},
		Password: func(user, password string) bool { return user == "install" && password == "pass word" },
		Open:     func(_, tty string) front.Shell { return &few{answers: fewAnswers(), tty: tty, secret: f.secret} },
		Bash: func(ctx context.Context, _, command string, in io.Reader, out, errs io.Writer) int {
			c := exec.CommandContext(ctx, "bash", "-c", command)
			c.Stdin, c.Stdout, c.Stderr, c.WaitDelay, c.Env = strings.NewReader(""), out, errs, time.Second, append(os.Environ(), "PATH="+sudo+":"+os.Getenv("PATH"))
			_ = c.Run()
			return c.ProcessState.ExitCode()
		},
		EAPI: front.EAPIAddresses{HTTPS: "127.0.0.1:0", LocalHTTP: "127.0.0.1:0", Unix: f.socket},
		Dial: f.dial,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.faults(front.Faults{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- f.ServeSSH(l) }()
	t.Cleanup(func() {
		f.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	f.cfg = Config{SSH: sshhost.Config{Name: "was-sw01", Addresses: []string{"127.0.0.1"}, Port: l.Addr().(*net.TCPAddr).Port, User: "install", Become: sshhost.Sudo,
		HostKeys: []string{ssh.FingerprintSHA256(key.PublicKey())}, Identities: []string{id}, AgentSocket: "none"},
		EnablePassword: func(context.Context, string) (string, error) { return f.secret, nil }}
	return f
}

// dial is what the switch reaches of its own addresses.
func (f *faced) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	switch {
	case network == "unix" && address == eapi.Socket:
		return d.DialContext(ctx, "unix", f.socket)
	case network == "tcp" && address == "127.0.0.1:8080" && f.elsewhere != "":
		return d.DialContext(ctx, "tcp", f.elsewhere)
	case network == "tcp" && address == "127.0.0.1:8080" && f.EAPIAddress("http") != nil:
		return d.DialContext(ctx, "tcp", f.EAPIAddress("http").String())
	}
	return nil, fmt.Errorf("connection refused: %s", address)
}

func (f *faced) enable(on front.EAPI) {
	f.t.Helper()
	if err := f.SetEAPI(on); err != nil {
		f.t.Fatal(err)
	}
}

func (f *faced) faults(faults front.Faults) {
	f.t.Helper()

	if err := f.SetFaults(faults); err != nil {
		f.t.Fatal(err)
	}
}

func (f *faced) open(cfg eapi.Config) (*Host, error) {
	f.t.Helper()
	f.cfg.EAPI = cfg
	pool := sshhost.NewPool(sshhost.Options{})
	f.t.Cleanup(func() { _ = pool.Close() })
	h, err := Open(f.t.Context(), pool, f.cfg)
	if err == nil {
		f.t.Cleanup(func() { _ = h.Close() })
	}
	return h, err
}

func (f *faced) mustOpen(mode eapi.Mode) *Host {
	f.t.Helper()
	h, err := f.open(eapi.Config{Mode: mode})
	if err != nil {
		f.t.Fatal(err)
	}
	return h
}

// asked counts the show commands that a face was sent.
func (f *faced) asked(face string) (n int) {
	for _, heard := range f.Log().All() {
		if heard.Face == face && strings.HasPrefix(heard.Line, "show ") {
			n++
		}
	}
	return n
}

func show(t *testing.T, h *Host, command string) string {
	t.Helper()
	b, err := h.Show(t.Context(), command)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What is asked over eAPI is answered as on the command line.
func TestEAPIAnswersAsTheCommandLine(t *testing.T) {
	t.Parallel()
	f := newFaced(t)
	f.enable(front.EAPI{Unix: true})
	over, cli := f.mustOpen(eapi.Auto), f.mustOpen(eapi.Off)
	if s := over.EAPIState(); !s.Used || cli.EAPIState().Used {
		t.Fatalf("%+v %+v", s, cli.EAPIState())
	}
	f.Log().Forget()
	for _, command := range []string{"show running-config", "show interfaces Ethernet3", "show version | json", "show interfaces Ethernet7 | json"} {
		got, want := show(t, over, command), show(t, cli, command)
		if strings.HasSuffix(command, "json") {
			var a, b any
			if err := errors.Join(json.Unmarshal([]byte(got), &a), json.Unmarshal([]byte(want), &b)); err != nil || fmt.Sprint(a) != fmt.Sprint(b) {
				t.Errorf("%s: %s over eAPI, %s on the command line", command, got, want)
			}
			if strings.Contains(want, "18446744073709551615") && !strings.Contains(got, "18446744073709551615") {
				t.Errorf("%s: a counter lost digits: %s", command, got)
			}
			continue
		}
		if strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("%s: %q over eAPI, %q on the command line", command, got, want)
		}
	}
	for _, command := range []string{"show nothing", "show nothing | json", "show clock | json"} {
		_, a := over.Show(t.Context(), command)
		_, b := cli.Show(t.Context(), command)
		var one, two *host.ShowError
		if !errors.As(a, &one) || !errors.As(b, &two) || one.Command != two.Command || one.Unconverted != two.Unconverted || one.Denied != two.Denied {
			t.Errorf("%s: %#v over eAPI, %#v on the command line", command, a, b)
		}
	}
	if f.asked("eapi") == 0 {
		t.Error("nothing was asked over eAPI")
	}
}

// The user of the socket is another than that of SSH.
func TestEAPIDenied(t *testing.T) {
	t.Parallel()
	f := newFaced(t)
	f.enable(front.EAPI{Unix: true})
	h, only := f.mustOpen(eapi.Auto), f.mustOpen(eapi.Unix)
	if got := show(t, h, "show logging | json"); got != `{"lines":[]}` || !h.EAPIState().Used {
		t.Errorf("%s %+v", got, h.EAPIState())
	}
	for _, asStrings := range []bool{false, true} { // an element of an error's data may be a string that holds JSON [V]
		f.faults(front.Faults{DataStrings: asStrings})
		var refused *host.ShowError
		if _, err := only.Show(t.Context(), "show logging | json"); !errors.As(err, &refused) || !refused.Denied || !strings.Contains(refused.Text, "denied for command") {
			t.Errorf("%v", err)
		}
	}
}

// Forty questions are one request for what is JSON and one for what is text, and cost a few turns.
func TestEAPITurns(t *testing.T) {
	t.Parallel()
	f := newFaced(t)
	f.enable(front.EAPI{Unix: true})
	h := f.mustOpen(eapi.Auto)
	cold := h.Stats().Turns
	f.Log().Forget()
	var all sync.WaitGroup
	for i := range 40 {
		for _, end := range []string{"", " | json"} {
			all.Go(func() { show(t, h, fmt.Sprintf("show interfaces Ethernet%d%s", i, end)) })
		}
	}
	all.Wait()
	if n := f.asked("shell"); n > 0 {
		t.Errorf("%d questions went to the command line", n)
	}
	requests := 0
	for _, heard := range f.Log().All() {
		if heard.Face == "eapi" && heard.Line == "enable" {
			requests++
		}
	}
	warm := h.Stats().Turns - cold
	t.Logf("opened in %d turns, 80 questions in %d turns and %d requests", cold, warm, requests)
	if requests > 8 || warm > 16 { // asked by 80 goroutines on a busy machine they may miss the first wave
		t.Errorf("80 questions took %d requests and %d turns", requests, warm)
	}
	if logins := h.Stats().Logins; logins != 1 {
		t.Errorf("%d logins", logins)
	}
}

// Each way that does not work says why, and with "auto" the command line answers.
func TestEAPIIsNotThere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what, says string
		make       func(*faced)
	}{
		{"not configured", "nobody listens", func(*faced) {}},
		{"not forwarded", "AllowStreamLocalForwarding", func(f *faced) {
			f.enable(front.EAPI{Unix: true})
			a := f.Access()
			a.StreamLocal = false
			f.SetAccess(a)
		}},
		{"502", "status 502", func(f *faced) { f.enable(front.EAPI{Unix: true}); f.faults(front.Faults{HTTP: 502}) }},
		{"HTML", "not JSON-RPC", func(f *faced) { f.enable(front.EAPI{Unix: true}); f.faults(front.Faults{HTML: true}) }},
	} {
		f := newFaced(t)
		c.make(f)
		h := f.mustOpen(eapi.Auto)
		if s := h.EAPIState(); s.Used || s.Works || !strings.Contains(s.Why, c.says) {
			t.Errorf("%s: %+v", c.what, s)
		}
		show(t, h, "show version | json")
		if _, err := f.open(eapi.Config{Mode: eapi.Unix}); err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), `eapi = "unix"`) {
			t.Errorf("%s: eapi = \"unix\": %v", c.what, err)
		}
	}
}

// What listens on 127.0.0.1 as the SSH session sees it is not the switch: the session came in through another namespace.
func TestEAPIOfAnotherSwitch(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct{ ID string }
		_ = json.NewDecoder(r.Body).Decode(&q)
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%q,"result":[{},{"hostname":"was-sw01"},%s]}`, q.ID, strings.Replace(fewVersion, "JPA1", "JPA2", 1))
	}))
	defer other.Close()
	f := newFaced(t, func(f *faced) { f.elsewhere = other.Listener.Addr().String() })
	if _, err := f.open(eapi.Config{Mode: eapi.HTTP}); !errors.Is(err, ErrOtherSwitch) {
		t.Errorf("%v", err)
	}
	f.elsewhere = ""
	f.enable(front.EAPI{LocalHTTP: true})
	if h := f.mustOpen(eapi.HTTP); !h.EAPIState().Used {
		t.Errorf("%+v", h.EAPIState())
	}
}

// eAPI that dies in the middle is not asked again; with "auto" the command line goes on, and says so.
func TestEAPIDiesInTheMiddle(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string]front.Faults{
		"502": {HTTP: 502},
		"cut": {Trips: []front.Trip{{Match: "^show running-config$", Do: front.Cut, When: front.Amid, Bytes: 40, Times: 2}}},
		// The request after the cut one is the retry.
		"unheard": {Trips: []front.Trip{{Match: "^show running-config$", Do: front.Cut, When: front.Unheard, Times: 2}}},
	} {
		f := newFaced(t)
		f.enable(front.EAPI{Unix: true})
		h, only := f.mustOpen(eapi.Auto), f.mustOpen(eapi.Unix)
		f.faults(faults)
		if got := show(t, h, "show running-config"); !strings.HasSuffix(strings.TrimSpace(got), "end") {
			t.Errorf("%s: %q", name, got)
		}
		if s := h.EAPIState(); s.Used || s.Why == "" {
			t.Errorf("%s: %+v", name, s)
		}
		f.faults(faults)
		if b, err := only.Show(t.Context(), "show running-config"); !errors.Is(err, host.ErrUnreachable) || b != nil {
			t.Errorf("%s: eapi = \"unix\": %q %v", name, b, err)
		}
	}
}

// A connection that is cut once is asked once more, and nobody notices.
func TestEAPIAsksOnceMore(t *testing.T) {
	t.Parallel()
	f := newFaced(t)
	f.enable(front.EAPI{Unix: true})
	h := f.mustOpen(eapi.Unix)
	f.faults(front.Faults{Trips: []front.Trip{{Match: "^show running-config$", Do: front.Cut, When: front.Amid, Bytes: 40}}})
	if got := show(t, h, "show running-config"); !strings.HasSuffix(strings.TrimSpace(got), "end") {
		t.Errorf("%q", got)
	}
}

func TestEAPIOverHTTPS(t *testing.T) {
	t.Parallel()
	f := newFaced(t, func(f *faced) { f.secret = "open sesame" })
	f.enable(front.EAPI{HTTPS: true})
	cert, err := f.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(cert.Raw)
	cfg := eapi.Config{Mode: eapi.HTTPS, URL: "https://" + f.EAPIAddress("https").String(), User: "install",
		Password: func(context.Context) (string, error) { return "pass word", nil }}
	if _, err := f.open(cfg); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody vouches for: %v", err)
	}
	cfg.TLSPin = "sha256:" + hex.EncodeToString(sum[:])
	h, err := f.open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.Log().Forget()
	show(t, h, "show version | json")
	f.EndEAPISessions()
	show(t, h, "show running-config")
	if f.asked("eapi") != 2 || f.asked("shell") != 0 {
		t.Errorf("eAPI was asked %d, the command line %d times", f.asked("eapi"), f.asked("shell"))
	}
	cfg.Password = func(context.Context) (string, error) { return "passwort", nil }
	if _, err := f.open(cfg); !errors.Is(err, eapi.ErrLogin) || strings.Contains(err.Error(), "passwort") {
		t.Errorf("%v", err)
	}
}

// Each capability is what the switch says: the emulator's switches are turned, one at a time.
func TestCapabilities(t *testing.T) {
	t.Parallel()
	f := newFaced(t)
	f.enable(front.EAPI{Unix: true})
	said := func() map[string]string {
		h := f.mustOpen(eapi.Off)
		list, err := h.Capabilities(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for _, c := range list {
			if c.How == "" {
				t.Errorf("%s: nothing says why", c.Name)
			}
			out[c.Name] = c.Holds
		}
		return out
	}
	base := said()
	for _, c := range []struct {
		name, holds string
		turn        func(*front.Access)
	}{
		{"the sftp subsystem", no, func(a *front.Access) { a.SFTP = false }},
		{"a connection through SSH to /var/run/command-api.sock", no, func(a *front.Access) { a.StreamLocal = false }},
		{"a connection through SSH to 127.0.0.1:8080", no, func(a *front.Access) { a.TCP = false }},
		{"several lines over exec", yes, func(a *front.Access) { a.ExecLines, a.ExecPrivileged = true, true }},
	} {
		access := f.Access()
		turned := access
		c.turn(&turned)
		f.SetAccess(turned)
		got := said()
		f.SetAccess(access)
		if got[c.name] != c.holds || base[c.name] == c.holds {
			t.Errorf("%s: %q, and %q before", c.name, got[c.name], base[c.name])
		}
	}
	if base["bash as root"] != yes || base["a lock outlives an eAPI request"] != unknown {
		t.Errorf("%v", base)
	}
}

func TestFactsOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		key, value, name, holds string
	}{
		{"flash", "ext4 rw,relatime", "programs run from flash", yes},
		{"flash", "vfat rw,noexec,fmask=0022", "programs run from flash", no},
		{"flash", "", "programs run from flash", unknown},
		{"sshd-allowtcpforwarding", "yes", "sshd forwards to ports", yes},
		{"sshd-allowtcpforwarding", "remote", "sshd forwards to ports", no},
		{"sshd-allowstreamlocalforwarding", "no", "sshd forwards to sockets", no},
		{"sshd-allowstreamlocalforwarding", "", "sshd forwards to sockets", unknown},
		{"namespace", "the same", "the login is in the default VRF", yes},
		{"namespace", "ip netns exec default", "the login is in the default VRF", no},
		{"flash-free", "1048576", "free on flash", yes},
		{"flash-free", "x", "free on flash", unknown},
	} {
		for _, got := range factsOf(map[string]string{c.key: c.value}) {
			if got.Name == c.name && got.Holds != c.holds {
				t.Errorf("%s %q: %+v, want %s", c.key, c.value, got, c.holds)
			}
		}
	}
}
