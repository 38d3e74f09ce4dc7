package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestChecker: each thing that may not be is found, and nothing where all is well. A checker that finds nothing proves nothing.
func TestChecker(t *testing.T) {
	const file, act, other = "a:f", "a:c", "x"
	for _, c := range []struct {
		name     string
		files    map[string]string
		seen     Seen
		faulted  string // the invariant that does not hold after a fault; "" none
		finished string
	}{
		{"all done", map[string]string{"file": "new", "log": "act\n"}, Seen{0, []string{file, act}}, "", ""},
		{"nothing done", map[string]string{"file": "old"}, Seen{Exit: 5}, "", "I1"},
		{"half a file", map[string]string{"file": "ne"}, Seen{5, []string{file}}, "I1", "I1"},
		{"no file", map[string]string{}, Seen{5, []string{file}}, "I1", "I1"},
		{"not journalled", map[string]string{"file": "new"}, Seen{5, nil}, "I3", "D.2.5"},
		{"act not journalled", map[string]string{"file": "old", "log": "act\n"}, Seen{5, []string{file}}, "I3", "I1"},
		{"done twice", map[string]string{"file": "new", "log": "act\nact\n"}, Seen{0, []string{file, act}}, "D.2.5", "D.2.5"},
		{"said to be done", map[string]string{"file": "old"}, Seen{Exit: 0}, "D.2.7", "I1"},
		{"leftover", map[string]string{"file": "new", "log": "act\n", ".bisc-tmp-1-file": ""}, Seen{0, []string{file, act}}, "", "I2"},
		{"in no plan", map[string]string{"file": "new", "log": "act\n", other: ""}, Seen{0, []string{file, act}}, "I4", "I4"},
	} {
		root := t.TempDir()
		if err := os.Mkdir(filepath.Join(root, "d"), 0o700); err != nil {
			t.Fatal(err)
		}
		for name, content := range c.files {
			if err := os.WriteFile(filepath.Join(root, "d", name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		check := Checker{Root: root, Folder: "/d", Files: []File{{file, "/d/file", "old", "new"}}, Log: Log{"/d/log", map[string]string{act: "act"}}}
		for want, got := range map[string][]string{"after a fault: " + c.faulted: check.Faulted(c.seen), "at the end: " + c.finished: check.Finished(c.seen)} {
			when, number, _ := strings.Cut(want, ": ")
			if said := strings.Join(got, "\n"); (number == "") != (said == "") || !strings.Contains(said, number) {
				t.Errorf("%s, %s: %q, want %q", c.name, when, said, number)
			}
		}
	}
}

// TestCheckerSeesLockAndProcess: a lock that is held, and a process that is gone, are found.
func TestCheckerSeesLockAndProcess(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "run/bisc"), 0o700); err != nil {
		t.Fatal(err)
	}
	lock, err := os.Create(filepath.Join(root, "run/bisc/lock"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	c := Checker{Root: root}
	if held, err := c.Locked(); !held || err != nil {
		t.Errorf("held: %v %v", held, err)
	}
	if wrong := strings.Join(c.Finished(Seen{}), "\n"); !strings.Contains(wrong, "I7") {
		t.Errorf("a held lock: %q", wrong)
	}
	_ = lock.Close()
	if held, err := c.Locked(); held || err != nil {
		t.Errorf("free: %v %v", held, err)
	}
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if c.Process, err = Watch(cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if wrong := c.Faulted(Seen{}); len(wrong) > 0 {
		t.Errorf("while it lives: %q", wrong)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if wrong := strings.Join(c.Faulted(Seen{}), "\n"); !strings.Contains(wrong, "I9") {
		t.Errorf("a dead process: %q", wrong)
	}
}
