package system

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"bisc/internal/host"
)

// modinfo is what modinfo(8) tells. Known is false where there is no such program.
type modinfo struct {
	known, exists bool
	builtIn       bool // has no entry in /sys/module where it has no options
	parameters    []string
}

func askModinfo(ctx context.Context, h host.Reader, name string) (modinfo, error) {
	out, err := h.Query(ctx, "modinfo", name)
	if errors.Is(err, host.ErrNoProgram) {
		return modinfo{}, nil
	}
	if err != nil {
		return modinfo{}, fmt.Errorf("modinfo %s: %w", name, err)
	}
	info := modinfo{known: true, exists: out.Exit == 0}
	for line := range strings.Lines(string(out.Stdout)) {
		if rest, ok := strings.CutPrefix(line, "parm:"); ok {
			parameter, _, _ := strings.Cut(strings.TrimSpace(rest), ":")
			info.parameters = append(info.parameters, parameter)
		}
		if rest, ok := strings.CutPrefix(line, "filename:"); ok {
			info.builtIn = strings.TrimSpace(rest) == "(builtin)"
		}
	}
	return info, nil
}
