package discover

import (
	"context"
	"slices"
	"strings"

	"bisc/internal/host"
)

// devices are the questions about block devices, and their answers.
type devices struct {
	asks  []question
	paths []string
	stats []*host.Stat
	types []string
	roots map[string]**host.Stat // of mounted tmpfs
}

// askDevices asks what each device is that fstab, ZFS or a mount names: its number and what is on it.
func (g *ground) askDevices(r *reader) *devices {
	d := &devices{roots: map[string]**host.Stat{}}
	for _, s := range g.datasets {
		if s.volume() {
			d.paths = append(d.paths, s.device())
		}
	}
	for _, p := range g.points {
		for _, l := range p.lines {
			if name, ok := sourcePath(l.Source); ok {
				d.paths = append(d.paths, name)
			}
		}
		if p.now != nil && strings.HasPrefix(p.now.Source, "/dev/") {
			d.paths = append(d.paths, p.now.Source)
		}
		if p.now != nil && p.now.Type == "tmpfs" {
			d.roots[p.target] = new(*host.Stat)
			d.asks = append(d.asks, r.stat(d.roots[p.target], "mount", p.target))
		}
	}
	slices.Sort(d.paths)
	d.paths = slices.Compact(d.paths)
	d.stats, d.types = make([]*host.Stat, len(d.paths)), make([]string, len(d.paths))
	for i, p := range d.paths {
		d.asks = append(d.asks, r.stat(&d.stats[i], "device", p), r.signature(&d.types[i], p))
	}
	return d
}

// signature asks what is on a device; blkid exits with 2 when nothing is, or when it is not there, which stat tells.
func (r *reader) signature(into *string, device string) question {
	return question{"device", device, func(ctx context.Context) error {
		out, err := r.Query(ctx, "blkid", "-p", "-o", "export", "--", device)
		if err == nil && out.Exit != 0 && out.Exit != 2 { // 4: it could not look; 8: two signatures
			err = &host.ExitError{Argv: []string{"blkid"}, Exit: out.Exit, Stderr: out.Stderr}
		}
		for line := range strings.Lines(string(out.Stdout)) {
			if t, ok := strings.CutPrefix(strings.TrimSpace(line), "TYPE="); ok {
				*into = t
			}
		}
		return err
	}}
}

// learn takes the answers. A device of several names keeps the one that lasts: /dev/zvol before /dev/disk before the rest.
func (d *devices) learn(g *ground) {
	g.devices, g.numbers, g.types, g.owner = map[string]string{}, map[string]string{}, map[string]string{}, map[string]owned{}
	rank := func(p string) int {
		return slices.IndexFunc([]string{"/dev/zvol", "/dev/disk", "/dev"}, func(dir string) bool { return within(p, dir) })
	}
	for i, p := range d.paths {
		if d.stats[i] == nil || d.stats[i].Type != host.Block {
			continue
		}
		g.types[p] = d.types[i]
		number := d.stats[i].Rdev.String()
		g.numbers[p] = number
		if have := g.devices[number]; have == "" || rank(p) < rank(have) {
			g.devices[number] = p
		}
	}
	for target, st := range d.roots {
		if *st != nil {
			g.owner[target] = owned{(*st).UID, (*st).GID, (*st).Mode}
		}
	}
}

// filesystems are blocks for what is on the devices of the mounts, where bisc could make it anew; a device that is named by
// what is on it is not such.
func (g *ground) filesystems(mounts []*Block) (out []*Block) {
	seen := map[string]bool{}
	for _, m := range mounts {
		source, t := m.text("source"), g.types[m.text("source")]
		if m.Kind != "mount" {
			continue
		}
		if want := m.text("fstype"); t != "" && want != t && want != "auto" {
			m.fault("%s holds %s", source, t)
		}
		if source == ram0 || seen[source] || within(source, "/dev/disk/by-uuid") || within(source, "/dev/disk/by-label") || t != "xfs" && t != "ext4" {
			continue
		}
		seen[source] = true
		out = append(out, newBlock("storage", "filesystem", source).set("type", t))
	}
	return out
}
