package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"bisc/bench/page"
	"bisc/relaybin/lab"
)

//go:embed rival.py
var rivalText []byte

// options of a run.
type options struct {
	rounds int
	length time.Duration
	only   string    // names of chains, with commas; empty is all
	rates  []float64 // of what is run
	write  string
	bin    string // a folder with the daemons; empty: they are built
	beside []chain
}

// rates are the packets a second of the tables: design, ten times that, and what is asked of the forms.
func rates() []float64 { return []float64{7_500, 75_000, 150_000, 300_000} }

func main() {
	o := options{rates: rates()}
	flag.IntVar(&o.rounds, "rounds", 3, "rounds, one run of each at each rate in turn; the median counts")
	flag.DurationVar(&o.length, "length", 1500*time.Millisecond, "how long a run sends")
	flag.StringVar(&o.only, "only", "", "names of contestants, with commas between them (default: all)")
	flag.StringVar(&o.bin, "bin", "", "take the daemons from this folder (default: build them of this source)")
	flag.StringVar(&o.write, "write", "", "write the tables between the marks of this page")
	flag.Func("rate", "only this rate, packets a second", func(text string) error {
		rate, err := strconv.ParseFloat(text, 64)
		o.rates = []float64{rate}
		return err
	})
	flag.Func("beside", "one more contestant: NAME=SWITCH ARGV[;HOST ARGV]", func(text string) error {
		c, err := parse(text)
		o.beside = append(o.beside, c)
		return err
	})
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench/relay:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "bisc-bench-relay-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	chains, err := contestants(ctx, dir, o)
	if err != nil {
		return err
	}
	start, load := time.Now(), page.Load()
	n, err := lab.Start()
	if err != nil {
		return err
	}
	defer n.Close()
	all := results{}
	for round := range o.rounds {
		for _, c := range chains {
			if err := all.round(ctx, n, c, o); err != nil {
				return errors.Join(fmt.Errorf("round %d: %w", round+1, err), context.Cause(ctx))
			}
		}
	}
	text := fmt.Sprintf("Read off on %s, %d cores, load %s before and %s at the end, in %s: %d rounds of %s for each and each rate.\n\n%s",
		time.Now().UTC().Format("2006-01-02"), runtime.NumCPU(), load, page.Load(), time.Since(start).Round(time.Second), o.rounds, o.length, all.tables(chains, o.rates))
	fmt.Println(text)
	if len(o.rates) == 1 && o.write != "" {
		return errors.New("one rate fills no table: leave out --rate or --write")
	}
	if o.write != "" {
		return page.Insert(o.write, "relay", text)
	}
	return nil
}

// contestants builds the daemons and lists all chains, in the order of the tables.
func contestants(ctx context.Context, dir string, o options) ([]chain, error) {
	python := filepath.Join(dir, "rival.py")
	if err := os.WriteFile(python, rivalText, 0o644); err != nil {
		return nil, err
	}
	for _, program := range []string{"socat", "/usr/bin/python3"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("a rival is not here (apt-get install socat python3): %w", err)
		}
	}
	if o.bin == "" {
		o.bin = dir
		if err := buildDaemons(ctx, dir); err != nil {
			return nil, err
		}
	}
	all := []chain{
		{name: "nothing between", sink: lab.DirectTVU, direct: true},
		{name: rival, sink: loopbackTVU,
			onSwitch: []string{"socat", "-u", "INTERFACE:" + lab.Mirror + ",type=2", "UDP-SENDTO:" + lab.HostAddr.String() + ":9100"},
			onHost:   []string{"/usr/bin/python3", python, "9100", "127.0.0.1", "9000"}},
	}
	all = append(append(all, daemons(o.bin)...), o.beside...)
	if o.only == "" {
		return all, nil
	}
	var chosen []chain
	for name := range strings.SplitSeq(o.only, ",") {
		known := false
		for _, c := range all {
			if c.name == name {
				chosen, known = append(chosen, c), true
			}
		}
		if !known {
			return nil, fmt.Errorf("no contestant %q", name)
		}
	}
	return chosen, nil
}

func buildDaemons(ctx context.Context, dir string) error {
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", dir+"/", "./relaybin/cmd/shredmirror", "./relaybin/cmd/shredunwrap")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the daemons (run this in the top folder): %w\n%s", err, out)
	}
	return nil
}

// results are the figures of all rounds by chain and rate.
type results map[string]map[float64][]figures

func (all results) round(ctx context.Context, n *lab.Net, c chain, o options) error {
	for _, rate := range o.rates {
		r, err := c.start(ctx, n)
		if err != nil {
			return err
		}
		f, err := r.measure(ctx, rate, o.length)
		if err = errors.Join(err, r.stop()); err != nil {
			return fmt.Errorf("%s at %.0f/s: %w", c.name, rate, err)
		}
		if all[c.name] == nil {
			all[c.name] = map[float64][]figures{}
		}
		all[c.name][rate] = append(all[c.name][rate], f)
		fmt.Fprintf(os.Stderr, "%-22s %7.0f/s sent %7d at %7.0f/s lost %6.2f %% cpu %8s whole %8s delay %s, %s peak %d MiB bad %d sink drops %d\n", c.name, rate, f.sent, f.rate,
			100*f.lost(), f.perPacket(), f.whole(), f.median, f.p99, f.peak>>20, f.bad, f.dropped)
	}
	return nil
}
