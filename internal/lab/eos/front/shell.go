package front

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"bisc/internal/lab/eos/device"
)

// Shell is one CLI context of the device, with a mode of its own: a device.Shell. It is used by one goroutine at a time.
type Shell interface {
	// From says from which address the user came.
	From(address string)
	Prompt() string
	Asking() (question string, secret bool)
	InText() bool
	Privilege(on bool)
	// Exact: abbreviated words are refused.
	Exact(on bool)
	// MayBash tells whether the context may run a line "bash ...", which the face then streams.
	MayBash(line string) error
	Terminal() (length, width int)
	Cost(line string) time.Duration
	// Run takes one line, and gives what the CLI prints for it; a refusal is the error, whose text the CLI shows.
	Run(line string) (string, error)
	JSON(line string) (json.RawMessage, error)
	Closed() bool
	Close()
}

// cli is a shell as a face uses it.
type cli struct {
	Shell
	front *Front
	face  string
	conn  int64
	tty   string
	user  string
}

// cli opens a context on the next free terminal; EOS calls them vty0 and on (json/curated/configuration-lock.json).
func (f *Front) cli(face string, conn int64, user, from string, privileged bool) *cli {
	tty := fmt.Sprintf("vty%d", f.ids.Add(1))
	if face == "eapi" {
		tty = "command-api"
	}
	c := &cli{f.opts.Open(user, tty), f, face, conn, tty, user}
	if from != "" {
		c.From(from)
	}
	if privileged {
		c.Privilege(true)
	}
	f.log.add(Heard{Face: face, Conn: conn, TTY: tty, User: user, Detail: "open"})
	return c
}

// answer is what a line brought.
type answer struct {
	text string // what the CLI prints
	err  error  // the refusal, of which text has the words
	trip *Trip  // what is to happen as the answer is delivered
}

// Errors by which a face ends.
var (
	errCut  = errors.New("the connection is cut here")
	errQuit = errors.New("the session ends here")
)

// ask gives the device a line; run does it. What happens before the answer happens here; what happens in it is left to the face, which
// delivers it.
func (c *cli) ask(ctx context.Context, line string, run func(context.Context) (string, error)) (answer, error) {
	h := Heard{Face: c.face, Conn: c.conn, TTY: c.tty, User: c.user, Prompt: c.Prompt(), Line: line}
	if _, secret := c.Asking(); secret {
		h.Line = "(secret)"
	}
	t := c.front.tripped(line)
	if t != nil {
		h.Fault = t.Do + " " + string(t.When)
	}
	c.front.log.add(h)
	if t != nil && t.When == Unheard {
		return answer{}, c.front.act(ctx, t)
	}
	if err := c.front.delay(ctx, c.Cost(line)); err != nil {
		return answer{}, err
	}
	text, err := run(ctx)
	if errors.Is(err, context.Canceled) {
		return answer{}, err
	}
	if t != nil && t.When == Unanswered {
		return answer{}, c.front.act(ctx, t)
	}
	if err != nil {
		text = ended(text) + ended(err.Error())
	}
	return answer{ended(text), err, t}, nil
}

// ended is text whose last line has its end.
func ended(text string) string {
	if text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\n"
}

// act does what a trip does, and says how the face goes on: nil, errCut, errQuit, or that it was interrupted.
func (f *Front) act(ctx context.Context, t *Trip) error {
	switch t.Do {
	case Cut:
		return errCut
	case Quit:
		return errQuit
	}
	f.mu.Lock()
	released := f.released
	f.mu.Unlock()
	select {
	case <-released:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// delay is what a command takes beside its work.
func (f *Front) delay(ctx context.Context, cost time.Duration) error {
	faults := f.Faults()
	cost += faults.Latency
	if more := faults.LatencyMax - faults.Latency; more > 0 {
		cost += time.Duration(f.ids.Add(1)%16) * more / 15
	}
	if cost <= 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(cost):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// line gives the device a line; a command of bash has this input and these outputs, and its status is given. It is refused where the
// context may not, as any other line; what it does itself is no refusal here.
func (c *cli) line(ctx context.Context, line string, in io.Reader, out, errs io.Writer) (text string, status int, err error) {
	command, is := c.bash(line)
	if !is {
		text, err = c.Run(line)
		return text, 0, err
	}
	if err := c.MayBash(line); err != nil {
		return "", 0, err
	}
	return "", c.front.opts.Bash(ctx, c.user, command, in, out, errs), ctx.Err()
}

// bash gives the command that a line passes to the Linux below, if it is such a line. `bash` may be typed in any mode [I], but not
// amid a text.
func (c *cli) bash(line string) (command string, is bool) {
	command, is = device.BashCommand(line)
	_, secret := c.Asking()
	return command, is && !secret && !c.InText() && c.front.opts.Bash != nil
}

// returned is what the CLI says of a command of bash that failed ("... returned error code: N", eos.md A.4) [V].
func returned(command string, status int) error {
	if status == 0 {
		return nil
	}
	return &device.Error{Kind: device.Failed, Message: fmt.Sprintf("'bash %s' returned error code: %d", command, status)}
}
