package storage

import (
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// twins pairs each mount of the source, itself first, with where it must appear below the target.
func (b *Bind) twins(t Table) (pairs [][2]string, sources []Mounted) {
	if on, err := t.Visible(b.Source); err == nil {
		pairs, sources = append(pairs, [2]string{b.Source, b.Target}), append(sources, on)
	}
	if !b.Recursive {
		return pairs, sources
	}
	for _, m := range t.Below(b.Source) {
		pairs = append(pairs, [2]string{m.Target, b.Target + strings.TrimPrefix(m.Target, b.Source)})
		sources = append(sources, m)
	}
	return pairs, sources
}

// covers gives the mounts that stand on a right one below the target.
func (b *Bind) covers(t Table) (out []Mounted) {
	pairs, sources := b.twins(t)
	for i := 1; i < len(pairs); i++ {
		v, mounted, _ := t.At(pairs[i][1])
		if under, stacked := t.beneath(v); mounted && stacked && v.Dev != sources[i].Dev && under.Dev == sources[i].Dev && under.Root == sources[i].Root {
			out = append(out, v)
		}
	}
	return out
}

// below compares the mounts below the target with those below the source.
func (b *Bind) below(c *modules.Change, s bindSeen) {
	if !b.Recursive {
		return
	}
	t := s.table
	pairs, sources := b.twins(t)
	expected := map[string]bool{}
	for i, p := range pairs[1:] {
		from, to, m := p[0], p[1], sources[i+1]
		expected[to] = true
		v, mounted, _ := t.At(to)
		switch {
		case mounted && v.Dev == m.Dev && v.Root == m.Root:
		case mounted && slices.ContainsFunc(b.covers(t), func(over Mounted) bool { return over.ID == v.ID }):
			u := unmounting{table: t, mount: v, uses: s.covers[v.ID], devices: s.devices, wanted: b.wanted}
			u.removeAs(c, "recursive", to+": "+v.String(), m.String())
		case mounted:
			c.Refuse("recursive", to+": "+v.String(), m.String(), "another file system is mounted there than at "+from)
		default:
			b.join(c, t, from, to, m)
		}
	}
	for _, m := range t.Below(b.Target) {
		if !expected[m.Target] && len(b.wanted.shared([]string{m.Target}, "")) == 0 {
			c.Refuse("recursive", m.Target+": "+m.String(), "(none)", "nothing is mounted at that place below "+b.Source)
		}
	}
}

// join binds one mount that the bind lacks: it was not there yet when the bind was made, or could not propagate. What runs
// in the folder below would lose sight of its files, so no validator may live.
func (b *Bind) join(c *modules.Change, t Table, from, to string, m Mounted) {
	c.Differ("recursive", to+": (none)", m.String())
	guards := []host.Guard{host.ValidatorStopped(), host.StandsOn(from, m.Dev)}
	if on, err := t.Under(to); err == nil {
		guards = append(guards, host.StandsOn(on.Target, on.Dev))
	}
	c.Do(host.Script{Argv: []string{"mount", "--bind", "--", from, to}, Guards: guards})
	for _, word := range b.Propagation {
		if strings.HasPrefix(word, "r") {
			c.Do(makePropagate(word, to))
		}
	}
}

// makePropagate sets the propagation of one mount, without those below it: what is right already stays as it is.
func makePropagate(word, target string) host.Step {
	return host.Script{Argv: []string{"mount", "--make-" + strings.TrimPrefix(word, "r"), "--", target}}
}

// spread is how a mount propagates, seen from the source's.
type spread struct{ shared, slave, peer bool }

func (s spread) String() string {
	switch {
	case s.peer:
		return "in the source's peer group"
	case s.shared && s.slave:
		return "slave,shared"
	case s.slave:
		return "slave"
	case s.shared:
		return "shared"
	}
	return "private"
}

func spreadOf(m, source Mounted) spread {
	return spread{shared: m.Shared != 0, slave: m.Master != 0 && m.Master == source.Shared, peer: m.Shared != 0 && m.Shared == source.Shared}
}

// peers tells whether unmounting below the target would unmount below the source.
func (b *Bind) peers(t Table) bool {
	pairs, sources := b.twins(t)
	for i, p := range pairs {
		if v, mounted, _ := t.At(p[1]); mounted && spreadOf(v, sources[i]).peer {
			return true
		}
	}
	return false
}

// spreadWanted gives what the words make of a fresh bind of a shared mount. Words without r do not reach the mounts below.
func spreadWanted(words []string, below bool) (s spread, any bool) {
	s = spread{shared: true, peer: true}
	for _, w := range words {
		if below && !strings.HasPrefix(w, "r") {
			continue
		}
		any = true
		switch strings.TrimPrefix(w, "r") {
		case "slave":
			s = spread{slave: s.shared || s.slave}
		case "shared":
			s = spread{shared: true, slave: s.slave, peer: s.peer}
		case "private":
			s = spread{}
		}
	}
	return s, any
}

// propagation compares peer groups and masters of the bind and what is below it.
func (b *Bind) propagation(c *modules.Change, t Table) {
	pairs, sources := b.twins(t)
	for i, p := range pairs {
		to, source := p[1], sources[i]
		v, mounted, _ := t.At(to)
		want, any := spreadWanted(b.Propagation, i > 0)
		got := spreadOf(v, source)
		if !mounted || v.Dev != source.Dev || !any || got == want {
			continue
		}
		switch {
		case source.Shared == 0 && (want.slave || want.peer):
			c.Refuse("propagation", to+": "+got.String(), want.String(), source.Target+" is private, so nothing can follow it: mount --make-shared "+source.Target)
		case want.slave && !got.slave && !got.peer || want.peer:
			c.Refuse("propagation", to+": "+got.String(), want.String(), "it has left the source's peer group, which only binding it anew mends: absent = true first")
		default:
			c.Differ("propagation", to+": "+got.String(), want.String())
			for _, word := range b.Propagation {
				if i == 0 || strings.HasPrefix(word, "r") {
					c.Do(makePropagate(word, to))
				}
			}
		}
	}
}
