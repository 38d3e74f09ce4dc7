// Package daemon is what every relay daemon shares: settings, exit statuses, metrics and health, what systemd is told,
// the sockets that systemd hands over, and the way down. A daemon's main fills a Command and hands it to Main.
//
// The same binary runs under systemd and under EOS's ProcMgr: without NOTIFY_SOCKET nothing is told to anybody, without
// LISTEN_FDS no socket is taken over, and the rest is the same.
package daemon

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

// Exit statuses, the same for all relay daemons.
const (
	exitOK      = 0 // did what was asked, or was told to stop and drained
	exitFailed  = 1 // could not do it; the last line on stderr says what and why
	exitSetting = 2 // a setting is wrong; the line names it, where it was given and the remedy
)

// Command is a relay daemon as its main declares it.
type Command struct {
	Name    string   // the program's name; the environment's prefix is its upper case (SHREDMIRROR_LISTEN_IP)
	About   string   // one sentence for --help
	Example string   // command lines for --help
	Metrics string   // default of --metrics, HOST:PORT
	Sockets []string // names (FileDescriptorName=) under which systemd may hand sockets over; any other name is refused

	Flags func(*flag.FlagSet)                    // declares the daemon's own settings
	Check func() error                           // judges the settings together; a bad one is reported with Bad
	Dry   func(context.Context, io.Writer) error // says what Run would do, and touches nothing
	Run   func(context.Context, *Service) error  // does the work until the context ends, then drains
}

// Main runs the daemon with the process's arguments and environment and returns the exit status.
func Main(c Command) int { return c.main(os.Args[1:], os.Stdout, os.Stderr) }

func (c Command) main(args []string, stdout, stderr io.Writer) int {
	s, err := c.settings(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		s.help(stdout)
		return exitOK
	case err == nil && s.version:
		fmt.Fprintln(stdout, c.Name, version())
		return exitOK
	case err == nil && c.Check != nil:
		err = c.Check()
	}
	if err == nil {
		err = c.do(s, stdout, stderr)
	}
	return c.report(s, err, stderr)
}

func (c Command) do(s *settings, stdout, stderr io.Writer) error {
	if s.dry {
		s.print(stdout)
		if c.Dry == nil {
			return nil
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return c.Dry(ctx, stdout)
	}
	return serve(c, s, stdout, stderr)
}

// report writes the one line that says what went wrong and chooses the status.
func (c Command) report(s *settings, err error, stderr io.Writer) int {
	if err == nil {
		return exitOK
	}
	log := newLog(c.Name, stderr)
	var bad *BadSetting
	if errors.As(err, &bad) {
		log.Error(s.explain(bad))
		return exitSetting
	}
	log.Error(err.Error())
	return exitFailed
}
