package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"bisc/internal/lab"
)

// desk is where an operator of a test sits: a folder with a plan and an inventory, and bisc's own folder.
type desk struct {
	dir string
	env []string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	dir := t.TempDir()
	return &desk{dir: dir, env: append(os.Environ(), "HOME="+dir, "XDG_STATE_HOME="+filepath.Join(dir, "state"), "SSH_AUTH_SOCK=",
		"BISC_PLANS=", "BISC_INVENTORY=hosts.hcl", "NO_COLOR=1")}
}

// deskFor is a desk whose inventory has a host of the lab, called a.
func deskFor(t *testing.T, h *lab.Host) *desk {
	t.Helper()
	d := newDesk(t)
	d.write(t, "hosts.hcl", hostBlock("a", h.Port(), "ops", pinsOf(t, h), h.KeyFile()))
	return d
}

func pinsOf(t *testing.T, h *lab.Host) string {
	t.Helper()
	keys, err := pins(h)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func (d *desk) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// command is bisc at this desk, not yet started.
func (d *desk) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bisc", args...)
	cmd.Dir, cmd.Env = d.dir, d.env
	return cmd
}

// ended is what a run of bisc came to.
type ended struct {
	status    int
	out, errs string
}

func (e ended) all() string { return e.out + e.errs }

// bisc runs bisc to its end. A panic or a signal fails the test.
func (d *desk) bisc(t *testing.T, args ...string) ended {
	t.Helper()
	cmd := d.command(t, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	return result(t, cmd.Run(), out.String(), errs.String())
}

func result(t *testing.T, err error, out, errs string) ended {
	t.Helper()
	e := ended{out: out, errs: errs}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		e.status = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(errs, "goroutine ") || e.status > 8 {
		t.Fatalf("bisc broke down (exit %d):\n%s", e.status, errs)
	}
	return e
}

// wants fails the test unless bisc ended with the status and said all of the texts.
func (e ended) wants(t *testing.T, status int, texts ...string) {
	t.Helper()
	if e.status != status {
		t.Errorf("exit status %d, want %d", e.status, status)
	}
	for _, text := range texts {
		if !strings.Contains(e.all(), text) {
			t.Errorf("it does not say %q", text)
		}
	}
	if t.Failed() {
		t.Fatalf("stdout:\n%s\nstderr:\n%s", e.out, e.errs)
	}
}

// running is a bisc that runs while the test goes on.
type running struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   bytes.Buffer
	errs  *heard
	ended chan struct{}
	err   error
}

func (d *desk) start(t *testing.T, args ...string) *running {
	t.Helper()
	return d.startProgram(t, "bisc", args...)
}

// startProgram starts bisc under another of its names.
func (d *desk) startProgram(t *testing.T, program string, args ...string) *running {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Env = d.dir, d.env
	r := &running{cmd: cmd, errs: newHeard(), ended: make(chan struct{})}
	var err error
	if r.in, err = r.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	r.cmd.Stdout, r.cmd.Stderr = &r.out, r.errs
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		r.err = r.cmd.Wait()
		r.errs.close()
		close(r.ended)
	}()
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill() // it has ended, if the test went well
		<-r.ended
	})
	return r
}

// signal sends bisc a signal.
func (r *running) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// wait waits for the end.
func (r *running) wait(t *testing.T) ended {
	t.Helper()
	<-r.ended
	return result(t, r.err, r.out.String(), r.errs.String())
}

// heard keeps what is written, for who waits for a text.
type heard struct {
	mu      sync.Mutex
	more    *sync.Cond
	text    strings.Builder
	nothing bool // more will come
}

func newHeard() *heard {
	h := &heard{}
	h.more = sync.NewCond(&h.mu)
	return h
}

func (h *heard) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.more.Broadcast()
	return h.text.Write(b)
}

func (h *heard) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.nothing = true
	h.more.Broadcast()
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

// until waits for a text.
func (h *heard) until(t *testing.T, text string) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for !strings.Contains(h.text.String(), text) {
		if h.nothing {
			t.Fatalf("bisc ended and never said %q:\n%s", text, h.text.String())
		}
		h.more.Wait()
	}
}

// lines are the lines of a text.
func lines(text string) []string {
	var out []string
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		out = append(out, s.Text())
	}
	return out
}
