package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// ErrNoSwitch: what was asked for only a switch can answer.
var ErrNoSwitch = fmt.Errorf("only a switch answers that: %w", errors.ErrUnsupported)

// ShowError is a command that a switch did not take: its own words, each line that begins with "%" or stands in an eAPI error's
// list. An unknown name of a thing (a daemon, a session) comes as this too.
type ShowError struct {
	Command string
	Text    string
	// Denied: the switch's own authorization forbids the command to this user.
	Denied bool
	// Unconverted: the command has no JSON; ask for its text.
	Unconverted bool
}

// Error gives the command and what the switch said of it.
func (e *ShowError) Error() string {
	return fmt.Sprintf("the switch refused %q: %s", e.Command, strings.TrimSpace(e.Text))
}

// ReadShow tells whether a Show may ask a command: one that begins with show, on one line, with no pipe but "| json" at its end
// and no redirection.
func ReadShow(command string) error {
	plain := strings.TrimSuffix(command, " | json")
	bad := strings.IndexFunc(plain, func(r rune) bool {
		return unicode.IsControl(r) || strings.ContainsRune("|><;&`$", r) || r == unicode.ReplacementChar
	})
	if !strings.HasPrefix(plain, "show ") || bad >= 0 || strings.TrimSpace(plain) != plain {
		return fmt.Errorf("%w: the switch's command %q", ErrNotReadOnly, command)
	}
	return nil
}

// ShowJSON asks a switch for a command's JSON and reads it into v. Numbers in an any come as json.Number.
func ShowJSON(ctx context.Context, r Reader, command string, v any) error {
	b, err := r.Show(ctx, command+" | json")
	if err != nil {
		return err
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("the switch's answer to %q is not the JSON that was expected: %w", command, err)
	}
	return nil
}
