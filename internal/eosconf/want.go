package eosconf

import (
	"errors"
	"fmt"
	"strings"
)

// Mode is how much of a section a Want owns.
type Mode int

const (
	// Exact: the section is these lines; with a Prefix, its lines that begin so are these.
	Exact Mode = iota
	// Merge: the section has these lines, whatever else it has.
	Merge
	// Absent: these lines are not there; with neither Lines nor Prefix, the section itself is not.
	Absent
)

// String is the word of the language.
func (m Mode) String() string { return [...]string{"exact", "merge", "absent"}[m] }

// Want is what a part of a configuration shall be.
type Want struct {
	// Under is the section's headers, outermost first, spelt as the device prints them; none: the top.
	Under []string
	// Lines are as a person types them; a deeper indent opens a section. A text that ends with EOF is one element with newlines,
	// or as many elements as it has lines.
	Lines []string
	Mode  Mode
	// Without are lines of the section that must not be there; only with Merge.
	Without []string
	// Prefix is what the lines begin with that the Want owns ("monitor session 1 "); not with Merge.
	Prefix string
}

// ErrWholeConfig is a Want that would own everything.
var ErrWholeConfig = errors.New("would own the whole configuration, which a second manager writes too: name a section or a prefix")

// where says in which section, for errors.
func (w Want) where() string {
	if len(w.Under) == 0 {
		return "the top of the configuration"
	}
	return strings.Join(w.Under, " / ")
}

// check finds what no Want may say.
func (w Want) check() error {
	switch {
	case w.Mode != Merge && len(w.Under) == 0 && w.Prefix == "" && (w.Mode == Exact || len(w.Lines) == 0):
		return fmt.Errorf("mode %s of the top %w", w.Mode, ErrWholeConfig)
	case w.Mode == Merge && w.Prefix != "":
		return fmt.Errorf("%s: a prefix owns lines, mode merge owns none: write exact, or leave the prefix", w.where())
	case w.Mode != Merge && len(w.Without) > 0:
		return fmt.Errorf("%s: only mode merge takes lines that must not be there", w.where())
	}
	tree, err := w.tree(w.Lines)
	if err != nil {
		return err
	}
	if err := w.checkGone(tree); err != nil {
		return err
	}
	if err := lintLines(w.Under, tree); err != nil {
		return err
	}
	for _, l := range tree {
		if w.Prefix != "" && !strings.HasPrefix(l.Text+" ", w.Prefix) {
			return fmt.Errorf("%s: the line %q does not begin with the prefix %q", w.where(), Redact(l.Text), w.Prefix)
		}
	}
	return nil
}

// checkGone refuses what EOS cannot take away.
func (w Want) checkGone(tree []*Line) error {
	gone := []Entry{}
	if w.Mode == Absent && len(tree) == 0 && w.Prefix == "" {
		n := len(w.Under) - 1
		gone = append(gone, Entry{w.Under[:n], w.Under[n]})
	}
	for _, l := range tree {
		if w.Mode == Absent && len(l.Sub) == 0 {
			gone = append(gone, Entry{w.Under, l.Text})
		}
	}
	for _, g := range gone {
		if len(g.Under) == 0 && port(g.Line) {
			return &LintError{g.Under, g.Line, "a port cannot be removed; name the lines that must go"}
		}
	}
	return nil
}

// port tells whether a section is an interface that is there by itself.
func port(header string) bool {
	for _, p := range []string{"interface Ethernet", "interface Management", "interface Switch"} {
		if strings.HasPrefix(header, p) && !strings.Contains(header, ".") { // a dot: a subinterface, which a person makes
			return true
		}
	}
	return false
}

// tree reads lines, normalised for the section. Entries without a number get theirs where they are put.
func (w Want) tree(lines []string) ([]*Line, error) {
	c, err := Parse([]byte(strings.Join(lines, "\n")))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.where(), err)
	}
	if c.end || len(c.Lines) == 0 && len(c.head) > 0 {
		return nil, fmt.Errorf("%s: %q is no line of a configuration", w.where(), "end")
	}
	return normal(w.Under, c.Lines), nil
}
