package host

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// programs puts scripts before the programs of the same names.
func programs(t *testing.T, scripts map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// read asks a reading on this machine.
func read(t *testing.T, r Reading, args ...string) (stdout string, exit int) {
	t.Helper()
	stdout, stderr, exit := readBoth(t, r, args...)
	if stderr != "" {
		t.Logf("stderr: %s", stderr)
	}
	return stdout, exit
}

func readBoth(t *testing.T, r Reading, args ...string) (stdout, stderr string, exit int) {
	t.Helper()
	argv := r.Argv(args...)
	cmd := exec.Command(argv[0], argv[1:]...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run()
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// hanging is a systemctl on whose units others hang. It prints lists as systemd 252 does, for the properties and the
// states of a unit each.
const hanging = `for unit; do :; done
case "$*" in *ActiveState*) case "$unit" in *off*) echo inactive ;; *) echo active ;; esac; exit ;; esac
for unit; do case "$unit" in
'srv-a\x2db.mount') printf '%s\n' 'plain.service "srv-a\\x2db-c.mount"' ;;
'srv-a\x2db-c.mount') printf '%s\n' '"dash\\x2dy.service"' '"off\\x2dy.service"' ;;
open.service) printf '%s\n' '"a b.service"' ;;
single.service) printf '%s\n' "it's.service" ;;
silent.service) exit 1 ;;
esac; done
`

func TestStopClosureOfUnitsThatSystemdQuotes(t *testing.T) {
	programs(t, map[string]string{"systemctl": hanging})
	out, exit := read(t, StopClosure, `srv-a\x2db.mount`)
	want := `srv-a\x2db.mount` + "\nplain.service\n" + `srv-a\x2db-c.mount` + "\n" + `dash\x2dy.service` + "\n" + `off\x2dy.service` + "\n"
	if exit != 0 || out != want {
		t.Errorf("exit %d:\n%s\nwant:\n%s", exit, out, want)
	}
	for _, unit := range []string{"open.service", "single.service", "silent.service"} {
		if out, exit := read(t, StopClosure, unit); exit != 3 {
			t.Errorf("%s: exit %d: %q, want 3: it cannot be told", unit, exit, out)
		}
	}
}

func TestStopsOnlyComparesUnitsThatSystemdQuotes(t *testing.T) {
	programs(t, map[string]string{"systemctl": hanging})
	const unit = `srv-a\x2db.mount`
	all := []string{"plain.service", `srv-a\x2db-c.mount`, `dash\x2dy.service`}
	if _, err := run(t, Script{Argv: []string{"true"}, Guards: []Guard{StopsOnly(unit, all...), guard("exit 0", "x")}}); err != nil {
		t.Errorf("all that stops is allowed, and what is off cannot stop: %v", err)
	}
	var refused *GuardError
	_, err := run(t, Script{Argv: []string{"true"}, Guards: []Guard{StopsOnly(unit, all[:2]...), guard("exit 0", all[2])}})
	if !errors.As(err, &refused) || refused.Unknown || refused.Reason != `dash\x2dy.service would stop too` {
		t.Errorf("one that is not allowed: %#v", err)
	}
	_, err = run(t, Script{Argv: []string{"true"}, Guards: []Guard{StopsOnly("open.service")}})
	if !errors.As(err, &refused) || !refused.Unknown {
		t.Errorf("a list that cannot be read: %#v", err)
	}
}

// namespaced mounts a tmpfs that two processes of one namespace of their own see, and no other. It gives the device and
// the process with the lower number.
func namespaced(t *testing.T) (dev string, first int) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("unshare", "-m", "--propagation", "private", "sh", "-c",
		`mount -t tmpfs lab "$1" && { sleep 1000 & echo $! >"$1/second"; mountpoint -d "$1" >"$1/dev"; exec sleep 1000; }`, "ns", dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() { _ = cmd.Wait(); close(gone) }()
	inside := fmt.Sprintf("/proc/%d/root%s/", cmd.Process.Pid, dir)
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-gone })
	second := waitFor(t, inside+"second")
	dev = waitFor(t, inside+"dev")
	t.Cleanup(func() { _ = exec.Command("kill", "-9", second).Run() })
	return dev, cmd.Process.Pid
}

func waitFor(t *testing.T, name string) string {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if b, err := os.ReadFile(name); err == nil && bytes.HasSuffix(b, []byte("\n")) {
			return strings.TrimSpace(string(b))
		}
	}
	t.Fatalf("%s was not written: this test needs root, unshare and mount", name)
	return ""
}

// A process that ends between the question for its namespace and that for its mounts must not take its namespace with it:
// another process may be in it.
func TestUsesSeesANamespaceWhoseFirstProcessEnds(t *testing.T) {
	dev, first := namespaced(t)
	link, err := exec.LookPath("readlink")
	if err != nil {
		t.Fatal(err)
	}
	out, exit := read(t, Uses, dev)
	if exit != 0 || !strings.Contains(out, fmt.Sprintf("mount %s %d ", dev, first)) {
		t.Fatalf("exit %d: %q, want the mount seen by %d", exit, out, first)
	}
	programs(t, map[string]string{"readlink": fmt.Sprintf("%s \"$@\" || exit\nif [ \"$1\" = /proc/%d/ns/mnt ]; then kill -9 %[2]d; while [ -e /proc/%[2]d/ns ]; do :; done; fi\n", link, first)})
	if out, exit = read(t, Uses, dev); exit != 0 || !strings.Contains(out, "mount "+dev+" ") {
		t.Errorf("exit %d: %q, want the mount seen by the other process", exit, out)
	}
}

// Mounts that cannot be read, of a process that is there, are not no mounts.
func TestUsesCannotTell(t *testing.T) {
	dev, first := namespaced(t)
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	programs(t, map[string]string{"cat": fmt.Sprintf("case \"$*\" in */proc/%d/mountinfo*) exit 1 ;; esac\nexec %s \"$@\"\n", first, cat)})
	if out, exit := read(t, Uses, dev); exit != 3 {
		t.Errorf("exit %d: %q, want 3", exit, out)
	}
	if _, exit := read(t, Busy, dev, "/mnt"); exit != 3 {
		t.Errorf("busy: exit %d, want 3", exit)
	}
}

func TestExitErrorShowsFirstAndLast(t *testing.T) {
	usage := "mkfs.xfs: /dev/zd0 appears to contain an existing filesystem (ext4).\nmkfs.xfs: Use the -f option to force overwrite.\nUsage: mkfs.xfs\n\tblah\n      KiB, MiB... (powers of 1024)\n"
	long := strings.Repeat("é", 5000)
	for stderr, want := range map[string]string{
		"":                    "p: exit status 1",
		" \n\n":               "p: exit status 1",
		"one\n":               "p: exit status 1: one",
		"\n same \nsame\n":    "p: exit status 1: same",
		"first\n\nlast \n\n":  "p: exit status 1: first … last",
		usage:                 "p: exit status 1: mkfs.xfs: /dev/zd0 appears to contain an existing filesystem (ext4). … KiB, MiB... (powers of 1024)",
		long + "\n" + long:    "p: exit status 1: " + strings.Repeat("é", 200) + "…",
		long + "\nb\n":        "p: exit status 1: " + strings.Repeat("é", 200) + "… … b",
		"a\xffb\nsecond line": "p: exit status 1: a\xffb … second line",
	} {
		if got := (&ExitError{Argv: []string{"p"}, Exit: 1, Stderr: []byte(stderr)}).Error(); got != want {
			t.Errorf("%.60q: got %q, want %q", stderr, got, want)
		}
	}
}
