package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"bisc/bench/page"
)

// options of a run of the benchmarks.
type options struct {
	runs  int
	hosts int
	only  string
	write string // the page that gets the tables; empty: none
}

func main() {
	var o options
	flag.IntVar(&o.runs, "runs", 5, "runs of each tool; the median counts")
	flag.IntVar(&o.hosts, "hosts", 50, "hosts of the fleet benchmark")
	flag.StringVar(&o.only, "only", "", "one of noop, files, slope, fleet (default: all)")
	flag.StringVar(&o.write, "write", "", "write the tables between the marks of this page")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// benchmarks in the order of the page. Each gives its table.
var benchmarks = []struct {
	name string
	run  func(ctx context.Context, b *bench) (string, error)
}{
	{"noop", noop}, {"files", files}, {"slope", slope}, {"fleet", fleet},
}

// bench is what all benchmarks share.
type bench struct {
	options
	bisc string // the program
	top  string // this folder
}

func run(ctx context.Context, o options) error {
	versions, err := rivals()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bisc-bench-bin-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	top, err := filepath.Abs("bench")
	if err != nil {
		return err
	}
	b := &bench{options: o, bisc: filepath.Join(dir, "bisc"), top: top}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", b.bisc, "./cmd/bisc")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build bisc (run this in the top folder): %w\n%s", err, out)
	}
	known := false
	for _, m := range benchmarks {
		if o.only != "" && o.only != m.name {
			continue
		}
		known = true
		text, err := m.run(ctx, b)
		if err != nil {
			return errors.Join(fmt.Errorf("%s: %w", m.name, err), context.Cause(ctx))
		}
		text = fmt.Sprintf("Read off on %s, %d cores, load %s at the end; %s.\n\n%s", time.Now().UTC().Format("2006-01-02"), runtime.NumCPU(), page.Load(), versions, text)
		fmt.Println("\n## " + m.name + "\n\n" + text)
		if o.write != "" {
			if err := page.Insert(o.write, m.name, text); err != nil {
				return err
			}
		}
	}
	if !known {
		return fmt.Errorf("no benchmark %q", o.only)
	}
	return nil
}
