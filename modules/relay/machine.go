package relay

import (
	"context"
	"fmt"
	"regexp"

	"bisc/internal/host"
)

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
