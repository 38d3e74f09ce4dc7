package eosconf

import (
	"cmp"
	"slices"
	"strings"
)

// typist writes the commands that lead from one configuration to another. What refers to something is taken away before it
// and written after it: first all removals, then all additions, the removals in the opposite order.
type typist struct {
	whole map[string]bool // sections that a want owns whole
	out   []string
}

// pair is a line of one place, before and after; nil: it is not there.
type pair struct{ was, is *Line }

func (p pair) text() string {
	if p.is != nil {
		return p.is.Text
	}
	return p.was.Text
}

func (t *typist) all(was, is []*Line) []string {
	t.removals(nil, was, is)
	t.additions(nil, was, is)
	return t.out
}

// differing are the lines of a section that come, go, or have something else below them.
func differing(was, is []*Line) []pair {
	at := map[string][]*Line{}
	for _, l := range was {
		at[l.Text] = append(at[l.Text], l)
	}
	var out []pair
	met := map[*Line]bool{}
	for _, l := range is {
		p := pair{is: l}
		if w := at[l.Text]; len(w) > 0 {
			p.was, at[l.Text], met[w[0]] = w[0], w[1:], true
		}
		if p.was == nil || !same(p.was, p.is) {
			out = append(out, p)
		}
	}
	for _, l := range was {
		if !met[l] {
			out = append(out, pair{was: l})
		}
	}
	return out
}

func (t *typist) removals(path []string, was, is []*Line) {
	pairs := differing(was, is)
	sortBuild(path, pairs)
	slices.Reverse(pairs)
	stay := slices.DeleteFunc(slices.Clone(is), func(l *Line) bool {
		return slices.ContainsFunc(pairs, func(p pair) bool { return p.is == l && p.was == nil })
	})
	done := map[string]bool{}
	for _, p := range pairs {
		below := append(slices.Clip(path), p.text())
		switch {
		case p.was == nil || p.is == nil && overwritten(path, p.was, pairs):
		case p.is == nil || t.anew(below, p.was, p.is):
			if c := undo(path, p.was.Text, stay); c != "" && !done[c] {
				done[c] = true
				t.out = append(t.out, c)
			}
		default:
			t.within(p.is.Text, func() { t.removals(below, p.was.Sub, p.is.Sub) })
		}
	}
}

func (t *typist) additions(path []string, was, is []*Line) {
	pairs := differing(was, is)
	sortBuild(path, pairs)
	again := readdress(path, pairs)
	for _, p := range pairs {
		below := append(slices.Clip(path), p.text())
		switch {
		case p.is == nil:
		case p.was == nil, t.anew(below, p.was, p.is):
			t.write(path, p.is)
		default:
			t.within(p.is.Text, func() { t.additions(below, p.was.Sub, p.is.Sub) })
		}
	}
	for _, l := range is {
		if again && strings.Contains(l.Text, " address ") && !slices.ContainsFunc(pairs, func(p pair) bool { return p.is == l }) {
			t.write(path, l)
		}
	}
}

// within enters a section for what f writes there; where f writes nothing, it does not.
func (t *typist) within(header string, f func()) {
	n := len(t.out)
	t.out = append(t.out, header)
	f()
	if len(t.out) == n+1 {
		t.out = t.out[:n]
		return
	}
	t.out = append(t.out, "exit")
}

// write types a line and all below it.
func (t *typist) write(path []string, l *Line) {
	if implied(path, l.Text) {
		return
	}
	t.out = append(t.out, l.Text)
	if !opens(append(slices.Clip(path), l.Text)) && len(l.Sub) == 0 {
		return
	}
	for _, s := range l.Sub {
		t.write(append(slices.Clip(path), l.Text), s)
	}
	t.out = append(t.out, "exit")
}

// anew tells whether a section that changes is deleted and written again. It is where an entry's number gets another rule
// (what EOS makes of that is not known [U]), and where a want owns the section and lines go that no new one replaces.
func (t *typist) anew(path []string, was, is *Line) bool {
	if !deletable(path) {
		return false
	}
	pairs := differing(was.Sub, is.Sub)
	gone := slices.ContainsFunc(pairs, func(p pair) bool { return p.is == nil && !overwritten(path, p.was, pairs) })
	moved := slices.ContainsFunc(pairs, func(p pair) bool { return p.is == nil && overwritten(path, p.was, pairs) })
	return gone && t.whole[strings.Join(path, "\n")] || moved && sequenced(path)
}

// deletable are sections that "no HEADER" removes without harm to anything that names them. A VRF is not among them: its
// interfaces would lose it, and with it their addresses [I].
func deletable(path []string) bool {
	head := path[len(path)-1]
	if len(path) == 2 {
		return path[0] == "traffic-policies" && strings.HasPrefix(head, "traffic-policy ")
	}
	for _, p := range []string{"ip access-list ", "ipv6 access-list ", "mac access-list ", "class-map ", "policy-map type pbr ", "daemon ",
		"event-handler ", "interface Loopback", "interface Tunnel"} {
		if len(path) == 1 && strings.HasPrefix(head, p) {
			return true
		}
	}
	return false
}

// overwritten tells whether a line goes by itself when one of the new lines is typed: both give one setting a value.
func overwritten(path []string, was *Line, pairs []pair) bool {
	k := key(path, was.Text)
	return k != "" && slices.ContainsFunc(pairs, func(p pair) bool { return p.is != nil && p.was == nil && key(path, p.is.Text) == k })
}

// readdress tells whether an interface gets or loses its VRF: EOS takes its addresses away with that [I], and they are typed
// again after it.
func readdress(path []string, pairs []pair) bool {
	return len(path) == 1 && strings.HasPrefix(path[0], "interface ") && slices.ContainsFunc(pairs, func(p pair) bool { return strings.HasPrefix(p.text(), "vrf ") })
}

// buildOrder is what must be there before what: each may refer to those before it.
func buildOrder() []string {
	return []string{"vrf instance", "ip routing", "no ip routing", "ip prefix-list", "ip access-list", "ipv6 access-list", "class-map", "policy-map",
		"traffic-policies", "interface Loopback", "interface", "ip route", "monitor session", "daemon", "event-handler"}
}

// sortBuild puts lines of the top in buildOrder; what is not in it comes last. Sections keep the order they are printed in.
func sortBuild(path []string, pairs []pair) {
	if len(path) > 0 {
		return
	}
	at := func(p pair) int {
		order := buildOrder()
		i := slices.IndexFunc(order, func(o string) bool { return strings.HasPrefix(p.text(), o) })
		if i < 0 {
			return len(order)
		}
		return i
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(at(a), at(b)) })
}
