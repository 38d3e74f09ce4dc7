package storage

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Visible gives the mount in which a path's lookup ends, as the kernel walks: from the root of the namespace, at each
// folder into the mount that stands on it there. The path must be clean and free of symbolic links.
func (t Table) Visible(name string) (Mounted, error) {
	at, err := t.root()
	if err != nil {
		return at, err
	}
	walked := "/"
	for _, part := range strings.Split(strings.Trim(name, "/"), "/") {
		walked = path.Join(walked, part)
		at = t.top(at, walked)
	}
	return at, nil
}

// root gives the visible mount of "/": the one whose parent is not in this namespace, and what is stacked on it.
func (t Table) root() (Mounted, error) {
	i := slices.IndexFunc(t, func(m Mounted) bool {
		return m.Target == "/" && (m.Parent == m.ID || !slices.ContainsFunc(t, func(p Mounted) bool { return p.ID == m.Parent }))
	})
	if i < 0 {
		return Mounted{}, fmt.Errorf("mount table: no root")
	}
	return t.top(t[i], "/"), nil
}

// top follows the mounts stacked on target from the mount at, which holds it. A mount has at most one child on a folder:
// the next one stands on that child. A table that names itself in circles is followed no longer than it is.
func (t Table) top(at Mounted, target string) Mounted {
	for range t {
		i := slices.IndexFunc(t, func(m Mounted) bool { return m.Parent == at.ID && m.ID != at.ID && m.Target == target })
		if i < 0 {
			return at
		}
		at = t[i]
	}
	return at
}

// At gives the mount that is visible at a mount point; ok is false where the path is no mount point.
func (t Table) At(target string) (m Mounted, ok bool, err error) {
	m, err = t.Visible(target)
	return m, err == nil && m.Target == target, err
}

// Under gives the mount that the mount point itself lies in: what is visible at its folder.
func (t Table) Under(target string) (Mounted, error) { return t.Visible(path.Dir(target)) }

// Hidden gives the mounts at target that exist and are not the visible one.
func (t Table) Hidden(target string) []Mounted {
	m, mounted, _ := t.At(target)
	var out []Mounted
	for _, h := range t {
		if h.Target == target && !(mounted && h.ID == m.ID) {
			out = append(out, h)
		}
	}
	return out
}

// Below gives the visible mounts below a folder, by path.
func (t Table) Below(dir string) []Mounted {
	var out []Mounted
	for _, m := range t {
		if !within(m.Target, dir) || m.Target == dir {
			continue
		}
		if v, ok, err := t.At(m.Target); err == nil && ok && v.ID == m.ID {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b Mounted) int { return strings.Compare(a.Target, b.Target) })
	return out
}

// within tells whether name is dir or below it.
func within(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, strings.TrimSuffix(dir, "/")+"/")
}

// GoesWith gives the mount points of Going, each once.
func (t Table) GoesWith(m Mounted) []string {
	var out []string
	for _, g := range t.Going(m) {
		out = append(out, g.Target)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Going gives the mounts that would be unmounted with m: unmounting propagates from the mount that m stands on to its peers
// and slaves, at the same folder of the same file system.
func (t Table) Going(m Mounted) []Mounted {
	i := slices.IndexFunc(t, func(p Mounted) bool { return p.ID == m.Parent })
	if i < 0 || t[i].Shared == 0 {
		return nil
	}
	on := t[i]
	folder := on.inside(m.Target)
	var out []Mounted
	for _, q := range t.receivers(on) {
		if !within(folder, q.Root) {
			continue
		}
		at := path.Join(q.Target, strings.TrimPrefix(folder, q.Root))
		for _, c := range t {
			if c.Parent == q.ID && c.Target == at && c.ID != m.ID {
				out = append(out, c)
			}
		}
	}
	return out
}

// coveredAt tells whether the visible mount at a mount point stands on another file system's at the same point.
func (t Table) coveredAt(target string) bool {
	v, mounted, err := t.At(target)
	if err != nil || !mounted {
		return false
	}
	under, ok := t.beneath(v)
	return ok && (under.Dev != v.Dev || under.Root != v.Root)
}

// beneath gives the mount at the same mount point on which m is stacked.
func (t Table) beneath(m Mounted) (Mounted, bool) {
	i := slices.IndexFunc(t, func(p Mounted) bool { return p.ID == m.Parent && p.ID != m.ID && p.Target == m.Target })
	if i < 0 {
		return Mounted{}, false
	}
	return t[i], true
}

// receivers gives the mounts that events on m reach: peers, their slaves, and the peers and slaves of those.
func (t Table) receivers(m Mounted) []Mounted {
	groups := map[int]bool{m.Shared: true}
	seen := map[int]bool{m.ID: true}
	var out []Mounted
	for grown := true; grown; {
		grown = false
		for _, q := range t {
			if seen[q.ID] || !(groups[q.Shared] && q.Shared != 0 || groups[q.Master] && q.Master != 0) {
				continue
			}
			seen[q.ID], grown = true, true
			if q.Shared != 0 {
				groups[q.Shared] = true
			}
			out = append(out, q)
		}
	}
	return out
}

// inside gives the folder, within m's file system, that a path below m's mount point is.
func (m Mounted) inside(name string) string {
	return path.Join(m.Root, strings.TrimPrefix(name, strings.TrimSuffix(m.Target, "/")))
}
