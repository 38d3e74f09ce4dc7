package agave

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bisc/hostbin/letexit"
	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/kindtest"
)

// TestMain lets the test's own program stand in for agave-validator under its name: a validator, and what asks one to exit.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "agave-validator" {
		standIn(os.Args[1:])
		return
	}
	os.Exit(m.Run())
}

// standIn does what agave does with --ledger L (it ignores SIGTERM, exits when asked on L/admin.rpc, logs that), and with
// --ledger L exit --force: it asks for the pid that the validator calls itself, asks it to exit, and waits for that pid to go.
func standIn(args []string) {
	socket := filepath.Join(args[1], "admin.rpc")
	if len(args) > 2 && args[2] == "exit" {
		c, err := net.Dial("unix", socket)
		if err != nil {
			fmt.Println("Error: admin socket:", err)
			os.Exit(1)
		}
		var pid int
		_, _ = fmt.Fprintln(c, "exit")
		_ = json.NewDecoder(c).Decode(&pid)
		fmt.Println("Exit request sent")
		for syscall.Kill(pid, 0) == nil {
			time.Sleep(10 * time.Millisecond)
		}
		return
	}
	signal.Ignore(syscall.SIGTERM)
	l, err := net.Listen("unix", socket)
	if err != nil {
		panic(err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			panic(err)
		}
		_ = json.NewEncoder(c).Encode(os.Getpid())
		if _, err := os.Stat(filepath.Join(args[1], "stubborn")); err == nil {
			continue
		}
		_ = os.WriteFile(filepath.Join(args[1], "log"), []byte("Validator exiting..\n"), 0o644)
		os.Exit(0)
	}
}

// livingValidator starts one as the first process of a process namespace, as in its container, and tells its ledger and identity.
func livingValidator(t *testing.T) (ledger string, seen Process) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// A socket's path has at most 108 bytes.
	ledger, err = os.MkdirTemp("", "l")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(ledger) })
	program := filepath.Join(ledger, "agave-validator")
	if out, err := exec.Command("cp", self, program).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.Command("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", program, "--ledger", ledger)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() { _ = cmd.Wait(); close(gone) }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-gone
		for pid := range ours(ledger) { // what asks, where it outlived what it asks
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", cmd.Process.Pid))
		_, err := os.Stat(filepath.Join(ledger, "admin.rpc"))
		if pid, e := strconv.Atoi(strings.TrimSpace(string(children))); e == nil && err == nil {
			return ledger, Process{PID: pid, Start: startOf(t, pid), Name: "agave-validator", State: Running, Whose: Own}
		}
		if time.Now().After(end) {
			t.Fatal("the stand-in did not start: this test needs root and unshare")
		}
	}
}

func startOf(t *testing.T, pid int) uint64 {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	start, err := strconv.ParseUint(fields[19], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return start
}

// asked does the step of validator_exit for a process.
func asked(t *testing.T, p Process) (said string, exit int) {
	t.Helper()
	c, err := ValidatorExitKind.New("x").(*ValidatorExit).decide(Proof{State: Running, Processes: []Process{p}}, watchSeen{}, "")
	if err != nil || len(c.Steps) != 2 {
		t.Fatalf("%v: %s", err, kindtest.Print(c))
	}
	argv := c.Steps[0].(host.Script).Command()
	cmd := exec.Command(argv[0], argv[1:]...)
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

// ours are the processes whose command line names the ledger.
func ours(ledger string) map[int]string {
	out := map[int]string{}
	names, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range names {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if b, _ := os.ReadFile(name); bytes.Contains(b, []byte(ledger)) {
			out[pid] = strings.ReplaceAll(string(b), "\x00", " ")
		}
	}
	return out
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// TestIncident7_ItIsAskedByItsSocket: agave is PID 1 of its container and has no handler for SIGTERM. It is asked by its own program,
// which waits for the process that the validator calls 1: outside its namespace that is systemd, and it would wait for ever.
func TestIncident7_ItIsAskedByItsSocket(t *testing.T) {
	t.Parallel()
	ledger, seen := livingValidator(t)
	if err := syscall.Kill(seen.PID, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if out, exit := asked(t, seen); exit != 0 {
		t.Fatalf("exit %d: %s", exit, out)
	}
	until(t, "the validator and what asked it end", func() bool { return len(ours(ledger)) == 0 })
	if log, err := os.ReadFile(filepath.Join(ledger, "log")); err != nil || !strings.Contains(string(log), "Validator exiting") {
		t.Errorf("no clean exit: %q %v", log, err)
	}
	if out, exit := asked(t, seen); exit != 0 || out != "" {
		t.Errorf("asked again when it is gone: exit %d: %s", exit, out)
	}
}

// TestExitAsksWhatWasSeen: a pid is used again; a stubborn one is asked twice without harm; one that cannot be asked says why.
func TestExitAsksWhatWasSeen(t *testing.T) {
	t.Parallel()
	ledger, seen := livingValidator(t)
	other := seen
	other.Start++
	if out, exit := asked(t, other); exit != 0 || out != "" {
		t.Errorf("another process of that pid: exit %d: %s", exit, out)
	}
	if got := ours(ledger); len(got) != 2 { // unshare, and it
		t.Fatalf("another process was asked: %v", got)
	}
	if err := os.WriteFile(filepath.Join(ledger, "stubborn"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if out, exit := asked(t, seen); exit != 0 {
			t.Errorf("a stubborn one: exit %d: %s", exit, out)
		}
	}
	if got := startOf(t, seen.PID); got != seen.Start {
		t.Error("the stubborn one has gone")
	}
	if err := os.Remove(filepath.Join(ledger, "admin.rpc")); err != nil {
		t.Fatal(err)
	}
	if out, exit := asked(t, seen); exit != 1 || !strings.Contains(out, "could not be asked to exit") || !strings.Contains(out, "admin socket") {
		t.Errorf("its socket is gone: exit %d: %s", exit, out)
	}
}

// TestExitAsksWithoutRoom: where there is no room to keep what it says who asks, it is asked all the same; where it cannot be, that is said.
func TestExitAsksWithoutRoom(t *testing.T) {
	ledger, seen := livingValidator(t)
	bin := t.TempDir()
	if err := os.WriteFile(bin+"/mktemp", []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	socket := filepath.Join(ledger, "admin.rpc")
	if err := os.Rename(socket, socket+"2"); err != nil {
		t.Fatal(err)
	}
	if out, exit := asked(t, seen); exit != 1 || !strings.Contains(out, "could not be asked to exit") || !strings.Contains(out, "could not be kept") {
		t.Errorf("its socket is gone: exit %d: %s", exit, out)
	}
	if err := os.Rename(socket+"2", socket); err != nil {
		t.Fatal(err)
	}
	if out, exit := asked(t, seen); exit != 0 || out != "" {
		t.Errorf("exit %d: %s", exit, out)
	}
	until(t, "the validator and what asked it end", func() bool { return len(ours(ledger)) == 0 })
	if info, err := os.Stat("/dev/null"); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		t.Fatalf("/dev/null is gone: %v %v", info, err)
	}
}

// TestExitAsksOneThatEndsWithWhoAsks: the first process of a namespace kills all others of it as it ends, who asks it among them, and is there
// until they are collected: here by one that is stopped. It was asked all the same. It is a shell, since one with threads may be seen
// as a zombie meanwhile.
func TestExitAsksOneThatEndsWithWhoAsks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(dir, "agave-validator")
	for _, argv := range [][]string{{"cp", "/bin/sh", program}, {"mkfifo", dir + "/socket"}} {
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	first := func(of *exec.Cmd) (pid int) {
		t.Helper()
		if err := of.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = of.Process.Signal(syscall.SIGCONT); _ = of.Process.Kill(); _ = of.Wait() })
		until(t, "it has a child", func() bool {
			children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", of.Process.Pid))
			pid, _ = strconv.Atoi(strings.TrimSpace(string(children)))
			return pid > 0
		})
		return pid
	}
	pid := first(exec.Command("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", program, "-c", `read line <"$1"`, "x", dir+"/socket"))
	until(t, "it is the stand-in", func() bool { at, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); return at == program })
	// Its program is replaced: the new one asks, and waits.
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho exit >"+dir+"/socket\nsleep 600\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	held := exec.Command("nsenter", "-t", strconv.Itoa(pid), "-p", "--", "sleep", "600")
	first(held)
	if err := held.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	seen := Process{PID: pid, Start: startOf(t, pid), Name: "agave-validator", State: Running, Whose: Own}
	if out, exit := asked(t, seen); exit != 0 || out != "" {
		t.Errorf("exit %d: %s", exit, out)
	}
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err != nil || !strings.Contains(string(stat), ") S ") {
		t.Errorf("it has gone, so this test shows nothing: %s %v", stat, err)
	}
}

// TestExitIsOneMechanism: what systemd runs before docker stops is the same text.
func TestExitIsOneMechanism(t *testing.T) {
	plan, err := os.ReadFile("../../plans/biscayne/let-validator-exit.sh")
	if err != nil {
		t.Fatal(err)
	}
	if string(plan) != letexit.Script {
		t.Error("plans/biscayne/let-validator-exit.sh is not hostbin/letexit/let-validator-exit.sh: copy the one over the other")
	}
}

// TestExitDecides: whom it asks, what it waits for, and that it never gives up before the grace is over (incident 5).
func TestExitDecides(t *testing.T) {
	two := []Process{{PID: 7, Start: 70, Name: "agave-validator", State: Running, Whose: Own}, {PID: 8, Start: 80, Name: "agave-validator", State: Exiting, Whose: Own}}
	staying, going := []Pod{{UID: "u", Name: "p", Node: "n"}}, []Pod{{UID: "u", Name: "p", Node: "n", Deleting: true}, {UID: "v", Name: "q"}}
	stuck := []Process{{PID: 7, Start: 70, Name: "agave-validator", State: Stuck, Whose: Own, Why: "it was killed", Threads: []Thread{{TID: 9, State: "D", Where: "x", For: 4 * time.Second}}}}
	for situation, c := range map[string]struct {
		proof Proof
		watch watchSeen
		log   string
		want  []string
		not   string
	}{
		"stopped":                              {proof: Proof{State: Stopped}, want: []string{"in sync"}},
		"stopped, it ended itself hard":        {proof: Proof{State: Stopped}, log: "Validator exit requested\nWARN agave_validator::admin_rpc_service] validator exit timeout\n", want: []string{"in sync"}},
		"stopped, a clean log":                 {proof: Proof{State: Stopped}, log: "a\nValidator exiting..\n", want: []string{"in sync"}},
		"incident 7: it was shot":              {proof: Proof{State: Stopped}, log: "a\nslot 5\n", want: []string{"now clean exit: slot 5 -> Validator exiting", "it was killed, or it crashed"}, not: "step:"},
		"two live":                             {proof: prove(evidence{processes: two}), want: []string{"[let-validator-exit] 7 70\n", "[let-validator-exit] 8 80\n", "run true", "settle: 5m0s", "2 processes live; process 7", "kills nothing"}},
		"replicas are wanted":                  {proof: prove(evidence{processes: two, replicas: 1}), want: []string{"the kubelet starts the validator again"}},
		"the API does not answer":              {proof: prove(evidence{processes: two, api: host.ErrNoAPI}), want: []string{"nobody is asked", "| the API: the Kubernetes API does not answer"}, not: "step:"},
		"its pod is not being deleted yet":     {proof: prove(evidence{processes: two, pods: staying}), want: []string{"settle: 5m0s", "it is asked when its pod is being deleted"}, not: "step:"},
		"its pod is, and the watch is at work": {proof: prove(evidence{processes: two, pods: going}), want: []string{"settle: 5m0s"}, not: "step:"},
		"its pod is, and the watch is not":     {proof: prove(evidence{processes: two, pods: going}), watch: watchSeen{start: []host.Step{host.Script{Argv: []string{"start"}}}}, want: []string{"step: run start\n"}, not: "[let-validator-exit]"},
		"which pods it has is not known":       {proof: prove(evidence{processes: two, unclear: errors.New("no match")}), want: []string{"nobody is asked"}, not: "step:"},
		"its hook asks":                        {proof: Proof{State: Exiting, Processes: []Process{two[0], {PID: 9, Start: 90, State: Exiting, Whose: Own, Why: itAsks}}}, want: []string{"[let-validator-exit] 7 70", "run true"}, not: "9 90"},
		"stuck for 4 s":                        {proof: prove(evidence{processes: stuck}), want: []string{"[let-validator-exit] 7 70", "settle: 5m0s", "way out 1: wait"}, not: "the power off"},
		"only the pod is left":                 {proof: prove(evidence{pods: []Pod{{UID: "u", Name: "p", Deleting: true}}}), want: []string{"step: run true", "settle: 5m0s", "yet to let go"}},
	} {
		got, err := ValidatorExitKind.New("x").(*ValidatorExit).decide(c.proof, c.watch, c.log)
		text := kindtest.Print(got)
		for _, w := range c.want {
			if err != nil || !strings.Contains(text, w) {
				t.Errorf("%s: %v\n%s\nwant %q", situation, err, text, w)
			}
		}
		if c.not != "" && strings.Contains(text, c.not) {
			t.Errorf("%s:\n%s\nwant no %q", situation, text, c.not)
		}
		if !got.InSync() && c.proof.State != Stopped && !got.Mendable() {
			t.Errorf("%s: it is not waited for:\n%s", situation, text)
		}
	}
	if c, err := ValidatorExitKind.New("x").(*ValidatorExit).decide(Proof{State: Unknown, Reason: "r"}, watchSeen{}, ""); err == nil {
		t.Errorf("unknown: %s", kindtest.Print(c))
	}
}

// TestExitReadsTheLog asks for the log's end only when there is a validator that it saw alive, and that is stopped, and a log to read: one that
// was killed a week ago keeps nobody from a runbook that begins with a stop.
func TestExitReadsTheLog(t *testing.T) {
	for situation, c := range map[string]struct {
		text   string
		exit   int
		err    error
		before string // the process table's reading at the first look
		want   string
	}{
		"it was down before":    {text: "slot 5\n", before: "-", want: "in sync"},
		"it ended by itself":    {text: "slot 5\n", before: ending, want: "now clean exit: slot 5"},
		"it tells a clean exit": {text: "Validator exiting..\n", want: "in sync"},
		"it does not":           {text: "slot 5\n", want: "now clean exit: slot 5"},
		"there is none":         {exit: 3, want: "in sync"},
		"it hangs":              {err: host.ErrStuck, want: "in sync"},
	} {
		w := world{deployment: deploymentJSON(0, 0), pods: list(), processes: strings.Trim(cmp.Or(c.before, alive), "-")}
		v := ValidatorExitKind.New(q.Deployment).(*ValidatorExit)
		v.Kubeconfig, v.Namespace, v.Node, v.Log = q.Kubeconfig, q.Namespace, q.Node, "/log"
		if _, err := v.Plan(t.Context(), w.fake()); err != nil {
			t.Fatal(err)
		}
		w.processes = ""
		f := w.fake()
		f.Answer(c.exit, c.text, host.FileEnd.Argv("/log")...)
		if c.err != nil {
			f.Errors["query reading file-end /log"] = c.err
		}
		got, err := v.Plan(t.Context(), f)
		if err != nil || !strings.Contains(kindtest.Print(got), c.want) {
			t.Errorf("%s: %v\n%s", situation, err, kindtest.Print(got))
		}
	}
}

// In front of what begins a validator's grace only a stuck one is refused: it may thaw in the middle of its writes, and be killed then.
func TestStuckIsNotLetGo(t *testing.T) {
	v := ValidatorStoppedKind.New(q.Deployment).(*ValidatorStopped)
	v.Kubeconfig, v.Namespace, v.Node, v.MayRun = q.Kubeconfig, q.Namespace, q.Node, true
	for processes, refused := range map[string]bool{"": false, alive: false, ending: false, frozen: true} {
		w := world{deployment: deploymentJSON(1, 1), pods: list(), processes: processes}
		if c, err := v.Plan(t.Context(), w.fake()); err != nil || c.InSync() == refused || len(c.Steps) > 0 {
			t.Errorf("%q: %v\n%s", processes, err, kindtest.Print(c))
		}
	}
	for situation, w := range map[string]world{
		"the process table cannot be read": {deployment: deploymentJSON(1, 1), pods: list(), exit: 3},
		"nobody understands it":            {deployment: deploymentJSON(1, 1), pods: list(), processes: "nonsense\n"},
	} {
		if c, err := v.Plan(t.Context(), w.fake()); err == nil {
			t.Errorf("%s, and one may be stuck: %s", situation, kindtest.Print(c))
		}
	}
}

// TestStoppedIsAnInvariant: only the proof holds; unknown is an error, which no override passes; nothing else has a step.
func TestStoppedIsAnInvariant(t *testing.T) {
	v := ValidatorStoppedKind.New(q.Deployment).(*ValidatorStopped)
	v.Kubeconfig, v.Namespace, v.Node = q.Kubeconfig, q.Namespace, q.Node
	gone := world{deployment: deploymentJSON(0, 0), pods: list()}
	for processes, want := range map[string]string{
		"":     "in sync",
		alive:  "why: bisc run stop stops it",
		ending: "why: it ends by itself: wait for it",
		frozen: "why: nothing that bisc does ends it; what is left to do: ",
	} {
		w := gone
		w.processes = processes
		c, err := v.Plan(t.Context(), w.fake())
		if text := kindtest.Print(c); err != nil || !strings.Contains(text, want) || strings.Contains(text, "step:") {
			t.Errorf("%q: %v\n%s\nwant %q", processes, err, text, want)
		}
	}
	w := gone
	w.exit = 3
	if c, err := v.Plan(t.Context(), w.fake()); err == nil {
		t.Errorf("unknown: %s", kindtest.Print(c))
	}
	if _, ok := any(v).(modules.Unpassable); !ok {
		t.Error("--override passes it")
	}
	for what, r := range map[string]modules.Validator{
		"a relative kubeconfig":        &ValidatorStopped{Deployment: "d", Namespace: "n", Kubeconfig: "k"},
		"a Deployment that is a path":  &ValidatorStopped{Deployment: "a/b", Namespace: "n", Kubeconfig: "/k"},
		"no namespace":                 &ValidatorStopped{Deployment: "d", Kubeconfig: "/k"},
		"no grace":                     &ValidatorExit{Deployment: "d", Namespace: "n", Kubeconfig: "/k", ExitLine: "x"},
		"a log that is relative":       &ValidatorExit{Deployment: "d", Namespace: "n", Kubeconfig: "/k", Grace: 3, ExitLine: "x", Log: "l"},
		"any line of the log is clean": &ValidatorExit{Deployment: "d", Namespace: "n", Kubeconfig: "/k", Grace: 3},
	} {
		if err := r.Validate(); err == nil {
			t.Errorf("%s passes", what)
		}
	}
}
