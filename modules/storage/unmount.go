package storage

import (
	"context"
	"fmt"
	"strings"

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
	// last tells that no other mount is left at the mount point, so that systemd will call the unit stopped.
	last bool
}

// why says why the mount must stay, empty where it may go.
func (u unmounting) why() string {
	target := u.mount.Target
	if with := u.wanted.shared(u.table.GoesWith(u.mount), target); len(with) > 0 {
		return "unmounting it would propagate to " + strings.Join(with, ", ") + ", which is wanted: the two share a peer group"
	}
	for _, p := range u.table.GoesWith(u.mount) {
		if m, _, _ := u.table.At(p); m.Dev != u.mount.Dev {
			return "unmounting it would propagate to " + p + ", which is another file system: " + m.String()
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

func (u unmounting) below() []string {
	var out []string
	for _, m := range u.table {
		if m.Parent == u.mount.ID {
			out = append(out, m.Target)
		}
	}
	return out
}

// step unmounts, once it is proved on the host that nothing uses the mount, that no validator lives, and that systemd
// stops nothing with it.
func (u unmounting) step() host.Step {
	guards := []host.Guard{host.ValidatorGone(), host.StandsOn(u.mount.Target, u.mount.Dev), host.MountFree(u.mount.Dev, going(u.table, u.mount)...)}
	if u.last {
		guards = append(guards, host.StopsOnly(MountUnit(u.mount.Target)))
	}
	return host.Script{Argv: []string{"umount", "--", u.mount.Target}, Guards: guards}
}

// remove adds the step and what is lost, or the diff that says why it is left alone; it tells whether it goes.
func (u unmounting) remove(c *modules.Change, attr, want string) bool {
	got := u.mount.String()
	if why := u.why(); why != "" {
		c.Refuse(attr, got, want, why)
		return false
	}
	c.Differ(attr, got, want)
	c.Do(u.step())
	lost := fmt.Sprintf("the mount of %s at %s", u.mount, u.mount.Target)
	if u.mount.Type == "tmpfs" || u.mount.Type == "ramfs" {
		lost += ", with all that is in it"
	}
	c.Destroy(lost)
	return true
}
