package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/layers"
)

// approval is how the rounds of an apply are approved.
type approval struct {
	auto       bool
	digest     string
	untilClean bool
}

func (c *command) apply() *cobra.Command {
	var permit permits
	var how approval
	cmd := &cobra.Command{
		Use:   "apply [PLANFILE]",
		Short: "do what plan shows, round by round, each approved and proved",
		Long: "Apply shows a round, asks, does it, and proves it; then shows what came into view, if anything did.\n" +
			"With PLANFILE it does that one round without asking, or nothing where the host has changed since.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.writing(cmd, "apply", func(ctx context.Context, s *session) error {
				if len(args) == 1 {
					return s.applyFile(ctx, args[0], permit)
				}
				opts, err := c.options(s, permit)
				if err != nil {
					return err
				}
				return s.climb(ctx, opts, how)
			})
		},
	}
	c.flags.scope(cmd)
	permit.flags(cmd)
	cmd.Flags().BoolVar(&how.auto, "auto-approve", false, "approve every round that destroys nothing")
	cmd.Flags().StringVar(&how.digest, "approve", "", "approve the round with this digest (plan prints it), and only that one")
	cmd.Flags().BoolVar(&how.untilClean, "until-clean", false, fmt.Sprintf("with --auto-approve: go on until nothing is left, at most %d rounds", layers.MaxRounds))
	cmd.Flags().BoolVar(&c.flags.json, "json", false, "the last round as JSON (bisc schema); nothing is asked")
	return cmd
}

// climb applies round after round.
func (s *session) climb(ctx context.Context, opts layers.Options, how approval) error {
	did := false
	climb := layers.Climb{
		Stages: s.stages, Hosts: s, Acting: s.acting(opts),
		Approve: func(round int, rep layers.Report) (bool, error) {
			return s.approve(round, rep, how)
		},
		Did: func(_ int, rep layers.Report) { did = true; s.did(rep) },
	}
	if how.digest != "" || how.auto && !how.untilClean {
		climb.Rounds = 1
	}
	rep, err := climb.Run(ctx)
	if did && err == nil && rep.Pending() > 0 || errors.Is(err, layers.ErrNotApproved) {
		return errors.Join(s.shown(rep), err)
	}
	return s.show(rep, view.Run{Verb: "apply"}, nil)
}

// applyFile does the one round of a plan file, and then shows what came into view.
func (s *session) applyFile(ctx context.Context, name string, permit permits) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("reading the plan file: %w", err)
	}
	saved, err := layers.Decode(b, s.key)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if saved.Plan != s.plan.Digest {
		return fmt.Errorf("%w: the plan's files, or a value that they read, have changed since %s was written: plan again", layers.ErrStale, name)
	}
	permit.destroy = saved.Destroy
	opts, err := s.c.options(s, permit)
	if err != nil {
		return err
	}
	opts.Select = saved.Selects(opts.Select)
	bound, err := saved.Bind(s.observe(ctx, opts), s.key)
	if err != nil {
		return err
	}
	climb := layers.Climb{Stages: s.stages, Hosts: s, Acting: s.acting(opts), First: bound, Rounds: 1,
		Approve: func(round int, _ layers.Report) (bool, error) { return round == 1, nil },
		Did:     func(_ int, rep layers.Report) { s.did(rep) }}
	rep, err := climb.Run(ctx)
	if err != nil {
		return err
	}
	return s.show(rep, view.Run{Verb: "apply"}, nil)
}

// approve shows a round and asks, or answers as the flags say.
func (s *session) approve(round int, rep layers.Report, how approval) (bool, error) {
	digest := rep.Digest(s.key)
	if how.digest != "" {
		if digest != how.digest {
			return false, fmt.Errorf("%w: the round's digest is %s, not %s: look at bisc plan again", layers.ErrStale, digest, how.digest)
		}
		return true, nil
	}
	if err := s.present(rep, round); err != nil {
		return false, err
	}
	if how.auto {
		if rep.Destroys() {
			return false, fmt.Errorf("--auto-approve does not approve a round that destroys something: bisc apply --approve %s with the same --destroy", digest)
		}
		return true, nil
	}
	return s.ask(rep)
}

// ask takes a yes from the terminal; a round that destroys something takes the word destroy.
func (s *session) ask(rep layers.Report) (bool, error) {
	word := "yes"
	if rep.Destroys() {
		word = "destroy"
	}
	if s.c.flags.json {
		return false, errors.New("--json asks nothing: approve with --approve DIGEST or --auto-approve")
	}
	fmt.Fprintf(s.c.errs, "\nDo these changes? Type %s: ", word)
	line, err := bufio.NewReader(s.c.in).ReadString('\n')
	if err != nil && line == "" {
		fmt.Fprintln(s.c.errs)
		return false, nil
	}
	return strings.TrimSpace(line) == word, nil
}
