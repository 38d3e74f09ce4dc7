package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/layers"
)

func (c *command) check() *cobra.Command {
	var format string
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "check",
		Short: "prove the invariants of the layers; writes nothing",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(view.Formats(), format) {
				return fmt.Errorf("--format %q: it is one of %s", format, strings.Join(view.Formats(), ", "))
			}
			return c.reading(cmd, "check", func(ctx context.Context, s *session) error {
				opts, err := c.options(s, permits{})
				if err != nil {
					return err
				}
				chosen := opts.Select
				opts.Select = func(it layers.Item, st *layers.Stage) bool { return it.Invariant && chosen(it, st) }
				return s.showCheck(s.observeUntilGood(ctx, opts, wait), format)
			})
		},
	}
	c.flags.scope(cmd)
	cmd.Flags().StringVar(&format, "format", "text", strings.Join(view.Formats(), ", "))
	cmd.Flags().DurationVar(&wait, "wait", 0, "after a boot: look again until every invariant holds, at most this long")
	return cmd
}

// observeUntilGood observes until every invariant holds or the limit is over. A host that does not answer yet counts as
// not good.
func (s *session) observeUntilGood(ctx context.Context, opts layers.Options, limit time.Duration) layers.Report {
	until := time.Now().Add(limit)
	for {
		rep := s.observe(ctx, opts)
		if view.Of("check", rep, nil) == view.ExitOK || !time.Now().Before(until) {
			return rep
		}
		for _, h := range rep {
			s.progress.Say(h.Host, "waiting until every invariant holds, until "+until.Format(time.TimeOnly))
			if h.Err != nil {
				s.forget(h.Host)
			}
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return rep
		}
	}
}

// showCheck writes a check in its format. Nagios has its own exit statuses.
func (s *session) showCheck(rep layers.Report, format string) error {
	run := s.finished(view.Run{Verb: "check"}, view.Of("check", rep, nil))
	run.Notes = append(run.Notes, s.byHand(rep)...)
	doc := view.New(run, rep)
	if err := view.Check(s.c.out, format, doc, s.textOptions("check", false)); err != nil {
		return err
	}
	s.statistics()
	if format == "nagios" {
		return exitStatus(view.NagiosStatus(doc))
	}
	return exitOf(run.Exit)
}
