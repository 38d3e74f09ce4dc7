package box

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Verbs of bisc-lab: what eos.Start runs, in new namespaces, and what that runs in turn. Nobody else has a use for them.
const (
	InitVerb = "eos-init"
	BoxVerb  = "eos-box"
)

// The files that the process is handed, from 3 on.
const (
	controlFile = 3 + iota // a socket: package eos is at its other end
	cablesFile             // the network namespace of the far ends
	sshFile                // listeners of the caller's network namespace
	httpsFile
	pastFiles
)

// https is the address of eAPI's face at the listener that was handed over.
const https = "https"

// Init is the first process of the switch's PID namespace. It runs the box and ends with it, or when standard input does: that is
// when whoever started it is gone, however he went. With it everything on the switch ends, by the kernel's hand; what it leaves
// behind meanwhile is reaped, so that who looks for a pid that was killed does not find it.
func Init() error {
	runtime.LockOSThread()
	// [V] the reference, D.1: PID 1 is systemd. /proc/1/comm is this thread's name, if it is the first.
	if name, err := unix.BytePtrFromString("systemd"); err == nil && unix.Gettid() == unix.Getpid() {
		_ = unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(name)), 0, 0, 0) // only a name
	}
	runtime.UnlockOSThread()
	cmd := exec.Command("/proc/self/exe", BoxVerb)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	for fd := uintptr(controlFile); fd < pastFiles; fd++ {
		cmd.ExtraFiles = append(cmd.ExtraFiles, os.NewFile(fd, "handed"))
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the switch's process: %w", err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("wait for the switch's processes: %w", err)
		}
		if pid == cmd.Process.Pid {
			return fmt.Errorf("the switch's process has ended: exit status %d, signal %d", status.ExitStatus(), status.Signal())
		}
	}
}
