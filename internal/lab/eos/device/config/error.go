package config

import "fmt"

// ambiguousText is the refusal of a word that may be several (eos.md A.4).
const ambiguousText = "Ambiguous command"

// Error is a line that is refused.
type Error struct {
	Line       string
	Token      int // which word is not understood, from 1
	Word       string
	Incomplete bool
	Text       string // what the switch says, when it understood the line and cannot do it
}

// Error is for the log of a boot; the command line has its own words.
func (e *Error) Error() string {
	switch {
	case e.Text != "":
		return fmt.Sprintf("%s: %s", e.Line, e.Text)
	case e.Incomplete:
		return fmt.Sprintf("%s: incomplete command", e.Line)
	}
	return fmt.Sprintf("%s: invalid input (at token %d: '%s')", e.Line, e.Token, e.Word)
}
