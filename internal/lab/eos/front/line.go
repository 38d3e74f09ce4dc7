package front

import (
	"io"
	"strings"
)

// input is a line as it is being typed.
type input struct {
	t       *terminal
	line    []byte
	secret  bool
	literal bool // the next key is itself (^V)
	prose   bool // more of a text, where "?" is a character
	column  int
	echo    strings.Builder
}

// readLine reads one line at the prompt that stands already. Each of \r and \n ends one, as readline has it: a client that sends both gets
// the prompt twice.
func (t *terminal) readLine() (string, error) {
	prompt := t.prompt()
	in := &input{t: t, column: len(prompt)}
	_, in.secret = t.cli.Asking()
	in.prose = !strings.HasSuffix(prompt, "#") && !strings.HasSuffix(prompt, ">")
	for {
		if t.keys.waiting() {
			in.flush()
		}
		c, err := t.keys.next(t.s.ctx)
		if err == io.EOF && len(in.line) > 0 && !t.s.pty {
			return string(in.line), nil // a last line without its end
		}
		if err != nil {
			in.flush()
			return "", err
		}
		if c == '\r' || c == '\n' {
			in.show("\n")
			in.flush()
			return string(in.line), nil
		}
		if done, err := in.key(c); done || err != nil {
			in.flush()
			return string(in.line), err
		}
	}
}

// key takes one key that does not end the line by itself.
func (in *input) key(c byte) (done bool, err error) {
	switch {
	case !in.t.s.pty || in.literal:
		in.literal = false
		in.add(c)
	case c == ctrlD && len(in.line) == 0:
		in.show("\n")
		return false, io.EOF
	case c == ctrlZ: // leaves the configuration, as "end" does
		in.line = []byte("end")
		in.show("^Z\n")
		return true, nil
	case c == ctrlV:
		in.literal = true
	case c == ctrlU:
		in.erase(len(in.line))
	case c == backspace || c == rubout:
		in.erase(min(1, len(in.line)))
	case c == '?' && !in.secret && !in.prose:
		in.help()
	case c == tab && !in.prose:
		in.show(string(rune(bell))) // completes nothing
	case c >= ' ' || in.prose:
		in.add(c)
	}
	return false, nil
}

// add takes a character into the line. The screen's right edge is passed as readline does on a terminal that wraps by itself: a blank and a
// return [I].
func (in *input) add(c byte) {
	in.line = append(in.line, c)
	if in.secret {
		return
	}
	in.show(string([]byte{c}))
	if in.column++; in.t.s.window.cols > 0 && in.column%in.t.s.window.cols == 0 {
		in.show(" \r")
	}
}

func (in *input) erase(n int) {
	in.line = in.line[:len(in.line)-n]
	if !in.secret {
		in.show(strings.Repeat("\b \b", n))
		in.column -= n
	}
}

// help is what "?" does in the middle of a line: it is not part of the line, something is told, and the line stands there again [I].
func (in *input) help() {
	in.show("?\n% Unrecognized command\n" + in.t.prompt() + string(in.line))
}

// show collects what is shown of the typing.
func (in *input) show(s string) {
	t := in.t
	if !t.s.pty || !t.s.echo && t.s.peer.front.Faults().Echo == "asked" && s != "\n" {
		return
	}
	in.echo.WriteString(s)
}

func (in *input) flush() {
	if in.echo.Len() > 0 {
		in.t.write(in.echo.String())
		in.echo.Reset()
	}
}
