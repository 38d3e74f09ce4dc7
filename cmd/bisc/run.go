package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/internal/source"
	"bisc/plans"
)

// runFlags are those of bisc run.
type runFlags struct {
	permit permits
	how    approval
	plan   bool
	resume string
	// all asks once, at the start, for all stages.
	all bool
}

func (c *command) runbook() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run RUNBOOK",
		Short: "do the stages of a runbook in order, each approved and proved; with --plan, only show them",
		Long: "Run takes the stages of a runbook one after the other: each is observed, shown, approved, done and proved before the next is looked at.\n" +
			"It does not begin where the invariants of the layers that it assumes do not hold. It holds its hosts' locks from the first stage to the last, and ends at the first\n" +
			"stage that does not come to its end: what is said then is how to go on (--resume). A runbook of invariants alone changes nothing, takes no lock, looks at all of its\n" +
			"stages and gives a verdict, with the exit status of check.",
		Example: "  bisc run stop --plan\n  bisc run stop\n  bisc run restart --approve-all\n  bisc run --resume k3f9",
		Args: func(_ *cobra.Command, args []string) error {
			if want := 1; len(args) != want && (f.resume == "" || len(args) > want) {
				return fmt.Errorf("accepts 1 arg, the runbook (or --resume RUN); received %d", len(args))
			}
			return nil
		},
		RunE:              func(cmd *cobra.Command, args []string) error { return c.runRunbook(cmd, args, f) },
		ValidArgsFunction: c.completeRunbooks,
	}
	f.permit.flags(cmd)
	cmd.Flags().BoolVar(&f.plan, "plan", false, "show every stage as it would be now, and which guards would refuse now; nothing is done")
	cmd.Flags().StringVar(&f.resume, "resume", "", "go on with this run of a runbook, which did not come to its end (its id, the letters at the id's end, or last)")
	cmd.Flags().BoolVar(&f.how.auto, "auto-approve", false, "ask nothing: approve every round, but for destruction that no --destroy names")
	cmd.Flags().BoolVar(&f.all, "approve-all", false, "ask once, at the start, for all stages; destruction that no --destroy names is asked for when it comes")
	f.how.untilClean = true
	c.flags.confirm(cmd)
	return cmd
}

// runRunbook decides what kind of run it is.
func (c *command) runRunbook(cmd *cobra.Command, args []string, f runFlags) error {
	c.inRun = &c.run // run.id and run.started of a --plan are those of this look
	name, past := "", (*course)(nil)
	if len(args) > 0 {
		name = args[0]
	}
	if f.resume != "" {
		var err error
		if past, err = recall(cmd.Context(), f.resume, name); err != nil {
			return err
		}
		name, c.inRun = past.first.Runbook, &plans.Run{ID: past.first.ID, Started: past.first.Started}
	}
	secrets := c.keeper(cmd.Context())
	l, err := c.loadFor("run", secrets)
	if err != nil {
		return err
	}
	rb, err := l.findRunbook(name)
	if err != nil {
		return err
	}
	if past != nil {
		if err := past.same(l.plan.Digest); err != nil {
			return err
		}
	}
	switch {
	case f.plan && !rb.Verdict():
		return c.within(cmd, l, secrets, "run --plan", false, func(ctx context.Context, s *session) error { return s.planRunbook(ctx, rb, f, past) })
	case rb.Verdict():
		return c.within(cmd, l, secrets, "run", false, func(ctx context.Context, s *session) error { return s.judgeRunbook(ctx, rb, f.permit) })
	}
	c.flags.acting = true
	return c.within(cmd, l, secrets, "run", true, func(ctx context.Context, s *session) error {
		if s.runbook = rb.Name; past != nil {
			s.resumes = past.first.ID
		}
		if err := s.begin(ctx); err != nil {
			return err
		}
		s.left = s.leftBehind
		return s.doRunbook(ctx, rb, f, past)
	})
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
func (l *loaded) findRunbook(name string) (plans.Runbook, error) {
	rb, ok := l.plan.Runbooks[name]
	if ok {
		return rb, nil
	}
	names := slices.Sorted(maps.Keys(l.plan.Runbooks))
	if len(names) == 0 {
		return rb, fmt.Errorf("there is no runbook %q: the plan has none", name)
	}
	return rb, fmt.Errorf("there is no runbook %q; there are %s.%s", name, strings.Join(names, ", "), source.DidYouMean(name, names))
}

// judgeRunbook looks at every stage of a runbook of invariants, whatever the earlier ones say, and gives a verdict.
func (s *session) judgeRunbook(ctx context.Context, rb plans.Runbook, permit permits) error {
	status, ground := view.ExitOK, s.stages
	for i, st := range stagesOf(rb) {
		opts, err := s.turnTo(st, ground, permit)
		if err != nil {
			return err
		}
		rep := s.observe(ctx, opts)
		s.heading(st, i, len(stagesOf(rb)))
		if err := view.Text(s.c.out, rep, s.textOptions("check", false)); err != nil {
			return err
		}
		status = view.Worst(status, view.Of("check", rep, nil))
	}
	verdict := map[int]string{view.ExitOK: "everything holds", view.ExitDrift: "something does not hold", view.ExitUnknown: "something could not be observed, and is not known",
		view.ExitUnreachable: "a host could not be reached", view.ExitAccepted: "everything holds but what was overridden"}[status]
	if verdict == "" {
		return errors.Join(errors.New("no verdict"), exitOf(status))
	}
	fmt.Fprintf(s.c.out, "\n%s: %s\n", view.Clean(rb.Name), verdict)
	s.statistics()
	return exitOf(status)
}
