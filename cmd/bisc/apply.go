package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/layers"
)

// approval is how the rounds of an apply are approved.
type approval struct {
	auto       bool
	typed      bool // the word destroy was typed for what is named
	digest     string
	untilClean bool
	// named are destructions that were named or typed beforehand: a runbook's round that destroys nothing else needs no other word.
	named func(layers.Outcome) bool
	// unaffected goes on with a plan file of which something is stale.
	unaffected bool
	trust      trusting
}

// by says how the rounds are approved, for the journal.
func (a approval) by() string {
	switch {
	case a.digest != "":
		return lockOwner() + ", --approve " + a.digest
	case a.auto:
		return lockOwner() + ", --auto-approve"
	}
	return lockOwner() + ", asked"
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
				if how.trust.require && len(args) == 0 {
					return fmt.Errorf("%w: --require-signature wants a PLANFILE", layers.ErrUnsigned)
				}
				if len(args) == 1 {
					return s.applyFile(ctx, args[0], permit, how)
				}
				opts, err := c.options(s, permit)
				if err != nil {
					return err
				}
				if err := s.lookBack(ctx, opts); err != nil {
					return err
				}
				return s.climb(ctx, opts, how)
			})
		},
	}
	c.flags.scope(cmd)
	permit.flags(cmd)
	how.trust.flags(cmd)
	cmd.Flags().BoolVar(&how.auto, "auto-approve", false, "approve every round that destroys nothing")
	cmd.Flags().StringVar(&how.digest, "approve", "", "approve the round with this digest (plan prints it), and only that one")
	cmd.Flags().BoolVar(&how.untilClean, "until-clean", false, fmt.Sprintf("with --auto-approve: go on until nothing is left, at most %d rounds", layers.MaxRounds))
	cmd.Flags().BoolVar(&how.unaffected, "unaffected", false, "with PLANFILE: where some of it is stale, do what does not rest on that; without it nothing is done then")
	c.flags.confirm(cmd)
	cmd.Flags().BoolVar(&c.flags.json, "json", false, "the last round as JSON (bisc schema); nothing is asked")
	return cmd
}

// climb applies round after round, and shows what came of it.
func (s *session) climb(ctx context.Context, opts layers.Options, how approval) error {
	rep, err := s.climbed(ctx, opts, how)
	if errors.Is(err, layers.ErrNotApproved) {
		return s.notApproved(rep, err)
	}
	if err != nil {
		return err
	}
	return s.show(rep, view.Run{Verb: "apply"}, nil)
}

// climbed applies round after round and gives the last.
func (s *session) climbed(ctx context.Context, opts layers.Options, how approval) (layers.Report, error) {
	acting := s.acting(opts)
	acting.ApprovedBy = how.by()
	climb := layers.Climb{
		Stages: s.stages, Hosts: s, Acting: acting,
		Approve: func(round int, rep layers.Report) (bool, error) { return s.approve(ctx, round, rep, how) },
		Did: func(_ int, rep layers.Report) {
			s.noteCut(ctx, rep)
			s.noteDone(rep)
			s.did(rep)
		},
	}
	if how.digest != "" || how.auto && !how.untilClean {
		climb.Rounds = 1
	}
	return climb.Run(ctx)
}

// notApproved ends at a round that was not wanted. A plain no needs no word more; why bisc itself did not approve is
// said, and decides the exit status.
func (s *session) notApproved(rep layers.Report, err error) error {
	if err == layers.ErrNotApproved { // exactly this: with a reason it is wrapped
		return s.shown(rep)
	}
	return err
}

// applyFile does the one round of a plan file, and then shows what came into view.
func (s *session) applyFile(ctx context.Context, name string, permit permits, how approval) error {
	saved, by, err := s.decode(name, how.trust)
	if err != nil {
		return err
	}
	key := saved.KeyOf(s.key)
	permit.destroy = saved.Destroy
	all, err := s.c.options(s, permit)
	if err != nil {
		return err
	}
	opts := all
	opts.Key = key
	opts.Select = saved.Selects(all.Select)
	if err := s.lookBack(ctx, opts); err != nil {
		return err
	}
	bound, err := saved.Bind(s.observe(ctx, opts), key)
	if err != nil {
		return err
	}
	bound, uses, err := s.unused(ctx, saved, bound)
	if err != nil {
		return err
	}
	if len(bound.Stale()) > 0 {
		bound = bound.Unaffected(how.unaffected)
	}
	if bound.Pending() == 0 {
		return s.show(bound, view.Run{Verb: "apply"}, nil)
	}
	if err := s.markUsed(ctx, saved, bound, uses); err != nil {
		return err
	}
	acting := s.acting(opts)
	acting.ApprovedBy = by
	done := layers.ApplyAll(ctx, bound, s, acting)
	s.noteCut(ctx, done)
	if !done.GoesOn() {
		return s.show(done, view.Run{Verb: "apply"}, nil)
	}
	s.did(done)
	return s.show(s.observe(ctx, all), view.Run{Verb: "apply"}, nil)
}

// decode reads a plan file that is this plan's, unaltered and not too old, and says who approved it.
func (s *session) decode(name string, trust trusting) (saved layers.Saved, by string, err error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return saved, "", fmt.Errorf("reading the plan file: %w", err)
	}
	signer, err := s.signedBy(name, b, trust)
	if err != nil {
		return saved, "", err
	}
	saved, err = layers.Decode(b, s.key)
	by = lockOwner() + ", plan file " + saved.ID
	if signer.Key != "" {
		if errors.Is(err, layers.ErrAltered) { // or of another machine
			saved, err = layers.DecodeSigned(b)
		}
		by = signer.String() + ", signed plan file " + saved.ID
	}
	if err != nil {
		return saved, "", fmt.Errorf("%s: %w", name, err)
	}
	if saved.Plan != s.plan.Digest {
		return saved, "", fmt.Errorf("%w: the plan's files, or a value that they read, have changed since %s was written: plan again", layers.ErrStale, name)
	}
	return saved, by, nil
}

// approve shows a round and asks, or answers as the flags say.
func (s *session) approve(ctx context.Context, round int, rep layers.Report, how approval) (bool, error) {
	if s.c.interrupted() {
		return false, layers.ErrStopped
	}
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
	if how.named != nil && rep.Destroys() && (how.auto || how.typed) && !slices.ContainsFunc(rep.Outcomes(), func(o layers.Outcome) bool {
		return o.Pending() && len(o.Change.Destroys) > 0 && !how.named(o)
	}) {
		return true, nil
	}
	if how.auto {
		if rep.Destroys() {
			return false, fmt.Errorf("%w: bisc apply --approve %s with the same --destroy", layers.ErrConsent, digest)
		}
		return true, nil
	}
	return s.ask(ctx, rep)
}

// ask takes a yes from the terminal; a round that destroys something takes the word destroy. An interrupt, or the end of
// --timeout, is a no.
func (s *session) ask(ctx context.Context, rep layers.Report) (bool, error) {
	word := "yes"
	if rep.Destroys() {
		word = "destroy"
	}
	if s.c.flags.json {
		return false, errors.New("--json asks nothing: approve with --approve DIGEST or --auto-approve")
	}
	for _, h := range rep {
		s.progress.Say(h.Host, "") // nothing is drawn over the question
	}
	s.c.dropTypedAhead()
	these := "these " + count(rep.Pending(), "change")
	if rep.Pending() == 1 {
		these = "this change"
	}
	fmt.Fprintf(s.c.errs, "\nDo %s? Type %s: ", these, word)
	select {
	case line, ok := <-s.c.lines():
		if !ok {
			fmt.Fprintln(s.c.errs)
		}
		if s.c.interrupted() { // both at once
			return false, layers.ErrStopped
		}
		answer := strings.TrimSpace(line)
		if answer != word {
			fmt.Fprintf(s.c.errs, "bisc: not approved: the answer was %q, not %q; nothing of this round was done\n", answer, word)
		}
		return answer == word, nil
	case <-s.c.stop:
		return false, layers.ErrStopped
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}
