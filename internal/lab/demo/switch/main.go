// Switch shows the relay as a whole: a host with systemd, two emulated switches and a turbine peer, on this machine. bisc applies the
// real plan to the host and the switches, shreds cross; then the switch is broken behind bisc's back, which names it in each of the four
// columns, mends it; and a reload brings all of it back without bisc.
//
// Usage: switch FOLDER, in the top folder, with bisc and bisc-lab in FOLDER.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// limit is far above what the demo takes, which is one to two minutes.
const limit = 5 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the demo took more than %s", limit))
	defer cancel()
	if err := run(ctx, os.Args[1:]); err != nil {
		if ctx.Err() != nil {
			err = errors.Join(context.Cause(ctx), err)
		}
		fmt.Fprintln(os.Stderr, "demo-switch:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	if len(args) != 1 {
		return errors.New("usage: switch FOLDER")
	}
	programs, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	start := time.Now()
	s, err := newStage(ctx, programs)
	if err != nil {
		return errors.Join(err, s.close())
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.play(ctx); err != nil {
		return err
	}
	fmt.Printf("\ndemo-switch: done in %s; the host and the switches go away.\n", time.Since(start).Round(time.Second))
	return nil
}

func title(text string, args ...any) { fmt.Printf("\n── "+text+"\n", args...) }

// bisc runs it as an operator would, and insists on its exit status and on words that it says.
func (s *stage) bisc(ctx context.Context, want int, says []string, args ...string) error {
	fmt.Printf("\n$ bisc %s\n", strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, filepath.Join(s.programs, "bisc"), args...)
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+s.dir, "BISC_PLANS=plans/biscayne", "BISC_INVENTORY=inventory/switch.hcl")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it ends what it has begun
	cmd.WaitDelay = 30 * time.Second
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = both{os.Stdout, &said}, os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("bisc %s: %w", args[0], err)
	}
	got := cmd.ProcessState.ExitCode()
	fmt.Printf("(exit %d)\n", got)
	if got != want {
		return fmt.Errorf("bisc %s: exit %d, want %d", strings.Join(args, " "), got, want)
	}
	for _, words := range says {
		if !strings.Contains(said.String(), words) {
			return fmt.Errorf("bisc %s does not say %q", strings.Join(args, " "), words)
		}
	}
	return nil
}

// both writes to two places.
type both struct {
	a *os.File
	b *strings.Builder
}

func (w both) Write(p []byte) (int, error) {
	w.b.Write(p) // a Builder takes all
	return w.a.Write(p)
}
