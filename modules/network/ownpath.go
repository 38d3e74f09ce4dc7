package network

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// askOperators gives the far ends of the SSH connections that the host has now, bisc's own among them: who would be cut off
// by a route, rule or address that covers them. The port is the one that an sshd listens at.
func askOperators(ctx context.Context, h host.Reader) ([]netip.Addr, error) {
	out, err := h.Query(ctx, "ss", "-H", "-t", "-n", "-p")
	if err != nil {
		return nil, fmt.Errorf("ask who is connected by SSH: %w", err)
	}
	if out.Exit != 0 {
		return nil, &host.ExitError{Argv: []string{"ss"}, Exit: out.Exit, Stderr: out.Stderr}
	}
	var all []netip.Addr
	for line := range strings.Lines(string(out.Stdout)) {
		words := strings.Fields(line)
		if len(words) < 6 || words[0] != "ESTAB" || !strings.Contains(words[5], `"sshd`) {
			continue
		}
		if far, err := netip.ParseAddrPort(words[4]); err == nil && !far.Addr().Unmap().IsLoopback() {
			all = append(all, far.Addr().Unmap().WithZone(""))
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all), nil
}

// covers says in the plan that a change touches the way to an operator. Each change of this package is armed anyway; this is
// for whoever approves it.
func covers(c *modules.Change, operators []netip.Addr, p netip.Prefix) {
	if len(c.Steps) == 0 || !p.IsValid() {
		return
	}
	var far []string
	for _, a := range operators {
		if p.Contains(a) {
			far = append(far, a.String())
		}
	}
	if len(far) > 0 {
		c.Cuts = "the network's configuration; it covers the way to " + strings.Join(far, ", ") + ", by which somebody is logged in now"
	}
}
