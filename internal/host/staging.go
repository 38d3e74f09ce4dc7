package host

import (
	"fmt"
	"strings"
)

// DiffError is a switch's own diff of what was staged that is not the approved one; nothing was put in force. The lines of More
// the approved one lacks, as the switch spells them ("+ " or "- " in front); those of Less the switch would not change.
type DiffError struct {
	Host       string
	More, Less []string
}

// Error lists both.
func (e *DiffError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "what %s would change is not what was approved; nothing was committed", e.Host)
	for _, part := range []struct {
		what  string
		lines []string
	}{{"it would change too, in its own spelling", e.More}, {"it would not change", e.Less}} {
		if len(part.lines) > 0 {
			fmt.Fprintf(&b, "; %s: %s", part.what, strings.Join(part.lines, ", "))
		}
	}
	return b.String()
}

// ConfirmedError is a change that is in force for good, with something wrong after that: it is not saved, others have
// overwritten it, a lock is left.
type ConfirmedError struct {
	Host string
	Err  error
}

// Error says so.
func (e *ConfirmedError) Error() string {
	return fmt.Sprintf("the change of %s was proved and confirmed, and then: %v", e.Host, e.Err)
}

// Unwrap gives what went wrong.
func (e *ConfirmedError) Unwrap() error { return e.Err }
