package device

import "fmt"

// Kind tells how the command line refused.
type Kind int

// The ways of a refusal. eAPI makes 1002 of the first three, 1000 of Failed, 1003 of Unconverted and 1005 of Denied (eos.md A.1).
const (
	Invalid Kind = iota
	Incomplete
	Ambiguous
	Failed
	Unconverted
	Denied
)

// Error is a refusal of the command line.
type Error struct {
	Kind    Kind
	Message string // without the "% " before it
	Token   int    // for Invalid: which word, from 1
	Word    string
}

// Error is what a terminal shows: "% Invalid input" (eos.md A.4; json/curated/eapi-error-1002.json has the words).
func (e *Error) Error() string { return "% " + e.Message }

// Detail is what eAPI puts into its list of errors: it names the word (json/curated/eapi-error-1002.json).
func (e *Error) Detail() string {
	if e.Kind == Invalid && e.Token > 0 {
		return fmt.Sprintf("%s (at token %d: '%s')", e.Message, e.Token, e.Word)
	}
	return e.Message
}

func invalid(token int, word string) *Error {
	return &Error{Kind: Invalid, Message: "Invalid input", Token: token, Word: word}
}

func incomplete() *Error { return &Error{Kind: Incomplete, Message: "Incomplete command"} }

func failed(format string, args ...any) *Error {
	return &Error{Kind: Failed, Message: fmt.Sprintf(format, args...)}
}
