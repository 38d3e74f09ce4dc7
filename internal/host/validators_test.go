package host

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test's own program stand in for a validator, under its name.
func TestMain(m *testing.M) {
	if role := os.Getenv("BISC_TEST_VALIDATOR"); role != "" {
		standIn(role)
	}
	os.Exit(m.Run())
}

// standIn writes and syncs for ever, or ends its main thread while others sleep or work.
func standIn(role string) {
	runtime.LockOSThread() // main is on the main thread
	switch role {
	case "write":
		f, err := os.Create(os.Args[1])
		if err != nil {
			panic(err)
		}
		for {
			_, _ = f.WriteAt([]byte("block"), 0)
			_ = f.Sync()
		}
	case "spin", "sleep":
		go func() {
			runtime.LockOSThread()
			for role == "spin" {
			}
			time.Sleep(time.Hour)
		}()
		time.Sleep(10 * time.Millisecond)
		_, _, _ = syscall.Syscall(syscall.SYS_EXIT, 0, 0, 0) // the scheduler must know that the thread is away, or it looks for it
	}
}

const (
	validatorComm = "agave-validator"
	ioStack       = "[<0>] schedule+0x1/0x2\n[<0>] io_wq_put_and_exit+0x1/0x2\n[<0>] io_uring_clean_tctx+0x1/0x2\n[<0>] do_exit+0x1/0x2\n[<0>] x+0x1/0x2\n[<0>] dsl_dir_tempreserve_space+0x1/0x2\n"
)

// TestFaultF21_ThreadsInFixtures reads process tables that no test can make at will.
func TestFaultF21_ThreadsInFixtures(t *testing.T) {
	programs(t, map[string]string{"sleep": "exit 0\n"}) // nothing moves here, however long it is watched
	one := func(p process, more map[int]task) map[int]process {
		if p.tasks == nil {
			p.tasks = map[int]task{}
		}
		if _, ok := p.tasks[40]; !ok {
			p.tasks[40] = task{comm: validatorComm}
		}
		for tid, k := range more {
			p.tasks[tid] = k
		}
		return map[int]process{40: p, 7: {exe: "/bin/sleep", tasks: map[int]task{7: {comm: "sleep", state: "D", where: "x"}}}}
	}
	zombie := map[int]task{40: {comm: validatorComm, state: "Z", flags: 4}}
	for _, c := range []struct {
		situation string
		table     map[int]process
		want      string // the first line; "" is nothing, "?" cannot be told
		thread    string // the line of a thread
	}{
		{"nobody", map[int]process{7: {exe: "/bin/sleep", tasks: map[int]task{7: {comm: "sleep"}}}}, "", ""},
		{"one runs", one(process{exe: "/usr/bin/agave-validator"}, nil), "40 agave-validator 400 running", ""},
		{"solana's name, cut by the kernel", map[int]process{40: {tasks: map[int]task{40: {comm: "solana-validato"}}}}, "40 solana-validato 400 running", ""},
		{"another name, its program", map[int]process{40: {exe: "/x/agave-validator", tasks: map[int]task{40: {comm: "a) b\nc"}}}}, "40 a??b?c 400 running", ""},
		{"another name, its program deleted", map[int]process{40: {exe: "/x/solana-validator (deleted)", tasks: map[int]task{40: {comm: "main"}}}}, "40 main 400 running", ""},
		{"a thread in D that stands still", one(process{}, map[int]task{41: {comm: "solWriter", state: "D", where: "percpu_rwsem_wait"}}),
			"40 agave-validator 400 stuck 1 of 2 threads stand still", "40/41 solWriter 410 D waits percpu_rwsem_wait 1"},
		{"an io worker in the ZFS deadlock", one(process{}, map[int]task{41: {comm: "iou-wrk-40", state: "D", where: "io_wq_put_and_exit", stack: ioStack}}),
			"40 agave-validator 400 stuck 1 of 2 threads stand still", "40/41 iou-wrk-40 410 D waits io_wq_put_and_exit 1 schedule io_wq_put_and_exit io_uring_clean_tctx do_exit io_wq_put_and_exit dsl_dir_tempreserve_space"},
		{"a thread that SIGKILL does not end", one(process{}, map[int]task{41: {comm: "sol", pending: 256, where: "x"}}), "40 agave-validator 400 stuck it was killed, 1 of 2 threads stand still", "40/41 sol 410 S waits x 1"},
		{"a process that SIGKILL does not end", one(process{shared: "100"}, nil), "40 agave-validator 400 stuck it was killed, 1 of 1 threads stand still", "40/40 agave-validator 400 S waits ? 1"},
		{"a zombie leader over threads that stand", one(process{tasks: zombie}, map[int]task{41: {comm: "sol", where: "futex_wait"}}),
			"40 agave-validator 400 stuck its main thread has ended, 1 others live, 1 of 1 threads stand still", "40/41 sol 410 S waits futex_wait 1"},
		{"a zombie that nobody has collected", one(process{tasks: map[int]task{40: {comm: validatorComm, state: "Z"}}}, nil), "40 agave-validator 400 exiting it has ended, and its parent has not collected it", ""},
		{"the reaper of a namespace that waits for it", one(process{tasks: map[int]task{40: {comm: validatorComm, flags: 4, where: "zap_pid_ns_processes", stack: "[<0>] zap_pid_ns_processes+0x1/0x2\n"}}}, nil),
			"40 agave-validator 400 stuck it is ending, 1 of 1 threads stand still", "40/40 agave-validator 400 S waits zap_pid_ns_processes 1 zap_pid_ns_processes zap_pid_ns_processes"},
		{"a core dump holds its threads", one(process{dumps: true}, map[int]task{41: {comm: "sol", state: "D", pending: 256, where: "coredump_task_exit"}}), "40 agave-validator 400 exiting it writes a core dump", ""},
		{"SIGTERM waits", one(process{shared: "4000"}, nil), "40 agave-validator 400 exiting it was sent SIGTERM", ""},
		{"a dead leader of another name, whose threads still have the program's io workers", map[int]process{50: {tasks: map[int]task{50: {comm: "start", state: "Z"}, 51: {comm: "iou-wrk-50", state: "D", where: "x"}}}},
			"50 start 500 stuck its main thread has ended, 1 others live, 1 of 1 threads stand still", "50/51 iou-wrk-50 510 D waits x 1"},
		{"a dead leader of another name and nothing of io", map[int]process{50: {tasks: map[int]task{50: {comm: "start", state: "Z"}, 51: {comm: "start"}}}}, "", ""},
		{"a name that is not there", map[int]process{60: {tasks: map[int]task{60: {}}}}, "?", ""},
		{"a validator without threads", map[int]process{40: {exe: "/x/agave-validator", tasks: map[int]task{}}}, "?", ""},
	} {
		t.Run(c.situation, func(t *testing.T) {
			proc := processTable(t, c.table)
			if _, ok := c.table[60]; ok {
				if err := os.WriteFile(proc+"/60/comm", nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			out, exit := read(t, Validators, proc, "1")
			first, rest, _ := strings.Cut(strings.TrimRight(out, "\n"), "\n")
			if c.want == "?" && exit == 3 {
				return
			}
			if exit != 0 || strings.TrimSpace(first) != c.want || rest != c.thread {
				t.Errorf("exit %d:\n%s\nwant:\n%s\n%s", exit, out, c.want, c.thread)
			}
		})
	}
}

// TestFaultF21_BrieflyInD: a healthy validator's threads stand in D all the time, each for a moment; and one that ends slowly is no
// stuck one. What moves differs from case to case, and once is enough.
func TestFaultF21_BrieflyInD(t *testing.T) {
	start := task{comm: "sol", state: "D", where: "xfs_log_force"}
	for moved, next := range map[string]task{
		"its time":       {comm: "sol", state: "D", where: "xfs_log_force", ticks: 1},
		"it was woken":   {comm: "sol", state: "D", where: "xfs_log_force", woken: 1},
		"its place":      {comm: "sol", state: "D", where: "folio_wait_bit"},
		"it came out":    {comm: "sol", state: "S"},
		"it has ended":   {comm: "sol", state: "X"},
		"its state":      {comm: "sol", state: "R", pending: 256},
		"it went on, Z":  {comm: "sol", state: "Z"},
		"killed, so two": {comm: "sol", state: "D", where: "xfs_log_force", pending: 256, ticks: 7},
	} {
		table := func(k task) map[int]process {
			return map[int]process{40: {tasks: map[int]task{40: {comm: validatorComm}, 41: k}}}
		}
		proc, then := processTable(t, table(start)), processTable(t, table(next))
		// The sleep between two samples is where the kernel would have gone on.
		programs(t, map[string]string{"sleep": fmt.Sprintf("cp %s/40/task/41/* %s/40/task/41/\n", Quote(then), Quote(proc))})
		out, exit := read(t, Validators, proc, "1")
		if exit != 0 || strings.Contains(out, "stuck") || !strings.HasPrefix(out, "40 agave-validator 400 ") {
			t.Errorf("%s moved: exit %d: %q", moved, exit, out)
		}
	}
}

// real runs a script with a process table of its own and an XFS at $M that it may freeze; $V is a validator. What it prints is cut
// at the lines "== NAME". The file system is thawed when the test ends, however it ends.
func real(t *testing.T, script string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const outer = `set -e
cd "$1"; exec 3<&0
truncate -s 320M image; mkdir m; cp "$2" agave-validator
mkfs.xfs -q image; mount -o loop image m
(cat >/dev/null; fsfreeze -u m 2>/dev/null || true) <&3 >/dev/null 2>&1 &
exec unshare --pid --fork --kill-child --mount-proc sh -c "$3" sh "$1" 3<&-`
	const prelude = `M=$1/m V=$1/agave-validator
reading() { echo "== $1"; sh -c "$READING" validators /proc "$2"; echo "exit $?"; }
until_state() { n=0; until grep -qE "^[0-9]+ \([^)]*\) $2 " /proc/$1/task/*/stat 2>/dev/null; do n=$((n + 1)); [ "$n" -lt 3000 ] || { echo "process $1 never came to $2"; exit 1; }; sleep 0.01; done; }
gone() { n=0; while [ -e /proc/$1/stat ] && ! grep -q ') Z ' /proc/$1/stat 2>/dev/null; do n=$((n + 1)); [ "$n" -lt 3000 ] || { echo "process $1 never went"; exit 1; }; sleep 0.01; done; wait $1 2>/dev/null; }
`
	cmd := exec.Command("unshare", "-m", "sh", "-c", outer, "sh", dir, self, prelude+script)
	cmd.Env = append(os.Environ(), "READING="+Validators.Text)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s (this test needs root, unshare, loop devices and mkfs.xfs)", err, out.String())
	}
	parts := map[string]string{}
	for _, part := range strings.Split("\n"+out.String(), "\n== ")[1:] {
		name, text, _ := strings.Cut(part, "\n")
		parts[name] = text
	}
	return parts
}

// TestFaultF21_AFrozenFileSystem is the real thing: a thread in D that SIGKILL does not end, and that goes on when the device does.
func TestFaultF21_AFrozenFileSystem(t *testing.T) {
	t.Parallel()
	got := real(t, `BISC_TEST_VALIDATOR=write "$V" "$M/file" & v=$!
until [ -s "$M/file" ]; do sleep 0.01; done
reading writing 2
fsfreeze -f "$M"; until_state $v D
reading frozen 1
kill -9 $v
reading killed 1
fsfreeze -u "$M"; gone $v
reading thawed 1`)
	for name, want := range map[string]string{"writing": " running", "frozen": " stuck 1 of ", "killed": " stuck it was killed, 1 of ", "thawed": "exit 0"} {
		if !strings.Contains(got[name], want) || !strings.HasSuffix(got[name], "exit 0\n") && !strings.HasSuffix(got[name], "exit 0") {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
	for _, name := range []string{"frozen", "killed"} {
		if !strings.Contains(got[name], " D waits ") {
			t.Errorf("%s: it does not tell the thread: %q", name, got[name])
		}
	}
	if strings.HasPrefix(got["thawed"], "1") || strings.Contains(got["thawed"], "agave") {
		t.Errorf("thawed: %q, want nobody", got["thawed"])
	}
}

// TestFaultF21_AZombieOverLivingThreads: the process shows as Z in every list while its threads go on.
func TestFaultF21_AZombieOverLivingThreads(t *testing.T) {
	t.Parallel()
	got := real(t, `BISC_TEST_VALIDATOR=spin "$V" & v=$!
until_state $v Z
reading spinning 1
kill -9 $v; gone $v
BISC_TEST_VALIDATOR=sleep "$V" & v=$!
until_state $v Z
n=0; until reading sleeping 1 | grep -q stuck || [ "$n" -ge 20 ]; do n=$((n + 1)); done
reading sleeping 1
kill -9 $v; gone $v
reading gone 1`)
	if s := got["spinning"]; !strings.Contains(s, " exiting its main thread has ended, ") {
		t.Errorf("threads that work: %q", s)
	}
	if s := got["sleeping"]; !strings.Contains(s, " stuck its main thread has ended, ") {
		t.Errorf("threads that sleep: %q", s)
	}
	if s := got["gone"]; strings.TrimSpace(s) != "exit 0" {
		t.Errorf("gone: %q", s)
	}
}

// TestIncident6_TheShellIsOne: two words of another shell (pipefail, in a task that dash ran) kept a playbook from working for two days.
// Every constant text is parsed, and has none of the words that dash does not know.
func TestIncident6_TheShellIsOne(t *testing.T) {
	names, err := filepath.Glob("[rg]*/*.sh")
	if err != nil || len(names) < 20 {
		t.Fatalf("%d texts: %v", len(names), err)
	}
	for _, name := range append(names, "guarded.sh", "../../hostbin/letexit/let-validator-exit.sh") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("sh", "-n", "-c", string(text)).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", name, out)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			for _, word := range []string{"pipefail", "[[ ", "<<<", "<("} {
				if strings.Contains(line, word) {
					t.Errorf("%s:%d: %q is no word of sh", name, i+1, word)
				}
			}
		}
	}
}

// TestATableThatChangesIsReadAgain: a process that ends in the middle of the read costs an attempt, and tells nothing twice. A table that
// can never be read is not an empty one.
func TestATableThatChangesIsReadAgain(t *testing.T) {
	proc := processTable(t, map[int]process{40: {tasks: map[int]task{40: {comm: validatorComm}, 41: {comm: "sol", state: "D", where: "x"}}}})
	awk, err := exec.LookPath("awk")
	if err != nil {
		t.Fatal(err)
	}
	count := filepath.Join(t.TempDir(), "count")
	const breaks = `n=$(cat %[1]s 2>/dev/null || echo 0); echo $((n + 1)) >%[1]s
case $n in %[2]s) echo "is 40"; echo "process 40 x 1 S - 1"; echo "read error" >&2; exit 2 ;; esac
exec %[3]s "$@"
`
	for attempts, want := range map[string]string{"0": "40 agave-validator 400 stuck 1 of 2 threads stand still", "1": "40 agave-validator 400 stuck 1 of 2 threads stand still", "*": ""} {
		if err := os.RemoveAll(count); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf(breaks, Quote(count), attempts, awk)
		programs(t, map[string]string{"awk": text})
		out, errs, exit := readBoth(t, Validators, proc, "1")
		first, _, _ := strings.Cut(out, "\n")
		if first != want || (exit == 0) != (want != "") || strings.Count(out, "agave-validator 400") > 1 || strings.Contains(errs, "read error") != (want == "") {
			t.Errorf("attempt %s breaks: exit %d: %q, want %q; it said %q", attempts, exit, out, want, errs)
		}
	}
}
