package storage

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"bisc/internal/host"
	"bisc/modules"
)

// busy asks who uses a mounted file system beside the mount itself and those that go with it. It is asked only where a
// mount is to go.
func busy(ctx context.Context, h host.Reader, t Table, m Mounted) ([]string, error) {
	out, err := h.Query(ctx, host.Busy.Argv(append([]string{m.Dev.String()}, going(t, m)...)...)...)
	if err != nil {
		return nil, fmt.Errorf("asking who uses %s: %w", m.Target, err)
	}
	if out.Exit != 0 {
		return nil, fmt.Errorf("asking who uses %s: %s", m.Target, firstLine(out.Stderr))
	}
	var uses []string
	for line := range strings.Lines(string(out.Stdout)) {
		uses = append(uses, strings.TrimSuffix(line, "\n"))
	}
	return uses, nil
}

// leaving asks who uses a mount that is to go, and which devices are wanted at the mount points that would go with it.
func (s *pointSeen) leaving(ctx context.Context, h host.Reader, w wanted, m Mounted) (uses []string, err error) {
	var mu sync.Mutex
	if s.devices == nil {
		s.devices = map[string]host.DeviceID{}
	}
	ask := []func(context.Context) error{func(ctx context.Context) (err error) { uses, err = busy(ctx, h, s.table, m); return err }}
	for _, p := range w.shared(s.table.GoesWith(m), m.Target) {
		source := w.device(p)
		if source == "" {
			continue
		}
		ask = append(ask, func(ctx context.Context) error {
			st, missing, err := statPath(ctx, h, source)
			if err == nil && !missing && st.Type == host.Block {
				mu.Lock()
				defer mu.Unlock()
				s.devices[p] = st.Rdev
			}
			return err
		})
	}
	return uses, host.Ask(ctx, ask...)
}

// going gives the mount points, as mountinfo writes them, of m and of what goes with it.
func going(t Table, m Mounted) []string {
	out := []string{escape(m.Target)}
	for _, p := range t.GoesWith(m) {
		out = append(out, escape(p))
	}
	return out
}

// unmounting is what is known of a mount that stands where it should not.
type unmounting struct {
	table  Table
	mount  Mounted
	uses   []string
	wanted wanted
	// devices are those that are wanted at the mount points that would go with the mount, where the plan names one.
	devices map[string]host.DeviceID
	// last tells that no other mount is left at the mount point, so that systemd will call the unit stopped.
	last bool
}

// why says why the mount must stay, empty where it may go.
func (u unmounting) why() string {
	target := u.mount.Target
	for _, g := range u.table.Going(u.mount) {
		switch wanted := len(u.wanted.shared([]string{g.Target}, target)) > 0; {
		case wanted && !u.strays(g):
			return "unmounting it would propagate to " + g.Target + ", which is wanted: the two share a peer group"
		case g.Dev != u.mount.Dev:
			return "unmounting it would propagate to " + g.Target + ", which is another file system: " + g.String()
		}
	}
	if below := u.below(); len(below) > 0 {
		return "mounts stand on it: " + strings.Join(below, ", ")
	}
	if len(u.uses) > 0 {
		return "it is in use: " + strings.Join(u.uses[:min(len(u.uses), 5)], "; ")
	}
	if target == "/" || u.mount.Type == "zfs" {
		return "bisc does not unmount " + u.mount.Type + " at " + target
	}
	return ""
}

// strays tells whether a mount at a wanted mount point, which would go with this one, is a copy that propagation has put
// over the wanted one: it shows what this one shows, stands on another mount at the same point, and is not of the device
// that is wanted there. Where the plan names no device nothing proves it.
func (u unmounting) strays(g Mounted) bool {
	want, known := u.devices[g.Target]
	_, stacked := u.table.beneath(g)
	return known && stacked && g.Dev != want && g.Dev == u.mount.Dev && g.Root == u.mount.Root
}

// below gives the mounts that stand on this one, or on a copy that goes with it.
func (u unmounting) below() []string {
	goes := map[int]bool{u.mount.ID: true}
	for _, g := range u.table.Going(u.mount) {
		goes[g.ID] = true
	}
	var out []string
	for _, m := range u.table {
		if goes[m.Parent] && !goes[m.ID] {
			out = append(out, m.Target)
		}
	}
	return out
}

// step unmounts, once it is proved on the host that nothing uses the mount, that no validator lives, and that systemd
// stops nothing with it.
func (u unmounting) step() host.Step {
	guards := []host.Guard{host.ValidatorStopped(), host.StandsOn(u.mount.Target, u.mount.Dev), host.MountFree(u.mount.Dev, going(u.table, u.mount)...)}
	if u.last {
		guards = append(guards, host.StopsOnly(MountUnit(u.mount.Target)))
	}
	return host.Script{Argv: []string{"umount", "--", u.mount.Target}, Guards: guards}
}

// remove adds the step and what is lost, or the diff that says why it is left alone; it tells whether it goes.
func (u unmounting) remove(c *modules.Change, attr, want string) bool {
	return u.removeAs(c, attr, u.mount.String(), want)
}

// removeAs is remove with other words for what is there.
func (u unmounting) removeAs(c *modules.Change, attr, got, want string) bool {
	if why := u.why(); why != "" {
		c.Refuse(attr, got, want, why)
		return false
	}
	c.Differ(attr, got, want)
	c.Do(u.step())
	lost := fmt.Sprintf("the mount of %s at %s", u.mount, strings.Join(append([]string{u.mount.Target}, u.table.GoesWith(u.mount)...), " and "))
	if u.mount.Type == "tmpfs" || u.mount.Type == "ramfs" {
		lost += ", with all that is in it"
	}
	c.Destroy(lost)
	return true
}
