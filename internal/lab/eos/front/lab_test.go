package front

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bisc/internal/lab/eos/device"

	"golang.org/x/crypto/ssh"
)

// The device's own shell stands behind the faces.
var _ Shell = (*device.Shell)(nil)

// play is a shell of few words, for what the faces do with any: the device's grammar has tests of its own.
type play struct {
	host       string
	mode       string // "" or "(config)"
	privileged bool
	secret     string // of enable
	asking     bool
	length     int
	closed     bool
	answers    map[string]string
	prose      []string // lines of a banner, until EOF
	inProse    bool
	stage      *stage // nil: nobody wants to know
}

func (s *play) Prompt() string {
	switch {
	case s.asking:
		return "Password: "
	case s.inProse:
		return ""
	case s.privileged:
		return s.host + s.mode + "#"
	}
	return s.host + ">"
}

func (s *play) Asking() (string, bool)    { return s.Prompt(), s.asking }
func (s *play) From(string)               {}
func (s *play) InText() bool              { return s.inProse }
func (s *play) Exact(bool)                {}
func (s *play) Privilege(on bool)         { s.privileged = on }
func (s *play) Terminal() (int, int)      { return s.length, 80 }
func (s *play) Cost(string) time.Duration { return 0 }
func (s *play) Closed() bool              { return s.closed }
func (s *play) Close()                    {}
func (s *play) prompted(line string) (bool, string, error) {
	if s.asking {
		s.asking = false
		if line != s.secret {
			return true, "", &device.Error{Kind: device.Denied, Message: "Bad secret"}
		}
		s.privileged = true
		return true, "", nil
	}
	if s.inProse {
		if line == "EOF" {
			s.inProse = false
			text := strings.Join(s.prose, "\n")
			s.tell(func(st *stage) { st.banners = append(st.banners, text) })
			s.prose = nil
		} else {
			s.prose = append(s.prose, line)
		}
		return true, "", nil
	}
	return false, "", nil
}

func (s *play) MayBash(line string) error {
	if !s.privileged {
		return &device.Error{Kind: device.Invalid, Message: "Invalid input", Token: 1, Word: "bash"}
	}
	return nil
}

func (s *play) tell(what func(*stage)) {
	if s.stage != nil {
		s.stage.mu.Lock()
		defer s.stage.mu.Unlock()
		what(s.stage)
	}
}

func (s *play) Run(line string) (string, error) {
	s.tell(func(st *stage) { st.ran = append(st.ran, line) })
	if did, out, err := s.prompted(line); did {
		return out, err
	}
	switch line = strings.TrimSpace(line); {
	case line == "" || line[0] == '!':
		return "", nil
	case line == "enable" && s.secret != "" && !s.privileged:
		s.asking = true
		return "", nil
	case line == "enable":
		s.privileged = true
		return "", nil
	case line == "configure" && s.privileged:
		s.mode = "(config)"
		return "", nil
	case line == "end" && s.mode != "":
		s.mode = ""
		return "", nil
	case line == "banner motd" && s.mode != "":
		s.inProse = true
		return "", nil
	case line == "terminal length 0":
		s.length = 0
		return "Pagination disabled.\n", nil
	case line == "exit":
		s.closed = true
		return "", nil
	case s.answers[line] != "":
		return s.answers[line], nil
	}
	word, _, _ := strings.Cut(line, " ")
	return "", &device.Error{Kind: device.Invalid, Message: "Invalid input", Token: 1, Word: word}
}

func (s *play) JSON(line string) (json.RawMessage, error) {
	if a := s.answers[line+" | json"]; a != "" {
		return json.RawMessage(a), nil
	}
	out, err := s.Run(line)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(line, "show ") {
		return nil, &device.Error{Kind: device.Unconverted, Message: "This is an unconverted command"}
	}
	if out != "" {
		return json.Marshal(map[string][]string{"messages": {strings.TrimSpace(out)}})
	}
	return json.RawMessage("{}"), nil
}

// stage is a front with a play behind it, listening for SSH.
type stage struct {
	*Front
	t       *testing.T
	addr    string
	dir     string
	key     ssh.Signer
	keyFile string
	host    ssh.Signer
	mu      sync.Mutex
	ran     []string // lines that the device has done
	banners []string
	answers map[string]string
	secret  string
	length  int
}

func signer(t *testing.T, file string) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	s, err := ssh.NewSignerFromKey(private)
	must(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	must(t, err)
	must(t, os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newStage(t *testing.T, change ...func(*Options)) *stage {
	t.Helper()
	s := &stage{t: t, dir: t.TempDir(), answers: map[string]string{
		"show version":        "Arista DCS-7280CR3A-32S\n",
		"show version | json": `{"version":"4.34.0F","serialNumber":"JPA1","counter":18446744073709551615}`,
	}}
	s.keyFile = filepath.Join(s.dir, "key")
	s.key, s.host = signer(t, s.keyFile), signer(t, filepath.Join(s.dir, "host"))
	o := Options{
		HostKey: s.host, Home: s.dir,
		Authorized: func(user string, key ssh.PublicKey) bool {
			return user == "install" && string(key.Marshal()) == string(s.key.PublicKey().Marshal())
		},
		Password: func(user, password string) bool { return user == "install" && SamePassword(password, "pass word") },
		Open:     func(user, tty string) Shell { return s.play() },
		Bash:     bash,
		EAPI:     EAPIAddresses{HTTPS: "127.0.0.1:0", LocalHTTP: "127.0.0.1:0", Unix: filepath.Join(s.dir, "command-api.sock")},
	}
	for _, c := range change {
		c(&o)
	}
	f, err := New(o)
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s.Front, s.addr = f, l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- f.ServeSSH(l) }()
	t.Cleanup(func() {
		over := time.AfterFunc(30*time.Second, func() { panic("the faces do not close within 30 s") })
		defer over.Stop()
		f.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *stage) play() *play {
	return &play{host: "was-sw01", answers: s.answers, secret: s.secret, length: s.length, stage: s}
}

// done gives the lines that the device has done, and the banners that it has.
func (s *stage) done() (ran, banners []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ran), slices.Clone(s.banners)
}

// bash is the machine's own.
func bash(ctx context.Context, _, command string, in io.Reader, out, errs io.Writer) int {
	c := exec.CommandContext(ctx, "bash", "-c", command)
	c.Stdout, c.Stderr, c.WaitDelay = out, errs, time.Second
	if file, ok := in.(*os.File); ok {
		c.Stdin = file
		return exitStatus(c.Run())
	}
	// A command that does not read must not be waited for until the client closes its side.
	pipe, err := c.StdinPipe()
	if err != nil {
		return 126
	}
	if err := c.Start(); err != nil {
		return 126
	}
	go func() {
		io.Copy(pipe, in)
		pipe.Close()
	}()
	return exitStatus(c.Wait())
}

func exitStatus(err error) int {
	var e *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.ExitCode()
	}
	return 126
}

// dial logs in with Go's client.
func (s *stage) dial() *ssh.Client {
	s.t.Helper()
	c, err := ssh.Dial("tcp", s.addr, &ssh.ClientConfig{
		User: "install", Auth: []ssh.AuthMethod{ssh.PublicKeys(s.key)}, HostKeyCallback: ssh.FixedHostKey(s.host.PublicKey()),
		Timeout: 20 * time.Second,
	})
	must(s.t, err)
	s.t.Cleanup(func() { c.Close() })
	return c
}

// dialogue is a terminal as a person or a driver has it.
type dialogue struct {
	t   *testing.T
	in  io.WriteCloser
	out io.Reader
	s   *ssh.Session
	got strings.Builder // everything so far
	new chan string
	end chan error // closed with what ended it
}

func (s *stage) terminal(c *ssh.Client, rows, cols int, echo uint32) *dialogue {
	s.t.Helper()
	session, err := c.NewSession()
	must(s.t, err)
	s.t.Cleanup(func() { session.Close() })
	must(s.t, session.RequestPty("vt100", rows, cols, ssh.TerminalModes{ssh.ECHO: echo}))
	d := &dialogue{t: s.t, s: session, new: make(chan string, 1<<10), end: make(chan error, 1)}
	d.in, err = session.StdinPipe()
	must(s.t, err)
	d.out, err = session.StdoutPipe()
	must(s.t, err)
	must(s.t, session.Shell())
	go func() {
		defer close(d.new)
		b := make([]byte, 32<<10)
		for {
			n, err := d.out.Read(b)
			if n > 0 {
				d.new <- string(b[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	return d
}

func (d *dialogue) send(text string) {
	d.t.Helper()
	if _, err := io.WriteString(d.in, text); err != nil {
		d.t.Fatalf("type %q: %v", text, err)
	}
}

// until reads until the text ends with what is wanted, and gives all that came since the last until.
func (d *dialogue) until(suffix string) string {
	d.t.Helper()
	var got strings.Builder
	limit := time.After(time.Minute)
	for {
		if strings.HasSuffix(got.String(), suffix) {
			return got.String()
		}
		select {
		case more, ok := <-d.new:
			if !ok {
				d.t.Fatalf("the terminal ended; wanted %q at the end of %q", suffix, got.String())
			}
			got.WriteString(more)
		case <-limit:
			d.t.Fatalf("waited a minute for %q at the end of %q", suffix, got.String())
		}
	}
}

// rest reads to the end of the terminal.
func (d *dialogue) rest() string {
	d.t.Helper()
	var got strings.Builder
	limit := time.After(time.Minute)
	for {
		select {
		case more, ok := <-d.new:
			if !ok {
				return got.String()
			}
			got.WriteString(more)
		case <-limit:
			d.t.Fatalf("waited a minute for the end of the terminal; so far %q", got.String())
		}
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s:\n got %q\nwant %q", what, fmt.Sprint(got), fmt.Sprint(want))
	}
}
