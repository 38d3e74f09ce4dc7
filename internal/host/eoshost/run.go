package eoshost

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// run types commands in their order and gives what each printed. It stops at the first that the switch refuses (*host.ShowError):
// nothing behind that one takes effect. So only this much is written ahead:
//
//   - commands that begin with show, up to the next that does not;
//   - inside a configuration session, the lines up to the next exit: whichever is refused, those behind it in the flight go to the
//     session, which whoever sees the error must abort, and no line can leave the session before all before it were taken;
//   - nothing else, and nothing at all once the pager came though switched off.
//
// A command of several lines is a here-document, which goes alone; its text is typed once the switch asks for it. limit is
// how long the switch may be silent. Any other error says that it is not known what the last command did: the console is closed.
func (c *console) run(ctx context.Context, limit time.Duration, commands ...string) ([]string, error) {
	c.busy.Lock()
	defer c.busy.Unlock()
	var answers []string
	for len(commands) > 0 {
		if c.overdue != nil {
			return answers, c.overdue
		}
		n := c.together(commands)
		got, err := c.send(ctx, limit, commands[:n])
		if err != nil {
			return answers, err
		}
		for i, text := range got {
			if refused := c.refusal(commands[i], text); refused != nil {
				return answers, refused
			}
			answers = append(answers, text)
		}
		commands = commands[n:]
	}
	return answers, nil
}

// send types one flight.
func (c *console) send(ctx context.Context, limit time.Duration, commands []string) ([]string, error) {
	for _, command := range commands {
		if err := typable(command); err != nil {
			return nil, err
		}
	}
	switch {
	case strings.Contains(commands[0], "\n"):
		text, err := c.hereDocument(ctx, limit, commands[0])
		return []string{text}, err
	case c.careful:
		text, err := c.slowly(ctx, limit, commands[0])
		return []string{text}, err
	}
	return c.fly(ctx, limit, commands...)
}

// together is how many of the commands go in one flight.
func (c *console) together(commands []string) int {
	if c.careful || strings.Contains(commands[0], "\n") {
		return 1
	}
	session := strings.HasPrefix(c.mode, "config-s-")
	n := 0
	for _, command := range commands {
		show := strings.HasPrefix(command, "show ")
		switch {
		case n > 0 && strings.Contains(command, "\n"):
			return n
		case !session && !show:
			return max(n, 1)
		}
		n++
		if session && leaves(command) {
			return n
		}
	}
	return n
}

// leaves tells whether a line of a session may leave its section, or the session.
func leaves(command string) bool {
	switch first, _, _ := strings.Cut(command, " "); first {
	case "exit", "end", "abort", "commit", "configure", "rollback":
		return true
	}
	return false
}

// typable refuses what a terminal would take for something else than text: control characters (a tab completes, a ? asks for
// help, wherever it stands).
func typable(command string) error {
	for _, r := range command {
		if r == '?' || r != '\n' && r < ' ' || r == 0x7f {
			return fmt.Errorf("a switch's command line cannot be given the character %q", r)
		}
	}
	if strings.TrimSpace(command) == "" {
		return errors.New("an empty command")
	}
	return nil
}
