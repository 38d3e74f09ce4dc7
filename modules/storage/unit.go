package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"

	"bisc/internal/host"
	"bisc/modules"
)

// unitProperties is asked of every unit alike, so that the transport can ask for all units of a host at once.
const unitProperties = "Id,LoadState,ActiveState,UnitFileState,NeedDaemonReload,FragmentPath,Requires,After"

// unitSeen is what systemd knows of a unit.
type unitSeen struct {
	Name                        string
	LoadState, ActiveState      string
	UnitFileState, FragmentPath string
	NeedReload                  bool
	Requires, After             []string
}

// MountUnit is the name of the unit that systemd makes of a mount point: /srv/solana -> srv-solana.mount.
func MountUnit(target string) string { return unit.UnitNamePathEscape(target) + ".mount" }

// askUnit asks systemd for a unit. A unit that is not there answers too, with LoadState=not-found.
func askUnit(ctx context.Context, h host.Reader, name string) (u unitSeen, err error) {
	out, err := h.Query(ctx, "systemctl", "show", "-p", unitProperties, "--", name)
	if err != nil {
		return u, fmt.Errorf("asking systemd for %s: %w", name, err)
	}
	p := map[string]string{}
	for line := range strings.Lines(string(out.Stdout)) {
		k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		p[k] = v
	}
	if out.Exit != 0 || p["LoadState"] == "" {
		return u, fmt.Errorf("asking systemd for %s: no answer (exit status %d): %s", name, out.Exit, firstLine(out.Stderr))
	}
	requires, errRequires := modules.SystemdList(p["Requires"])
	after, errAfter := modules.SystemdList(p["After"])
	if err := errors.Join(errRequires, errAfter); err != nil {
		return u, fmt.Errorf("asking systemd for %s: %w", name, err)
	}
	return unitSeen{Name: name, LoadState: p["LoadState"], ActiveState: p["ActiveState"], UnitFileState: p["UnitFileState"],
		FragmentPath: p["FragmentPath"], NeedReload: p["NeedDaemonReload"] == "yes",
		Requires: requires, After: after}, nil
}

func firstLine(b []byte) string {
	s, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	return s
}

// lacks gives those of the units wanted that the unit does not both require and start after.
func (u unitSeen) lacks(want []string) []string {
	var out []string
	for _, w := range want {
		if !slices.Contains(u.Requires, w) || !slices.Contains(u.After, w) {
			out = append(out, w)
		}
	}
	return out
}

func daemonReload() host.Step {
	return host.Script{Argv: []string{"systemctl", "daemon-reload"}}
}
