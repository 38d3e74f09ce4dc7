package sshhost

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
)

// far is the real agent.pl on this machine, spoken to in frames through pipes, without SSH, sudo or a host: for what of it
// can be proved in a moment, so that taking a guard out of it is missed at once.
type far struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *os.File
	r     *bufio.Reader
	ids   uint32
	ended chan struct{}
}

// place is where agents of one test keep the lock and the token.
type place struct{ run, state string }

func newPlace(t *testing.T) place {
	dir := t.TempDir()
	return place{filepath.Join(dir, "run"), filepath.Join(dir, "state")}
}

// farLimit ends a wait for the agent that fails the test.
const farLimit = 15 * time.Second

// startFar starts an agent; before is put before perl's argv.
func startFar(t *testing.T, at place, silence time.Duration, before ...string) *far {
	t.Helper()
	p := NewPool(Options{runDir: at.run, stateDir: at.state, pulse: pulse{every: time.Second, silence: silence, hold: silence}})
	nonce := newNonce()
	text := program(p, nonce)
	argv := append(slices.Clone(before), "perl", "-e", boot(len(text), ""))
	f := &far{t: t, cmd: exec.Command(argv[0], argv[1:]...), ended: make(chan struct{})}
	f.cmd.Stderr = os.Stderr
	var err error
	if f.in, err = f.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := f.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	f.out, f.r = out.(*os.File), bufio.NewReader(out)
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = f.cmd.Process.Wait()
		close(f.ended)
	}()
	t.Cleanup(func() {
		_ = f.in.Close()
		select {
		case <-f.ended:
		case <-time.After(cleanupLimit(t)):
			_ = f.cmd.Process.Kill()
			<-f.ended
			t.Error("the agent did not end with its input")
		}
		_ = f.out.Close()
	})
	f.write(text)
	if first, err := f.r.ReadString('\n'); err != nil || first != "\x1e"+nonce+"\n" {
		t.Fatalf("the agent's first word: %q %v", first, err)
	}
	return f
}

// cleanupLimit is short once the test has failed: what is broken need not be waited for twice.
func cleanupLimit(t *testing.T) time.Duration {
	if t.Failed() {
		return 100 * time.Millisecond
	}
	return farLimit
}

func (f *far) write(b []byte) {
	f.t.Helper()
	if _, err := f.in.Write(b); err != nil {
		f.t.Fatalf("to the agent: %v", err)
	}
}

// reply is the agent's answer to one request.
type reply struct {
	kind        byte
	status      uint32
	text        string // of n, f and l
	out, stderr string
}

// send sends a frame and gives its id.
func (f *far) send(kind byte, payload ...[]byte) uint32 {
	f.t.Helper()
	f.ids++
	f.write(appendFrame(nil, kind, f.ids, payload...))
	return f.ids
}

// answer waits for the answer to a request; those of others that come before it are lost.
func (f *far) answer(id uint32) reply {
	f.t.Helper()
	var s reply
	_ = f.out.SetReadDeadline(time.Now().Add(farLimit))
	for {
		got, err := readFrame(f.r)
		if err != nil {
			f.t.Fatalf("no answer of the agent: %v", err)
		}
		if got.id != id {
			continue
		}
		switch s.kind = got.kind; got.kind {
		case frameStdout:
			s.out += string(got.payload)
		case frameStderr:
			s.stderr += string(got.payload)
		case frameStatus:
			s.status = word32(got.payload)
			return s
		case frameNot, frameFile, frameLocked:
			s.text = string(got.payload)
			return s
		}
	}
}

// run sends a program.
func (f *far) run(flags byte, limit time.Duration, stdin string, argv ...string) uint32 {
	f.t.Helper()
	words := strings.Join(argv, "\x00")
	head := binary.BigEndian.AppendUint32([]byte{flags}, ticks(limit))
	return f.send(frameRun, binary.BigEndian.AppendUint32(head, uint32(len(words))), []byte(words), []byte(stdin))
}

// lock takes the lock and gives its token.
func (f *far) lock() uint64 {
	f.t.Helper()
	var token uint64
	got := f.tryLock()
	if _, err := fmt.Sscanf(got, "ok %d", &token); err != nil {
		f.t.Fatalf("the lock: %s", got)
	}
	return token
}

func (f *far) tryLock() string {
	f.t.Helper()
	return f.answer(f.send(frameLock, []byte(`{"owner":"t","run":"r","since":"2026-01-01T00:00:00Z","token":0}`))).text
}

// put writes a file by the agent, as Writer.put has it written.
func (f *far) put(token uint64, name, content, was, digest string, keep keeping) error {
	f.t.Helper()
	return f.step(token, name, content, len(content), was, digest, keep)
}

// step is a put of a size, or the removal that a size may mean.
func (f *far) step(token uint64, name, content string, size int, was, digest string, keep keeping) error {
	f.t.Helper()
	w := &Writer{}
	w.token.Store(token)
	r, err := w.putRequest(name, size, 0o600, os.Getuid(), os.Getgid(), was, digest, keep, nil, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	s := f.answer(f.run(flagKept|flagPut, time.Minute, content, append([]string{stripPerl(putText)}, r.words...)...))
	if s.kind == frameNot {
		return notDone(s.text)
	}
	return putVerdict(name, nil, answer{out: host.Output{Stdout: []byte(s.out), Stderr: []byte(s.stderr), Exit: exitStatus(s.status)}}, nil)
}

// gone waits for the agent's own end.
func (f *far) gone(why string) {
	f.t.Helper()
	select {
	case <-f.ended:
	case <-time.After(farLimit):
		f.t.Fatalf("the agent is still there: %s", why)
	}
}
