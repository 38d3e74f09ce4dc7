package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/internal/eosconf"
	"bisc/internal/host"
	"bisc/layers"
	"bisc/modules"
	"bisc/modules/eos"
)

func (c *command) eosDiff() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff [HOST...]",
		Short: "compare what the plan wants of a switch with running, startup, and what is programmed; writes nothing",
		Long: "For each resource of the plan on the switch: is it in running-config, will it be there after a reload (startup-config), and has the\n" +
			"hardware taken it. Then what running and startup differ in, whoever did it. It opens no configuration session.\n" +
			"The exit status is that of bisc plan: what only running and startup differ in, and the plan does not want, is shown and changes nothing of it.",
		Example: "  bisc eos diff was-sw01\n  bisc eos diff was-sw01 --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.reading(cmd, "eos diff", func(ctx context.Context, s *session) error { return s.switchDiff(ctx, args) })
		},
		ValidArgsFunction: c.completeSwitches,
	}
	cmd.Flags().BoolVar(&c.flags.json, "json", false, "as JSON")
	return cmd
}

// switchState is a switch against its plan, as JSON.
type switchState struct {
	Host   string `json:"host"`
	Device string `json:"device,omitempty"` // as the configuration's header names it
	Error  string `json:"error,omitempty"`
	// Resources are those of the plan, in its order.
	Resources []switchFact `json:"resources"`
	// Unsaved is what running has and startup lacks (+), and the other way round (-), in the switch's order.
	Unsaved []string `json:"unsaved"`

	differ string // the same as a diff
	err    error
}

// switchFact is one resource in its three halves.
type switchFact struct {
	Address    string        `json:"address"`
	Where      string        `json:"where"`
	Running    string        `json:"running"` // same, differs, unknown
	Startup    string        `json:"startup"`
	Programmed string        `json:"programmed"` // also: not asked, while running differs
	Because    string        `json:"because,omitempty"`
	Diffs      []switchDiffs `json:"diffs,omitempty"`
}

type switchDiffs struct {
	Attr string `json:"attr"`
	Boot bool   `json:"boot,omitempty"`
	Got  string `json:"got"`
	Want string `json:"want"`
	Why  string `json:"why,omitempty"` // why bisc leaves it
	Text string `json:"text,omitempty"`
}

// remembered gives each host as one Memo, so that what the plan's resources were answered is not asked again.
type remembered struct {
	*session
	mu    sync.Mutex
	hosts map[string]*host.Memo
}

// Reader gives a host to read.
func (r *remembered) Reader(ctx context.Context, name string) (host.Reader, error) {
	h, err := r.session.Reader(ctx, name)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hosts[name] == nil {
		r.hosts[name] = host.NewMemo(h)
	}
	return r.hosts[name], nil
}

func (s *session) switchDiff(ctx context.Context, names []string) error {
	names, err := s.switches(names)
	if err != nil {
		return err
	}
	source := &remembered{session: s, hosts: map[string]*host.Memo{}}
	opts := layers.Options{Select: func(_ layers.Item, st *layers.Stage) bool { return slices.Contains(names, st.Host) }, NoProbes: true, Key: s.key}
	rep := layers.ObserveAll(ctx, s.stages, source, opts)
	states := make([]*switchState, len(names))
	ask := make([]func(context.Context) error, len(names))
	for i, name := range names {
		ask[i] = func(ctx context.Context) error {
			states[i] = source.state(ctx, name, rep)
			return states[i].err
		}
	}
	err = host.Ask(ctx, ask...)
	s.progress.Close()
	if s.c.flags.json {
		err = errors.Join(err, s.c.writeJSON(struct {
			FormatVersion string         `json:"format_version"`
			Hosts         []*switchState `json:"hosts"`
		}{view.FormatVersion, states}))
	} else {
		for _, st := range states {
			fmt.Fprint(s.c.out, view.CleanText(st.text()))
		}
	}
	s.statistics()
	return errors.Join(err, exitOf(view.Of("plan", ofHosts(rep, names), nil)))
}

// ofHosts leaves out what was not asked.
func ofHosts(rep layers.Report, names []string) layers.Report {
	return slices.DeleteFunc(slices.Clone(rep), func(h layers.HostReport) bool { return !slices.Contains(names, h.Host) })
}

// state is a switch's resources, as they were observed, and its two configurations.
func (r *remembered) state(ctx context.Context, name string, rep layers.Report) *switchState {
	st := &switchState{Host: name, Resources: []switchFact{}, Unsaved: []string{}}
	for _, o := range ofHosts(rep, []string{name}).Outcomes() {
		st.Resources = append(st.Resources, factOf(o))
	}
	h, err := r.Reader(ctx, name)
	if err != nil {
		return st.failed(err)
	}
	both, err := eos.Read(ctx, h)
	if err != nil {
		return st.failed(err)
	}
	st.Device = both.Running.Device()
	adds, removes := eosconf.Diff(both.Startup, both.Running)
	for _, e := range adds {
		st.Unsaved = append(st.Unsaved, "+ "+e.String())
	}
	for _, e := range removes {
		st.Unsaved = append(st.Unsaved, "- "+e.String())
	}
	if len(st.Unsaved) > 0 {
		st.differ = eosconf.Redact(eosconf.Unified(both.Startup, both.Running, eosconf.Names{From: "startup-config", To: "running-config"}))
	}
	return st
}

func (st *switchState) failed(err error) *switchState {
	st.err, st.Error = err, err.Error()
	return st
}

// The words of a half.
const (
	halfSame     = "same"
	halfDiffers  = "differs"
	halfUnknown  = "unknown"
	halfNotAsked = "not asked"
)

// factOf sorts a resource's differences into the halves that they are of. What is not running is not asked whether it is programmed.
func factOf(o layers.Outcome) switchFact {
	f := switchFact{Address: o.Item.Address, Where: o.Item.Where, Running: halfSame, Startup: halfSame, Programmed: halfSame, Because: o.Reason}
	if o.State == layers.Unknown || o.State == layers.NotReached {
		f.Running, f.Startup, f.Programmed = halfUnknown, halfUnknown, halfUnknown
		if o.Err != nil {
			f.Because = o.Err.Error()
		}
		return f
	}
	for _, d := range o.Change.Diffs {
		f.Diffs = append(f.Diffs, switchDiffs{Attr: d.Attr, Boot: d.Boot, Got: d.Got, Want: d.Want, Why: d.Why, Text: d.Text})
		switch {
		case d.Boot:
			f.Startup = halfDiffers
		case programmed(d):
			f.Programmed = halfDiffers
		default:
			f.Running = halfDiffers
		}
	}
	if f.Running == halfDiffers && f.Programmed == halfSame {
		f.Programmed = halfNotAsked
	}
	return f
}

// programmed tells a difference between the running configuration and what came of it: all that is not of the configuration itself
// (a route's rib, hardware and kernel, a daemon's process, a queue's drops).
func programmed(d modules.Diff) bool { return d.Attr != "running" }

func (st *switchState) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", st.Host)
	if st.Device != "" {
		fmt.Fprintf(&b, "  %s", st.Device)
	}
	if len(st.Resources) == 0 && st.Error != "" { // nothing was asked, so nothing is known: neither that the plan wants nothing
		return b.String() + "\n" + folded("  ", "could not be asked: "+st.Error)
	}
	fmt.Fprintf(&b, "\n  %-11s%-11s%-12s%s\n", "running", "startup", "programmed", "wanted")
	for _, f := range st.Resources {
		fmt.Fprintf(&b, "  %-11s%-11s%-12s%s\n", f.Running, f.Startup, f.Programmed, strings.TrimPrefix(f.Address, st.Host+":"))
		f.details(&b)
	}
	if len(st.Resources) == 0 {
		fmt.Fprintf(&b, "  (the plan wants nothing of this switch)\n")
	}
	switch {
	case st.Error != "":
		b.WriteString(folded("  ", "running and startup could not be compared: "+st.Error))
	case st.differ == "":
		fmt.Fprintf(&b, "  startup-config is running-config: a reload changes nothing\n")
	default:
		fmt.Fprintf(&b, "  a reload would take back %s, whoever wrote them:\n%s", count(len(st.Unsaved), "line"), indented(st.differ, "    "))
	}
	return b.String()
}

// details are a resource's differences, below it.
func (f switchFact) details(b *strings.Builder) {
	if f.Because != "" {
		b.WriteString(folded("      ", f.Because))
	}
	for _, d := range f.Diffs {
		half := d.Attr
		if d.Boot {
			half = "after a reload"
		}
		if d.Text != "" {
			fmt.Fprintf(b, "      %s:\n%s", half, indented(d.Text, "        "))
		} else {
			b.WriteString(folded("      ", half+": "+d.Got+" -> "+d.Want))
		}
		if d.Why != "" {
			b.WriteString(folded("        ", "bisc leaves it: "+d.Why))
		}
	}
}

func indented(text, by string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(by + strings.TrimRight(line, "\n") + "\n")
	}
	return b.String()
}
