package eosconf

import (
	"slices"
	"strings"
)

// Entry is one line and the headers above it, outermost first, all without indent.
type Entry struct {
	Under []string `json:",omitempty"`
	Line  string
}

// String reads "interface Ethernet1/1 / mtu 9000", its secrets masked.
func (e Entry) String() string {
	return Redact(strings.Join(append(slices.Clone(e.Under), e.Line), " / "))
}

// Diff says which lines to has that from lacks, and which it lacks, each in the order of its own side. Where a section comes
// or goes, so does each line in it. Order is no difference: the device decides it.
func Diff(from, to *Config) (adds, removes []Entry) {
	diffLines(nil, from.Lines, to.Lines, &adds, &removes)
	return adds, removes
}

func diffLines(under []string, from, to []*Line, adds, removes *[]Entry) {
	if slices.EqualFunc(from, to, same) {
		return
	}
	was := map[string][]*Line{}
	for _, l := range from {
		was[l.Text] = append(was[l.Text], l)
	}
	paired := map[*Line]bool{}
	for _, l := range to {
		deeper := append(slices.Clip(under), l.Text)
		if w := was[l.Text]; len(w) > 0 {
			was[l.Text], paired[w[0]] = w[1:], true
			diffLines(deeper, w[0].Sub, l.Sub, adds, removes)
			continue
		}
		every(under, l, adds)
	}
	for _, l := range from {
		if !paired[l] {
			every(under, l, removes)
		}
	}
}

// every adds a line and all below it.
func every(under []string, l *Line, out *[]Entry) {
	*out = append(*out, Entry{Under: under, Line: l.Text})
	for _, s := range l.Sub {
		every(append(slices.Clip(under), l.Text), s, out)
	}
}

// same tells whether two lines and all below them have the same words in the same order.
func same(a, b *Line) bool {
	return a == b || a.Text == b.Text && slices.EqualFunc(a.Sub, b.Sub, same)
}
