package eoshost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// errMixed: what was typed ahead stands in the middle of what was printed, so that nobody can tell one from the other.
var errMixed = errors.New("the switch's answers cannot be told apart")

// errPaged: the pager stopped an answer though it was switched off; what was typed ahead it took for its own.
var errPaged = errors.New("the switch stops its output for a pager though that was switched off")

// word is a command that was typed, and the comment behind it.
type word struct{ command, comment string }

// fly types commands ahead, all in one write, and gives what each printed. No byte for silence is an error. The console is of no
// more use after an error.
func (c *console) fly(ctx context.Context, silence time.Duration, commands ...string) ([]string, error) {
	var sent []word
	var ahead strings.Builder
	for _, command := range commands {
		w := word{command, c.comment()}
		sent = append(sent, w)
		ahead.WriteString(w.command + "\n" + w.comment + "\n")
	}
	if err := c.write(ahead.String()); err != nil {
		return nil, err
	}
	c.flying.Store(&sent)
	defer c.flying.Store(nil)
	last := []byte(sent[len(sent)-1].comment)
	paged, gone := false, false
	err := c.screen.until(ctx, silence, func(text []byte) looked {
		gone = false
		if paged = paging(text); paged {
			return maybe
		}
		if !c.stands(text) {
			return notYet
		}
		if gone = !bytes.Contains(tailOf(text, last), last); gone {
			return doubtful
		}
		return found
	})
	switch {
	case err != nil:
		at := unanswered(c.prompt, c.screen.take(), sent)
		return nil, c.over(&stuckError{at, fmt.Errorf("waiting for the answer to %q: %w", c.redacted(sent[at].command), c.ended(err))})
	case paged:
		return nil, c.over(errPaged)
	case gone:
		return nil, c.over(fmt.Errorf("%w: it stands at its prompt, and what was typed ahead is gone", errMixed))
	}
	answers, err := c.split(c.screen.take(), sent)
	if err != nil {
		return nil, c.over(err)
	}
	return answers, nil
}

// tailOf is the end of a text, where the last comment's echo stands once the prompt behind it does.
func tailOf(text, comment []byte) []byte { return text[max(0, len(text)-2*len(comment)-8192):] }

// stuckError is a flight that waits for the answer to its command at an index.
type stuckError struct {
	at  int
	err error
}

func (e *stuckError) Error() string { return e.err.Error() }
func (e *stuckError) Unwrap() error { return e.err }

// unanswered is the index of the first command behind which no prompt has come.
func unanswered(p *prompt, text []byte, sent []word) int {
	for i, w := range sent {
		at := bytes.LastIndex(text, []byte(w.comment))
		if at < 0 || p.before(text, at) < 0 {
			return i
		}
	}
	return len(sent) - 1
}

// waitsFor is the index of the command of the flight under way whose answer is waited for; -1: there is none.
func (c *console) waitsFor() int {
	sent := c.flying.Load()
	if sent == nil {
		return -1
	}
	c.screen.mu.Lock()
	defer c.screen.mu.Unlock()
	return unanswered(c.prompt, c.screen.text, *sent)
}
