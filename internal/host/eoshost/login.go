package eoshost

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"bisc/internal/host"
)

// loginSilence is how long a switch may say nothing while a console starts.
const loginSilence = 30 * time.Second

// ptyRequest is RFC 4254 6.2.
type ptyRequest struct {
	Term                         string
	Columns, Rows, Width, Height uint32
	Modes                        string
}

// The terminal modes that are asked for: 53 is ECHO, 0 the list's end (RFC 4254 8). A terminal that echoes by itself puts what is
// written ahead into the middle of what is printed, so that it cannot always be told apart. The command line's own editor is to echo
// what it takes; one that does as readline does echoes only where the terminal would too, and which EOS's is nobody says [U].
const (
	noEcho = "\x35\x00\x00\x00\x00\x00"
	echo   = "\x35\x00\x00\x00\x01\x00"
)

// errNoEcho: the editor echoes nothing on a terminal that does not.
var errNoEcho = errors.New("it shows prompts and echoes nothing")

// openConsole opens one more console, enabled and with the pager switched off.
func (h *Host) openConsole(ctx context.Context) (*console, error) {
	c, err := h.startConsole(ctx)
	if err != nil {
		return nil, err
	}
	answers, err := c.all(ctx, prepare()...)
	if err != nil {
		c.close()
		return nil, fmt.Errorf("%s: the switch's command line: %w", h.conn.Place(), err)
	}
	c.prepared(answers)
	return c, nil
}

// startConsole opens one more console and enables it. Whether the terminal must echo is found out once a host.
func (h *Host) startConsole(ctx context.Context) (*console, error) {
	modes := noEcho
	if h.mustEcho.Load() {
		modes = echo
	}
	c, err := h.loggedIn(ctx, modes)
	if errors.Is(err, errNoEcho) && modes == noEcho {
		h.mustEcho.Store(true)
		c, err = h.loggedIn(ctx, echo)
	}
	return c, err
}

// loggedIn opens a console on a terminal with these modes.
func (h *Host) loggedIn(ctx context.Context, modes string) (*console, error) {
	ch, reqs, err := h.conn.Session(ctx)
	if err != nil {
		return nil, err
	}
	go ssh.DiscardRequests(reqs)
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails (Go 1.24)
	c := &console{name: h.Name(), conn: h.conn, ch: ch, screen: newScreen(), word: "! bisc-" + hex.EncodeToString(b[:]), careful: h.plain}
	go c.screen.read(ch)
	if err := c.login(ctx, modes, h.enable); err != nil {
		c.close()
		return nil, fmt.Errorf("%s: the switch's command line: %w", h.conn.Place(), err)
	}
	return c, nil
}

// login brings the console to its privileged prompt. The first words go in the same flight as the request for the shell: a comment,
// by whose echo the prompt is known, and enable, which is nothing to who is enabled already.
func (c *console) login(ctx context.Context, modes string, enable enabling) error {
	for _, r := range []struct {
		kind    string
		payload []byte
	}{{"pty-req", ssh.Marshal(ptyRequest{"vt100", 32767, 0, 0, 0, modes})}, {"shell", nil}} {
		if _, err := c.ch.SendRequest(r.kind, false, r.payload); err != nil {
			return fmt.Errorf("%w: %w", host.ErrUnreachable, err)
		}
	}
	word := c.comment()
	first := word + "\n"
	if enable.wanted {
		first += "enable\n"
	}
	asked, err := c.greet(ctx, word, first)
	if err != nil {
		return err
	}
	if asked {
		if err := c.givePassword(ctx, enable); err != nil {
			return err
		}
	}
	said := c.screen.take()
	if enable.wanted && !c.enabled {
		return fmt.Errorf("enable was refused: %s", c.redacted(lastLine(lines(said, false), c.prompt)))
	}
	return nil
}

// greet waits for the prompt behind the first words, or for the question for a password.
func (c *console) greet(ctx context.Context, word, first string) (asked bool, err error) {
	if err := c.write(first); err != nil {
		return false, err
	}
	for again := false; ; again = true {
		lost := false
		err := c.screen.until(ctx, loginSilence, func(text []byte) looked {
			asked, lost = false, false
			if c.prompt = learnPrompt(text, word); c.prompt == nil {
				lost = looksPrompted.Match(text) || asksPassword(text)
				return when(lost, maybe)
			}
			at := strings.LastIndex(string(text), word) + len(word)
			if asksPassword(text[at:]) {
				asked = true
				return found
			}
			return when(c.stands(text) && echoed(text[at:], first), found)
		})
		if err != nil {
			return false, fmt.Errorf("waiting for its prompt: %w%s", err, c.said())
		}
		if !lost {
			return asked, nil
		}
		// What was typed before there was a command line to take it is lost [I].
		if seen := c.screen.peek(); again || asksPassword(seen) || prompts(seen) > 1 { // an answer to our words, and not they
			return false, errNoEcho
		}
		if err := c.write(first); err != nil {
			return false, err
		}
	}
}

// asksPassword tells whether a text ends in enable's question [V].
func asksPassword(text []byte) bool {
	return bytes.HasSuffix(bytes.TrimSpace(lastOf(text)), []byte("assword:"))
}

// echoed tells whether the last of what was typed was taken by the command line.
func echoed(after []byte, first string) bool {
	typed := strings.Split(strings.TrimSpace(first), "\n")
	return len(typed) == 1 || strings.Contains(string(after), typed[len(typed)-1])
}

// givePassword answers enable's question.
func (c *console) givePassword(ctx context.Context, enable enabling) error {
	password, err := enable.password(ctx)
	if err != nil {
		return err
	}
	c.secret = password
	c.screen.take()
	if err := c.write(password + "\n"); err != nil {
		return err
	}
	again := false
	err = c.screen.until(ctx, loginSilence, func(text []byte) looked {
		again = asksPassword(text)
		return when(again || c.stands(text), found)
	})
	if err != nil {
		return fmt.Errorf("waiting for its prompt after enable's password: %w", err)
	}
	if again || !c.enabled {
		return errors.New("enable refused the password that was typed, or that the inventory's become_password_file, become_password_env or become_password_cmd names")
	}
	return nil
}

// said is what the switch printed while nothing of it was understood, for a message.
func (c *console) said() string {
	line := lastLine(lines(c.screen.take(), false), c.prompt)
	if line == "" {
		return ""
	}
	return fmt.Sprintf(" (it said %q)", c.redacted(line))
}

// lastLine is the last line of a text that says something and is no prompt.
func lastLine(text string, p *prompt) string {
	all := strings.Split(text, "\n")
	for i := len(all) - 1; i >= 0; i-- {
		line := strings.TrimSpace(all[i])
		if line == "" || p != nil && p.line.MatchString(line) {
			continue
		}
		return line[:min(len(line), 200)]
	}
	return ""
}
