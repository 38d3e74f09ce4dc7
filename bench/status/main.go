// Status measures what is asked of bisc status and of bisc run stop, on a host with a validator in its node (rig A or B of internal/lab),
// which is reached over a jump host at the far end of a network that delays.
//
// Run it in the top folder: go run ./bench/status [--rig B] [--rtt 60ms] [--runs 5] [--write docs/benchmarks.md], or make bench-status.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"bisc/bench/page"
	"bisc/internal/lab/cluster"
)

// options of a run.
type options struct {
	runs  int
	rtt   time.Duration
	rig   cluster.Kind
	only  string
	write string // the page that gets the tables; empty: none
	shell string // run this instead of measuring
}

func main() {
	o := options{rig: cluster.A}
	flag.IntVar(&o.runs, "runs", 5, "how often each is measured; the median counts")
	flag.DurationVar(&o.rtt, "rtt", 60*time.Millisecond, "the round trip time between this desk and the jump host")
	rig := flag.String("rig", string(cluster.A), "the cluster: A (a node agent of the lab's) or B (kubelet and containerd)")
	flag.StringVar(&o.only, "only", "", "status or stop (default: both)")
	flag.StringVar(&o.write, "write", "", "write the tables between the marks of this page")
	flag.StringVar(&o.shell, "shell", "", "instead of measuring run this by a shell, with bisc, its plan and its inventory in the environment (PID: the host's first process)")
	flag.Parse()
	o.rig = cluster.Kind(*rig)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench/status:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	h, err := newHouse(ctx, o)
	defer func() { err = errors.Join(err, h.close()) }()
	if err != nil {
		return err
	}
	if o.shell != "" {
		return h.byHand(ctx)
	}
	for _, m := range []struct {
		name string
		run  func(context.Context) (string, error)
	}{{"status", h.status}, {"stop", h.stops}} {
		if o.only != "" && o.only != m.name {
			continue
		}
		text, err := m.run(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, errors.Join(err, context.Cause(ctx)))
		}
		text = fmt.Sprintf("Read off on %s, %d cores, load %s at the end; rig %s, %s of round trip time to the jump host.\n\n%s",
			time.Now().UTC().Format("2006-01-02"), runtime.NumCPU(), page.Load(), o.rig, o.rtt, text)
		fmt.Println("\n## " + m.name + "\n\n" + text)
		if o.write == "" {
			continue
		}
		if err := page.Insert(o.write, m.name+" "+strings.ToLower(string(o.rig)), text); err != nil {
			return err
		}
	}
	return nil
}
