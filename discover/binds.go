package discover

import (
	"path"
	"slices"
	"strings"

	"bisc/modules/storage"
)

// shows tells whether a mount is of the file system in which a folder lies.
func (g *ground) shows(m storage.Mounted, folder string) bool {
	on, err := g.table.Visible(folder)
	return err != nil || on.Dev == m.Dev
}

// comesAlong tells a mount that a recursive bind of fstab brings with it: the same device is mounted at that place below the
// bind's source.
func (g *ground) comesAlong(p point) bool {
	for _, bind := range g.points {
		if len(bind.lines) == 0 || p.target == bind.target || !within(p.target, bind.target) || !slices.Contains(bind.line().Options, "rbind") {
			continue
		}
		twin, mounted, err := g.table.At(bind.line().Source + strings.TrimPrefix(p.target, bind.target))
		if err == nil && mounted && twin.Dev == p.now.Dev {
			return true
		}
	}
	return false
}

// boundFrom finds the place of which a mount shows a folder: the mount of the same device at the shortest path.
func (g *ground) boundFrom(m storage.Mounted) string {
	best := ""
	for _, o := range g.table {
		if o.ID == m.ID || o.Dev != m.Dev || !within(m.Root, o.Root) || within(m.Target, o.Target) && o.Target != "/" {
			continue
		}
		from := path.Join(o.Target, strings.TrimPrefix(m.Root, strings.TrimSuffix(o.Root, "/")))
		if o.Target != m.Target && (best == "" || len(from) < len(best)) && !within(from, m.Target) && !within(m.Target, from) {
			best = from
		}
	}
	return best
}

// bind is a bind as it ought to propagate.
func (g *ground) bind(p point, l *storage.Line, recursive bool, others []string) *Block {
	b := newBlock("storage", "bind", p.target).set("source", l.Source)
	if recursive {
		b.set("recursive", true)
	}
	words := slices.DeleteFunc(slices.Clone(others), func(o string) bool { return !propagates(o) })
	if rest := without(others, words...); len(rest) > 0 {
		b.note("fstab also has %s, which a bind of bisc's does not keep", strings.Join(rest, ","))
	}
	if len(words) == 0 && recursive {
		words = []string{"rslave", "rshared"}
		b.fault("its fstab line says nothing of propagation: it is a peer of its source, and what is unmounted below one is unmounted below the other")
	}
	if len(words) > 0 {
		b.set("propagation", words)
	}
	if p.now != nil && p.now.Shared == 0 {
		b.fault("it is private now: docker takes no rslave or rshared bind from it")
	}
	if recursive {
		g.afterSubmounts(b, l)
	}
	return b
}

// afterSubmounts has a recursive bind wait for the mounts below its source: one made before lacks them.
func (g *ground) afterSubmounts(b *Block, l *storage.Line) {
	requires := l.Requires()
	for _, p := range g.points {
		unit := storage.MountUnit(p.target)
		if len(p.lines) > 0 && p.target != l.Source && within(p.target, l.Source) && !slices.Contains(requires, unit) {
			l.Options = append(slices.Clone(l.Options), "x-systemd.requires="+unit)
			b.fault("nothing orders it after the mount of %s: made before, it lacks that", p.target)
		}
	}
}

func propagates(o string) bool {
	return slices.Contains([]string{"shared", "slave", "private", "rshared", "rslave", "rprivate"}, o)
}
