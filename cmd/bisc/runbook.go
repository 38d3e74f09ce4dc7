package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"bisc/cmd/bisc/view"
	"bisc/internal/host"
	"bisc/internal/journal"
	"bisc/layers"
	"bisc/plans"
)

// doRunbook does the stages in order and ends at the first that does not come to its end.
func (s *session) doRunbook(ctx context.Context, rb plans.Runbook, f runFlags, past *course) error {
	ground, stages := s.stages, stagesOf(rb)
	if err := s.lockAll(ctx, stages); err != nil {
		return err
	}
	if err := s.lookBackRunbook(ctx, rb, f, past); err != nil {
		return err
	}
	if err := s.standsOn(ctx, rb, ground, f.permit); err != nil {
		return err
	}
	if f.all {
		yes, err := s.askForAll(ctx, rb, ground, f, past)
		if err != nil {
			return fmt.Errorf("%w: %w", layers.ErrNotApproved, err)
		}
		if !yes {
			return layers.ErrNotApproved
		}
		f.how.auto = true
	}
	for i, st := range stages {
		if at, ok := past.passes(stages, i); ok {
			fmt.Fprintf(s.c.out, "\nstage %d of %d, on %s: %s\n  done at %s, and others have built on it since: passed over\n",
				i+1, len(stages), view.Clean(strings.Join(st.hosts(), ", ")), view.Clean(st.name), at.Local().Format(time.DateTime))
			continue
		}
		if err := s.doStage(ctx, stages, i, ground, f); err != nil {
			s.endsHere(stages, i, past)
			return err
		}
	}
	fmt.Fprintf(s.c.out, "\n%s: %s done (run %s)\n", view.Clean(rb.Name), count(len(stages), "stage"), s.run)
	return nil
}

// lockAll takes the locks of all hosts that the runbook may change, and keeps them to its end: between two stages nobody else may
// come. A host that cannot be reached is left to its stage.
func (s *session) lockAll(ctx context.Context, stages []runStage) error {
	var names []string
	for _, st := range stages {
		for _, h := range st.hosts() {
			if st.acts() && !slices.Contains(names, h) {
				names = append(names, h)
			}
		}
	}
	errs := make([]error, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() { _, errs[i] = s.Writer(ctx, name) })
	}
	all.Wait()
	for i, err := range errs {
		var locked *host.LockedError
		if errors.As(err, &locked) {
			return errors.Join(err, s.whereIs(ctx, names[i], locked.Lock.Run))
		}
		if err != nil && len(names) == 1 {
			return err
		}
		if err != nil {
			s.connections.forget(names[i]) // its stage asks again
		}
	}
	return nil
}

// doStage observes, shows, asks, does and proves one stage, with its beginning and its end in the journal.
func (s *session) doStage(ctx context.Context, stages []runStage, i int, ground []*layers.Stage, f runFlags) error {
	st := stages[i]
	mark := journal.Stage{Name: st.name, State: journal.StageBegun, Index: i + 1, Of: len(stages), Hosts: st.hosts()}
	if err := s.stagebook.Stage(context.WithoutCancel(ctx), mark); err != nil {
		return fmt.Errorf("the stage is not begun: it could not be recorded: %w", err)
	}
	opts, err := s.turnTo(st, ground, f.permit)
	if err != nil {
		return err
	}
	s.heading(st, i, len(stages))
	var rep layers.Report
	if s.c.interrupted() {
		err = fmt.Errorf("%w: %w", layers.ErrNotApproved, layers.ErrStopped)
	} else if rep, err = s.climbStage(ctx, opts, f.how); errors.Is(err, layers.ErrNotApproved) {
		err = s.notApproved(rep, err)
	} else if err == nil {
		err = s.show(rep, view.Run{Verb: "apply"}, nil)
	}
	if mark.State = journal.StageDone; err != nil {
		mark.State, mark.Why = journal.StageEnded, s.whyEnded(rep, err)
	}
	return errors.Join(err, s.stagebook.Stage(context.WithoutCancel(ctx), mark))
}

// whyEnded is a line for the journal.
func (s *session) whyEnded(rep layers.Report, err error) string {
	_, unsaid := outcome(err)
	switch {
	case s.c.interrupted():
		return layers.ErrStopped.Error()
	case unsaid != nil:
		return unsaid.Error()
	case why(rep) == "":
		return "not approved"
	}
	return why(rep)
}

// climbStage climbs, and asks in person for destruction that was not named: it is blocked until somebody has typed the word for
// what is shown.
func (s *session) climbStage(ctx context.Context, opts layers.Options, how approval) (layers.Report, error) {
	typed := map[string]string{}
	byFlag := opts.Destroy
	how.named = func(o layers.Outcome) bool {
		if digest, ok := typed[o.Item.Address]; ok {
			return digest == digestOf(o, s.key)
		}
		return how.auto && byFlag[o.Item.Address]
	}
	for {
		rep, err := s.climbed(ctx, opts, how)
		unnamed := blockedByConsent(rep)
		if err != nil || len(unnamed) == 0 || how.auto && !s.canAsk() {
			return rep, err
		}
		yes, err := s.askToDestroy(ctx, rep)
		if err != nil {
			return rep, fmt.Errorf("%w: %w", layers.ErrNotApproved, err)
		}
		if !yes {
			return rep, layers.ErrNotApproved
		}
		permitted := map[string]bool{}
		for address := range opts.Destroy {
			permitted[address] = true
		}
		for _, o := range unnamed {
			permitted[o.Item.Address], typed[o.Item.Address] = true, digestOf(o, s.key)
		}
		opts.Destroy, how.typed = permitted, true
	}
}

// digestOf is of all that would be done to one resource.
func digestOf(o layers.Outcome, key []byte) string {
	o.State = layers.Drifted
	return layers.Report{{Host: o.Stage.Host, Outcomes: []layers.Outcome{o}}}.Digest(key)
}

// blockedByConsent are the outcomes that nothing stands before but that nobody named what they destroy.
func blockedByConsent(rep layers.Report) []layers.Outcome {
	var out []layers.Outcome
	for _, o := range rep.Outcomes() {
		if o.Unnamed() {
			out = append(out, o)
		}
	}
	return out
}

// canAsk tells whether somebody sits at a terminal.
func (s *session) canAsk() bool {
	_, is := terminal(s.c.in)
	return is
}

// standsOn refuses a runbook whose ground is not in order: the invariants of the layers that it assumes, on its hosts.
func (s *session) standsOn(ctx context.Context, rb plans.Runbook, ground []*layers.Stage, permit permits) error {
	assumed := func(of *layers.Stage) bool {
		return slices.ContainsFunc(rb.Stages, func(st layers.Stage) bool { return of.Host == st.Host && st.GatedBy(of) })
	}
	s.stages = slices.DeleteFunc(slices.Clone(ground), func(st *layers.Stage) bool { return !assumed(st) })
	if len(s.stages) == 0 {
		return nil
	}
	// What is overridden may be of the runbook's own stages too: the plan knows all addresses.
	opts, err := s.c.options(s, permit)
	if err != nil {
		return err
	}
	opts.Select = func(it layers.Item, _ *layers.Stage) bool { return it.Invariant }
	rep := s.observe(ctx, opts)
	bad := 0
	for i := range rep {
		rep[i].Outcomes = slices.DeleteFunc(rep[i].Outcomes, func(o layers.Outcome) bool { return o.State == layers.InSync || o.Passed }) // one that is held is no drift, and no ground
		bad += len(rep[i].Outcomes)
	}
	if bad == 0 {
		for _, h := range rep {
			err = errors.Join(err, h.Err)
		}
		return err
	}
	if err := view.Text(s.c.out, rep, s.textOptions("check", false)); err != nil {
		return err
	}
	fmt.Fprintf(s.c.errs, "bisc: %s is not begun: its ground is not in order (%s above); mend that first, or pass one with --override ADDRESS --because TEXT\n",
		view.Clean(rb.Name), count(bad, "invariant"))
	return exitStatus(view.ExitBlocked)
}
