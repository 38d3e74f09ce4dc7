package lab

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bisc/internal/lab/supervise"
)

// leftovers lists what the machine still has of the lab that a bisc-lab process ran, and of the zram devices it had.
// Other labs run at the same time, so only what bears this one's name or number counts.
func leftovers(pid int, zrams []string) []string {
	var left []string
	id := fmt.Sprintf("%d-", pid)
	for _, pattern := range []string{"/run/bisc-lab/" + id + "*", "/sys/fs/cgroup/systemd/bisc-lab/" + id + "*", "/sys/fs/cgroup/unified/bisc-lab/" + id + "*"} {
		found, _ := filepath.Glob(pattern)
		left = append(left, found...)
	}
	for _, pattern := range []string{"/proc/[0-9]*/mountinfo", "/proc/[0-9]*/cmdline", "/sys/block/loop*/loop/backing_file"} {
		found, _ := filepath.Glob(pattern)
		for _, name := range found {
			if text, err := os.ReadFile(name); err == nil && strings.Contains(string(text), "/bisc-lab/"+id) {
				left = append(left, name)
			}
		}
	}
	for _, n := range zrams {
		if _, err := os.Stat("/sys/block/zram" + n); err == nil {
			left = append(left, "zram"+n)
		}
	}
	return left
}

// wantNothing waits a little: the kernel takes things down after a process' end.
func wantNothing(t *testing.T, pid int, zrams []string) {
	t.Helper()
	var left []string
	for range 1200 {
		if left = leftovers(pid, zrams); left == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("left behind: %v", left)
}

// zramsOf reads a lab's record.
func zramsOf(t *testing.T, pid int) []string {
	t.Helper()
	files, _ := filepath.Glob(fmt.Sprintf("/run/bisc-lab/%d-*/zram", pid))
	if len(files) != 1 {
		t.Fatalf("records of zrams: %v", files)
	}
	text, err := os.ReadFile(files[0])
	if err != nil || len(strings.Fields(string(text))) == 0 {
		t.Fatalf("the record names no zram: %q, %v", text, err)
	}
	return strings.Fields(string(text))
}

// busyLab is a lab that has taken all that can be taken.
func busyLab(t *testing.T) *Lab {
	t.Helper()
	l := ForTest(t, Options{Hosts: []HostOptions{{Name: "a", Docker: true, Pools: []Pool{{Name: "tank", Size: 1 << 40}}}, {Name: "b"}}})
	if _, err := l.Host("a").Shell(t.Context(), storage); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestCloseLeavesNothing(t *testing.T) {
	l := busyLab(t)
	zrams := zramsOf(t, l.cmd.Process.Pid)
	if len(leftovers(l.cmd.Process.Pid, zrams)) < 5 {
		t.Fatal("the test does not see what is there")
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if left := leftovers(l.cmd.Process.Pid, zrams); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

// A lab ends while a file system of a host is frozen and a process hangs there, which SIGKILL does not end.
func TestFrozenLabLeavesNothing(t *testing.T) {
	l := ForTest(t, Names("a"))
	if _, err := l.Host("a").Shell(t.Context(), `
modprobe brd rd_nr=1 rd_size=1048576; mkfs.xfs -q /dev/ram0; mount /dev/ram0 /mnt; fsfreeze -f /mnt
(echo text >/mnt/file) >/dev/null 2>&1 & writer=$!
until grep -q '^State:.D' /proc/$writer/status; do sleep 0.05; done`); err != nil {
		t.Fatal(err)
	}
	zrams := zramsOf(t, l.cmd.Process.Pid)
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if left := leftovers(l.cmd.Process.Pid, zrams); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

// A bisc-lab that is killed cannot clean up; the kernel ends its hosts, and the next lab on the machine does the rest.
func TestKilledLabIsSwept(t *testing.T) {
	l := busyLab(t)
	pid := l.cmd.Process.Pid
	zrams := zramsOf(t, pid)
	l.cmd.Process.Kill()
	<-l.ended
	l.err = nil // that it was killed is no news
	if err := supervise.Sweep(); err != nil {
		t.Fatal(err)
	}
	wantNothing(t, pid, zrams)
}

const parentVar = "BISC_LAB_TEST_PARENT"

// TestKilledParent kills a test process in the middle: this one runs itself with a variable set, as the parent.
func TestKilledParent(t *testing.T) {
	if os.Getenv(parentVar) != "" {
		l := busyLab(t)
		fmt.Println("pid", l.cmd.Process.Pid)
		time.Sleep(time.Minute)
		return
	}
	parent := exec.Command("/proc/self/exe", "-test.run=^TestKilledParent$")
	parent.Env = append(os.Environ(), parentVar+"=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for lines := bufio.NewScanner(out); pid == 0 && lines.Scan(); {
		if number, ok := strings.CutPrefix(lines.Text(), "pid "); ok {
			pid, _ = strconv.Atoi(number)
		} else {
			t.Log(lines.Text())
		}
	}
	if pid == 0 {
		t.Fatal("the parent did not start a lab")
	}
	zrams := zramsOf(t, pid)
	parent.Process.Signal(syscall.SIGKILL)
	parent.Wait()
	wantNothing(t, pid, zrams)
}
