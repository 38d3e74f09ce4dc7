package main

import (
	"fmt"
	"slices"
	"strings"

	"bisc/cmd/bisc/view"
	"bisc/layers"
	"bisc/plans"
)

// runStage is a stage of a runbook on all of its hosts: they are worked on at the same time, and one that cannot be reached does
// not keep the others.
type runStage struct {
	name string // RUNBOOK/STAGE
	on   []*layers.Stage
}

// stagesOf gathers the stages of a runbook: those of one name that follow each other are one stage on several hosts.
func stagesOf(rb plans.Runbook) []runStage {
	var out []runStage
	for i := range rb.Stages {
		st := &rb.Stages[i]
		if n := len(out); n > 0 && out[n-1].name == st.Name && !slices.Contains(out[n-1].hosts(), st.Host) {
			out[n-1].on = append(out[n-1].on, st)
			continue
		}
		out = append(out, runStage{st.Name, []*layers.Stage{st}})
	}
	return out
}

func (g runStage) hosts() []string {
	var out []string
	for _, st := range g.on {
		out = append(out, st.Host)
	}
	return out
}

// holds tells whether an address is of the stage.
func (g runStage) holds(address string) bool {
	return slices.ContainsFunc(g.on, func(st *layers.Stage) bool { return strings.HasPrefix(address, st.Host+":"+st.Name+".") })
}

// acts tells whether the stage has anything but invariants.
func (g runStage) acts() bool {
	return slices.ContainsFunc(g.on, func(st *layers.Stage) bool {
		return slices.ContainsFunc(st.Items, func(it layers.Item) bool { return !it.Invariant })
	})
}

// turnTo makes one stage what the session is about, with the invariants of the layers that it assumes on its hosts.
func (s *session) turnTo(g runStage, ground []*layers.Stage, permit permits) (layers.Options, error) {
	s.stages = append(slices.DeleteFunc(slices.Clone(ground), func(below *layers.Stage) bool { return !slices.Contains(g.hosts(), below.Host) }), g.on...)
	opts, err := s.c.options(s, permit)
	opts.Select = func(_ layers.Item, of *layers.Stage) bool { return slices.Contains(g.on, of) }
	return opts, err
}

// heading says which stage comes, and what it is for.
func (s *session) heading(g runStage, i, of int) {
	s.progress.Above(func() {
		fmt.Fprintf(s.c.out, "\nstage %d of %d, on %s: %s\n", i+1, of, view.Clean(strings.Join(g.hosts(), ", ")), view.Clean(g.name))
		if why := g.on[0].Because; why != "" {
			fmt.Fprintf(s.c.out, "  %s\n", view.Clean(why))
		}
	})
}

// why says, in a line, what kept a stage from its end; empty where nothing did.
func why(rep layers.Report) string {
	for _, h := range rep {
		if h.Err != nil {
			return h.Host + ": " + h.Err.Error()
		}
		for _, o := range h.Outcomes {
			switch {
			case o.State == layers.InSync || o.State == layers.Changed || o.State == layers.Held:
				if len(o.Left) > 0 {
					return fmt.Sprintf("%s: %s is %s, and bisc leaves it: %s", o.Item.Address, o.Left[0].Attr, o.Left[0].Got, o.Left[0].Why)
				}
			case o.Err != nil:
				return fmt.Sprintf("%s is %s: %s", o.Item.Address, o.State, firstOf(o.Err.Error()))
			case o.Reason != "":
				return fmt.Sprintf("%s is %s: %s", o.Item.Address, o.State, o.Reason)
			default:
				return fmt.Sprintf("%s is %s", o.Item.Address, o.State)
			}
		}
	}
	return ""
}
