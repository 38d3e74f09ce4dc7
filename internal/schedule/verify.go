package schedule

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// verify has systemd read the units before they are written where it will: whatever it complains of is an error here.
func verify(ctx context.Context, perUser bool, texts map[string]string, names []string) error {
	analyze, err := exec.LookPath("systemd-analyze")
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("there is no systemd-analyze on this machine: bisc schedule is for machines with systemd")
	}
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bisc-units-")
	if err != nil {
		return fmt.Errorf("verifying the units: %w", err)
	}
	defer os.RemoveAll(dir)
	args := []string{"verify", "--man=no"}
	if perUser {
		args = append(args, "--user")
	}
	for _, name := range names {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(texts[name]), 0o600); err != nil {
			return fmt.Errorf("verifying the units: %w", err)
		}
		args = append(args, file)
	}
	out, err := exec.CommandContext(ctx, analyze, args...).CombinedOutput()
	said := strings.TrimSpace(about(string(out), names))
	switch {
	case err != nil:
		return fmt.Errorf("systemd does not take the units: %w\n%s", err, strings.TrimSpace(string(out)))
	case said != "":
		return fmt.Errorf("systemd does not take the units:\n%s", said)
	}
	return nil
}

// about keeps what is said of our units: systemd-analyze loads what they name too, and complains of that.
func about(said string, names []string) string {
	var out strings.Builder
	for line := range strings.Lines(said) {
		for _, name := range names {
			if strings.Contains(line, name) {
				out.WriteString(line)
				break
			}
		}
	}
	return out.String()
}

// CheckCalendar has systemd read a calendar expression.
func CheckCalendar(ctx context.Context, expression string) error {
	out, err := exec.CommandContext(ctx, "systemd-analyze", "calendar", "--", expression).CombinedOutput()
	if err != nil {
		return fmt.Errorf("--on-calendar %q: %w: %s (see systemd.time(7))", expression, err, strings.TrimSpace(string(out)))
	}
	return nil
}
