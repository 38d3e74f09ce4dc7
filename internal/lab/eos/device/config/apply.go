package config

import (
	"strconv"
	"strings"
)

// order is a line that met a rule.
type order struct {
	line   string
	rule   *Rule
	match  match
	no     bool
	reset  bool // it began with "default"
	number int  // typed before a numbered rule
}

// try looks for a rule in the mode at a depth, and carries it out.
func (e *Editor) try(depth int, w words, o order, far *reach) (done bool, err error) {
	m := e.mode(depth)
	if m.Line != nil {
		done, err = m.Line(e.at(depth), Line{No: o.no, Words: w.text, Raw: w.rest(0), Flags: e.flags})
		if done {
			e.leaveTo(depth)
			return true, err
		}
	}
	numbered := false
	if n, is := strconv.Atoi(w.text[0]); is == nil && len(w.text) > 1 {
		o.number, w, numbered = n, w.from(1), true
	}
	o, twice := e.pick(m, w, o, numbered, far)
	switch {
	case o.rule == nil:
		return false, nil
	case twice:
		return true, &Error{Line: o.line, Text: ambiguousText}
	}
	e.leaveTo(depth)
	return true, e.apply(e.at(depth), o)
}

// pick chooses the rule that a line meets with the fewest abbreviations; twice: another one does so with as few.
func (e *Editor) pick(m *Mode, w words, o order, numbered bool, far *reach) (picked order, twice bool) {
	best := 0
	rules, ambiguous := m.candidates(w.text[0], e.Exact)
	far.ambiguous = far.ambiguous || ambiguous
	for _, r := range rules {
		if numbered && !r.Numbered || o.no && r.No == "-" {
			continue
		}
		p := r.syntax
		if o.no {
			p = r.no
		}
		found, ok, got := p.match(w, o.no, e.Exact)
		far.note(got.token, got.ended)
		if ok && r.Valid != nil && (!o.no || r.Enter != nil) && !r.Valid(found.args) {
			ok = false
			far.note(len(w.text)-1, false)
		}
		if !ok || o.rule != nil && found.short > best {
			continue
		}
		twice = o.rule != nil && found.short == best && best > 0
		o.rule, o.match, best = r, found, found.short
		if best == 0 {
			break
		}
	}
	return o, twice
}

func (e *Editor) apply(in *Node, o order) error {
	r := o.rule
	switch {
	case r.Instead != nil:
		return e.instead(o)
	case o.no && !(r.Toggle && !o.reset):
		return e.negate(in, o)
	case r.Enter != nil:
		e.enter(in, o)
		return nil
	}
	n := in.set(o)
	if r.Text && n != nil {
		e.text = n
	}
	return nil
}

// instead executes the lines that a command stands for (ip multicast-routing, eos.md B.3).
func (e *Editor) instead(o order) error {
	e.leaveTo(0)
	lines := o.rule.Instead
	for i, l := range lines {
		if o.no && i == len(lines)-1 {
			l = "no " + l
		}
		if err := e.Run(l); err != nil {
			return err
		}
	}
	e.leaveTo(0)
	return nil
}

// set keeps a line, or drops it when it says what holds anyway.
func (n *Node) set(o order) *Node {
	r, key := o.rule, strings.Join(o.match.key, " ")
	line := strings.Join(o.match.canon, " ")
	if o.no {
		line = "no " + line
	}
	if r.Rewrite != nil {
		line = r.Rewrite(line)
	}
	old := n.find(key)
	if line == r.Default {
		n.remove(func(k *Node) bool { return k == old })
		return nil
	}
	if old != nil && old.Line == line && !r.Text {
		return old
	}
	if old == nil {
		old = n.add(o.node(n, key))
	}
	old.Line, old.Args, old.rule = line, o.match.args, r
	if r.After != nil {
		r.After(n)
	}
	return old
}

// node makes the node of a line, with the number that comes next in a numbered list.
func (o order) node(in *Node, key string) *Node {
	r := o.rule
	k := &Node{Line: strings.Join(o.match.canon, " "), Args: o.match.args, rule: r, key: key}
	if r.Sort != nil {
		k.sort = r.Sort(o.match.canon)
	}
	if r.Numbered {
		k.number = o.number
		if k.number == 0 {
			k.number = in.highest() + 10
		}
		k.sort = natural(strconv.Itoa(k.number))
	}
	return k
}

func (n *Node) highest() int {
	most := 0
	for _, k := range n.Kids {
		most = max(most, k.number)
	}
	return most
}

// enter opens a block. In a group-change mode what is typed goes into a draft that Exit puts in its place.
func (e *Editor) enter(in *Node, o order) {
	key := strings.Join(o.match.key, " ")
	old, m := in.find(key), o.rule.Enter
	fresh := old == nil
	if fresh {
		old = o.node(in, key)
	}
	head := *old
	head.Kids, head.index = nil, nil
	f := frame{head: &head}
	switch {
	case m.Group:
		f.draft = old.clone()
	case fresh:
		in.add(old)
	}
	e.frames = append(e.frames, f)
	if !fresh {
		return
	}
	if o.rule.Also != nil {
		side := &Editor{tree: e.tree, frames: e.frames[:len(e.frames)-1], flags: e.flags}
		for _, line := range o.rule.Also(o.match.args) {
			side.own(line)
		}
	}
	for _, line := range m.Fresh {
		e.own(line)
	}
}

// own executes a line that this package wrote and leaves what it opened. A test executes each; a mistake in one is no input's fault.
func (e *Editor) own(line string) {
	depth := len(e.frames)
	if err := e.Run(line); err != nil {
		panic(err)
	}
	e.leaveTo(depth)
}

// negate removes what a "no" names.
func (e *Editor) negate(in *Node, o order) error {
	r, key := o.rule, strings.Join(o.match.key, " ")
	if kid := in.find(key); kid != nil && r.Enter != nil && (o.reset || r.Stays != nil && r.Stays(o.match.args)) {
		return e.empty(kid, o)
	}
	gone := in.remove(func(k *Node) bool {
		return k.key == key || r.Sweep && strings.HasPrefix(k.key, key+" ")
	})
	if gone == 0 && r.Must != "" {
		return &Error{Line: o.line, Text: strings.ReplaceAll(r.Must, "%s", o.match.canon[len(o.match.canon)-1])}
	}
	if gone > 0 && r.After != nil {
		r.After(in)
	}
	if gone > 0 && r.Gone != nil {
		r.Gone(in, o.match.args)
	}
	e.refresh(in, key)
	return nil
}

// refresh types again the line that a new block has, when it was reset (a daemon's shutdown).
func (e *Editor) refresh(in *Node, key string) {
	if len(e.frames) == 0 {
		return
	}
	m := e.mode(len(e.frames))
	for _, line := range m.Fresh {
		if line == key && in.find(key) == nil {
			e.own(line)
		}
	}
}

// empty takes out what is in a block and leaves the block: "default interface X" does, and "no interface X" cannot do more to a
// port than refuse (eos.md B.2: no interface is invalid for a physical one; [I] that it is "Invalid input").
func (e *Editor) empty(kid *Node, o order) error {
	if !o.reset {
		return &Error{Line: o.line, Token: 3, Word: o.match.canon[len(o.match.canon)-1]}
	}
	kid.Kids, kid.index = nil, nil
	return nil
}
