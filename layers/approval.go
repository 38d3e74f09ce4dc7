package layers

import (
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// approval is a change that was shown and approved: its steps by digest, what it destroys, and the facts it rests on.
type approval struct {
	key      []byte // of the digests
	steps    []string
	destroys []string
	diffs    []modules.Diff
}

func approvalOf(c modules.Change) approval {
	a := approval{destroys: c.Destroys, diffs: c.Diffs}
	for _, s := range c.Steps {
		a.steps = append(a.steps, host.Digest(a.key, s))
	}
	return a
}

// covers tells whether now asks for nothing that was not approved: its steps are some of the approved ones, in their
// order, and it destroys nothing else. What it does not ask for any more is left undone.
func (a approval) covers(now modules.Change) bool {
	rest := a.steps
	for _, s := range now.Steps {
		i := slices.Index(rest, host.Digest(a.key, s))
		if i < 0 {
			return false
		}
		rest = rest[i+1:]
	}
	for _, d := range now.Destroys {
		if !slices.Contains(a.destroys, d) {
			return false
		}
	}
	return true
}

// rests tells whether every fact that differs now is one that was approved on, with the same value: of a plan file not
// only the steps were approved, but what they were decided upon. What differs no more is as good.
func (a approval) rests(now modules.Change) bool {
	return !slices.ContainsFunc(now.Diffs, func(n modules.Diff) bool {
		return !slices.ContainsFunc(a.diffs, func(d modules.Diff) bool { return d.Same(n) && d.Got == n.Got && d.Want == n.Want })
	})
}

// changed says which facts came, went or moved since the approval.
func (a approval) changed(now modules.Change) string {
	var out []string
	for _, was := range a.diffs {
		i := slices.IndexFunc(now.Diffs, func(d modules.Diff) bool { return d.Same(was) })
		switch {
		case i < 0:
			out = append(out, was.Attr+" was "+show(was.Got)+" and no longer differs")
		case now.Diffs[i].Got != was.Got:
			out = append(out, was.Attr+" was "+show(was.Got)+" and is now "+show(now.Diffs[i].Got))
		case now.Diffs[i].Want != was.Want:
			out = append(out, was.Attr+" was wanted "+show(was.Want)+" and is now wanted "+show(now.Diffs[i].Want))
		}
	}
	for _, n := range now.Diffs {
		if !slices.ContainsFunc(a.diffs, func(d modules.Diff) bool { return d.Same(n) }) {
			out = append(out, n.Attr+" is now "+show(n.Got))
		}
	}
	if len(out) == 0 {
		return "other steps would be needed than were approved"
	}
	return strings.Join(out, "; ")
}

func show(value string) string {
	if value == "" {
		return "(none)"
	}
	return value
}
