package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bisc/internal/source"
	"bisc/layers"
)

// flags are those that several verbs take.
type flags struct {
	plans, inventory string
	timeout          time.Duration
	verbose, noColor bool
	stats, json      bool
	set, varFiles    []string

	layers, hosts, targets, excludes []string
	noProbes                         bool
	within                           time.Duration // --confirm-within

	reader, readerUser string

	acting bool // an apply is under way: an interrupt finishes the step
}

// What --confirm-within may be.
const (
	shortestWithin = 3 * time.Second
	longestWithin  = 15 * time.Minute
)

// confirm adds what verbs take that change a host.
func (f *flags) confirm(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&f.within, "confirm-within", layers.ConfirmWithin,
		"a change that can cut you off is taken back by the host itself unless it is proved over a new connection within this time (3s to 15m)")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if f.within < shortestWithin || f.within > longestWithin {
			return fmt.Errorf("--confirm-within %s: give %s to %s: within less nothing can be proved, and whoever is cut off waits for all of it", f.within, shortestWithin, longestWithin)
		}
		return nil
	}
}

// common adds what every verb takes.
func (f *flags) common(cmd *cobra.Command) {
	p := cmd.PersistentFlags()
	p.StringVar(&f.plans, "plans", envOr("BISC_PLANS", "."), "folder of the plan's *.bisc.hcl files ($BISC_PLANS)")
	p.StringVar(&f.inventory, "inventory", envOr("BISC_INVENTORY", ""), "file or folder of host blocks, beside those in the plan ($BISC_INVENTORY)")
	p.DurationVar(&f.timeout, "timeout", 0, "give up after this long (default: no limit beyond those of each question and step)")
	p.BoolVarP(&f.verbose, "verbose", "v", false, "also show what is in sync")
	p.BoolVar(&f.noColor, "no-color", os.Getenv("NO_COLOR") != "", "no colour ($NO_COLOR)")
	p.BoolVar(&f.stats, "stats", false, "say at the end what each host cost: turns, bytes, time")
	p.StringArrayVar(&f.set, "set", nil, "give a variable: name=value (repeatable)")
	p.StringArrayVar(&f.varFiles, "var-file", nil, "file of name = value lines for variables (repeatable)")
}

// scope adds what narrows a verb to some of the plan.
func (f *flags) scope(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringSliceVar(&f.layers, "layer", nil, "only this layer ("+strings.Join(layers.Names(), ", ")+")")
	fl.StringSliceVar(&f.hosts, "host", nil, "only this host")
	fl.StringArrayVar(&f.targets, "target", nil, "only this address (* matches any run of characters)")
	fl.StringArrayVar(&f.excludes, "exclude", nil, "not this address (* matches any run of characters)")
	fl.StringVar(&f.reader, "reader", "", "log in with this key, whose forced command is bisc's reader (bisc schedule key)")
	fl.StringVar(&f.readerUser, "reader-user", readerName, "with --reader: the account on the hosts")
	fl.BoolVar(&f.noProbes, "no-probes", false, "do not run the unless of commands; they are unknown then")
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

// variables splits --set.
func (f *flags) variables() (map[string]string, error) {
	vars := map[string]string{}
	for _, s := range f.set {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--set %q: write name=value", s)
		}
		vars[name] = value
	}
	return vars, nil
}

// planFlags are the flags that say which plan is loaded, each with a value.
func planFlags() []string { return []string{"--plans", "--inventory", "--set", "--var-file"} }

// ofPlan are the flags that load the same plan again, from whatever folder and with whatever environment: a service has them, and so does
// a line to paste. Where the folder that bisc runs in is not known, an error; the paths are then as they were given.
func (f *flags) ofPlan() ([]string, error) {
	var out []string
	var errs []error
	path := func(flag string, names ...string) {
		for _, name := range names {
			if name == "" {
				continue
			}
			a, err := filepath.Abs(name)
			if err != nil {
				errs, a = append(errs, err), name
			}
			out = append(out, flag, a)
		}
	}
	path("--plans", f.plans)
	path("--inventory", f.inventory)
	for _, set := range f.set {
		out = append(out, "--set", set)
	}
	path("--var-file", f.varFiles...)
	return out, errors.Join(errs...)
}

// planFlagsOf are those of a command line that say which plan it loaded, as they were typed.
func planFlagsOf(args []string) []string {
	var out []string
	for i, a := range args {
		name, _, joined := strings.Cut(a, "=")
		switch {
		case !slices.Contains(planFlags(), name):
		case joined:
			out = append(out, a)
		case i+1 < len(args):
			out = append(out, a, args[i+1])
		}
	}
	return out
}

// selects gives the items that --layer, --host, --target and --exclude leave. Every flag must match something.
func (f *flags) selects(stages []*layers.Stage) (func(layers.Item, *layers.Stage) bool, error) {
	if err := f.matchSomething(stages); err != nil {
		return nil, err
	}
	return func(it layers.Item, st *layers.Stage) bool {
		return (len(f.layers) == 0 || slices.Contains(f.layers, st.Layer.String())) &&
			(len(f.hosts) == 0 || slices.Contains(f.hosts, st.Host)) &&
			(len(f.targets) == 0 || matches(f.targets, it.Address)) && !matches(f.excludes, it.Address)
	}, nil
}

func (f *flags) matchSomething(stages []*layers.Stage) error {
	var errs []error
	seen := func(flag string, words, there []string, match func(word string, it layers.Item, st *layers.Stage) bool) {
		for _, w := range words {
			if !anyItem(stages, func(it layers.Item, st *layers.Stage) bool { return match(w, it, st) }) {
				hint := "bisc graph lists what there is"
				if near := source.Suggest(w, there); near != "" {
					hint = "did you mean " + near + "?"
				}
				errs = append(errs, fmt.Errorf("--%s %q matches nothing in the plan; %s", flag, w, hint))
			}
		}
	}
	var hosts, addresses, names []string
	for _, st := range stages {
		hosts, names = append(hosts, st.Host), append(names, st.Layer.String())
		for _, it := range st.Items {
			addresses = append(addresses, it.Address)
		}
	}
	seen("layer", f.layers, names, func(w string, _ layers.Item, st *layers.Stage) bool { return w == st.Layer.String() })
	seen("host", f.hosts, hosts, func(w string, _ layers.Item, st *layers.Stage) bool { return w == st.Host })
	byAddress := func(w string, it layers.Item, _ *layers.Stage) bool { return layers.Match(w, it.Address) }
	seen("target", f.targets, addresses, byAddress)
	seen("exclude", f.excludes, addresses, byAddress)
	return errors.Join(errs...)
}

func anyItem(stages []*layers.Stage, match func(layers.Item, *layers.Stage) bool) bool {
	for _, st := range stages {
		for _, it := range st.Items {
			if match(it, st) {
				return true
			}
		}
	}
	return false
}

func matches(patterns []string, address string) bool {
	for _, p := range patterns {
		if layers.Match(p, address) {
			return true
		}
	}
	return false
}

// cut counts the items that the flags leave out, of all.
func (f *flags) cut(stages []*layers.Stage) (out, all int) {
	chosen, err := f.selects(stages)
	if err != nil {
		return 0, 0 // the verb has ended with this error before
	}
	for _, st := range stages {
		for _, it := range st.Items {
			all++
			if !chosen(it, st) {
				out++
			}
		}
	}
	return out, all
}
