package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"bisc/cmd/bisc/view"
	"bisc/layers"
)

// errOver ends a question that nobody needs answered any more.
var errOver = errors.New("the run is over")

// secret asks on the controlling terminal, whatever the streams are. The end of ctx, of the run, or an interrupt ends it.
func (cs *connections) secret(ctx context.Context, what string) (string, error) {
	ctx, stop := cs.untilInterrupted(ctx)
	defer stop()
	select {
	case cs.asking <- struct{}{}:
		defer func() { <-cs.asking }()
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	var answer string
	var err error
	cs.progress.Above(func() { answer, err = onTerminal(ctx, what) })
	return answer, err
}

// onTerminal asks on the controlling terminal.
func onTerminal(ctx context.Context, what string) (string, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return "", fmt.Errorf("%s is needed and there is no terminal to ask on", what)
	}
	defer tty.Close()
	return readHidden(ctx, tty, view.Clean(what)+": ")
}

// untilInterrupted is ctx that also ends with the first interrupt and with the connections.
func (cs *connections) untilInterrupted(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-cs.stop:
			cancel(layers.ErrStopped)
		case <-cs.over:
			cancel(errOver)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// readHidden prompts and reads a line that the terminal does not show: nothing typed after the prompt is seen. When it
// returns the terminal shows what it did before.
func readHidden(ctx context.Context, tty *os.File, prompt string) (string, error) {
	show, err := hide(tty)
	if err != nil {
		return "", fmt.Errorf("keep the terminal from showing what is typed: %w", err)
	}
	defer show()
	fmt.Fprint(tty, prompt)
	defer fmt.Fprintln(tty)
	type typed struct {
		line string
		err  error
	}
	got := make(chan typed, 1)
	go func() { // closing the terminal ends it
		line, err := bufio.NewReader(tty).ReadString('\n')
		got <- typed{line, err}
	}()
	select {
	case t := <-got:
		if t.err != nil && (t.err != io.EOF || t.line == "") {
			return "", fmt.Errorf("nothing was typed: %w", t.err)
		}
		return strings.TrimRight(t.line, "\r\n"), nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// hide switches the terminal's echo off. Ctrl-C stays a signal. The descriptor is not taken out of the file: that would
// make its reads such that nothing ends them.
func hide(tty *os.File) (show func(), err error) {
	raw, err := tty.SyscallConn()
	if err != nil {
		return nil, err
	}
	set := func(to unix.Termios) (err error) {
		cerr := raw.Control(func(fd uintptr) { err = unix.IoctlSetTermios(int(fd), setTermios, &to) })
		return errors.Join(cerr, err)
	}
	var was *unix.Termios
	if cerr := raw.Control(func(fd uintptr) { was, err = unix.IoctlGetTermios(int(fd), getTermios) }); cerr != nil || err != nil {
		return nil, errors.Join(cerr, err)
	}
	hidden := *was
	hidden.Lflag &^= unix.ECHO
	hidden.Lflag |= unix.ICANON | unix.ISIG
	hidden.Iflag |= unix.ICRNL
	return func() { _ = set(*was) }, set(hidden)
}
