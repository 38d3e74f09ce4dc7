package eoshost

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"bisc/internal/host"
	"bisc/internal/host/sshhost"
)

// console is one context of the switch's command line on a PTY, privileged where that was asked for. A lock of the
// configuration is tied to it. It answers one asker at a time.
//
// Behind each command a comment that nobody else can know is typed, which EOS takes in every mode and answers with nothing [V]:
// what stands before its echo is the command's answer, whatever that looks like.
type console struct {
	name   string
	conn   *sshhost.Conn
	ch     ssh.Channel
	screen *screen
	word   string // of this console's comments
	secret string // the enable password, so that no error shows it

	busy    sync.Mutex // held while it is asked
	typed   int        // comments so far
	prompt  *prompt
	mode    string // of the last prompt: "", "config", "config-s-NAME6-if-Et1"
	enabled bool
	careful bool // the pager could not be switched off, or came all the same: nothing is written ahead
	overdue error
	flying  atomic.Pointer[[]word]
	closing sync.Once
}

// comment is the next comment to type.
func (c *console) comment() string {
	c.typed++
	return fmt.Sprintf("%s-%d", c.word, c.typed)
}

// write types text; what the wire holds back goes with it.
func (c *console) write(text string) error {
	c.screen.sent()
	_, err := c.ch.Write([]byte(text))
	if ferr := c.conn.Flush(); err == nil {
		err = ferr
	}
	if err != nil {
		return fmt.Errorf("%w: the connection ended: %w", host.ErrUnreachable, err)
	}
	return nil
}

// stands notes the prompt at a text's end.
func (c *console) stands(text []byte) bool {
	mode, privileged, at := c.prompt.standing(text)
	if at {
		c.mode, c.enabled = mode, privileged
	}
	return at
}

// read asks in one flight, or one by one on a careful console.
func (c *console) read(ctx context.Context, silence time.Duration, commands []string) ([]string, error) {
	c.busy.Lock()
	defer c.busy.Unlock()
	if c.overdue != nil {
		return nil, c.overdue
	}
	if c.careful {
		text, err := c.slowly(ctx, silence, commands[0])
		return []string{text}, err
	}
	return c.fly(ctx, silence, commands...)
}

// over notes that the console is of no more use.
func (c *console) over(err error) error {
	c.overdue = err
	c.close()
	return err
}

// ended tells a console's end that came of the connection's.
func (c *console) ended(err error) error {
	if !errors.Is(err, errClosed) {
		return err
	}
	return fmt.Errorf("%w: %w", host.ErrUnreachable, err)
}

// close ends the console: what hangs on it (a lock of the configuration is not one of these) ends with it.
func (c *console) close() {
	c.closing.Do(func() {
		_ = c.ch.Close()
		_ = c.conn.Flush()
	})
}
