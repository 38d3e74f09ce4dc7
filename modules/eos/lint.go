package eos

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"bisc/internal/eosconf"
	"bisc/modules"
)

// checkLines finds, before any switch is asked, lines that EOS does not have, that would leave the section or the session that
// they are typed in, or that a terminal takes for a question.
func checkLines(attr string, under, lines []string) error {
	var faults []error
	for _, l := range lines {
		if err := checkLine(under, l); err != nil {
			faults = append(faults, &modules.AttrError{Attr: attr, Reason: fmt.Sprintf("%q: %v", eosconf.Redact(l), err)})
		}
	}
	return errors.Join(faults...)
}

func checkLine(under []string, line string) error {
	first := strings.Fields(line)
	var lint *eosconf.LintError
	switch err := eosconf.Lint(under, strings.TrimSpace(line)); {
	case len(first) == 0:
		return errors.New("an empty line says nothing: leave it out")
	case strings.ContainsFunc(line, unicode.IsControl):
		return errors.New("a line of a switch's configuration has no tabs and no line ends: write one element a line, and what is longer into a file on flash")
	case strings.Contains(line, "?"):
		return errors.New("the command line takes ? for a question, and answers it instead of taking the line")
	case secret(line):
		return errors.New("it holds a secret, which would stand in plans and in the journal: bisc writes none on a switch; type it there yourself")
	case errors.As(err, &lint):
		return errors.New(lint.Instead)
	case err != nil:
		return err
	case leaves(first):
		return fmt.Errorf("%q is no line of a configuration: it leaves the section, the session or the mode in which the lines are typed", first[0])
	}
	return nil
}

// secret tells whether a line holds what nobody but the switch may know.
func secret(line string) bool {
	return eosconf.Secret(line) && !strings.HasPrefix(strings.TrimSpace(line), "tunnel key ")
}

// leaves tells whether a line is a command and no configuration.
func leaves(words []string) bool {
	return len(words) == 1 && slices.Contains([]string{"exit", "end", "abort", "commit", "disable"}, words[0]) ||
		slices.Contains([]string{"commit", "configure", "copy", "write", "rollback", "reload", "bash", "delete", "do", "show", "clear"}, words[0])
}

// checkHeaders is the same for a section's path.
func checkHeaders(attr string, path []string) error {
	if len(path) == 0 {
		return &modules.AttrError{Attr: attr, Reason: "name the section by its headers, outermost first: path = [\"interface Tunnel100\"]"}
	}
	var faults []error
	for i := range path {
		if strings.TrimSpace(path[i]) != path[i] {
			faults = append(faults, &modules.AttrError{Attr: attr, Reason: fmt.Sprintf("%q: write it without spaces around it; each element is one header", path[i])})
			continue
		}
		faults = append(faults, checkLines(attr, path[:i], path[i:i+1]))
	}
	return errors.Join(faults...)
}

// possible plans the wants on a switch that has nothing, and finds what eosconf says of them whatever the switch has. Without an
// attribute the fault is the block's.
func possible(attr string, wants []eosconf.Want) error {
	_, err := (&eosconf.Config{}).Plan(wants...)
	if err != nil && attr != "" {
		return &modules.AttrError{Attr: attr, Reason: err.Error()}
	}
	return err
}
