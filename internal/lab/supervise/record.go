package supervise

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// runDir holds a folder for each running lab, named by its outer process' pid and start time.
const runDir = "/run/bisc-lab"

// record is the folder that says what a lab has taken from the machine: zram devices (file "zram", one number a line)
// and control groups (by name). Mounts, processes, network namespaces and loop devices end by themselves.
type record string

func (r record) id() string       { return filepath.Base(string(r)) }
func (r record) hosts() string    { return filepath.Join(string(r), "hosts") }
func (r record) proc() string     { return filepath.Join(string(r), "proc") }
func (r record) zrams() string    { return filepath.Join(string(r), "zram") }
func openRecord(id string) record { return record(filepath.Join(runDir, id)) }

// newRecord starts the record of this process.
func newRecord() (record, error) {
	start, err := StartTime(os.Getpid())
	if err != nil {
		return "", err
	}
	unlock, err := lockRecords()
	if err != nil {
		return "", err
	}
	defer unlock()
	r := openRecord(fmt.Sprintf("%d-%s", os.Getpid(), start))
	for _, dir := range []string{r.hosts(), r.proc(), "/run/systemd/nspawn"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", fmt.Errorf("start the lab's record: %w", err)
		}
	}
	if err := raiseInotify(); err != nil {
		return "", err
	}
	return r, nil
}

// release gives back what the record names and removes it. It is called when no process of the lab lives any more.
func (r record) release() error {
	unlock, err := lockRecords()
	if err != nil {
		return err
	}
	defer unlock()
	return r.releaseLocked()
}

// releaseLocked is release for a caller who holds the records' lock: two who release the same record could remove a
// device that a third had been given in between, under the same number.
func (r record) releaseLocked() error {
	if err := errors.Join(r.releaseZrams(), removeCgroups(r.id())); err != nil {
		return fmt.Errorf("give back what lab %s took: %w", r.id(), err)
	}
	// Not RemoveAll: if a mount were still there it would empty it.
	for _, name := range []string{r.zrams(), r.hosts(), r.proc(), string(r)} {
		if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("remove the lab's record: %w", err)
		}
	}
	return restoreInotify()
}

// Sweep gives back what labs took whose outer process was killed before it could. A lab that lives is left alone.
func Sweep() error {
	unlock, err := lockRecords()
	if err != nil {
		return err
	}
	defer unlock()
	left, _ := filepath.Glob(filepath.Join(runDir, "*-*"))
	var errs []error
	for _, dir := range left {
		if r := record(dir); !r.alive() {
			errs = append(errs, r.releaseLocked())
		}
	}
	return errors.Join(errs...)
}

// alive tells whether the record's process is still the one that wrote it.
func (r record) alive() bool {
	pid, start, _ := strings.Cut(r.id(), "-")
	n, err := strconv.Atoi(pid)
	if err != nil {
		return true // not a name of ours
	}
	now, err := StartTime(n)
	return err == nil && now == start
}

// StartTime returns when a process started, in clock ticks since the machine did: field 22 of stat, and the 20th
// after the program's name, which may hold anything but ends with the last parenthesis. A process that has ended and
// waits for its parent (Z) is an error too: the machine's PID 1 may take seconds to look.
func StartTime(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", fmt.Errorf("read a process' start time: %w", err)
	}
	text := string(stat)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 {
		return "", fmt.Errorf("read a process' start time: %d fields in stat", len(fields))
	}
	if fields[0] == "Z" {
		return "", fmt.Errorf("read a process' start time: process %d has ended", pid)
	}
	return fields[19], nil
}

// lockRecords keeps two labs from starting or ending at the same instant.
func lockRecords() (unlock func(), err error) {
	if err := os.MkdirAll(runDir, 0o755); err != nil {
		return nil, fmt.Errorf("lock the labs' records: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(runDir, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the labs' records: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, fmt.Errorf("lock the labs' records: %w", err)
	}
	return func() { f.Close() }, nil
}

// retry tries until try succeeds or five seconds are over: the kernel takes a dead namespace's mounts and cgroups down
// a moment after its last process.
func retry(try func() error) error {
	limit := time.Now().Add(5 * time.Second)
	for {
		err := try()
		if err == nil || time.Now().After(limit) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}
