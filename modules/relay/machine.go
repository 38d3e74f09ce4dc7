package relay

import (
	"context"
	"fmt"
	"regexp"

	"bisc/internal/host"
)

// digestOf asks the host for the SHA-256 (hex) of a file: a program is too large to be fetched for each look.
func digestOf(ctx context.Context, h host.Reader, name string) (string, error) {
	argv := []string{"sha256sum", "--", name}
	out, err := h.Query(ctx, argv...)
	if err != nil {
		return "", fmt.Errorf("digest of %s: %w", name, err)
	}
	if out.Exit != 0 {
		return "", fmt.Errorf("digest of %s: %w", name, &host.ExitError{Argv: argv, Exit: out.Exit, Stderr: out.Stderr})
	}
	// The line begins with a backslash where the name has one.
	m := regexp.MustCompile(`^\\?([0-9a-f]{64})  `).FindSubmatch(out.Stdout)
	if m == nil {
		return "", fmt.Errorf("digest of %s: sha256sum says %.80q", name, out.Stdout)
	}
	return string(m[1]), nil
}

// machineOf asks for the machine as uname -m names it.
func machineOf(ctx context.Context, h host.Reader) (string, error) {
	out, err := h.Query(ctx, "uname", "-m")
	if err != nil {
		return "", fmt.Errorf("ask for the machine: %w", err)
	}
	m := regexp.MustCompile(`^([0-9a-z_]+)\n$`).FindSubmatch(out.Stdout)
	if out.Exit != 0 || m == nil {
		return "", fmt.Errorf("ask for the machine: uname -m: exit status %d, %.80q", out.Exit, out.Stdout)
	}
	return string(m[1]), nil
}

// short is a digest as a person compares it.
func short(digest string) string { return "sha256:" + digest[:12] }
