package sshhost

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// ErrNoSSH says that there is no ssh program here, so that ssh's configuration is not known.
var ErrNoSSH = errors.New("no ssh program on this machine")

// ResolveSSHConfig asks ssh how it would reach name: its configuration files, Match and Include and all, with OpenSSH's
// defaults where they say nothing (ssh -G: no network). The answer is by keyword in lower case, each with its values in
// ssh's order. file replaces the user's configuration file (ssh -F) unless it is empty; "none" reads no file. A name that
// could be taken for an option is refused.
func ResolveSSHConfig(ctx context.Context, file, name string) (map[string][]string, error) {
	if err := plain(name); err != nil {
		return nil, err
	}
	argv := []string{"-G"}
	if file != "" {
		argv = append(argv, "-F", file)
	}
	cmd := exec.CommandContext(ctx, "ssh", append(argv, "--", name)...)
	cmd.WaitDelay = time.Second
	var said lastWords
	cmd.Stderr = &said
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, ErrNoSSH
	}
	if err != nil {
		return nil, fmt.Errorf("ssh -G %s: %w: %s", name, err, said.line())
	}
	values := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		values[key] = append(values[key], value)
	}
	return values, nil
}
