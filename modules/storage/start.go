package storage

import (
	"fmt"
	"slices"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// startLimit is for a mount that replays its journal or waits for its units; systemd's own limit is 90 s.
const startLimit = 2 * time.Minute

// start adds the steps that mount a point as the boot does. A unit that is older than the fstab is made anew first: the
// line itself is right, or an edit of it came before.
func (s pointSeen) start(c *modules.Change, target string, more ...host.Guard) {
	if s.unit.NeedReload && len(c.Steps) == 0 {
		c.Do(daemonReload())
	}
	step := startUnit(s.table, target)
	step.Guards = append(step.Guards, more...)
	c.Do(step)
}

// startUnit mounts by the unit, so that what it requires comes first. What the point lies on must still be what the plan
// saw, else it would be mounted out of sight or on the wrong file system. A validator that lives may have its files open in
// the plain folder, in ignorance of the missing mount: to mount over it would hide them (incident 9, the other way round).
func startUnit(t Table, target string) host.Script {
	s := host.Script{Argv: []string{"systemctl", "start", "--", MountUnit(target)}, Limit: startLimit, Guards: []host.Guard{host.ValidatorStopped()}}
	if on, err := t.Under(target); err == nil {
		s.Guards = append(s.Guards, host.StandsOn(on.Target, on.Dev))
	}
	return s
}

// uncover mounts once more what a mount of a folder above has covered. systemd takes the unit for active, so it is mount(8)
// that is asked, and it reads the fstab line. The mount below cannot be taken away from under the cover, and hurts nobody.
func uncover(c *modules.Change, w wanted, t Table, target string) {
	over, err := t.Visible(target)
	if err != nil {
		c.Refuse("covered by", err.Error(), "(nothing)", "the mount table has no root")
		return
	}
	got := fmt.Sprintf("%s at %s", over, over.Target)
	if why := w.waits(t, target); why != "" {
		c.Refuse("covered by", got, "(nothing)", why)
		return
	}
	c.Differ("covered by", got, "(nothing)")
	c.Do(host.Script{Argv: []string{"mount", "-o", "X-mount.mkdir", "--", target}, Limit: startLimit,
		Guards: []host.Guard{host.ValidatorStopped(), host.StandsOn(over.Target, over.Dev)}})
}

// waits says for what wanted mount point above target it must wait, empty where all are there. One that another mount
// covers is not: what is mounted on the cover would go with it, and keeps it from going.
func (w wanted) waits(t Table, target string) string {
	for _, p := range w.points {
		if p != target && within(target, p) {
			if why := t.lacks(p); why != "" {
				return why
			}
		}
	}
	return ""
}

// lacks says what a wanted mount point that others lie on lacks, empty where it is mounted and not covered.
func (t Table) lacks(point string) string {
	switch _, mounted, err := t.At(point); {
	case err != nil || !mounted:
		return "it waits for " + point + ", which is not mounted yet"
	case t.coveredAt(point):
		return "it waits for " + point + ", which another mount covers"
	}
	return ""
}

// zfsOrder says where the next boot would cover a mount: ZFS mounts its datasets from one service, over what is there.
func zfsOrder(c *modules.Change, w wanted, t Table, target string, requires []string) {
	const service = "zfs-mount.service"
	on, err := t.Under(target)
	if err != nil || on.Type != "zfs" || w.orderedAfter(target, requires, service) {
		return
	}
	c.Diffs = append(c.Diffs, modules.Diff{Attr: "requires", Got: "nothing orders it after " + service, Want: service, Boot: true,
		Why: on.Target + " is a ZFS dataset, which the next boot may mount over it: add " + service + " to requires"})
}

// lineOptions gives the options of an fstab line: as written, then nofail, then the units.
func lineOptions(options []string, critical bool, requires []string) []string {
	out := slices.Clone(options)
	if len(out) == 0 {
		out = []string{"defaults"}
	}
	if !critical {
		out = append(out, "nofail")
	}
	for _, u := range requires {
		out = append(out, requiresOption+u)
	}
	return out
}
