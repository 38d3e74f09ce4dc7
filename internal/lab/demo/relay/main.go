// Relay shows the relay at work: shreds from a mirror port in one network namespace to the TVU port of a host with
// systemd in another, with bisc's live view, across an upgrade of the daemon on the host. It counts every shred and fails
// when one is lost.
//
// Usage: relay BISC, in the top folder, with the program bisc.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"bisc/internal/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, 80*time.Second, fmt.Errorf("the demo took more than 80s"))
	defer cancel()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "demo-relay:", err)
		os.Exit(1)
	}
}

func title(text string, args ...any) { fmt.Printf("\n── "+text+"\n", args...) }

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: relay BISC")
	}
	bisc, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bisc-demo-relay-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	title("two builds of the daemons: the present one, and the one to upgrade to (the same source, with its symbols)")
	if err := build(ctx, filepath.Join(dir, "present"), "-s -w"); err != nil {
		return err
	}
	if err := build(ctx, filepath.Join(dir, "next"), ""); err != nil {
		return err
	}
	title("a host with systemd, on this machine")
	l, err := lab.Start(ctx, lab.Names("biscayne"))
	if err != nil {
		return err
	}
	defer l.Close()
	s := &show{dir: dir, bisc: bisc, host: l.Host("biscayne")}
	return s.play(ctx)
}

// build makes the daemons in a folder.
func build(ctx context.Context, dir, flags string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags="+flags, "-o", dir+"/", "./relaybin/cmd/shredmirror", "./relaybin/cmd/shredunwrap")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the daemons (run this in the top folder): %w\n%s", err, out)
	}
	return nil
}
