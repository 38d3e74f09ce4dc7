package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// onTerminal starts bisc as a terminal's foreground, as a shell does. What it shows is in errs; keys are typed at keys.
func (d *desk) onTerminal(t *testing.T, args ...string) (r *running, keys *os.File) {
	t.Helper()
	return onTheTerminal(t, d.command(t, args...))
}

// onTheTerminal is the same for any program.
func onTheTerminal(t *testing.T, cmd *exec.Cmd) (r *running, keys *os.File) {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keys.Close() })
	n := 0
	control(t, keys, func(fd int) error {
		if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
			return err
		}
		n, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		return err
	})
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	r = &running{cmd: cmd, errs: newHeard(), ended: make(chan struct{})}
	r.cmd.Stdin, r.cmd.Stdout, r.cmd.Stderr = tty, tty, tty
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := r.cmd.Start(); err != nil {
		_ = tty.Close()
		t.Fatal(err)
	}
	drained := make(chan struct{})
	go func() {
		_, _ = io.Copy(r.errs, keys) // an error is the terminal's end
		close(drained)
	}()
	go func() {
		r.err = r.cmd.Wait()
		_ = tty.Close() // the last to hold it
		<-drained
		r.errs.close()
		close(r.ended)
	}()
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill() // it has ended, if the test went well
		<-r.ended
	})
	return r, keys
}

func control(t *testing.T, f *os.File, do func(fd int) error) {
	t.Helper()
	raw, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if cerr := raw.Control(func(fd uintptr) { err = do(int(fd)) }); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
}

// shows tells whether the terminal shows what is typed.
func shows(t *testing.T, keys *os.File) (echo bool) {
	t.Helper()
	control(t, keys, func(fd int) error {
		s, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err == nil {
			echo = s.Lflag&unix.ECHO != 0
		}
		return err
	})
	return echo
}
