package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"bisc/internal/lab"
	"bisc/internal/lab/rootfs"
	"bisc/internal/lab/spec"
	"bisc/internal/lab/supervise"
)

// up runs a lab in the background. Its folder gets:
//
//	pid           of the process that runs it, with its start time
//	log           what it says, in the form of bisc-lab host
//	hosts.json    the hosts' last events
//	known_hosts   their keys
//	ssh_config    ssh -F DIR/ssh_config ops@NAME
func up(args []string) error {
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	asked := labFlags(flags)
	dir := flags.String("dir", "", "the lab's folder")
	if err := flags.Parse(args); err != nil {
		return err
	}
	wanted, err := asked()
	if err != nil {
		return err
	}
	if *dir == "" {
		return errors.New("--dir is missing")
	}
	// ssh_config names files in it, and ssh may be called from anywhere.
	if *dir, err = filepath.Abs(*dir); err != nil {
		return err
	}
	if err := lab.Setup(context.Background(), os.Stderr); err != nil {
		return err
	}
	if pid, err := running(*dir); err == nil {
		return fmt.Errorf("%s has a lab already, process %d; bisc-lab down --dir %s ends it", *dir, pid, *dir)
	}
	if err := os.MkdirAll(*dir, 0o755); err != nil {
		return err
	}
	return background(*dir, wanted)
}

// background starts the lab in a session of its own and waits until all hosts are up.
func background(dir string, wanted spec.Lab) error {
	text, err := json.Marshal(wanted)
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command("/proc/self/exe", "host", "--keep", "--lab", string(text))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := writePid(dir, cmd.Process.Pid); err != nil {
		return errors.Join(err, cmd.Process.Signal(syscall.SIGTERM))
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	limit := time.After(2 * time.Minute)
	for {
		select {
		case err := <-ended:
			said, _ := os.ReadFile(log.Name())
			return fmt.Errorf("the lab ended: %v\n%s", err, said)
		case <-limit:
			return errors.Join(errors.New("not all hosts are up after two minutes"), cmd.Process.Signal(syscall.SIGTERM))
		case <-time.After(50 * time.Millisecond):
		}
		if hosts := events(log.Name()); len(hosts) == len(wanted.Hosts) {
			return describe(dir, wanted, hosts)
		}
	}
}

// events returns the hosts that are up, by name.
func events(log string) map[string]spec.Event {
	f, err := os.Open(log)
	if err != nil {
		return nil
	}
	defer f.Close()
	hosts := map[string]spec.Event{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var e spec.Event
		if json.Unmarshal(lines.Bytes(), &e) == nil && e.Event == spec.Up {
			hosts[e.Name] = e
		}
	}
	return hosts
}

// describe writes what ssh and a person need, and tells the person.
func describe(dir string, wanted spec.Lab, hosts map[string]spec.Event) error {
	known, config := "", ""
	for _, h := range wanted.Hosts {
		e := hosts[h.Name]
		for _, key := range e.Keys {
			known += fmt.Sprintf("[127.0.0.1]:%d %s\n%s,%s %s\n", e.Port, key, e.Addr, e.Name, key)
		}
		config += fmt.Sprintf("Host %s\n\tHostName 127.0.0.1\n\tPort %d\n", e.Name, e.Port)
		fmt.Printf("%s  127.0.0.1:%d  %s\n", e.Name, e.Port, e.Addr)
	}
	config += fmt.Sprintf("Host *\n\tUser ops\n\tIdentityFile %s\n\tIdentitiesOnly yes\n\tUserKnownHostsFile %s/known_hosts\n\tStrictHostKeyChecking yes\n", rootfs.KeyFile(), dir)
	list, err := json.MarshalIndent(hosts, "", "\t")
	if err != nil {
		return err
	}
	for name, text := range map[string]string{"known_hosts": known, "ssh_config": config, "hosts.json": string(list) + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	fmt.Printf("log in with: ssh -F %s/ssh_config %s\n", dir, wanted.Hosts[0].Name)
	return nil
}

// down ends the lab of a folder and waits until nothing of it is left.
func down(args []string) error {
	flags := flag.NewFlagSet("down", flag.ContinueOnError)
	dir := flags.String("dir", "", "the lab's folder")
	if err := flags.Parse(args); err != nil {
		return err
	}
	pid, err := running(*dir)
	if errors.Is(err, os.ErrNotExist) {
		fmt.Println("no lab is running there")
		return nil
	}
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("end process %d: %w", pid, err)
	}
	for range 600 {
		if _, err := running(*dir); err != nil {
			return os.Remove(filepath.Join(*dir, "pid"))
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("process %d has not ended within 30s", pid)
}

func writePid(dir string, pid int) error {
	start, err := supervise.StartTime(pid)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "pid"), fmt.Appendf(nil, "%d %s\n", pid, start), 0o644)
}

// running returns the folder's lab process. A pid that has gone to another process since is not it.
func running(dir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		return 0, err
	}
	first, start, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	pid, err := strconv.Atoi(first)
	if err != nil {
		return 0, fmt.Errorf("read %s/pid: %w", dir, err)
	}
	if now, err := supervise.StartTime(pid); err != nil || now != start {
		return 0, fmt.Errorf("process %d has ended: %w", pid, os.ErrNotExist)
	}
	return pid, nil
}
