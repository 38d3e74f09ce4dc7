package systemd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/files"
)

// runs tells whether something is to be stopped before the file goes. Where the file is gone already and systemd still
// has a unit of that name loaded, that is another file's.
func (o observed) runs() bool {
	up := o.state.Active != "" && o.state.Active != "inactive" && o.state.Active != "failed"
	return up && (o.file.Exists || o.state.Load != "loaded" || o.state.NeedReload)
}

// removal says what stands between the host and no such unit. What runs is stopped only where nothing else stops with it.
func (u *Unit) removal(o observed, closure []string) modules.Change {
	var c modules.Change
	if o.runs() {
		others := slices.DeleteFunc(slices.Clone(closure), func(name string) bool { return name == u.Name })
		if len(others) > 0 || len(precious(closure, u.wantedMounts)) > 0 || strings.HasSuffix(u.Name, ".slice") {
			c.Refuse("active", o.state.activity(), "inactive", "stopping it would stop more than itself: "+strings.Join(closure, ", "))
			return c
		}
		c.Differ("active", o.state.activity(), "inactive")
		c.Destroy("what runs in " + u.Name)
		c.Do(host.Script{Argv: []string{"systemctl", "stop", "--", u.Name}, Guards: []host.Guard{spare(o.state, closure, u.wantedMounts), host.StopsOnly(u.Name)}})
	}
	c.Steps = append(c.Steps, linkChange(&c, u.Name, o.links, install{})...)
	rm := files.Removal(u.Path(), o.file)
	c.Diffs, c.Steps, c.Destroys = append(c.Diffs, bootHalf(rm.Diffs)...), append(c.Steps, rm.Steps...), append(c.Destroys, rm.Destroys...)
	if len(rm.Steps) > 0 {
		c.Do(daemonReload())
	} else if o.state.NeedReload {
		c.Differ("loaded", "files changed since systemd read them", "(none)")
		c.Do(daemonReload())
	}
	return c
}

func bootHalf(diffs []modules.Diff) []modules.Diff {
	for i := range diffs {
		diffs[i].Boot = true
	}
	return diffs
}

func daemonReload() host.Step { return host.Script{Argv: []string{"systemctl", "daemon-reload"}} }

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

// stopClosure is every unit that would stop with this one, itself included.
func stopClosure(ctx context.Context, h host.Reader, unit string) ([]string, error) {
	out, err := h.Query(ctx, host.StopClosure.Argv(unit)...)
	if err != nil {
		return nil, fmt.Errorf("ask what hangs on %s: %w", unit, err)
	}
	closure := strings.Fields(string(out.Stdout))
	if out.Exit != 0 || len(closure) == 0 {
		return nil, fmt.Errorf("ask what hangs on %s: %w", unit, &host.ExitError{Argv: []string{"systemctl"}, Exit: out.Exit, Stderr: out.Stderr})
	}
	return closure, nil
}
