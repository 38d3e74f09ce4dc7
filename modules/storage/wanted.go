package storage

import (
	"slices"

	"bisc/modules"
)

// wanted is what the plan wants beside a resource on the same host.
type wanted struct {
	of       neighbourhood
	points   []string            // mount points
	requires map[string][]string // units required by the mount unit of each point
	sources  map[string]string   // for each point of a mount: its device
	binds    map[string]string   // for each point of a bind: the folder that appears there
	datasets map[string]bool     // that the plan makes
	devices  map[string]madeBy   // file systems that the plan makes, by device
}

// madeBy is what the plan says of the file system on a device.
type madeBy struct {
	fstype string
	unit   string // the unit that makes it at each boot, empty for one that lasts
}

// requirer is a mount point of this package: it knows its unit's requirements.
type requirer interface {
	modules.Mounter
	requirements() []string
}

// neighbourhood tells one list of resources from another without comparing what is in it.
type neighbourhood struct {
	first *modules.Resource
	size  int
}

// learner keeps what it was told.
type learner interface{ learnt() wanted }

func (m *Mount) learnt() wanted      { return m.wanted }
func (b *Bind) learnt() wanted       { return b.wanted }
func (t *Tmpfs) learnt() wanted      { return t.wanted }
func (z *Zvol) learnt() wanted       { return z.wanted }
func (d *ZFSDataset) learnt() wanted { return d.wanted }
func (r *Ramdisk) learnt() wanted    { return r.wanted }

// meet finds what the plan wants on a host. All resources of one list share what the first of them has found: with a
// thousand mounts, a thousand tables of a thousand would be too many.
func meet(all []modules.Resource) wanted {
	if len(all) == 0 {
		return newWanted(all)
	}
	of := neighbourhood{&all[0], len(all)}
	for _, r := range all {
		if l, ok := r.(learner); ok && l.learnt().of == of {
			return l.learnt()
		}
	}
	w := newWanted(all)
	w.of = of
	return w
}

func newWanted(all []modules.Resource) wanted {
	w := wanted{requires: map[string][]string{}, sources: map[string]string{}, binds: map[string]string{}, datasets: map[string]bool{}, devices: map[string]madeBy{}}
	for _, r := range all {
		switch r := r.(type) {
		case *Ramdisk:
			w.devices[r.Device] = madeBy{r.FSType, r.Unit}
		case *Filesystem:
			w.devices[r.Device] = madeBy{fstype: r.Type}
		case *ZFSDataset:
			w.datasets[r.Dataset] = !r.Absent
		case *Mount:
			if !r.Absent {
				w.sources[r.Target] = r.Source
			}
		case *Bind:
			if !r.Absent {
				w.binds[r.Target] = r.Source
			}
		}
	}
	for _, r := range all {
		m, ok := r.(modules.Mounter)
		if !ok || m.MountPoint() == "" {
			continue
		}
		w.points = append(w.points, m.MountPoint())
		if q, ok := r.(requirer); ok {
			w.requires[m.MountPoint()] = q.requirements()
		}
	}
	slices.Sort(w.points)
	w.points = slices.Compact(w.points)
	return w
}

// shared gives those mount points of the list that the plan wants, but for one.
func (w wanted) shared(points []string, but string) []string {
	var out []string
	for _, p := range points {
		if p != but && slices.Contains(w.points, p) {
			out = append(out, p)
		}
	}
	return out
}

// device gives the path of the device whose file system is wanted at a mount point: a mount's source; for a bind, that of
// the mount point in which its source lies. It is empty where something else is wanted there.
func (w wanted) device(point string) string {
	for range w.points { // a bind of a bind of itself has no end
		if source := w.sources[point]; source != "" {
			return source
		}
		folder := w.binds[point]
		if folder == "" {
			return ""
		}
		point = ""
		for _, p := range w.points { // sorted: the innermost comes last
			if within(folder, p) {
				point = p
			}
		}
	}
	return ""
}

// orderedAfter tells whether a unit that requires those given, on a mount point, starts after the unit named: because one
// of them is it, or is the mount unit of another wanted point that does, or because the point lies below such a point.
func (w wanted) orderedAfter(target string, requires []string, name string) bool {
	return w.ordered(target, requires, name, map[string]bool{})
}

func (w wanted) ordered(target string, requires []string, name string, seen map[string]bool) bool {
	if seen[target] {
		return false
	}
	seen[target] = true
	if slices.Contains(requires, name) {
		return true
	}
	for p, its := range w.requires {
		linked := slices.Contains(requires, MountUnit(p)) || p != target && within(target, p)
		if linked && w.ordered(p, its, name, seen) {
			return true
		}
	}
	return false
}
