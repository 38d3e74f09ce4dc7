package faults

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// File is a file that a plan puts: before an apply it is Old, after it New, and never anything else.
type File struct {
	Address string // of its resource, as the journal has it
	Path    string // on the host
	Old     string // "" is no file
	New     string
}

// Log is a file to which acts append a line each time they are done: what was done twice shows.
type Log struct {
	Path  string
	Lines map[string]string // the line by the act's address; once each after success
}

// Checker looks at a host from outside, without bisc, and tells which of the invariants of executors.md D.3 do not hold. The
// zero value of a field leaves out what it is for.
type Checker struct {
	Root    string // the host's root directory as this machine sees it
	Folder  string // on the host: the plan's own, so that nothing but Files, Log and Marks may be in it
	Files   []File
	Log     Log
	Marks   []string // files that acts leave
	Process *Process // must live on unhurt
}

// Seen is what the controller says of a run: its exit status, and the addresses whose steps its journal intended.
type Seen struct {
	Exit     int
	Intended []string
}

// Faulted gives what does not hold after a run that was disturbed: I1, I3, I4, I9, and that only a finished run is reported
// as one. A line each, with the invariant's number.
func (c Checker) Faulted(seen Seen) []string {
	var wrong []string
	say := func(form string, args ...any) { wrong = append(wrong, fmt.Sprintf(form, args...)) }
	left := 0
	for _, f := range c.Files {
		got, err := c.read(f.Path)
		switch {
		case err != nil:
			say("%s cannot be read: %v", f.Path, err)
		case got != f.Old && got != f.New:
			say("I1: %s is %d bytes of neither", f.Path, len(got))
		case got != f.New:
			left++
		case f.Old != f.New && !slices.Contains(seen.Intended, f.Address):
			say("I3: %s was written, and the journal does not say so", f.Path)
		}
	}
	done := c.done()
	for address, line := range c.Log.Lines {
		switch n := done[line]; {
		case n > 1:
			say("D.2.5: %s was done %d times", address, n)
		case n == 1 && !slices.Contains(seen.Intended, address):
			say("I3: %s was done, and the journal does not say so", address)
		case n == 0:
			left++
		}
	}
	if seen.Exit == 0 && left > 0 {
		say("D.2.7: exit 0, and %d effects are missing", left)
	}
	wrong = append(wrong, c.strange(true)...)
	return append(wrong, c.Process.hurt()...)
}

// Finished gives what does not hold after a run that nothing disturbed: also I2 and I7, and all is done, each act once.
func (c Checker) Finished(seen Seen) []string {
	wrong := c.strange(false)
	for _, f := range c.Files {
		if got, err := c.read(f.Path); err != nil || got != f.New {
			wrong = append(wrong, fmt.Sprintf("I1: %s is not the new file: %d bytes, %v", f.Path, len(got), err))
		}
	}
	done := c.done()
	for address, line := range c.Log.Lines {
		if done[line] != 1 {
			wrong = append(wrong, fmt.Sprintf("D.2.5: %s was done %d times", address, done[line]))
		}
	}
	if seen.Exit != 0 {
		wrong = append(wrong, fmt.Sprintf("exit %d", seen.Exit))
	}
	if held, err := c.Locked(); held || err != nil {
		wrong = append(wrong, fmt.Sprintf("I7: the lock is held: %v %v", held, err))
	}
	return append(wrong, c.Process.hurt()...)
}

// AwaitUnlocked waits until nobody holds the host's lock (I7). A dead controller's is held no longer than its step's limit.
func (c Checker) AwaitUnlocked(limit time.Duration) error {
	for end := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		held, err := c.Locked()
		if err != nil || !held {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("I7: the lock is still held after %s", limit)
		}
	}
}

// Locked tells whether somebody holds the host's lock, by trying to take it from outside.
func (c Checker) Locked() (bool, error) {
	f, err := os.Open(filepath.Join(c.Root, "/run/bisc/lock"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}

// read gives a file's content; none is as an empty one.
func (c Checker) read(path string) (string, error) {
	b, err := os.ReadFile(filepath.Join(c.Root, path))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(b), err
}

// done counts the lines of the log.
func (c Checker) done() map[string]int {
	n := map[string]int{}
	if c.Log.Path == "" {
		return n
	}
	text, _ := c.read(c.Log.Path) // strange finds what cannot be read
	for line := range strings.Lines(text) {
		n[strings.TrimSpace(line)]++
	}
	return n
}

// strange gives what is in the folder and in no plan (I4). A temporary file may be there until the next run (I2).
func (c Checker) strange(temporary bool) []string {
	if c.Folder == "" {
		return nil
	}
	known := append([]string{filepath.Base(c.Log.Path)}, c.Marks...)
	for _, f := range c.Files {
		known = append(known, filepath.Base(f.Path))
	}
	entries, err := os.ReadDir(filepath.Join(c.Root, c.Folder))
	if err != nil {
		return []string{err.Error()}
	}
	var wrong []string
	for _, e := range entries {
		switch ours := strings.HasPrefix(e.Name(), ".bisc-tmp-"); {
		case ours && !temporary:
			wrong = append(wrong, "I2: "+e.Name()+" was left behind")
		case !ours && !slices.Contains(known, e.Name()):
			wrong = append(wrong, "I4: "+e.Name()+" is in no plan")
		}
	}
	return wrong
}
