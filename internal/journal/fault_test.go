package journal

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bisc/layers"
)

// The tests of this file run the test binary once more as a controller of its own; job says which.
const jobVariable = "BISC_JOURNAL_TEST_JOB"

func TestMain(m *testing.M) {
	jobs := map[string]func(path string) error{"die": jobDie, "write": jobWrite, "full": jobFull, "read-only": jobReadOnly}
	name, path, ok := strings.Cut(os.Getenv(jobVariable), ":")
	if !ok {
		os.Exit(m.Run())
	}
	if err := jobs[name](path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func job(t *testing.T, name, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), jobVariable+"="+name+":"+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// jobDie records an intent and waits for the kill that comes before its result.
func jobDie(path string) error {
	ctx := context.Background()
	j, err := Open(ctx, path)
	if err != nil {
		return err
	}
	l, err := j.Begin(ctx, Run{ID: "20260801-120000-dead", Started: noon})
	if err != nil {
		return err
	}
	for _, name := range []string{"settled", "in the air"} {
		id, err := l.Intend(ctx, step(name, noon))
		if err != nil {
			return err
		}
		if name == "settled" {
			err = l.Settle(ctx, id, layers.Result{State: layers.Done, At: noon})
		}
		if err != nil {
			return err
		}
	}
	fmt.Println("intended")
	_, err = io.Copy(io.Discard, os.Stdin) // until killed
	return err
}

// F4: a controller that is killed between intent and result leaves an intent whose result is unknown.
func TestKilledBeforeTheResult(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	cmd := job(t, "die", path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "intended\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	j := reopen(t, path)
	info, acts, err := j.Run(t.Context(), "dead")
	if err != nil {
		t.Fatal(err)
	}
	if len(acts) != 2 || acts[0].State != layers.Done || acts[1].State != layers.UnknownResult || acts[1].Step != "in the air" || !info.Ended.IsZero() {
		t.Errorf("%+v of %+v", acts, info)
	}
	if err := j.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	begin(t, j, "20260801-130000-next", noon) // and the next run goes on
}

const writes = 100

// jobWrite is one of several controllers that use one journal.
func jobWrite(path string) error {
	ctx := context.Background()
	j, err := Open(ctx, path)
	if err != nil {
		return err
	}
	defer j.Close()
	l, err := j.Begin(ctx, Run{ID: NewRunID() + fmt.Sprint(os.Getpid()), Started: time.Now()})
	if err != nil {
		return err
	}
	for i := range writes {
		id, err := l.Intend(ctx, step(fmt.Sprint(i), time.Now()))
		if err != nil {
			return err
		}
		if err := l.Settle(ctx, id, layers.Result{State: layers.Done, At: time.Now()}); err != nil {
			return err
		}
	}
	return l.End(ctx, 0, "")
}

// Two applies at once, on different hosts, share the journal: from its making on, both write everything, and the chain
// is one.
func TestSeveralProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bisc", "journal.db")
	cmds := []*exec.Cmd{job(t, "write", path), job(t, "write", path), job(t, "write", path)}
	for _, c := range cmds {
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range cmds {
		if err := c.Wait(); err != nil {
			t.Errorf("a writer: %v", err)
		}
	}
	j := reopen(t, path)
	runs, err := j.Runs(t.Context(), 0)
	if err != nil || len(runs) != len(cmds) {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	for _, r := range runs {
		_, acts, err := j.Run(t.Context(), r.ID)
		if err != nil || len(acts) != writes || r.Ended.IsZero() {
			t.Errorf("run %s: %d acts, %v", r.ID, len(acts), err)
		}
	}
	if err := j.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// ownMounts lets a job mount in a namespace of its own, as root or not.
func ownMounts(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}}
	}
}

// F9: where an intent cannot be recorded, Intend says so, and what was recorded before is still there.
func TestDiskFull(t *testing.T)           { faultyDisk(t, "full") }
func TestFileSystemReadOnly(t *testing.T) { faultyDisk(t, "read-only") }

func faultyDisk(t *testing.T, name string) {
	t.Helper()
	cmd := job(t, name, t.TempDir())
	ownMounts(cmd)
	if err := cmd.Run(); err != nil {
		t.Error(err)
	}
}

func mountSmall(folder string) (*Journal, *RunLog, error) {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return nil, nil, fmt.Errorf("making mounts private: %w", err)
	}
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=512k"); err != nil {
		return nil, nil, fmt.Errorf("mounting a small file system: %w", err)
	}
	j, err := Open(context.Background(), filepath.Join(folder, "journal.db"))
	if err != nil {
		return nil, nil, err
	}
	l, err := j.Begin(context.Background(), Run{ID: "r", Started: noon})
	return j, l, err
}

func jobFull(folder string) error {
	ctx := context.Background()
	j, l, err := mountSmall(folder)
	if err != nil {
		return err
	}
	big := step(strings.Repeat("x", 20_000), noon)
	good := 0
	for good < 1000 {
		if _, err = l.Intend(ctx, big); err != nil {
			break
		}
		good++
	}
	if err == nil || good == 0 {
		return fmt.Errorf("%d intents on a disk of 512k: %v", good, err)
	}
	if _, err := l.Intend(ctx, big); err == nil {
		return fmt.Errorf("an intent on a full disk")
	}
	return recorded(j, good)
}

func jobReadOnly(folder string) error {
	ctx := context.Background()
	j, l, err := mountSmall(folder)
	if err != nil {
		return err
	}
	if _, err := l.Intend(ctx, step("before", noon)); err != nil {
		return err
	}
	if err := j.Close(); err != nil { // an open file keeps a file system from becoming read-only
		return err
	}
	if err := syscall.Mount("", folder, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=512k"); err != nil {
		return fmt.Errorf("remounting: %w", err)
	}
	if j, err := Open(ctx, filepath.Join(folder, "journal.db")); err == nil {
		if _, err := j.Begin(ctx, Run{ID: "s", Started: noon}); err == nil {
			return fmt.Errorf("a run began on a read-only file system")
		}
	}
	return nil
}

// recorded tells whether exactly the intents that were acknowledged are there.
func recorded(j *Journal, want int) error {
	_, acts, err := j.Run(context.Background(), "r")
	if err != nil || len(acts) != want {
		return fmt.Errorf("%d acts are recorded, %d were acknowledged: %v", len(acts), want, err)
	}
	return j.Verify(context.Background())
}
