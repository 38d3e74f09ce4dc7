package eoshost

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// slowly types one command and nothing ahead, turns the pager's pages, and only then types its comment.
func (c *console) slowly(ctx context.Context, silence time.Duration, command string) (string, error) {
	w := word{command, c.comment()}
	if err := c.write(command + "\n"); err != nil {
		return "", err
	}
	seen := 0
	for {
		paged := false
		err := c.screen.until(ctx, silence, func(text []byte) looked {
			if len(text) == seen {
				return notYet
			}
			if paged = paging(text); paged || c.stands(text) {
				return found
			}
			return when(c.prompt.before(text, len(text)) >= 0, maybe) // behind an answer that ends in no newline
		})
		if err != nil {
			return "", c.over(fmt.Errorf("waiting for the answer to %q: %w", c.redacted(command), err))
		}
		seen = c.screen.size()
		if !paged {
			break
		}
		if err := c.write(" "); err != nil {
			return "", err
		}
	}
	if err := c.write(w.comment + "\n"); err != nil {
		return "", err
	}
	err := c.screen.until(ctx, silence, func(text []byte) looked {
		return when(c.stands(text) && bytes.Contains(tailOf(text, []byte(w.comment)), []byte(w.comment)), found)
	})
	if err != nil {
		return "", c.over(fmt.Errorf("waiting for the end of the answer to %q: %w", c.redacted(command), err))
	}
	answers, err := c.split(c.screen.take(), []word{w})
	if err != nil {
		return "", c.over(err)
	}
	return answers[0], nil
}
