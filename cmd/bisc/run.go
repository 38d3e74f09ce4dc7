package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/internal/host"
	"bisc/internal/source"
	"bisc/layers"
	"bisc/plans"
)

func (c *command) runbook() *cobra.Command {
	var permit permits
	var how approval
	var planOnly bool
	cmd := &cobra.Command{
		Use:   "run RUNBOOK",
		Short: "do the stages of a runbook in order, each approved and proved; with --plan, only show them",
		Long: "Run takes the stages of a runbook one after the other: each is observed, shown, approved, done and proved before the next is looked at.\n" +
			"It ends at the first that is not in order then. A second run finds what is done already in sync, and goes on from there.",
		Example: "  bisc run relay-rollback-mirror --plan\n  bisc run relay-rollback-mirror",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.inRun = &c.run // run.id and run.started of a --plan are those of this look
			if planOnly {
				return c.reading(cmd, "run --plan", func(ctx context.Context, s *session) error { return s.planRunbook(ctx, args[0], permit) })
			}
			return c.writing(cmd, "run", func(ctx context.Context, s *session) error { return s.doRunbook(ctx, args[0], permit, how) })
		},
		ValidArgsFunction: c.completeRunbooks,
	}
	permit.flags(cmd)
	cmd.Flags().BoolVar(&planOnly, "plan", false, "show every stage as it would be now; nothing is done")
	cmd.Flags().BoolVar(&how.auto, "auto-approve", false, "approve every round that destroys nothing")
	how.untilClean = true
	c.flags.confirm(cmd)
	return cmd
}

// completeRunbooks are the names of the plan's runbooks.
func (c *command) completeRunbooks(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	l, err := c.load()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return slices.Sorted(maps.Keys(l.plan.Runbooks)), cobra.ShellCompDirectiveNoFileComp
}

// findRunbook finds a runbook by its name.
func (s *session) findRunbook(name string) (plans.Runbook, error) {
	rb, ok := s.plan.Runbooks[name]
	if ok {
		return rb, nil
	}
	names := slices.Sorted(maps.Keys(s.plan.Runbooks))
	if len(names) == 0 {
		return rb, fmt.Errorf("there is no runbook %q: the plan has none", name)
	}
	return rb, fmt.Errorf("there is no runbook %q; there are %s.%s", name, strings.Join(names, ", "), source.DidYouMean(name, names))
}

// planRunbook shows every stage as it would be now: what the stages before it will have changed is not known yet.
func (s *session) planRunbook(ctx context.Context, name string, permit permits) error {
	rb, err := s.findRunbook(name)
	if err != nil {
		return err
	}
	ground, status := s.stages, view.ExitOK
	var unnamed []string
	for i := range rb.Stages {
		opts, err := s.turnTo(&rb.Stages[i], ground, permit)
		if err != nil {
			return err
		}
		rep := s.observe(ctx, opts)
		s.heading(rb, i)
		if err := view.Text(s.c.out, rep, s.textOptions("plan", false)); err != nil {
			return err
		}
		status = view.Worst(status, view.Of("plan", rep, nil))
		unnamed = append(unnamed, destructions(rep)...)
	}
	if len(unnamed) > 0 {
		line := []string{"bisc", "run", rb.Name}
		for _, set := range s.c.flags.set {
			line = append(line, "--set", set)
		}
		fmt.Fprintf(s.c.out, "\nto permit all that it destroys:\n%s\n", host.Quote(append(s.plan.MaskSet(line), unnamed...)...))
	}
	s.statistics()
	return exitOf(status)
}

// doRunbook does the stages in order and ends at the first that is not as it should be.
func (s *session) doRunbook(ctx context.Context, name string, permit permits, how approval) error {
	rb, err := s.findRunbook(name)
	if err != nil {
		return err
	}
	ground := s.stages
	for i := range rb.Stages {
		opts, err := s.turnTo(&rb.Stages[i], ground, permit)
		if err != nil {
			return err
		}
		s.heading(rb, i)
		if err := s.climb(ctx, opts, how); err != nil {
			if left := len(rb.Stages) - i - 1; left > 0 {
				fmt.Fprintf(s.c.errs, "bisc: the runbook ends here: %s after it not begun; mend what is said above and run it again\n", count(left, "stage"))
			}
			return err
		}
	}
	return nil
}

// destructions are the flags that permit what a report is blocked by: who runs a runbook at night pastes one line, and has read what
// each stage of it destroys.
func destructions(rep layers.Report) []string {
	var flags []string
	for _, o := range rep.Outcomes() {
		if o.State == layers.Blocked && len(o.Change.Destroys) > 0 {
			flags = append(flags, "--destroy", o.Item.Address)
		}
	}
	return flags
}

// turnTo makes one stage what the session is about, with the invariants of the layers that it assumes on its host.
func (s *session) turnTo(st *layers.Stage, ground []*layers.Stage, permit permits) (layers.Options, error) {
	s.stages = append(slices.DeleteFunc(slices.Clone(ground), func(below *layers.Stage) bool { return below.Host != st.Host }), st)
	opts, err := s.c.options(s, permit)
	opts.Select = func(_ layers.Item, of *layers.Stage) bool { return of == st }
	return opts, err
}

// heading says which stage comes.
func (s *session) heading(rb plans.Runbook, i int) {
	st := rb.Stages[i]
	s.progress.Above(func() {
		fmt.Fprintf(s.c.out, "\nstage %d of %d, on %s: %s\n", i+1, len(rb.Stages), view.Clean(st.Host), view.Clean(st.Name))
	})
}
