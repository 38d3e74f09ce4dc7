package eoshost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"bisc/internal/host"
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

// over notes that the console is of no more use.
func (c *console) over(err error) error {
	c.overdue = err
	c.close()
	return err
}

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

// ended tells a console's end that came of the connection's.
func (c *console) ended(err error) error {
	if !errors.Is(err, errClosed) {
		return err
	}
	return fmt.Errorf("%w: %w", host.ErrUnreachable, err)
}

// split finds each command's answer: what stands between the echo of the comment before it and the prompt before its own. Of
// several echoes of one comment the last is the command line's own, the others are a terminal's that echoed too early.
func (c *console) split(text []byte, sent []word) ([]string, error) {
	answers := make([]string, len(sent))
	from := 0
	for i, w := range sent {
		at := bytes.LastIndex(text, []byte(w.comment))
		begin := -1
		if at >= from {
			begin = c.prompt.before(text, at)
		}
		if begin < from {
			return nil, fmt.Errorf("%w: no prompt before the end of the answer to %q", errMixed, c.redacted(w.command))
		}
		answer, err := c.answer(lines(text[from:begin], c.careful), i, sent)
		if err != nil {
			return nil, err
		}
		answers[i] = answer
		from = at + len(w.comment)
		if nl := bytes.IndexByte(text[from:], '\n'); nl >= 0 {
			from += nl + 1
		}
	}
	return answers, nil
}

// answer takes the echoes out of what stands between two comments: the command's own, which may come twice from a switch that
// lags [V], and what a terminal echoed of what was typed ahead, in one piece, wherever the output then stood.
func (c *console) answer(text string, i int, sent []word) (string, error) {
	for _, w := range sent[i+1:] {
		text = strings.Replace(text, w.command+"\n"+w.comment+"\n", "", 1)
	}
	own := sent[i]
	text = strings.Replace(text, own.command+"\n"+own.comment+"\n", "", 1)
	text = strings.Replace(text, own.comment+"\n", "", 1)
	text = c.withoutEcho(text, own.command)
	if strings.Contains(text, c.word) {
		return "", fmt.Errorf("%w: what was typed ahead stands in the answer to %q", errMixed, c.redacted(own.command))
	}
	return text, nil
}

// withoutEcho takes a command's echoes from the beginning of a text, with or without a prompt before them.
func (c *console) withoutEcho(text, command string) string {
	for _, typed := range strings.Split(command, "\n") {
		for {
			line, rest, _ := strings.Cut(text, "\n")
			bare := strings.TrimLeft(line, "\r")
			if p := c.prompt.line.FindString(strings.TrimSuffix(bare, typed)); bare != typed && (p == "" || !strings.HasSuffix(bare, typed)) {
				break
			}
			if text == "" {
				break
			}
			text = rest
			if typed == "" {
				break
			}
		}
	}
	return text
}

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
