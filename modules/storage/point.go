package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"bisc/internal/host"
)

// point is a mount point that a kind wants, however it comes about: one fstab line and the unit that systemd makes of it.
type point struct {
	line   Line
	absent bool
}

// pointSeen is what was observed of a point in one wave.
type pointSeen struct {
	table    Table
	at       host.Stat // of what is visible at the mount point
	missing  bool      // there is no such path
	fstab    []Line
	noFstab  bool
	unit     unitSeen
	required []unitSeen
	devices  map[string]host.DeviceID // see leaving; asked only where a mount is to go
}

// observe asks everything about the point at once, and more beside it.
func (p point) observe(ctx context.Context, h host.Reader, more ...func(context.Context) error) (s pointSeen, err error) {
	requires := p.line.Requires()
	s.required = make([]unitSeen, len(requires))
	ask := append([]func(context.Context) error{
		func(ctx context.Context) (err error) { s.table, err = readTable(ctx, h); return err },
		func(ctx context.Context) (err error) {
			s.at, s.missing, err = statPath(ctx, h, p.line.Target)
			return err
		},
		func(ctx context.Context) (err error) { s.fstab, s.noFstab, err = readFstab(ctx, h); return err },
		func(ctx context.Context) (err error) {
			s.unit, err = askUnit(ctx, h, MountUnit(p.line.Target))
			return err
		},
	}, more...)
	for i, name := range requires {
		ask = append(ask, func(ctx context.Context) (err error) { s.required[i], err = askUnit(ctx, h, name); return err })
	}
	if err := host.Ask(ctx, ask...); err != nil {
		return s, err
	}
	return s, s.agrees(p.line.Target)
}

// agrees checks that the mount table and stat speak of the same mount: they do not when the path has a symbolic link in
// it, or when something was mounted between the two answers.
func (s pointSeen) agrees(target string) error {
	v, err := s.table.Visible(target)
	if err != nil || s.missing || s.at.MountID == 0 || s.at.MountID == v.ID {
		return err
	}
	return fmt.Errorf("%s: stat sees mount %d and the mount table mount %d (%s): a symbolic link is on the path, or the mounts changed meanwhile",
		target, s.at.MountID, v.ID, v.Target)
}

// none says that nothing is mounted, and which units have failed where systemd knows of some.
func (s pointSeen) none() string {
	var failed []string
	for _, u := range append(slices.Clone(s.required), s.unit) {
		if u.ActiveState == "failed" {
			failed = append(failed, u.Name)
		}
	}
	if len(failed) == 0 {
		return "(none)"
	}
	return "(none), failed: " + strings.Join(failed, ", ")
}

func readTable(ctx context.Context, h host.Reader) (Table, error) {
	content, err := h.ReadFile(ctx, "/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("reading the mount table: %w", err)
	}
	return ParseMounts(content)
}

const fstabPath = "/etc/fstab"

func readFstab(ctx context.Context, h host.Reader) (lines []Line, missing bool, err error) {
	content, err := h.ReadFile(ctx, fstabPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading %s: %w", fstabPath, err)
	}
	return ParseFstab(content), false, nil
}

// statPath tells what stands at a path; a path that is not there is a fact, anything else that stat could not say is not.
func statPath(ctx context.Context, h host.Reader, name string) (st host.Stat, missing bool, err error) {
	st, err = h.Stat(ctx, name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && st.Type == host.Dangling {
		return st, true, nil
	}
	if err != nil {
		return st, false, fmt.Errorf("stat %s: %w", name, err)
	}
	return st, false, nil
}
