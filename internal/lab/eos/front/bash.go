package front

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"
)

// bash runs a command of a terminal's bash. With faults that cut answers its output is kept and given back as text; else it is shown as
// it comes.
func (t *terminal) bash(ctx context.Context, command string) (string, error) {
	if !t.s.pty {
		t.cli.stream(ctx, command, strings.NewReader(""), t.s.ch, t.s.ch.Stderr())
		return "", ctx.Err()
	}
	pair, err := openPTY(command == "")
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

	t.cli.stream(ctx, command, pair.slave, pair.slave, pair.slave)
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
	return strings.ReplaceAll(kept.String(), "\r\n", "\n"), ctx.Err()
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
