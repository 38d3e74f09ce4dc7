package front

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// terminal is a shell on a session channel, with a terminal or without one.
type terminal struct {
	s    *session
	cli  *cli
	keys *keys
	// reading: the editor has the terminal, which then echoes nothing by itself.
	reading atomic.Bool

	mu     sync.Mutex
	cancel context.CancelFunc // of the command that runs; nil for none
}

func newTerminal(s *session) *terminal { return &terminal{s: s, keys: newKeys()} }

// shell serves a session of lines until exit, the end of the input, or the end of the connection.
func (s *session) shell() (int, error) {
	if s.term == nil {
		s.term = newTerminal(s)
	}
	t := s.term
	f := s.peer.front
	t.cli = f.cli("shell", s.peer.id, s.peer.conn.User(), s.peer.from(), f.Access().ShellPrivileged)
	defer t.cli.Close()
	f.wg.Go(t.listen)
	t.greet()
	return t.lines()
}

// greet is what a login shows (cli-transcripts/scrapli: "Last login: Sat May 29 13:07:48 2021 from 10.0.0.2", an empty line, the
// prompt) [V]; where the message of the day stands among them is [I].
func (t *terminal) greet() {
	if !t.s.pty {
		return
	}
	f := t.s.peer.front
	t.write("Last login: " + time.Now().UTC().Format("Mon Jan _2 15:04:05 2006") + " from " + t.s.peer.from() + "\n")
	if f.opts.Motd != nil {
		t.write(ended(f.opts.Motd()))
	}
	t.write(ended(f.Faults().Banner) + "\n")
}

// lines reads and runs lines. The answer and the prompt after it go out in one piece.
func (t *terminal) lines() (int, error) {
	t.reading.Store(true)
	t.write(t.prompt())
	for {
		t.reading.Store(true)
		line, err := t.readLine()
		if errors.Is(err, errInterrupted) {
			t.write("^C\n" + t.prompt())
			continue
		}
		if err != nil {
			return 0, nil // end of input, or of the connection
		}
		if err := t.do(line); err != nil {
			return 0, err
		}
		if t.cli.Closed() {
			return 0, nil
		}
	}
}

// do runs a line and shows its answer.
func (t *terminal) do(line string) error {
	t.reading.Store(false)
	ctx, done := t.begin()
	defer done()
	a, err := t.cli.ask(ctx, line, func(ctx context.Context) (string, error) { return t.run(ctx, line) })
	if err == nil {
		err = t.show(ctx, a)
	}
	switch {
	case errors.Is(err, errQuit):
		return errQuit
	case err != nil && t.s.ctx.Err() == nil && ctx.Err() != nil: // ^C
		t.write("^C\n" + t.prompt())
		return nil
	}
	return err
}

// show puts an answer on the screen, in pages where pages are on.
func (t *terminal) show(ctx context.Context, a answer) error {
	faults := t.s.peer.front.Faults()
	text := ended(faults.Noise) + a.text
	rows, _ := t.cli.Terminal()
	if rows == 0 && faults.Paging {
		rows = 24
	}
	if t.s.pty && rows > 0 && a.trip == nil {
		if err := t.page(ctx, text, rows); err != nil {
			return err
		}
		text = ""
	}
	if !t.cli.Closed() {
		text += t.prompt()
	}
	t.reading.Store(true)
	if err := t.s.peer.front.deliver(ctx, t.s.ch, t.lineEnds(text), a.trip); err != nil {
		return err
	}
	return ctx.Err()
}

// begin is the start of a command that ^C may end.
func (t *terminal) begin() (context.Context, func()) {
	ctx, cancel := context.WithCancel(t.s.ctx)
	t.mu.Lock()
	t.cancel = cancel
	t.mu.Unlock()
	return ctx, func() {
		t.mu.Lock()
		t.cancel = nil
		t.mu.Unlock()
		cancel()
	}
}

// interrupt is ^C: what was typed ahead is gone, and the command that runs ends.
func (t *terminal) interrupt() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keys.interrupt(t.cancel == nil)
	if t.cancel != nil {
		t.cancel()
	}
}

// listen takes what is typed, to its end.
func (t *terminal) listen() {
	defer t.keys.close()
	b := make([]byte, 4096)
	for {
		n, err := t.s.ch.Read(b)
		if t.echoes() {
			t.write(strings.ReplaceAll(strings.ReplaceAll(string(b[:n]), "\r", "\n"), "\x03", ""))
		}
		for _, c := range b[:n] {
			if t.s.pty && c == ctrlC {
				t.interrupt()
				continue
			}
			t.keys.type1(c)
		}
		if err != nil {
			return
		}
	}
}

// echoes says whether the terminal itself shows what is typed, amid whatever is being printed.
func (t *terminal) echoes() bool {
	if !t.s.pty || t.reading.Load() {
		return false
	}
	echo := t.s.peer.front.Faults().Echo
	return echo == "twice" || echo == "asked" && t.s.echo
}

// prompt is the device's, with what the chassis puts into it; a session without a terminal has none [I].
func (t *terminal) prompt() string {
	if !t.s.pty {
		return ""
	}
	p := t.cli.Prompt()
	chassis := t.s.peer.front.Faults().Chassis
	if i := strings.IndexAny(p, "(>#"); chassis != "" && i >= 0 {
		return p[:i] + chassis + p[i:]
	}
	return p
}

// write shows text; a channel that is gone is found by reading it.
func (t *terminal) write(text string) { t.s.ch.Write([]byte(t.lineEnds(text))) }

// lineEnds is what a terminal makes of text on its way out.
func (t *terminal) lineEnds(text string) string {
	if !t.s.pty {
		return text
	}
	return strings.ReplaceAll(text, "\n", "\r\n")
}
