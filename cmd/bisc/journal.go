package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/internal/journal"
)

// journalLimit is how many runs are listed where no number is asked for.
const journalLimit = 30

func (c *command) journal() *cobra.Command {
	var limit int
	var all bool
	var hosts []string
	cmd := &cobra.Command{
		Use:   "journal [RUN]",
		Short: "list the last runs, or what one run was to do and what became of it; --host: what a host itself recorded",
		Long: "The journal on this machine says what bisc intended, did, and does not know. A host keeps the last runs too,\n" +
			"whoever's they were: --host HOST reads that, checks its chain, and says where it and this journal disagree.",
		Example: "  bisc journal --all\n  bisc journal k3f9\n  bisc journal show 20261121-221401-k3f9 --json\n  bisc journal --host biscayne",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(hosts) > 0:
				return c.reading(cmd, "journal", func(ctx context.Context, s *session) error { return s.hostJournals(ctx, hosts) })
			case len(args) == 1:
				return c.withBook(cmd.Context(), func(j *journal.Journal) error { return c.journalRun(cmd.Context(), j, args[0]) })
			}
			if all {
				limit = 0
			}
			return c.withBook(cmd.Context(), func(j *journal.Journal) error { return c.journalRuns(cmd.Context(), j, limit) })
		},
	}
	cmd.Flags().IntVar(&limit, "limit", journalLimit, "how many runs to list")
	cmd.Flags().BoolVar(&all, "all", false, "list all runs")
	cmd.Flags().StringSliceVar(&hosts, "host", nil, "read the record that this host keeps itself (repeatable)")
	cmd.Flags().BoolVar(&c.flags.json, "json", false, "as JSON (docs/operating.md)")
	cmd.AddCommand(c.journalShow())
	return cmd
}

func (c *command) journalShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show RUN",
		Short:   "what a run was to do, and what became of each step",
		Example: "  bisc journal show k3f9",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withBook(cmd.Context(), func(j *journal.Journal) error { return c.journalRun(cmd.Context(), j, args[0]) })
		},
	}
	cmd.Flags().BoolVar(&c.flags.json, "json", false, "as JSON (docs/operating.md)")
	return cmd
}

// withBook opens this machine's journal to read it. One that was altered is read all the same, and fails in the end.
func (c *command) withBook(ctx context.Context, read func(*journal.Journal) error) error {
	path, err := journal.DefaultPath()
	if err != nil {
		return err
	}
	j, err := journal.OpenExisting(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		if c.flags.json {
			return view.AnyJSON(c.out, journalDoc{FormatVersion: 1, Runs: []runDoc{}})
		}
		fmt.Fprintln(c.out, "no run was journalled yet")
		return nil
	}
	if err != nil {
		return err
	}
	defer j.Close()
	return errors.Join(read(j), j.Verify(ctx))
}

func (c *command) journalRuns(ctx context.Context, j *journal.Journal, limit int) error {
	runs, err := j.Runs(ctx, limit)
	if err != nil {
		return err
	}
	if c.flags.json {
		doc := journalDoc{FormatVersion: 1, Runs: make([]runDoc, len(runs))}
		for i, r := range runs {
			doc.Runs[i] = newRunDoc(r)
		}
		return view.AnyJSON(c.out, doc)
	}
	w := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	for _, r := range runs {
		fmt.Fprintf(w, "%s\t%s\t%s@%s\t%s\t%s\t%s\n", r.ID, r.Started.Local().Format(time.DateTime), view.Clean(r.User), view.Clean(r.Machine), strings.TrimSpace(r.Verb+" "+view.Clean(r.Runbook)),
			cmp.Or(view.Clean(strings.Join(r.Hosts, ",")), "-"), ending(r))
	}
	return w.Flush()
}

func ending(r journal.RunInfo) string {
	switch why, cut := r.Cut(); {
	case r.Ended.IsZero():
		return "did not end"
	case cut:
		return fmt.Sprintf("exit %d, cut: %s", r.Exit, view.Clean(why))
	}
	return fmt.Sprintf("exit %d", r.Exit)
}
