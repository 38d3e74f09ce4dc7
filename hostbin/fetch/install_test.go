package fetch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Install moves the pair, also where the full is a second name of one that is there already.
func TestInstall(t *testing.T) {
	from, into := t.TempDir(), t.TempDir()
	put(t, into, full(100), kb)
	put(t, into, inc(100, 150), kb)
	if err := os.Link(filepath.Join(into, full(100)), filepath.Join(from, full(100))); err != nil {
		t.Fatal(err)
	}
	put(t, from, inc(100, 190), kb)
	put(t, from, full(50), kb)
	p, err := Install(from, into)
	if err != nil || p.Slot() != 190 {
		t.Fatal(p, err)
	}
	lies(t, into, full(100), inc(100, 150), inc(100, 190))
	lies(t, from, full(50))
	if _, err := Install(t.TempDir(), into); err == nil {
		t.Error("nothing was installed, and nobody said so")
	}
}

// Between two file systems nothing is moved, and what was on both sides is there. The second is in a mount namespace of this
// thread, and goes with it.
func TestInstallAcrossFileSystems(t *testing.T) {
	from, into := t.TempDir(), t.TempDir()
	put(t, from, full(100), kb)
	put(t, from, inc(100, 190), kb)
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with its namespace
		err := errors.Join(unix.Unshare(unix.CLONE_NEWNS), unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""), unix.Mount("tmpfs", into, "tmpfs", 0, "size=1m"))
		if err != nil {
			t.Errorf("make another file system: %v", err)
			return
		}
		put(t, into, full(80), kb)
		if _, err := Install(from, into); err == nil || !strings.Contains(err.Error(), "two file systems") {
			t.Errorf("moved: %v", err)
		}
		lies(t, into, full(80))
	}()
	<-done
	lies(t, from, full(100), inc(100, 190))
}

// Where what has the name already cannot be looked at it stays, as does what would have replaced it.
func TestInstallOverTheUnknown(t *testing.T) {
	from, into := t.TempDir(), t.TempDir()
	put(t, from, full(100), kb)
	if err := os.Symlink(full(100), filepath.Join(into, full(100))); err != nil { // it leads to itself
		t.Fatal(err)
	}
	if _, err := Install(from, into); !errors.Is(err, unix.ELOOP) {
		t.Errorf("moved over it: %v", err)
	}
	if to, err := os.Readlink(filepath.Join(into, full(100))); to != full(100) {
		t.Errorf("it is gone: %v", err)
	}
	lies(t, from, full(100))
}

// Prune removes what was shown, where it may still go, and nothing that a process has open.
func TestPruneRemovesWhatWasShown(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{full(100), inc(100, 150), full(200), inc(200, 250)} {
		put(t, dir, name, kb)
	}
	if _, err := Prune(dir, time.Hour, []string{full(100)}); err == nil {
		t.Error("a file that changed just now went")
	}
	if _, err := Prune(dir, 0, []string{full(200)}); err == nil || !strings.Contains(err.Error(), "may not go") {
		t.Errorf("the newest pair went: %v", err)
	}
	lies(t, dir, full(100), inc(100, 150), full(200), inc(200, 250))
	p, err := Prune(dir, 0, []string{full(100)})
	if err != nil || len(p.Goes) != 1 {
		t.Fatal(p, err)
	}
	lies(t, dir, inc(100, 150), full(200), inc(200, 250))
	reader := holdOpen(t, filepath.Join(dir, inc(100, 150)))
	if p, err = Prune(dir, 0, nil); err != nil || len(p.Goes) != 0 || !strings.Contains(fmt.Sprint(p.Stays), "has it open") {
		t.Errorf("%+v, %v", p, err)
	}
	reader()
	if p, err = Prune(dir, 0, nil); err != nil || len(p.Goes) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	lies(t, dir, full(200), inc(200, 250))
}
