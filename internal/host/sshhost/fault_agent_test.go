package sshhost

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bisc/internal/faults"
	"bisc/internal/host"
)

// TestFaultF10_PowerCut replays what the agent asks of the kernel, with the power cut after each call and anything lost that
// was not synced: a file is old or new, and new once the agent has said so; and where it is new, what it replaced is kept.
func TestFaultF10_PowerCut(t *testing.T) {
	old, later := "old\n", strings.Repeat("new content\n", 30_000)
	for name, start := range map[string]map[string]string{"over an old file": {"file": old}, "where there is none": {}, "beside leftovers": {"file": old, ".bisc-tmp-0-aa-file": "half"}} {
		t.Run(name, func(t *testing.T) {
			p := trace(t, start, func(f *far, token uint64, path string) error {
				return f.put(token, path, later, "", "", keeping{"folder", `{"path":"file"`})
			})
			outcomes, was := 0, p.had[p.path]
			_, existed := p.had[p.path]
			faults.PowerCuts(p.had, p.acts, func(done int, files map[string]string) {
				outcomes++
				got, there := files[p.path]
				isOld, isNew := there == existed && got == was, there && got == later
				if !isOld && !isNew {
					t.Errorf("I1: cut after %q: %d bytes of neither (there: %v)", p.acts[:done], len(got), there)
				}
				if done == len(p.acts) && !isNew {
					t.Errorf("cut after the agent's answer: the new file is lost (there: %v, %d bytes)", there, len(got))
				}
				if record, kept := files[p.kept+".json"]; isNew && (!kept || !strings.HasSuffix(record, "}\n") || existed && files[p.kept] != old) {
					t.Errorf("cut after %q: the file is new, and what it replaced is not kept: %q %q", p.acts[:done], record, files[p.kept])
				}
			})
			t.Logf("%d calls, %d outcomes", len(p.acts), outcomes)
			if len(p.acts) < 12 {
				t.Errorf("only %q was traced", p.acts)
			}
		})
	}
}

// traced is an act with all that it asked of the kernel.
type traced struct {
	acts       []faults.Act
	had        map[string]string // by path: the content before
	path, kept string
}

// trace does an act on a file of a folder that holds the files of start.
func trace(t *testing.T, start map[string]string, act func(f *far, token uint64, path string) error) traced {
	t.Helper()
	top, prefix := t.TempDir(), filepath.Join(t.TempDir(), "trace")
	at, dir := place{filepath.Join(top, "run"), filepath.Join(top, "state")}, filepath.Join(top, "etc")
	p := traced{had: map[string]string{}, path: filepath.Join(dir, "file"), kept: filepath.Join(at.state, "kept", "folder", "1")}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range start {
		name = filepath.Join(dir, name)
		p.had[name] = content
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first := startFar(t, at, time.Minute)
	first.lock() // so that the lock's own folders are there
	_ = first.in.Close()
	first.gone("its input has ended")
	f := startFar(t, at, time.Minute, faults.Strace(prefix)...)
	if err := act(f, f.lock(), p.path); err != nil {
		t.Fatal(err)
	}
	for _, a := range f.acts(prefix, top) {
		if !slices.Contains([]string{"lock", "token", "token.new"}, filepath.Base(a.Path)) {
			p.acts = append(p.acts, a)
		}
	}
	return p
}

// TestFaultF10_PowerCutRemoval: a file that was removed stays so, and what it was is kept.
func TestFaultF10_PowerCutRemoval(t *testing.T) {
	p := trace(t, map[string]string{"file": "old\n"}, func(f *far, token uint64, path string) error {
		return f.step(token, path, "", nothing, "", "", keeping{"folder", `{"path":"file"`})
	})
	faults.PowerCuts(p.had, p.acts, func(done int, files map[string]string) {
		got, there := files[p.path]
		if there && (got != "old\n" || done == len(p.acts)) {
			t.Errorf("cut after %q: %q is there", p.acts[:done], got)
		}
		if record := files[p.kept+".json"]; !there && (!strings.HasSuffix(record, "}\n") || files[p.kept] != "old\n") {
			t.Errorf("cut after %q: the file is gone, and not kept: %q %q", p.acts[:done], record, files[p.kept])
		}
	})
}

// acts ends a traced agent and reads its trace.
func (f *far) acts(prefix, dir string) []faults.Act {
	f.t.Helper()
	_ = f.in.Close()
	f.gone("its input has ended")
	acts, err := faults.ReadActs(prefix, dir)
	if err != nil {
		f.t.Fatal(err)
	}
	return acts
}

// TestFaultF10_PowerCutToken: a token that was given out is never given out again.
func TestFaultF10_PowerCutToken(t *testing.T) {
	at, prefix := newPlace(t), filepath.Join(t.TempDir(), "trace")
	if first := startFar(t, at, time.Minute).lock(); first != 1 {
		t.Fatalf("the first token is %d", first)
	}
	if err := os.RemoveAll(at.run); err != nil { // as a boot does
		t.Fatal(err)
	}
	f := startFar(t, at, time.Minute, faults.Strace(prefix)...)
	if second := f.lock(); second != 2 {
		t.Fatalf("the second token is %d", second)
	}
	path := filepath.Join(at.state, "token")
	acts := f.acts(prefix, at.state)
	faults.PowerCuts(map[string]string{path: "1\n"}, acts, func(done int, files map[string]string) {
		if got := files[path]; got != "2\n" && (got != "1\n" || done == len(acts)) {
			t.Errorf("I1: cut after %q: the token is %q", acts[:done], got)
		}
	})
	if len(acts) < 5 {
		t.Errorf("only %q was traced", acts)
	}
}

// TestFaultF14_OneWriter: the second comer is told who holds the lock; when the holder's input ends the lock is free.
func TestFaultF14_OneWriter(t *testing.T) {
	at := newPlace(t)
	first := startFar(t, at, time.Minute)
	token := first.lock()
	second := startFar(t, at, time.Minute)
	if got := second.tryLock(); !strings.HasPrefix(got, "held ") || !strings.Contains(got, fmt.Sprintf(`"token":%d}`, token)) {
		t.Fatalf("the second comer got %q", got)
	}
	s := second.answer(second.run(flagKept, time.Minute, "", "true"))
	if s.kind != frameNot || !errors.Is(notDone(s.text), host.ErrFenced) {
		t.Errorf("a step without the lock: %+v", s)
	}
	_ = first.in.Close()
	first.gone("its input has ended")
	if got := second.lock(); got != token+1 {
		t.Errorf("token %d after %d", got, token)
	}
}

// TestFaultF15_TokenFences: a holder whose lock was cleared away and taken by another changes nothing any more.
func TestFaultF15_TokenFences(t *testing.T) {
	at := newPlace(t)
	first := startFar(t, at, time.Minute)
	token := first.lock()
	if err := os.Remove(filepath.Join(at.run, "lock")); err != nil {
		t.Fatal(err)
	}
	second := startFar(t, at, time.Minute)
	if got := second.lock(); got != token+1 {
		t.Errorf("token %d after %d: two holders could not be told apart", got, token)
	}
	dir := t.TempDir()
	s := first.answer(first.run(flagKept, time.Minute, "", "touch", filepath.Join(dir, "script")))
	if s.kind != frameNot || !errors.Is(notDone(s.text), host.ErrFenced) {
		t.Errorf("a script of the first: %+v", s)
	}
	if err := first.put(token, filepath.Join(dir, "put"), "x", "", "", keeping{}); !errors.Is(err, host.ErrFenced) {
		t.Errorf("a put of the first: %v", err)
	}
	if err := second.put(token+1, filepath.Join(dir, "ours"), "x", "", "", keeping{}); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(dir + "/*"); err != nil || len(left) != 1 {
		t.Errorf("%q was written, %v", left, err)
	}
}

// TestFaultF15_Silence: an agent that hears nothing ends a question, lets a step end while it keeps the lock, and then goes.
func TestFaultF15_Silence(t *testing.T) {
	at := newPlace(t)
	f := startFar(t, at, 5*time.Second)
	f.lock()
	dir := t.TempDir()
	ended, asks := filepath.Join(dir, "ended"), filepath.Join(dir, "asks")
	f.run(0, time.Minute, "", "sh", "-c", `echo $$ >"$1.new"; mv "$1.new" "$1"; exec sleep 1000`, "sh", asks)
	f.run(flagKept, time.Minute, "", "sh", "-c", `while [ -d "${1%/*}" ] && [ ! -e "$1.go" ]; do sleep 0.02; done; touch "$1"`, "sh", ended)
	awaitFile(t, asks)
	pid, err := os.ReadFile(asks)
	if err != nil {
		t.Fatal(err)
	}
	awaitGone(t, "/proc/"+strings.TrimSpace(string(pid))) // the silence is over when the question is killed
	if got := startFar(t, at, time.Minute).tryLock(); !strings.HasPrefix(got, "held ") {
		t.Errorf("while the step runs the lock is %q", got)
	}
	if err := os.WriteFile(ended+".go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f.gone("it heard nothing for five seconds")
	if _, err := os.Stat(ended); err != nil {
		t.Errorf("the step did not end: %v", err)
	}
	startFar(t, at, time.Minute).lock()
}

// TestFaultF15_LimitOfAStep: a program ends at its limit, and so the lock it keeps.
func TestFaultF15_LimitOfAStep(t *testing.T) {
	f := startFar(t, newPlace(t), time.Minute)
	f.lock()
	for _, flags := range []byte{0, flagKept} {
		if s := f.answer(f.run(flags, 300*time.Millisecond, "", "sleep", "1000")); s.status != limitOver {
			t.Errorf("flags %d: %+v, want the end of the limit", flags, s)
		}
	}
}

// TestPutLooksAgain: what is there by then, and what arrived, decide.
func TestPutLooksAgain(t *testing.T) {
	f := startFar(t, newPlace(t), time.Minute)
	token := f.lock()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, was := range []string{host.Absent, host.ContentDigest([]byte("ours"))} {
		if err := f.put(token, name, "new", was, "", keeping{}); !errors.Is(err, host.ErrChanged) {
			t.Errorf("was %.12s: %v, want ErrChanged", was, err)
		}
	}
	if err := f.put(token, name, "new", "", host.ContentDigest([]byte("other")), keeping{}); err == nil || !strings.Contains(err.Error(), "not what was sent") {
		t.Errorf("another digest: %v", err)
	}
	if b, err := os.ReadFile(name); err != nil || string(b) != "theirs" {
		t.Errorf("%q %v", b, err)
	}
	if err := f.put(token, name, "new", host.ContentDigest([]byte("theirs")), host.ContentDigest([]byte("new")), keeping{}); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Dir(name) + "/.bisc*"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func awaitFile(t *testing.T, name string) { await(t, name, true) }
func awaitGone(t *testing.T, name string) { await(t, name, false) }

// await looks until a file is there, or is not.
func await(t *testing.T, name string, there bool) {
	t.Helper()
	for end := time.Now().Add(farLimit); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(name); there == (err == nil) {
			return
		}
	}
	t.Fatalf("%s: there %v is waited for in vain", name, there)
}
