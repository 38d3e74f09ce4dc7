package config

import "strings"

// Editor is a context of configuration mode: where it is, and the drafts that wait for the end of a group-change mode.
type Editor struct {
	tree   *Tree
	frames []frame
	text   *Node // a here-document that is being typed
	flags  Flags
	// Exact: keywords must be typed in full (eAPI without autoComplete).
	Exact bool
}

// frame is one mode: the header that opened it, and in a group-change mode what is not yet in force.
type frame struct {
	head  *Node // a copy of the header, without what is below
	draft *Node
}

// Edit opens a context at the top level.
func (t *Tree) Edit() *Editor { return &Editor{tree: t, flags: t.g.Flags} }

// Retarget lets the context go on with another tree (the running configuration was replaced under it).
func (e *Editor) Retarget(t *Tree) { e.tree = t }

// InText tells that a here-document is being typed: every line is text until "EOF".
func (e *Editor) InText() bool { return e.text != nil }

// Depth is the number of modes below the top.
func (e *Editor) Depth() int { return len(e.frames) }

// Group tells that the innermost modes are a group change, which "abort" drops.
func (e *Editor) Group() bool {
	for _, f := range e.frames {
		if f.draft != nil {
			return true
		}
	}
	return false
}

// Mode is where it is, as a prompt has it: "", "if-Lo1" (cli-transcripts/scrapli), "acl-NAME".
func (e *Editor) Mode() string {
	if len(e.frames) == 0 {
		return ""
	}
	h := e.frames[len(e.frames)-1].head
	return h.rule.Enter.Name(h.Args)
}

// Exit leaves the innermost mode, and puts in force what it changed.
func (e *Editor) Exit() { e.leaveTo(len(e.frames) - 1) }

// Leave leaves all modes.
func (e *Editor) Leave() {
	if e.text != nil && e.text.key != commentKey {
		e.text.Line += "\nEOF" // a text that nobody ended ends here ([I])
	}
	e.text = nil
	e.leaveTo(0)
}

// Abort leaves a group-change mode and drops what was typed in it. Elsewhere it is Exit (eos.md B.1: ansible 36979).
func (e *Editor) Abort() {
	for i := range e.frames {
		if e.frames[i].draft != nil {
			e.frames[i].draft = nil
			e.frames = e.frames[:i]
			return
		}
	}
	e.Exit()
}

func (e *Editor) leaveTo(depth int) {
	for len(e.frames) > max(depth, 0) {
		f := e.frames[len(e.frames)-1]
		e.frames = e.frames[:len(e.frames)-1]
		if f.draft != nil {
			e.at(len(e.frames)).put(f.draft)
		}
	}
}

// put replaces the kid with the same identity, in its place.
func (n *Node) put(k *Node) {
	if old := n.find(k.key); old != nil {
		old.Line, old.Args, old.Kids, old.index, old.last = k.Line, k.Args, k.Kids, nil, k.last
		return
	}
	n.add(k)
}

// at gives the block of the first depth modes. What was removed by somebody else meanwhile is made again ([I]).
func (e *Editor) at(depth int) *Node {
	n := e.tree.root
	for _, f := range e.frames[:depth] {
		if f.draft != nil {
			n = f.draft
			continue
		}
		kid := n.find(f.head.key)
		if kid == nil {
			kid = n.add(f.head.clone())
		}
		n = kid
	}
	return n
}

func (e *Editor) mode(depth int) *Mode {
	if depth == 0 {
		return e.tree.g.top
	}
	return e.frames[depth-1].head.rule.Enter
}

// Run executes one line: in the mode where it is, else in those around it, which is what lets a configuration be typed without
// "exit" (configs/doublezero/base.config.txt relies on it).
func (e *Editor) Run(line string) error {
	if e.text != nil {
		return e.typed(line)
	}
	w := split(line)
	if len(w.text) == 0 || w.text[0][0] == '!' && !strings.HasPrefix(w.text[0], "!!") {
		return nil
	}
	if done := e.comment(w); done {
		return nil
	}
	o := order{line: strings.TrimSpace(line), reset: strings.EqualFold(w.text[0], "default")}
	o.no = o.reset || strings.EqualFold(w.text[0], "no")
	skipped := 0
	if o.no {
		w, skipped = w.from(1), 1
	}
	if len(w.text) == 0 {
		return &Error{Incomplete: true, Line: o.line}
	}
	var far reach
	for depth := len(e.frames); depth >= 0; depth-- {
		if done, err := e.try(depth, w, o, &far); done || err != nil {
			return err
		}
	}
	if far.ambiguous && far.token == 0 {
		return &Error{Line: o.line, Text: ambiguousText}
	}
	if far.ended {
		return &Error{Incomplete: true, Line: o.line}
	}
	at := min(far.token, len(w.text)-1)
	return &Error{Line: o.line, Token: at + 1 + skipped, Word: w.text[at]}
}

func (e *Editor) typed(line string) error {
	if e.text.key == commentKey {
		e.remark(line)
		return nil
	}
	if strings.TrimSpace(line) == "EOF" {
		e.text.Line += "\nEOF"
		e.text = nil
		return nil
	}
	e.text.Line += "\n" + line
	return nil
}
