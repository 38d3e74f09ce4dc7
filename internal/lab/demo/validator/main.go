// Validator shows the runbooks at work: a host with systemd, docker and XFS, in it a node as kind makes one, in that a stand-in for agave
// as laconic-so starts it, among a cluster of Solana nodes, all on this machine. bisc stops the validator, starts it, refuses to touch
// one whose threads hang in the kernel, restarts the node, deploys anew and recovers; at the end it is counted what processes there were.
//
// Usage: validator FOLDER [RIG], in the top folder, with bisc and bisc-lab in FOLDER. RIG is A, the default, or B.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"bisc/internal/lab/cluster"
)

// limit is far above what the demo takes, which is two to three minutes.
const limit = 12 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the demo took more than %s", limit))
	defer cancel()
	if err := run(ctx, os.Args[1:]); err != nil {
		if ctx.Err() != nil {
			err = errors.Join(context.Cause(ctx), err)
		}
		fmt.Fprintln(os.Stderr, "demo-validator:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	if len(args) == 0 || len(args) > 2 {
		return errors.New("usage: validator FOLDER [RIG]")
	}
	programs, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	rig := cluster.A
	if len(args) == 2 {
		rig = cluster.Kind(args[1])
	}
	start := time.Now()
	s, err := newStage(ctx, programs, rig)
	if err != nil {
		return errors.Join(err, s.close())
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.play(ctx); err != nil {
		return err
	}
	fmt.Printf("\ndemo-validator: done in %s; the host goes away.\n", time.Since(start).Round(time.Second))
	return nil
}

func title(text string, args ...any) { fmt.Printf("\n── "+text+"\n", args...) }

// bisc runs it as an operator would, and insists on its exit status and on words that it says; what it said is returned.
func (s *stage) bisc(ctx context.Context, want []int, says []string, args ...string) (string, error) {
	if !s.untold {
		fmt.Printf("\n$ bisc %s\n", strings.Join(args, " "))
	}
	cmd := exec.CommandContext(ctx, filepath.Join(s.programs, "bisc"), args...)
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+s.dir, "BISC_PLANS=plans/biscayne", "BISC_INVENTORY="+filepath.Join(s.dir, "validator.hcl"))
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it ends what it has begun
	cmd.WaitDelay = 30 * time.Second
	said := &shown{quiet: s.quiet}
	cmd.Stdout, cmd.Stderr = said, said
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return "", fmt.Errorf("bisc %s: %w", args[0], err)
	}
	got := cmd.ProcessState.ExitCode()
	fmt.Fprint(said, exited(got))
	if !slices.Contains(want, got) {
		return said.text.String(), fmt.Errorf("bisc %s: exit %d, want %v", strings.Join(args, " "), got, want)
	}
	for _, words := range says {
		if !strings.Contains(said.text.String(), words) {
			return said.text.String(), fmt.Errorf("bisc %s does not say %q", strings.Join(args, " "), words)
		}
	}
	return said.text.String(), nil
}

// exited ends what bisc said.
func exited(status int) string { return fmt.Sprintf("(exit %d)\n", status) }

// shown keeps what it shows, or what it is too much to show. One writer for both streams: the command copies them one at a time.
type shown struct {
	text  strings.Builder
	quiet bool
}

func (s *shown) Write(p []byte) (int, error) {
	s.text.Write(p) // a Builder takes all
	if s.quiet {
		return len(p), nil
	}
	return os.Stdout.Write(p)
}
