package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// interrupts gives a context that the second interrupt cancels; the first closes c.stop, so that the step that is
// running is finished and recorded.
func (c *command) interrupts(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
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
				fmt.Fprintln(c.errs, "bisc: interrupted: finishing the step that is running; once more to stop at once")
				close(c.stop)
				continue
			}
			cancel()
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(ended)
		cancel()
	}
}
