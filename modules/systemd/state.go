// Package systemd has the kinds that are systemd's: unit, drop_in, timer and service.
package systemd

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// Properties is what is asked of every unit. It is one list for all kinds, because questions with the same list are put
// to the host as one command.
func Properties() []string {
	return []string{
		"Id", "LoadState", "LoadError", "ActiveState", "SubState", "Result", "UnitFileState", "FragmentPath", "DropInPaths",
		"NeedDaemonReload", "Type", "RemainAfterExit", "MainPID", "ExecMainStatus", "ExecMainStartTimestamp",
		"ActiveEnterTimestamp", "ExecStart", "ExecStop", "ExecStopPost", "EnvironmentFiles", "Conflicts", "ConflictedBy",
	}
}

// ShowArgv is the question for one unit. Times come in UTC with microseconds, whatever zone the host keeps.
func ShowArgv(unit string) []string {
	return []string{"systemctl", "show", "--timestamp=us+utc", "-p", strings.Join(Properties(), ","), "--", unit}
}

// State is what systemd tells of a unit.
type State struct {
	Name   string
	Load   string // loaded, not-found, masked, bad-setting, error
	Active string // active, inactive, failed, activating, deactivating, reloading, maintenance
	Sub    string
	// FileState is enabled, disabled, static, masked, generated, indirect...; empty when there is no file.
	FileState string
	Fragment  string
	DropIns   []string
	// Conflicts is the units that this one stops when it starts, and ConflictedBy those that say so of this one.
	Conflicts, ConflictedBy []string
	NeedReload              bool // files on disk are not what systemd has loaded
	MainPID                 int
	Started                 time.Time // of the main process; zero when none ever ran
	Entered                 time.Time // when it last became active
	props                   map[string][]string
	rivals                  []rival // asked only where the unit is to be started
}

// Prop is a property as systemctl prints it, its lines joined by newlines.
func (s State) Prop(name string) string { return strings.Join(s.props[name], "\n") }

// conflicts gives the units that the start of this one stops: Conflicts= works both ways.
func (s State) conflicts() []string {
	all := slices.Concat(s.Conflicts, s.ConflictedBy)
	slices.Sort(all)
	return slices.Compact(all)
}

// Show asks systemd about a unit. A unit that is not there is an answer (Load not-found); systemd not answering is an
// error. The name must be valid and no template's: one bad name spoils the answer for all.
func Show(ctx context.Context, h host.Reader, unit string) (State, error) {
	out, err := h.Query(ctx, ShowArgv(unit)...)
	if err != nil {
		return State{}, fmt.Errorf("ask systemd about %s: %w", unit, err)
	}
	if out.Exit != 0 {
		return State{}, fmt.Errorf("ask systemd about %s: %w", unit, &host.ExitError{Argv: []string{"systemctl"}, Exit: out.Exit, Stderr: out.Stderr})
	}
	return ParseState(unit, string(out.Stdout))
}

// ParseState reads what systemctl show prints: NAME=VALUE a line, a name again for each further value.
func ParseState(unit, text string) (State, error) {
	s := State{Name: unit, props: map[string][]string{}}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\n"), "="); ok {
			s.props[name] = append(s.props[name], value)
		}
	}
	s.Load, s.Active, s.Sub = s.Prop("LoadState"), s.Prop("ActiveState"), s.Prop("SubState")
	if s.Load == "" || s.Active == "" {
		return s, fmt.Errorf("ask systemd about %s: the answer has no LoadState or no ActiveState", unit)
	}
	s.FileState, s.Fragment = s.Prop("UnitFileState"), s.Prop("FragmentPath")
	for name, list := range map[string]*[]string{"DropInPaths": &s.DropIns, "Conflicts": &s.Conflicts, "ConflictedBy": &s.ConflictedBy} {
		words, err := modules.SystemdList(s.Prop(name))
		if err != nil {
			return s, fmt.Errorf("ask systemd about %s: %s: %w", unit, name, err)
		}
		*list = words
	}
	s.NeedReload = s.Prop("NeedDaemonReload") == "yes"
	s.MainPID, _ = strconv.Atoi(s.Prop("MainPID")) // not a service: no such property, 0
	var err error
	if s.Started, err = parseTime(s.Prop("ExecMainStartTimestamp")); err != nil {
		return s, fmt.Errorf("ask systemd about %s: %w", unit, err)
	}
	if s.Entered, err = parseTime(s.Prop("ActiveEnterTimestamp")); err != nil {
		return s, fmt.Errorf("ask systemd about %s: %w", unit, err)
	}
	return s, nil
}

func parseTime(text string) (time.Time, error) {
	if text == "" || text == "n/a" {
		return time.Time{}, nil
	}
	t, err := time.Parse("Mon 2006-01-02 15:04:05.999999 MST", text)
	if err != nil {
		return t, fmt.Errorf("a time that is none: %w", err)
	}
	return t, nil
}

// Programs is the paths that ExecStart runs, out of "{ path=/usr/sbin/sshd ; argv[]=... }".
func (s State) Programs() []string {
	var out []string
	for _, line := range s.props["ExecStart"] {
		if _, rest, ok := strings.Cut(line, "path="); ok {
			p, _, _ := strings.Cut(rest, " ; ")
			out = append(out, p)
		}
	}
	return out
}

// EnvironmentFiles is the paths without their "(ignore_errors=yes)".
func (s State) EnvironmentFiles() []string {
	var out []string
	for _, line := range s.props["EnvironmentFiles"] {
		if p, _, _ := strings.Cut(line, " (ignore_errors="); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// Running tells whether the unit is up, now or in a moment's reload.
func (s State) Running() bool { return s.Active == "active" || s.Active == "reloading" }

// activity is the state as a person reads it: failed with its reason.
func (s State) activity() string {
	switch s.Active {
	case "failed":
		if status := s.Prop("ExecMainStatus"); status != "" && status != "0" {
			return fmt.Sprintf("failed (%s, status %s)", s.Prop("Result"), status)
		}
		return fmt.Sprintf("failed (%s)", s.Prop("Result"))
	case "activating", "deactivating":
		return fmt.Sprintf("%s (%s)", s.Active, s.Sub)
	}
	return s.Active
}
