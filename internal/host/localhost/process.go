package localhost

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// process is one session: a program with its three streams, as an ssh.Channel.
type process struct {
	inside   func(command string) string
	requests chan *ssh.Request

	started        chan struct{} // closed when the program runs, or never will
	mu             sync.Mutex
	over           bool
	in             *os.File // its standard input
	stdout, stderr *os.File // what it writes
}

func newProcess(inside func(string) string) *process {
	return &process{inside: inside, requests: make(chan *ssh.Request, 1), started: make(chan struct{})}
}

// SendRequest takes "exec", once.
func (p *process) SendRequest(name string, _ bool, payload []byte) (bool, error) {
	var want struct{ Command string }
	if name != "exec" || ssh.Unmarshal(payload, &want) != nil {
		return false, fmt.Errorf("a process takes no request %q", name)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return false, io.ErrClosedPipe
	}
	if p.in != nil {
		return false, errors.New("a session runs one program")
	}
	err := p.start(p.inside(want.Command))
	if err != nil {
		close(p.requests)
		p.over = true
	}
	close(p.started)
	return err == nil, err
}

// start runs a command line by sh. The program is in a session of its own, so that a Ctrl-C on bisc's terminal is
// bisc's to answer, and sees none of bisc's environment, which may hold secrets.
func (p *process) start(command string) error {
	var far [3]*os.File
	defer func() {
		for _, f := range far {
			if f != nil {
				_ = f.Close()
			}
		}
	}()
	var err error
	if far[0], p.in, err = os.Pipe(); err != nil {
		return err
	}
	if p.stdout, far[1], err = os.Pipe(); err != nil {
		return errors.Join(err, p.closeOwn())
	}
	if p.stderr, far[2], err = os.Pipe(); err != nil {
		return errors.Join(err, p.closeOwn())
	}
	cmd := exec.Command("/bin/sh", "-c", "exec "+command)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = far[0], far[1], far[2]
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", "LANG=C"}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, p.closeOwn())
	}
	go p.wait(cmd)
	return nil
}

// wait tells the exit status as sshd does, and that no more requests come.
func (p *process) wait(cmd *exec.Cmd) {
	err := cmd.Wait()
	defer close(p.requests)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() < 0:
		p.requests <- &ssh.Request{Type: "exit-signal"}
	case errors.As(err, &exit):
		p.requests <- &ssh.Request{Type: "exit-status", Payload: binary.BigEndian.AppendUint32(nil, uint32(exit.ExitCode()))}
	case err == nil:
		p.requests <- &ssh.Request{Type: "exit-status", Payload: []byte{0, 0, 0, 0}}
	}
}

// Read reads the program's standard output.
func (p *process) Read(b []byte) (int, error) {
	<-p.started
	return readFrom(p.stdout, b)
}

// readFrom reads; a stream that this side has closed has ended, like one that the other side has.
func readFrom(f *os.File, b []byte) (int, error) {
	if f == nil {
		return 0, io.EOF
	}
	n, err := f.Read(b)
	if errors.Is(err, os.ErrClosed) {
		err = io.EOF
	}
	return n, err
}

// Write writes to the program's standard input.
func (p *process) Write(b []byte) (int, error) {
	<-p.started
	if p.in == nil {
		return 0, io.ErrClosedPipe
	}
	return p.in.Write(b)
}

// CloseWrite ends the program's input.
func (p *process) CloseWrite() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.in == nil {
		return nil
	}
	return closed(p.in.Close())
}

// Close takes the streams away. The program is not killed: the agent ends by itself, after the step that it does.
func (p *process) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return nil
	}
	p.over = true
	if p.in == nil { // never started
		close(p.requests)
		close(p.started)
		return nil
	}
	return p.closeOwn()
}

func (p *process) closeOwn() error {
	var errs []error
	for _, f := range []*os.File{p.in, p.stdout, p.stderr} {
		if f != nil {
			errs = append(errs, closed(f.Close()))
		}
	}
	return errors.Join(errs...)
}

// closed passes over a file that is closed already.
func closed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// Stderr reads what the program says.
func (p *process) Stderr() io.ReadWriter { return (*words)(p) }

type words process

// Read reads the program's standard error.
func (w *words) Read(b []byte) (int, error) {
	<-w.started
	return readFrom(w.stderr, b)
}

// Write is of the interface only: nobody writes to what a program says.
func (w *words) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
