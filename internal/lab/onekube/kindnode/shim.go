package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"bisc/internal/lab/onekube/container"
)

// containerInit is the name by which the shim starts itself as a container's first process.
const containerInit = "container-init"

// shim starts the container of a folder, in namespaces of its own, and stays until it has ended: containers outlive the
// kubelet, and their end is known to whoever asks later.
func shim(args []string) error {
	if len(args) != 1 {
		return errors.New("want a container's folder")
	}
	folder := container.Folder(args[0])
	spec, err := folder.Spec()
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGTERM, syscall.SIGHUP, os.Interrupt) // whoever ends the node ends the container, not its keeper
	log, err := newLog(spec.Log)
	if err != nil {
		return err
	}
	start := time.Now()
	code, err := run(folder, spec, log)
	if err != nil {
		return folder.Ended(container.Exit{Code: 128, Started: start, At: time.Now(), Failed: err.Error()})
	}
	return folder.Ended(container.Exit{Code: code, Started: start, At: time.Now()})
}

// run returns how the container ended, or why it could not be started.
func run(folder container.Folder, spec container.Spec, log *podLog) (int, error) {
	said, tell, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer said.Close()
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: []string{containerInit, string(folder)}, Dir: "/",
		Stdout: log.stream("stdout"), Stderr: log.stream("stderr"), ExtraFiles: []*os.File{tell}}
	cmd.WaitDelay = time.Second // a process of the container's that went elsewhere may hold its output open
	flags := syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS
	if !spec.HostNetwork {
		flags |= syscall.CLONE_NEWNET
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: uintptr(flags), Setsid: true}
	err = cmd.Start()
	tell.Close()
	if err != nil {
		return 0, err
	}
	// The pipe closes when the program runs in the place of the container's init.
	why, err := io.ReadAll(said)
	if len(why) > 0 || err != nil {
		cmd.Wait()
		return 0, fmt.Errorf("start %s: %s", spec.Name, why)
	}
	if err := folder.Started(cmd.Process.Pid); err != nil {
		return 0, errors.Join(err, cmd.Process.Kill(), cmd.Wait())
	}
	cmd.Wait() // how it ended is in ProcessState
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return status.ExitStatus(), nil
}
