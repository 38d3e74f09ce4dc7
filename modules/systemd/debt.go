package systemd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"bisc/internal/host"
)

// newerFile is a file that was written after a unit's process started.
type newerFile struct {
	path    string
	written time.Time // zero: the program was replaced under the process
}

// String gives the path and the time.
func (n newerFile) String() string {
	if n.written.IsZero() {
		return n.path + " (replaced since)"
	}
	return n.path + " (" + stamp(n.written) + ")"
}

// since is when what runs was started: the main process, or for a socket, which has none, the unit.
func (s State) since() time.Time {
	if s.MainPID > 0 {
		return s.Started
	}
	return s.Entered
}

// owes tells whether a restart can be owed at all: by a process, or by a socket, whose addresses are opened at its
// start. Timers, paths and targets take over what a daemon-reload brings.
func (s State) owes() bool {
	return s.Running() && (s.MainPID > 0 || strings.HasSuffix(s.Name, ".socket")) && !s.since().IsZero()
}

// restartDebt finds what is newer than the process: unit file, drop-ins, environment files and program by their times,
// and the program also by identity, because dpkg gives its files the times of the package's build.
func restartDebt(ctx context.Context, h host.Reader, s State) ([]newerFile, error) {
	if !s.owes() {
		return nil, nil
	}
	paths := slices.Concat([]string{s.Fragment}, s.DropIns, s.EnvironmentFiles(), s.Programs())
	paths = slices.DeleteFunc(paths, func(p string) bool { return !strings.HasPrefix(p, "/") || strings.ContainsAny(p, "*?[") })
	found := make([]newerFile, len(paths)+1)
	questions := make([]func(context.Context) error, len(paths)+1)
	for i, p := range paths {
		questions[i] = func(ctx context.Context) (err error) { found[i], err = writtenSince(ctx, h, s, p); return err }
	}
	questions[len(paths)] = func(ctx context.Context) (err error) {
		found[len(paths)], err = replaced(ctx, h, s.MainPID)
		return err
	}
	if err := host.Ask(ctx, questions...); err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(n newerFile) bool { return n.path == "" })
	return found, nil
}

// writtenSince looks at one file. One that is gone by now is no debt of its own; a drop-in counts only if it says
// something about more than order and conditions.
func writtenSince(ctx context.Context, h host.Reader, s State, name string) (newerFile, error) {
	var st host.Stat
	there, atStart := true, false
	questions := []func(context.Context) error{func(ctx context.Context) (err error) {
		st, err = h.Stat(ctx, name)
		there = err == nil
		return ifThere(err)
	}}
	if slices.Contains(s.DropIns, name) {
		questions = append(questions, func(ctx context.Context) error {
			content, err := h.ReadFile(ctx, name)
			atStart = err == nil && atStartOnly(content)
			return ifThere(err)
		})
	}
	if err := host.Ask(ctx, questions...); err != nil {
		return newerFile{}, fmt.Errorf("look at %s of %s: %w", name, s.Name, err)
	}
	if !there || atStart || !st.ModTime.After(s.since()) {
		return newerFile{}, nil
	}
	return newerFile{name, st.ModTime}, nil
}

// ifThere passes every error but that there is no such file.
func ifThere(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// atStartOnly tells whether a drop-in has nothing outside [Unit] and [Install]: order, conditions, description.
func atStartOnly(content []byte) bool {
	options, err := parse(content)
	if err != nil {
		return false
	}
	for _, o := range options {
		if o.Section != "Unit" && o.Section != "Install" {
			return false
		}
	}
	return true
}

// replaced tells whether the program that the process runs is no longer the file of that name: the kernel marks the
// link of its executable.
func replaced(ctx context.Context, h host.Reader, pid int) (newerFile, error) {
	if pid == 0 {
		return newerFile{}, nil
	}
	st, err := h.Stat(ctx, fmt.Sprintf("/proc/%d/exe", pid))
	if errors.Is(err, fs.ErrNotExist) {
		return newerFile{}, nil // it has ended since systemd answered
	}
	if err != nil {
		return newerFile{}, fmt.Errorf("look at the program of process %d: %w", pid, err)
	}
	if program, gone := strings.CutSuffix(st.Link, " (deleted)"); gone {
		return newerFile{path: program}, nil
	}
	return newerFile{}, nil
}
