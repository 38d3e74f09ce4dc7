package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"bisc/layers"
)

// interrupts gives a context that the second interrupt cancels; the first closes c.stop, so that the step that is
// running is finished and recorded. A verb that only reads ends at the first.
func (c *command) interrupts(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	c.stop = make(chan struct{})
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ended := make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			select {
			case <-signals:
			case <-ended:
				return
			}
			if n == 0 && c.flags.acting {
				fmt.Fprintln(c.errs, "bisc: interrupted: finishing the step that is running, taking back what is not confirmed; once more to stop at once")
				close(c.stop)
				continue
			}
			cancel(layers.ErrStopped)
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(ended)
		cancel(nil)
	}
}

// interrupted tells whether the first interrupt has come.
func (c *command) interrupted() bool {
	select {
	case <-c.stop:
		return true
	default:
		return false
	}
}

// lines gives what is typed, line by line, and is closed at its end. One reader serves all rounds, as it reads ahead; it
// is a channel so that an interrupt need not wait for a line.
func (c *command) lines() <-chan string {
	if c.typed == nil {
		c.typed = make(chan string)
		go func() {
			defer close(c.typed)
			r := bufio.NewReader(c.in)
			for {
				line, err := r.ReadString('\n')
				if line != "" {
					c.typed <- line
				}
				if err != nil {
					return
				}
			}
		}()
	}
	return c.typed
}

// dropTypedAhead throws away what was typed at a terminal before the question was there: it answers nothing that was
// seen. Answers from a pipe are kept; whoever wrote them knows what will be asked.
func (c *command) dropTypedAhead() {
	if _, ok := terminal(c.in); !ok {
		return
	}
	for {
		select {
		case _, open := <-c.lines():
			if !open {
				return
			}
		case <-time.After(20 * time.Millisecond): // the reader has nothing left to hand over
			return
		}
	}
}
