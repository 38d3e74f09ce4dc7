package network

import (
	"fmt"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// found is where a rule stands in its chain, and what else there is of it.
type found struct {
	chain  []packetRule
	copies []int // of the rule
	former []int // with its comment, and other words
}

func (p placed) find(t ruleTable) found {
	f := found{chain: t.chain(p.rule.table, p.rule.chain)}
	for i, r := range f.chain {
		switch {
		case r.same(p.rule):
			f.copies = append(f.copies, i)
		case r.comment == p.comment():
			f.former = append(f.former, i)
		}
	}
	return f
}

// misplaced says why the first copy does not stand where it should: what stands before it.
func (p placed) misplaced(f found) string {
	at := f.copies[0]
	for _, r := range f.chain[:at] {
		wrong := p.later(r)
		if p.foreign(r) && r.comment != p.comment() {
			before, isBefore := strings.CutPrefix(p.position, "before ")
			wrong = p.position == "first" || r.takesAll() || isBefore && r.target() == before
		}
		if wrong {
			return fmt.Sprintf("%d of %d, after %s", at+1, len(f.chain), r)
		}
	}
	return ""
}

// place is the number, from 1, that the rule gets in a chain in which it is not: after those of the plan's that come before
// it and stand at the head.
func (p placed) place(chain []packetRule) int {
	for i, r := range chain {
		if !p.earlier(r) {
			return i + 1
		}
	}
	return len(chain) + 1
}

// live says what stands between a chain and the rule at its place, once.
func (p placed) live(t ruleTable) modules.Change {
	var c modules.Change
	f := p.find(t)
	if p.absent {
		p.removal(&c, f)
		return c
	}
	gone := f.former
	moved := ""
	switch {
	case len(f.copies) == 0:
		c.Differ("rule", orNone(lines(f.chain, f.former)), p.rule.String())
	default:
		if len(f.former) > 0 {
			c.Differ("rule", lines(f.chain, f.former), p.rule.String()+" alone")
		}
		c.Differ("copies", fmt.Sprint(len(f.copies)), "1")
		if moved = p.misplaced(f); moved != "" {
			c.Differ("position", moved, p.position)
		}
	}
	again := len(f.copies) == 0 || len(f.copies) > 1 || moved != ""
	if again {
		gone = append(slices.Clone(gone), f.copies...)
	}
	if !c.InSync() {
		c.Do(p.swap(f.chain, gone, again))
	}
	return c
}

// swap takes rules away and puts this one in, in one commit: there is no moment without it, and none with half of it.
func (p placed) swap(chain []packetRule, gone []int, in bool) host.Step {
	left := without(chain, gone)
	if len(gone) == 0 {
		return script(p.iptables("-I", p.rule.chain, append([]string{fmt.Sprint(p.place(left))}, p.rule.words()...)...))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "*%s\n", p.rule.table)
	for _, i := range gone {
		fmt.Fprintf(&b, "-D %s %s\n", p.rule.chain, joinWords(chain[i].words()))
	}
	if in {
		fmt.Fprintf(&b, "-I %s %d %s\n", p.rule.chain, p.place(left), joinWords(p.rule.words()))
	}
	b.WriteString("COMMIT\n")
	return host.Script{Argv: []string{"iptables-restore", "-w", "10", "--noflush"}, Stdin: []byte(b.String())}
}

// settled puts the rule where it belongs after its unit has run, which puts it at the head. It is needed only where others of
// the plan stand before it.
func (p placed) settled(t ruleTable) (host.Step, bool) {
	f := p.find(t)
	left := without(f.chain, append(slices.Clone(f.copies), f.former...))
	if p.place(left) == 1 {
		return nil, false
	}
	chain := append([]packetRule{p.rule}, left...)
	return p.swap(chain, []int{0}, true), true
}

// removal takes every copy away, and every former version.
func (p placed) removal(c *modules.Change, f found) {
	gone := append(slices.Clone(f.copies), f.former...)
	slices.Sort(gone)
	for _, i := range gone {
		c.Differ("rule", f.chain[i].String(), "(none)")
		c.Destroy("the packet rule " + f.chain[i].String() + ", and the connections that live by it")
		c.Do(script(p.iptables("-D", p.rule.chain, f.chain[i].words()...)))
	}
}

func without(chain []packetRule, gone []int) []packetRule {
	var out []packetRule
	for i, r := range chain {
		if !slices.Contains(gone, i) {
			out = append(out, r)
		}
	}
	return out
}

func lines(chain []packetRule, at []int) string {
	out := make([]string, len(at))
	for i, n := range at {
		out[i] = chain[n].String()
	}
	return strings.Join(out, "; ")
}

func script(argv []string) host.Step { return host.Script{Argv: argv} }

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}
