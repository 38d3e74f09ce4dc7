package eosconf

import (
	"slices"
	"strings"
)

// DisagreeError is a device's own diff that says other than what was approved.
type DisagreeError struct {
	Extra   []string // "+ line", "- line" of the device that were not approved, in the device's spelling
	Missing []string // those that were approved and the device does not show
}

// Error lists both, with secrets masked.
func (e *DisagreeError) Error() string {
	var b strings.Builder
	b.WriteString("the device's own diff is not what was approved")
	for _, l := range e.Extra {
		b.WriteString("\n  only the device says: " + Redact(l))
	}
	for _, l := range e.Missing {
		b.WriteString("\n  the device does not say: " + Redact(l))
	}
	return b.String()
}

// Agree tells whether a device's diff shows what was approved, no more and no less; a *DisagreeError says where not. Separators,
// indent and the order of lines are the device's own affair: a line that moved shows twice in a diff, and cancels itself here.
func Agree(adds, removes []Entry, diff string) error {
	plus, minus, err := ParseUnified(diff)
	if err != nil {
		return err
	}
	t := tally{}
	for _, l := range plus {
		t.device(strings.TrimSpace(l), 1)
	}
	for _, l := range minus {
		t.device(strings.TrimSpace(l), -1)
	}
	for _, e := range adds {
		e.lines(func(l string) { t.approved(l, 1) })
	}
	for _, e := range removes {
		e.lines(func(l string) { t.approved(l, -1) })
	}
	return t.result()
}

// AgreeTree tells the same of the device's whole candidate, by path: a diff's three lines of context do not show in which
// section a line stands.
func AgreeTree(adds, removes []Entry, running, candidate *Config) error {
	a, r := Diff(running, candidate)
	t := tally{}
	for _, e := range a {
		t.device(e.raw(), 1)
	}
	for _, e := range r {
		t.device(e.raw(), -1)
	}
	for _, e := range adds {
		t.approved(e.raw(), 1)
	}
	for _, e := range removes {
		t.approved(e.raw(), -1)
	}
	return t.result()
}

// raw is the entry as one text, secrets and all.
func (e Entry) raw() string {
	return strings.Join(append(slices.Clone(e.Under), e.Line), " / ")
}

// lines gives the words that the device shows for an entry, line by line, without separators.
func (e Entry) lines(yield func(string)) {
	for l := range strings.SplitSeq(e.Line, "\n") {
		if l = strings.TrimSpace(l); l != "" && l != "!" {
			yield(l)
		}
	}
}

// tally counts how often each line comes (above zero) or goes, by the device and by what was approved.
type tally map[string]*[2]int

func (t tally) count(l string, who, n int) {
	if t[l] == nil {
		t[l] = new([2]int)
	}
	t[l][who] += n
}

func (t tally) device(l string, n int)   { t.count(l, 0, n) }
func (t tally) approved(l string, n int) { t.count(l, 1, n) }

func (t tally) result() error {
	var e DisagreeError
	for l, n := range t {
		device, approved := n[0], n[1]
		if device == approved {
			continue
		}
		both := 0 // what both say of the line
		if device > 0 == (approved > 0) {
			both = min(max(device, -device), max(approved, -approved))
		}
		e.Extra = slices.Concat(e.Extra, signed(device, both, l))
		e.Missing = slices.Concat(e.Missing, signed(approved, both, l))
	}
	slices.Sort(e.Extra)
	slices.Sort(e.Missing)
	if len(e.Extra)+len(e.Missing) == 0 {
		return nil
	}
	return &e
}

// signed is the line with its sign, as often as it comes or goes beyond what both say.
func signed(n, both int, l string) []string {
	if n < 0 {
		return slices.Repeat([]string{"- " + l}, -n-both)
	}
	return slices.Repeat([]string{"+ " + l}, n-min(n, both))
}
