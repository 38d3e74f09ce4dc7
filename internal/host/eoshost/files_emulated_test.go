package eoshost

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/lab/eos/device"
	"bisc/internal/lab/eos/front"
	"bisc/layers"
	"bisc/modules"
)

// onFlash is a file that must have a content; seen is what its proof sees, where the test lies.
type onFlash struct {
	path, content string
	was           string
	lie           func() bool
}

func (f onFlash) Plan(ctx context.Context, h host.Reader) (c modules.Change, err error) {
	_, there, err := host.StatIfThere(ctx, h, f.path)
	if err != nil {
		return c, err
	}
	text, was := []byte(nil), host.Absent
	if there {
		if text, err = h.ReadFile(ctx, f.path); err != nil {
			return c, err
		}
		was = host.ContentDigest(text)
	}
	if f.lie != nil && f.lie() {
		text = []byte("not what was put there")
	}
	if c.Differ("content", string(text), f.content) {
		c.Do(host.Put{Path: f.path, Content: []byte(f.content), Mode: 0o755, Was: cmp.Or(f.was, was)})
	}
	return c, nil
}

// flash is a folder with a file that has a content; "" has none.
func flash(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "relay")
	if content != "" {
		fatal(t, os.WriteFile(name, []byte(content), 0o755))
	}
	return name
}

// holds reads a file and what lies beside it.
func holds(t *testing.T, name string) (content string, beside int) {
	t.Helper()
	all, err := os.ReadDir(filepath.Dir(name))
	fatal(t, err)
	b, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		return "", len(all)
	}
	fatal(t, err)
	return string(b), len(all) - 1
}

func TestFilesOnTheEmulator(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("the new relay\n", 800)
	for name, old := range map[string]string{"a file": "old", "no file": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, path := emulate(t, device.Options{}), flash(t, old)
			o := e.apply(t.Context(), onFlash{path: path, content: big}, route)
			if got, beside := holds(t, path); o.State != layers.Changed || got != big || beside > 0 || !has(e.dev.Startup(), route.line) {
				t.Errorf("%s: %v; %d bytes, %d files beside it", o.State, o.Err, len(got), beside)
			}
		})
		t.Run(name+", and the change is not proved", func(t *testing.T) {
			t.Parallel()
			e, path := emulate(t, device.Options{}), flash(t, old)
			o := e.apply(t.Context(), onFlash{path: path, content: big, lie: func() bool { return true }}, route)
			if got, beside := holds(t, path); o.State != layers.Failed || got != old || beside > 0 || has(e.dev.Running(), route.line) {
				t.Errorf("%s: %v; %q, %d files beside it", o.State, o.Err, got, beside)
			}
		})
		t.Run(name+" alone, not proved", func(t *testing.T) {
			t.Parallel()
			e, path := emulate(t, device.Options{}), flash(t, old)
			o := e.apply(t.Context(), onFlash{path: path, content: "new", lie: func() bool { return true }})
			if got, beside := holds(t, path); o.State != layers.Failed || got != old || beside > 0 || !strings.Contains(o.Err.Error(), "is back") {
				t.Errorf("%s: %v; %q, %d files beside it", o.State, o.Err, got, beside)
			}
			if e.heard["configure session bisc-"+e.cfg.Run+"-1"] > 0 {
				t.Error("a session was opened for a file")
			}
		})
	}
	t.Run("what is there is not what was planned", func(t *testing.T) {
		t.Parallel()
		e, path := emulate(t, device.Options{}), flash(t, "old")
		o := e.apply(t.Context(), onFlash{path: path, content: "new", was: "0000"}, route)
		if got, beside := holds(t, path); got != "old" || beside > 0 || o.State != layers.Stale || has(e.dev.Running(), route.line) {
			t.Errorf("%s: %v; %q, %d files beside it", o.State, o.Err, got, beside)
		}
	})
}

func TestAFileIsPutOnceAStage(t *testing.T) {
	e, path := emulate(t, device.Options{}), flash(t, "old")
	o := e.apply(t.Context(), onFlash{path: path, content: "new"}, onFlash{path: path, content: "newer"})
	if got, beside := holds(t, path); got != "old" || beside > 0 || o.State != layers.Failed {
		t.Errorf("%s: %v; %q, %d files beside it", o.State, o.Err, got, beside)
	}
}

// TestARevertedFileIsNoLongerRun: what runs from the new file ends with it, so that ProcMgr starts the old; what runs from the old
// lives on.
func TestARevertedFileIsNoLongerRun(t *testing.T) {
	sleep, err := os.ReadFile("/bin/sleep")
	fatal(t, err)
	e, path := emulate(t, device.Options{}), flash(t, string(sleep)+"old")
	run := func() (*exec.Cmd, chan error) {
		c := exec.Command(path, "300")
		fatal(t, c.Start())
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		return c, ended
	}
	old, oldEnded := run()
	defer old.Process.Kill()
	var fresh chan error
	o := e.apply(t.Context(), onFlash{path: path, content: string(sleep) + "new", lie: func() bool {
		if b, err := os.ReadFile(path); err == nil && strings.HasSuffix(string(b), "new") && fresh == nil {
			_, fresh = run()
		}
		return true
	}})
	if o.State != layers.Failed || fresh == nil {
		t.Fatalf("%s: %v", o.State, o.Err)
	}
	select {
	case <-fresh:
	case <-time.After(time.Minute):
		t.Error("what runs from the new file was not ended within a minute")
	}
	select {
	case err := <-oldEnded:
		t.Errorf("what runs from the old file was ended: %v", err)
	default:
	}
}

// TestFaultF29_LinkCutAtEveryFile: the link is cut at each command that brings, places or removes a file. File and configuration are
// both old or both new, and nothing lies beside the file.
func TestFaultF29_LinkCutAtEveryFile(t *testing.T) {
	t.Parallel()
	whole, path := emulate(t, device.Options{}), flash(t, "old")
	if o := whole.apply(t.Context(), onFlash{path: path, content: "new"}, route); o.State != layers.Changed {
		t.Fatal(o.Err)
	}
	n := 0
	for _, l := range whole.front.Log().Lines() {
		if strings.HasPrefix(l, "bash sudo") {
			n++
		}
	}
	for i := range n {
		for _, when := range []front.Moment{front.Unheard, front.Unanswered} {
			if (i+len(when))%2 == 0 && os.Getenv("BISC_FAULTS") != "all" {
				continue
			}
			t.Run(fmt.Sprint(i, " ", when), func(t *testing.T) {
				t.Parallel()
				e, path := emulate(t, device.Options{}), flash(t, "old")
				fatal(t, e.faults(front.Faults{Trips: []front.Trip{{Match: "^bash sudo", Skip: i, Do: front.Cut, When: when}}}))
				o := e.apply(t.Context(), onFlash{path: path, content: "new"}, route)
				e.pass(time.Hour)
				got, beside := holds(t, path)
				inForce := has(e.dev.Running(), route.line)
				if inForce != (got == "new") || !inForce && got != "old" || beside > 0 && o.State != layers.Failed || e.left() != "" {
					t.Errorf("%s: %v; in force: %v, file %q, %d beside it, %s\n%s", o.State, o.Err, inForce, got, beside, e.left(), e.book.String())
				}
				if done := o.State == layers.Changed; done && !inForce {
					t.Errorf("%s, and it is not in force", o.State)
				}
			})
		}
	}
}
