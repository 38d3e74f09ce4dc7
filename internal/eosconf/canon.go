package eosconf

import (
	"slices"
	"strconv"
	"strings"
)

// matches tells whether a line that is there is the wanted one: the same words, or another spelling that EOS prints the same.
// A wanted entry of a numbered section without a number is met by the same rule under any number.
func matches(path []string, have, want *Line) bool {
	if have.Text == want.Text {
		return true
	}
	if !sequenced(path) {
		return canon(path, have.Text) == canon(path, want.Text)
	}
	m, h := sequence(have.Text)
	n, w := sequence(want.Text)
	return (n < 0 || m == n) && canon(path, h) == canon(path, w)
}

// sequenced tells whether the section's entries have numbers.
func sequenced(path []string) bool {
	if len(path) == 0 {
		return false
	}
	last := path[len(path)-1]
	for _, p := range []string{"ip access-list ", "ipv6 access-list ", "mac access-list ", "class-map type pbr ", "policy-map type pbr "} {
		if strings.HasPrefix(last, p) {
			return true
		}
	}
	return false
}

// sequence splits an entry's number from it; -1: it has none.
func sequence(line string) (int, string) {
	first, rest, ok := strings.Cut(line, " ")
	n, err := strconv.Atoi(first)
	if !ok || err != nil || n < 0 {
		return -1, line
	}
	return n, rest
}

// entry tells whether a line of a numbered section is one that gets a number.
func entry(line string) bool {
	for _, w := range []string{"permit ", "deny ", "remark ", "match ", "class "} {
		if strings.HasPrefix(line, w) {
			return true
		}
	}
	return false
}

// number gives an entry without a number the next one: ten above the last [V].
func number(at section, text string) string {
	if !sequenced(at.path) || !entry(text) {
		return text
	}
	last := 0
	for _, l := range *at.lines {
		if n, _ := sequence(l.Text); n > last {
			last = n
		}
	}
	return strconv.Itoa(last+10) + " " + text
}

// canon is one spelling of all that EOS takes for the same line.
func canon(path []string, text string) string {
	if sequenced(path) && strings.Contains(path[len(path)-1], "access-list") {
		return canonRule(text)
	}
	if len(path) == 0 && strings.HasPrefix(text, "ip route ") {
		return normalRoute(text)
	}
	return strings.TrimRight(text, " ")
}

// adopt gives wanted entries without numbers those of the entries that are there, where the rules are the same in the same
// order: what numbers they have is then nobody's wish.
func adopt(path []string, have, want []*Line) {
	rules := func(l *Line) bool { _, r := sequence(l.Text); return !entry(r) }
	h, w := slices.DeleteFunc(slices.Clone(have), rules), slices.DeleteFunc(slices.Clone(want), rules)
	if !sequenced(path) || !slices.EqualFunc(h, w, func(a, b *Line) bool { return matches(path, a, b) }) {
		return
	}
	for i, l := range w {
		if n, _ := sequence(l.Text); n < 0 {
			l.Text = h[i].Text
		}
	}
}
