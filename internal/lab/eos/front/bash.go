package front

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"
)

// run runs a line of a terminal. A command of bash that ends with a status says so [V]. With faults that cut answers its output is kept
// and given back as text; else it is shown as it comes.
func (t *terminal) run(ctx context.Context, line string) (string, error) {
	command, is := t.cli.bash(line)
	if !is || !t.s.pty {
		text, status, err := t.cli.line(ctx, line, strings.NewReader(""), t.s.ch, t.s.ch.Stderr())
		if err == nil {
			err = returned(command, status)
		}
		return text, err
	}
	pair, err := openPTY()
	if err != nil {
		return "", err
	}
	var kept strings.Builder
	var screen io.Writer = t.s.ch
	if len(t.s.peer.front.Faults().Trips) > 0 {
		screen = &kept
	}
	var out, in sync.WaitGroup
	out.Go(func() { io.Copy(screen, pair.master) }) // to EIO, when nobody has the slave open any more
	typing, stop := context.WithCancel(ctx)
	typed := 0
	in.Go(func() { typed = t.feed(typing, pair) })

	_, status, err := t.cli.line(ctx, line, pair.slave, pair.slave, pair.slave)
	stop()
	in.Wait()
	if typed > 0 {
		t.keys.back(pair.unread(typed))
	}
	pair.slave.Close()
	// What a command left running behind itself has the terminal open still, and must not keep the CLI.
	end := time.AfterFunc(time.Second, func() { pair.master.Close() })
	out.Wait()
	end.Stop()
	pair.master.Close()
	if err == nil {
		err = returned(command, status)
	}
	return strings.ReplaceAll(kept.String(), "\r\n", "\n"), err
}

// feed types what is typed into a command's terminal, and says how many bytes that were.
func (t *terminal) feed(ctx context.Context, pair *pty) (n int) {
	for {
		c, err := t.keys.next(ctx)
		if errors.Is(err, io.EOF) {
			c, err = ctrlD, nil // the client's end of input is the terminal's
			pair.master.Write([]byte{c})
			return n
		}
		if err != nil {
			return n
		}
		if _, err := pair.master.Write([]byte{c}); err != nil {
			return n
		}
		n++
	}
}
