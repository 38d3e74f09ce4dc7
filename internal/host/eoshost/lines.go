package eoshost

import (
	"slices"
	"strings"

	"bisc/internal/eosconf"
	"bisc/internal/host"
)

// wanted is what a stage's lines do to the configuration.
type wanted struct {
	lines         []string
	adds, removes []host.ConfigLine
}

// add joins one more resource's lines. A line that one brings and another takes is neither in the end; one that two bring, as the
// header of a new section in which both write, comes once.
func (w *wanted) add(c host.Configure) {
	w.lines = append(w.lines, c.Lines...)
	w.adds = together(w.adds, c.Adds)
	w.removes = together(w.removes, c.Removes)
}

// together adds the lines that are not there yet: no section has a line twice.
func together(have, more []host.ConfigLine) []host.ConfigLine {
	there := map[string]bool{}
	for _, l := range have {
		there[l.String()] = true
	}
	for _, l := range more {
		if !there[l.String()] {
			there[l.String()] = true
			have = append(have, l)
		}
	}
	return have
}

// empty tells whether there is nothing to configure.
func (w wanted) empty() bool { return len(w.lines) == 0 }

// opposite wants what was before.
func (w wanted) opposite() wanted { return wanted{adds: w.removes, removes: w.adds} }

// net counts what becomes of each line: above zero it comes, below it goes.
func (w wanted) net() map[string]int {
	n := map[string]int{}
	for _, l := range w.adds {
		n[l.String()]++
	}
	for _, l := range w.removes {
		n[l.String()]--
	}
	return n
}

// lacks names what is not so in a configuration: lines that were to come and are not there, and lines that were to go and are.
func (w wanted) lacks(c *eosconf.Config) (not []string) {
	n := w.net()
	for _, l := range w.adds {
		if n[l.String()] > 0 && !c.Has(l.Line, l.Under...) {
			not = append(not, "+ "+eosconf.Redact(l.String()))
		}
	}
	for _, l := range w.removes {
		if n[l.String()] < 0 && c.Has(l.Line, l.Under...) {
			not = append(not, "- "+eosconf.Redact(l.String()))
		}
	}
	return not
}

// came lists what of the wanted has come into a configuration since an older one.
func (w wanted) came(old, now *eosconf.Config) (came []string) {
	still := w.lacks(now)
	for _, l := range w.lacks(old) {
		if !slices.Contains(still, l) {
			came = append(came, l)
		}
	}
	return came
}

func entries(lines []host.ConfigLine) []eosconf.Entry {
	out := make([]eosconf.Entry, len(lines))
	for i, l := range lines {
		out[i] = eosconf.Entry{Under: l.Under, Line: l.Line}
	}
	return out
}

// inSession refuses lines that would not stay in the session, or not in it alone: nothing is typed then.
func inSession(lines []string) error {
	for _, l := range lines {
		if err := typable(l); err != nil {
			return err
		}
		first, _, _ := strings.Cut(l, "\n")
		if slices.Contains(commandWords(), strings.Fields(first)[0]) {
			return &host.GuardError{Guard: "a session is given configuration alone", Reason: "\"" + eosconf.Redact(first) + "\" is a command, not a line of configuration"}
		}
	}
	return nil
}

// commandWords are the first words of lines by which a session would be left, committed or emptied, or the switch told to act.
func commandWords() []string {
	return []string{"commit", "abort", "end", "configure", "rollback", "copy", "write", "reload", "bash", "show", "delete", "rename", "format", "erase",
		"enable", "disable", "logout", "quit", "!"}
}
