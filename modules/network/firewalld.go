package network

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bisc/internal/host"
)

// firewalld is what its daemon has, in force and on disk.
type firewalld struct {
	running          bool
	runtime, written firewalldSide
}

// firewalldSide is zones and policies by name.
type firewalldSide struct{ zones, policies map[string]section }

// section is a zone or a policy as firewall-cmd lists it: words by key.
type section map[string][]string

// firewalldOff is firewall-cmd's exit status where the daemon does not run.
const firewalldOff = 252

// lookAtFirewalld asks its daemon. Where firewalld is not installed it does not run.
func lookAtFirewalld(ctx context.Context, h host.Reader) (f firewalld, err error) {
	out, err := h.Query(ctx, "firewall-cmd", "--state")
	if errors.Is(err, host.ErrNoProgram) || err == nil && out.Exit == firewalldOff {
		return f, nil
	}
	if err == nil && out.Exit != 0 {
		err = &host.ExitError{Argv: []string{"firewall-cmd", "--state"}, Exit: out.Exit, Stderr: out.Stderr}
	}
	if err != nil {
		return f, fmt.Errorf("ask firewalld whether it runs: %w", err)
	}
	f.running = true
	list := func(into *map[string]section, words ...string) func(context.Context) error {
		return func(ctx context.Context) error {
			text, err := ask(ctx, h, append([]string{"firewall-cmd"}, words...)...)
			*into = parseSections(text)
			return err
		}
	}
	return f, host.Ask(ctx,
		list(&f.runtime.zones, "--list-all-zones"), list(&f.runtime.policies, "--list-all-policies"),
		list(&f.written.zones, "--permanent", "--list-all-zones"), list(&f.written.policies, "--permanent", "--list-all-policies"))
}

// parseSections reads names at the margin, "(active)" after some, and "  key: words" below them.
func parseSections(text string) map[string]section {
	out := map[string]section{}
	var in section
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.TrimSpace(line) == "" || line[0] == '\t': // a rich rule, below its key
		case line[0] != ' ':
			name, _, _ := strings.Cut(line, " ")
			in = section{}
			out[name] = in
		case in != nil:
			key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
			in[key] = strings.Fields(value)
		}
	}
	return out
}

// target is a zone's or policy's, without the signs that firewalld writes around one: %%REJECT%%.
func (s section) target() string { return strings.Trim(strings.Join(s["target"], " "), "%") }

// zoneOf is the zone in which an interface is; empty for none.
func (f firewalldSide) zoneOf(iface string) string {
	for name, z := range f.zones {
		if slices.Contains(z["interfaces"], iface) {
			return name
		}
	}
	return ""
}
