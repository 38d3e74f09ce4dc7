package eosconf

import (
	"slices"
	"strings"
)

// editor makes a configuration what wants say of it.
type editor struct {
	conf  *Config
	whole map[string]bool // sections that a want owns whole, by their headers joined
	edits int
}

// section is a place where lines stand.
type section struct {
	path  []string
	lines *[]*Line
}

func (s section) below(l *Line) section {
	return section{append(slices.Clip(s.path), l.Text), &l.Sub}
}

func (e *editor) top() section { return section{nil, &e.conf.Lines} }

// find goes down to a section; ok is false where a header is not there, and make then writes it.
func (e *editor) find(under []string, make bool) (section, bool) {
	at := e.top()
	for _, u := range under {
		i := slices.IndexFunc(*at.lines, func(l *Line) bool { return l.Text == u })
		if i < 0 && !make {
			return section{}, false
		}
		if i < 0 {
			i = e.insert(at, &Line{Text: u})
		}
		at = at.below((*at.lines)[i])
	}
	return at, true
}

func (e *editor) apply(w Want) error {
	if w.Mode == Absent {
		return e.absent(w)
	}
	tree, err := w.tree(w.Lines)
	if err != nil {
		return err
	}
	if w.Mode == Merge {
		without, err := w.tree(w.Without)
		if err != nil {
			return err
		}
		at, _ := e.find(w.Under, true)
		e.remove(at, without)
		e.merge(at, tree)
		return nil
	}
	if w.Prefix == "" {
		e.whole[strings.Join(w.Under, "\n")] = true
	}
	if at, there := e.find(w.Under, w.Prefix == "" || len(tree) > 0); there {
		e.exact(at, tree, w.Prefix)
	}
	return nil
}

func (e *editor) absent(w Want) error {
	if len(w.Lines) == 0 && w.Prefix == "" {
		n := len(w.Under) - 1
		if at, there := e.find(w.Under[:n], false); there {
			e.remove(at, []*Line{{Text: w.Under[n]}})
		}
		return nil
	}
	at, there := e.find(w.Under, false)
	if !there {
		return nil
	}
	if w.Prefix != "" {
		e.exact(at, nil, w.Prefix)
		return nil
	}
	tree, err := w.tree(w.Lines)
	e.remove(at, tree)
	return err
}

// remove takes lines away, with all below them; of a line with lines below it in the want, only those.
func (e *editor) remove(at section, lines []*Line) {
	for _, w := range lines {
		i := slices.IndexFunc(*at.lines, func(h *Line) bool { return matches(at.path, h, w) })
		switch {
		case i >= 0 && len(w.Sub) > 0:
			e.remove(at.below((*at.lines)[i]), w.Sub)
		case i >= 0:
			e.drop(at, i)
		}
	}
}

// drop takes one line away. The separators before it go to the line after it, where that has none: it begins a block now.
func (e *editor) drop(at section, i int) {
	l := *at.lines
	if i+1 < len(l) {
		l[i+1].gap = max(l[i+1].gap, l[i].gap)
	}
	*at.lines = slices.Delete(l, i, i+1)
	e.edits++
}

// merge has every wanted line stand there. A line that only one value can stand in (a description, an mtu) takes the other's
// place.
func (e *editor) merge(at section, want []*Line) {
	for _, w := range want {
		i := slices.IndexFunc(*at.lines, func(h *Line) bool { return matches(at.path, h, w) })
		if i < 0 {
			i = e.write(at, w)
		}
		e.merge(at.below((*at.lines)[i]), w.Sub)
	}
}

// write adds a line that is not there, without what is below it.
func (e *editor) write(at section, w *Line) int {
	fresh := &Line{Text: number(at, w.Text), raw: w.raw && strings.HasPrefix(w.Text, "banner ")}
	if k := key(at.path, fresh.Text); k != "" {
		for i := len(*at.lines) - 1; i >= 0; i-- {
			if key(at.path, (*at.lines)[i].Text) == k {
				e.drop(at, i)
			}
		}
	}
	return e.insert(at, fresh)
}

// exact has the section's lines that begin with prefix be the wanted ones.
func (e *editor) exact(at section, want []*Line, prefix string) {
	adopt(at.path, *at.lines, want)
	want = complete(at.path, want)
	for i := len(*at.lines) - 1; i >= 0; i-- {
		h := (*at.lines)[i]
		owned := strings.HasPrefix(h.Text+" ", prefix)
		if owned && !slices.ContainsFunc(want, func(w *Line) bool { return matches(at.path, h, w) }) {
			e.drop(at, i)
		}
	}
	for _, w := range want {
		i := slices.IndexFunc(*at.lines, func(h *Line) bool { return matches(at.path, h, w) })
		if i < 0 {
			i = e.write(at, w)
		}
		e.exact(at.below((*at.lines)[i]), w.Sub, "")
	}
}

// insert puts a line where the device prints it, and gives its place.
func (e *editor) insert(at section, l *Line) int {
	e.edits++
	i := place(at.path, *at.lines, l.Text)
	*at.lines = slices.Insert(*at.lines, i, l)
	space(at.path, *at.lines, i)
	return i
}
