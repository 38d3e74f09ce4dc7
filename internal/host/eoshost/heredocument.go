package eoshost

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"bisc/internal/host"
)

// hereDocument types the first line, waits until the switch asks for the text, and types the rest. Were the first line refused,
// its text would be taken for commands.
func (c *console) hereDocument(ctx context.Context, silence time.Duration, command string) (string, error) {
	first, rest, _ := strings.Cut(command, "\n")
	if err := c.write(first + "\n"); err != nil {
		return "", err
	}
	stands := false
	err := c.screen.until(ctx, silence, func(text []byte) looked {
		if stands = bytes.Contains(text, []byte("\n")) && c.stands(text); stands {
			return maybe
		}
		return when(bytes.Contains(text, []byte("EOF")), found) // "Type 'EOF' on its own line to end." [I]
	})
	if err != nil {
		return "", c.over(fmt.Errorf("waiting for the switch to ask for the text of %q: %w", c.redacted(first), err))
	}
	if stands {
		text := c.withoutEcho(lines(c.screen.take(), c.careful), first)
		text = text[:strings.LastIndexByte(text, '\n')+1]
		if text == "" {
			text = "% it asked for no text"
		}
		return "", &host.ShowError{Command: c.redacted(first), Text: c.redacted(text)}
	}
	c.screen.take()
	return c.flyText(ctx, silence, rest)
}

// flyText types a here-document's text; the switch echoes it or not.
func (c *console) flyText(ctx context.Context, silence time.Duration, text string) (string, error) {
	comment := c.comment()
	if err := c.write(text + "\n" + comment + "\n"); err != nil {
		return "", err
	}
	err := c.screen.until(ctx, silence, func(seen []byte) looked {
		at := bytes.LastIndex(seen, []byte(comment))
		return when(at >= 0 && c.prompt.before(seen, at) >= 0 && c.stands(seen), found)
	})
	if err != nil {
		return "", c.over(fmt.Errorf("waiting for the end of a text: %w", err))
	}
	seen := lines(c.screen.take(), c.careful)
	after := seen
	if at := strings.LastIndex(seen, "EOF\n"); at >= 0 {
		after = seen[at+len("EOF\n"):]
	}
	at := strings.LastIndex(after, comment)
	if at < 0 {
		return "", nil
	}
	return after[:max(0, c.prompt.before([]byte(after), at))], nil
}
