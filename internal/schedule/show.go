package schedule

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Show tells how a schedule stands, in a line; with units also the texts of its units.
func (y System) Show(ctx context.Context, name string, units bool) (string, error) {
	timer, err := y.properties(ctx, Timer(name), "ActiveState", "UnitFileState", "NextElapseUSecRealtime", "NextElapseUSecMonotonic", "LastTriggerUSec")
	if err != nil {
		return "", err
	}
	service, err := y.properties(ctx, Service(name), "ActiveState", "Result", "ExecMainStatus", "ExecMainExitTimestamp")
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: timer %s, %s; ", name, timer["ActiveState"], timer["UnitFileState"])
	switch {
	case service["ActiveState"] == "activating":
		b.WriteString("a round is at work")
	case service["ExecMainExitTimestamp"] == "":
		b.WriteString("no round since the last boot")
	default:
		fmt.Fprintf(&b, "the last round ended %s, exit %s (%s)", service["ExecMainExitTimestamp"], service["ExecMainStatus"], service["Result"])
	}
	if next := timer["NextElapseUSecRealtime"]; next != "" {
		fmt.Fprintf(&b, "; next %s", next)
	}
	b.WriteString("\n")
	for _, unit := range []string{Service(name), Timer(name)} {
		b.WriteString(y.fileLine(unit, units))
	}
	return b.String(), nil
}

// fileLine says whose a unit's file is, and what is in it.
func (y System) fileLine(unit string, whole bool) string {
	file := filepath.Join(y.Dir, unit)
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Sprintf("  %s: %v\n", file, err)
	}
	what := [...]string{ours: "as bisc wrote it", edited: "edited by hand since", foreign: "not written by bisc"}[ownerOf(string(text))]
	out := fmt.Sprintf("  %s: %s\n", file, what)
	if dropIns, err := filepath.Glob(file + ".d/*.conf"); err == nil && len(dropIns) > 0 {
		out += "    with drop-ins: " + strings.Join(dropIns, ", ") + "\n"
	}
	if whole {
		out += "\n    " + strings.ReplaceAll(strings.TrimRight(string(text), "\n"), "\n", "\n    ") + "\n\n"
	}
	return out
}

func (y System) properties(ctx context.Context, unit string, names ...string) (map[string]string, error) {
	args := []string{"show", "--property=" + strings.Join(names, ","), "--", unit}
	if y.PerUser {
		args = append([]string{"--user"}, args...)
	}
	out, err := exec.CommandContext(ctx, "systemctl", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("asking systemd about %s: %w", unit, err)
	}
	of := map[string]string{}
	for line := range strings.Lines(string(out)) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
		of[k] = v
	}
	return of, nil
}
