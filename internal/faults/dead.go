package faults

import (
	"bufio"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

//go:embed dead.pl
var deadServer string

// Dead is storage that answers nothing: who touches Folder hangs in the kernel, and not even SIGKILL ends it. It is mounted in
// a mount namespace of its own on this machine (PID is in it), so that nothing else meets it.
type Dead struct {
	Folder string
	cmd    *exec.Cmd
}

// DeadStorage mounts it until the end of the test.
func DeadStorage(t testing.TB) *Dead {
	t.Helper()
	d := &Dead{Folder: filepath.Join(t.TempDir(), "dead")}
	if err := os.Mkdir(d.Folder, 0o700); err != nil {
		t.Fatal(err)
	}
	d.cmd = exec.Command("unshare", "--mount", "--propagation", "private", "perl", "-e", deadServer, d.Folder)
	d.cmd.Stderr = os.Stderr
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Revive)
	if said, err := bufio.NewReader(out).ReadString('\n'); said != "mounted\n" {
		t.Fatalf("mount storage that is dead: %q %v", said, err)
	}
	return d
}

// PID is a process of the namespace that the storage is in.
func (d *Dead) PID() int { return d.cmd.Process.Pid }

// Revive ends the server: what hangs gets an error.
func (d *Dead) Revive() {
	_ = d.cmd.Process.Kill()
	_ = d.cmd.Wait()
}

// Hanging are the processes that hang on it: those in state D in its namespace, by pid and name.
func (d *Dead) Hanging(t testing.TB) []string {
	t.Helper()
	ours, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", d.PID()))
	if err != nil {
		t.Fatal(err)
	}
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var hang []string
	for _, p := range all {
		if ns, err := os.Readlink(p + "/ns/mnt"); err != nil || ns != ours {
			continue
		}
		stat, _ := os.ReadFile(p + "/stat") // it may have ended by now
		if name, rest, ok := strings.Cut(string(stat), ") "); ok && strings.HasPrefix(rest, "D ") {
			hang = append(hang, name)
		}
	}
	return hang
}
