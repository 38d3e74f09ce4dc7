package host

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// homed starts a shell under a validator's name, with binds as in mount --bind, "SOURCE TARGET" each, and gives its line of the reading
// for that node.
func homed(t *testing.T, node string, binds ...string) string {
	t.Helper()
	shell, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "agave-validator")
	if err := os.WriteFile(program, shell, 0o755); err != nil {
		t.Fatal(err)
	}
	script := `p=$1; shift; while [ $# -gt 0 ]; do mount --bind "$1" "$2" || exit; shift 2; done; exec "$p" -c "read line" x --ledger "/a b"`
	cmd := exec.Command("unshare", append([]string{"--mount", "sh", "-c", script, "x", program}, binds...)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", cmd.Process.Pid)); string(comm) == "agave-validator\n" {
			out, exit := read(t, Homes, node)
			if exit != 0 || !strings.HasPrefix(out, "now ") {
				t.Fatalf("exit %d: %s", exit, out)
			}
			for line := range strings.Lines(out) {
				if pid := fmt.Sprintf("%d ", cmd.Process.Pid); strings.HasPrefix(line, pid) {
					words := strings.Fields(line)
					if want := "L2EgYg=="; len(words) != 8 || words[7] != want { // /a b
						t.Errorf("%s: want the ledger %s", line, want)
					}
					return strings.Join(words[2:5], " ")
				}
			}
			return "no line"
		}
	}
	t.Fatal("it did not start: this test needs root and unshare")
	return ""
}

// TestHomes: a process is known by the pod's folder that its own mount namespace shows, whatever else is mounted; not by a folder of the
// kubelet's, and not where two say otherwise.
func TestHomes(t *testing.T) {
	const one, two = "11111111-2222-3333-4444-555555555555", "21111111-2222-3333-4444-555555555555"
	dir := t.TempDir()
	file := func(name string) string {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	at, other := file("log"), file("log2")
	log := func(uid, container string) string {
		return file("lib/kubelet/pods/" + uid + "/containers/" + container + "/0a1b2c3d")
	}
	for situation, c := range map[string]struct {
		node  string
		binds []string
		want  string
	}{
		"in no pod":            {"", nil, "- - -"},
		"in no pod, of a node": {"no-such-node", nil, "- - -"},
		"in a pod":             {"", []string{log(one, "agave-validator"), at}, one + " agave-validator -"},
		"of no node that is":   {"no-such-node", []string{log(one, "agave-validator"), at}, one + " agave-validator ?"},
		"twice in the same":    {"", []string{log(one, "agave-validator"), at, log(one, "agave-validator"), other}, one + " agave-validator -"},
		"in two":               {"", []string{log(one, "agave-validator"), at, log(two, "agave-validator"), other}, "no line"},
		"in two containers":    {"", []string{log(one, "agave-validator"), at, log(one, "other"), other}, "no line"},
		"a pod's hosts only":   {"", []string{file("lib/kubelet/pods/" + one + "/etc-hosts"), at}, "- - -"},
		"no UID":               {"", []string{log("x", "agave-validator"), at}, "- - -"},
		"the whole folder":     {"", []string{filepath.Join(dir, "lib/kubelet"), filepath.Join(dir, "lib")}, "- - -"},
	} {
		if got := homed(t, c.node, c.binds...); got != c.want {
			t.Errorf("%s: %q, want %q", situation, got, c.want)
		}
	}
}

// node starts the first process of a node of that name, whose /var/lib is lib and whose /etc/hostname is hostname.
func node(t *testing.T, lib, hostname string) {
	t.Helper()
	cmd := exec.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
		`mount --rbind "$1" /var/lib && mount --bind "$2" /etc/hostname && exec sh -c "echo up; read line"`, "x", lib, hostname)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "up\n" {
		t.Fatalf("the node did not start: %q %v: this test needs root, unshare and an /etc/hostname", line, err)
	}
}

// silent mounts a file system that answers nothing: who looks into it waits.
func silent(t *testing.T, at string) {
	t.Helper()
	device, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Fatalf("%v: this test needs the kernel's fuse", err)
	}
	if err := syscall.Mount("silent", at, "fuse", 0, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", device.Fd())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = device.Close(); _ = syscall.Unmount(at, syscall.MNT_DETACH) })
}

// TestHomesOfASilentDisk: where the node's disk does not answer it is not known whether a pod is the node's; all else is told, also of others.
func TestHomesOfASilentDisk(t *testing.T) {
	const uid = "11111111-2222-3333-4444-555555555555"
	dir := t.TempDir()
	file := func(name string) string {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(filepath.Base(filepath.Dir(name))+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	folder := func(name string) string {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(name, 0o755); err != nil {
			t.Fatal(err)
		}
		return name
	}
	log, at := file("kubelet/pods/"+uid+"/containers/agave-validator/0a1b2c3d"), file("at/log")
	folder("well/kubelet/pods/" + uid)
	node(t, folder("well"), file("well-node/hostname"))
	folder("other/kubelet/pods")
	node(t, folder("other"), file("other-node/hostname"))
	silent(t, folder("ill/kubelet/pods"))
	node(t, folder("ill"), file("ill-node/hostname"))
	for name, want := range map[string]string{"well-node": "node", "other-node": "-", "ill-node": "?"} {
		if got := homed(t, name, log, at); got != uid+" agave-validator "+want {
			t.Errorf("%s: %q, want %s", name, got, want)
		}
	}
	if got := homed(t, "ill-node"); got != "- - -" {
		t.Errorf("in no pod: %q", got)
	}
	fifo := filepath.Join(folder("mute-node"), "hostname")
	if err := syscall.Mkfifo(fifo, 0o644); err != nil {
		t.Fatal(err)
	}
	node(t, folder("other"), fifo)
	if got := homed(t, "mute-node", log, at); got != uid+" agave-validator ?" {
		t.Errorf("a node whose name cannot be read: %q", got)
	}
}

// TestProcessTableNeedsItsTools: a host on which a program is missing could not be looked at, whichever it is.
func TestProcessTableNeedsItsTools(t *testing.T) {
	for _, c := range []struct {
		of    Reading
		tools []string
	}{
		{Homes, []string{"awk", "base64", "find", "timeout"}},
		{Validators, []string{"find", "awk", "timeout"}},
	} {
		for _, missing := range c.tools {
			dir := t.TempDir()
			for _, tool := range []string{"sh", "id", "grep", "sed", "sort", "date", "readlink", "cat", "tr", "tail", "cut", "sleep", "awk", "base64", "find", "timeout"} {
				at, err := exec.LookPath(tool)
				if err != nil {
					t.Fatal(err)
				}
				if tool == missing {
					continue
				}
				if err := os.Symlink(at, filepath.Join(dir, tool)); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command(c.of.Argv()[0], c.of.Argv()[1:]...)
			cmd.Env = []string{"PATH=" + dir}
			if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 3 {
				t.Errorf("%s without %s: exit %d: %s", c.of.Name, missing, cmd.ProcessState.ExitCode(), out)
			}
		}
	}
}
