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

// inSession refuses lines that would not stay in the session, or not in it alone, or after which bisc would not know the switch any
// more: nothing is typed then.
func inSession(lines []string) error {
	for _, l := range lines {
		if err := typable(l); err != nil {
			return err
		}
		if !oneLine(l) {
			return guarded("a session is given configuration alone", "%q is more than one line, or a text that does not end where it says", eosconf.Redact(l))
		}
		first, _, _ := strings.Cut(l, "\n")
		words := strings.Fields(first)
		if slices.ContainsFunc(commandWords(), func(command string) bool { return strings.HasPrefix(command, words[0]) }) || words[0] != "exit" && strings.HasPrefix("exit", words[0]) {
			return guarded("a session is given configuration alone", "%q is a command, or short for one, and no line of configuration", eosconf.Redact(first))
		}
		if words[0] == "no" || words[0] == "default" {
			words = words[1:]
		}
		if len(words) > 0 && (words[0] == "hostname" || words[0] == "prompt") {
			return guarded("the switch keeps its name", "%q: bisc knows the switch and its prompt by that, and could prove nothing after the commit. Change it on the switch yourself, then in the inventory", first)
		}
	}
	return nil
}

// oneLine tells whether a command is one line, or one with the text that follows it, whole and to its own end: what stands behind that
// end would be typed as commands.
func oneLine(l string) bool {
	c, err := eosconf.Parse([]byte(l))
	if err != nil || strings.HasPrefix(l, "\n") {
		return false
	}
	return !strings.Contains(l, "\n") || len(c.Lines) == 1 && len(c.Lines[0].Sub) == 0 && !c.Whole()
}

// commandWords are the first words of lines by which a session would be left, committed or emptied, or the switch told to act. EOS takes
// them shortened too [V].
func commandWords() []string {
	return []string{"commit", "abort", "end", "configure", "rollback", "copy", "write", "reload", "bash", "show", "delete", "rename", "format", "erase",
		"enable", "disable", "logout", "quit", "!"}
}
