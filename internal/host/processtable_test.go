package host

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// task is a thread of a fixture.
type task struct {
	comm    string
	state   string // "S" where empty
	flags   int
	ticks   int
	pending int // a mask, as in stat
	woken   int
	where   string
	stack   string
}

// process is one of a fixture: its leader is the task with its own pid.
type process struct {
	exe, shared string // "" is no program; the mask of shared pending signals in hex
	dumps       bool
	tasks       map[int]task
}

// processTable makes a /proc of processes.
func processTable(t *testing.T, of map[int]process) string {
	t.Helper()
	proc := filepath.Join(t.TempDir(), "a proc")
	put := func(name, text string) {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name+".new", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(name+".new", name); err != nil {
			t.Fatal(err)
		}
	}
	put(proc+"/1/comm", "systemd\n")
	for pid, p := range of {
		dir := fmt.Sprintf("%s/%d", proc, pid)
		status := fmt.Sprintf("Name:\tx\nShdPnd:\t%016s\nCoreDumping:\t%d\n", p.shared, map[bool]int{true: 1}[p.dumps])
		put(dir+"/status", status)
		for tid, k := range p.tasks {
			if k.state == "" {
				k.state = "S"
			}
			at := fmt.Sprintf("%s/task/%d", dir, tid)
			stat := fmt.Sprintf("%d (%s) %s 1 1 1 0 -1 %d 1 0 0 0 %d 0 0 0 20 0 1 0 %d 1 1 1 1 1 1 1 1 %d 0 0 0 0 0 0 17 1 0 0\n", tid, k.comm, k.state, k.flags, k.ticks, tid*10, k.pending)
			put(at+"/stat", stat)
			put(at+"/comm", k.comm+"\n")
			put(at+"/status", fmt.Sprintf("Name:\tx\nvoluntary_ctxt_switches:\t%d\nnonvoluntary_ctxt_switches:\t0\n", k.woken))
			put(at+"/wchan", k.where)
			put(at+"/stack", k.stack)
			if tid == pid {
				put(dir+"/comm", k.comm+"\n")
				put(dir+"/stat", stat)
			}
		}
		if p.exe != "" {
			if err := os.Symlink(p.exe, dir+"/exe"); err != nil {
				t.Fatal(err)
			}
		}
	}
	return proc
}
