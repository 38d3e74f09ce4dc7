package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"bisc/internal/lab/vm"
)

// machine is all that concerns the virtual machine.
func machine(args []string) error {
	if len(args) == 0 {
		return errors.New("machine: setup, up or down?")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	flags := flag.NewFlagSet("machine "+args[0], flag.ContinueOnError)
	dir := flags.String("dir", "", "the machine's folder")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if args[0] == "setup" {
		return vm.Setup(ctx, os.Stderr)
	}
	if *dir == "" {
		return errors.New("--dir is missing")
	}
	switch args[0] {
	case "up":
		return machineUp(ctx, *dir)
	case "down":
		return down([]string{"--dir", *dir})
	case "run":
		return machineRun(ctx, *dir)
	}
	return fmt.Errorf("unknown command machine %q", args[0])
}

// machineRun runs a machine in the foreground until a signal comes. The folder's ssh_config, written last, says that it is
// up.
func machineRun(ctx context.Context, dir string) error {
	m, err := vm.Start(ctx, vm.Options{Progress: os.Stderr})
	if err != nil {
		return err
	}
	text, err := os.ReadFile(m.SSHConfig())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "ssh_config.new"), text, 0o644)
	}
	if err == nil {
		err = os.Rename(filepath.Join(dir, "ssh_config.new"), filepath.Join(dir, "ssh_config"))
	}
	if err == nil {
		fmt.Println("up")
		<-ctx.Done()
	}
	return errors.Join(err, m.Close())
}

// machineUp runs a machine in the background.
func machineUp(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if pid, err := running(dir); err == nil {
		return fmt.Errorf("%s has a machine already, process %d; bisc-lab machine down --dir %s ends it", dir, pid, dir)
	}
	if err := vm.Setup(ctx, os.Stderr); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command("/proc/self/exe", "machine", "run", "--dir", dir)
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	up, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := writePid(dir, cmd.Process.Pid); err != nil {
		return errors.Join(err, cmd.Process.Signal(syscall.SIGTERM))
	}
	stop := context.AfterFunc(ctx, func() { cmd.Process.Signal(syscall.SIGTERM) })
	defer stop()
	if n, _ := up.Read(make([]byte, 3)); n == 0 { // it has ended without a word
		err := cmd.Wait()
		said, _ := os.ReadFile(log.Name())
		return fmt.Errorf("the machine ended: %v\n%s", err, said)
	}
	fmt.Printf("log in with: ssh -F %s/ssh_config biscayne\n", dir)
	return nil
}
