package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bisc/cmd/bisc/view"
	"bisc/layers"
)

// show writes the last report of a verb and gives its exit status as an error. After an apply it is also recorded, so
// that drift knows what was in sync.
func (s *session) show(rep layers.Report, run view.Run, known func(address, digest string) bool) error {
	run = s.finished(run, view.Of(run.Verb, rep, known))
	if run.Verb == "apply" {
		if err := s.recordObserved(context.Background(), rep); err != nil {
			return err
		}
	}
	s.progress.Close()
	run.Notes = append(run.Notes, s.byHand(rep)...)
	doc := view.New(run, rep)
	var err error
	if s.c.flags.json {
		err = view.JSON(s.c.out, doc)
	} else {
		err = view.TextOf(s.c.out, doc, s.textOptions(run.Verb, run.Wire))
		if err == nil && run.Verb == "plan" && rep.Pending() > 0 {
			fmt.Fprintf(s.c.out, "digest %s\n", rep.Digest(s.key))
		}
	}
	s.statistics()
	return errors.Join(err, exitOf(run.Exit))
}

// shown is the exit status of a report that was already written.
func (s *session) shown(rep layers.Report) error {
	if s.c.flags.json {
		return s.show(rep, view.Run{Verb: "apply"}, nil)
	}
	if err := s.recordObserved(context.Background(), rep); err != nil {
		return err
	}
	s.statistics()
	return exitOf(view.Of("apply", rep, nil))
}

func (s *session) finished(run view.Run, status int) view.Run {
	run.Started, run.Ended, run.Exit, run.Key, run.Notes = s.c.started, time.Now(), status, s.key, s.notes()
	return run
}

// exitOf is an exit status as an error; nil for 0.
func exitOf(status int) error {
	if status == 0 {
		return nil
	}
	return exitStatus(status)
}

func (s *session) textOptions(verb string, wire bool) view.Options {
	return view.Options{Verb: verb, Verbose: s.c.flags.verbose, Color: s.c.color(s.c.out), Width: s.c.width(s.c.out), Wire: wire, Within: s.c.flags.within}
}

// present shows a round before it is approved.
func (s *session) present(rep layers.Report, round int) error {
	if s.c.flags.json {
		return nil
	}
	var err error
	s.progress.Above(func() {
		if round > 1 {
			fmt.Fprintf(s.c.out, "\nround %d: this came into view\n", round)
		}
		err = view.Text(s.c.out, s.toDecide(rep, round), s.textOptions("plan", false))
		fmt.Fprintf(s.c.out, "digest %s\n", rep.Digest(s.key))
	})
	return err
}

// toDecide is what a later round shows: what it would change, and what stands in the way. The rest was in the first.
func (s *session) toDecide(rep layers.Report, round int) layers.Report {
	if round == 1 || s.c.flags.verbose {
		return rep
	}
	out := slices.Clone(rep)
	for i := range out {
		out[i].Outcomes = slices.DeleteFunc(slices.Clone(out[i].Outcomes), func(o layers.Outcome) bool {
			return !o.Pending() && o.State != layers.Blocked && o.State != layers.Unknown && o.State != layers.InSync
		})
	}
	return out
}

// did shows a round after it was done, when another look follows; else the last report shows it.
func (s *session) did(rep layers.Report) {
	if s.c.flags.json || !rep.GoesOn() {
		return
	}
	s.progress.Above(func() { fmt.Fprintf(s.c.out, "\n%s", view.Done(rep, s.textOptions("apply", false))) })
}

// statistics says what each host cost.
func (s *session) statistics() {
	if !s.c.flags.stats {
		return
	}
	if err := view.Stats(s.c.errs, s.connections.stats()); err != nil {
		s.c.complain(err)
	}
}

// notes say what a report leaves unproved: what --target and its like cut off, and which layers assume less than all
// that is below them.
func (s *session) notes() []string {
	var out []string
	if cut, all := s.c.flags.cut(s.stages); cut > 0 {
		out = append(out, fmt.Sprintf("narrowed: %d of %s were left out, and nothing is said of them", cut, count(all, "resource")))
	}
	chosen, err := s.c.flags.selects(s.stages)
	for _, st := range s.stages {
		if st.Assumes == nil || err == nil && !anyItem([]*layers.Stage{st}, chosen) {
			continue
		}
		names := make([]string, len(st.Assumes))
		for i, l := range st.Assumes {
			names[i] = l.String()
		}
		out = append(out, fmt.Sprintf("%s on %s is gated by the invariants of: %s", st.Name, st.Host, cmp.Or(strings.Join(names, ", "), "no layer")))
	}
	return out
}
