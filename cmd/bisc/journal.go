package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/internal/journal"
)

func (c *command) journal() *cobra.Command {
	return &cobra.Command{
		Use:   "journal [RUN]",
		Short: "list the last runs, or what one run intended and what became of it",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := journal.DefaultPath()
			if err != nil {
				return err
			}
			j, err := journal.OpenExisting(cmd.Context(), path)
			if errors.Is(err, fs.ErrNotExist) {
				fmt.Fprintln(c.out, "no run was journalled yet")
				return nil
			}
			if err != nil {
				return err
			}
			defer j.Close()
			if err := j.Verify(cmd.Context()); err != nil {
				c.complain(err)
			}
			if len(args) == 1 {
				return c.journalRun(cmd.Context(), j, args[0])
			}
			return c.journalRuns(cmd.Context(), j)
		},
	}
}

func (c *command) journalRuns(ctx context.Context, j *journal.Journal) error {
	runs, err := j.Runs(ctx, 30)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	for _, r := range runs {
		fmt.Fprintf(w, "%s\t%s\t%s@%s\t%s\t%s\n", r.ID, r.Started.Local().Format(time.DateTime), view.Clean(r.User), view.Clean(r.Machine), r.Verb, ending(r))
	}
	return w.Flush()
}

func (c *command) journalRun(ctx context.Context, j *journal.Journal, id string) error {
	run, acts, err := j.Run(ctx, id)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s  %s by %s@%s, %s, plan %.12s\n", run.ID, run.Verb, view.Clean(run.User), view.Clean(run.Machine), ending(run), run.Plan)
	for _, a := range acts {
		fmt.Fprintf(c.out, "  %-8s %s\n           %s\n", a.State, view.Clean(a.Address), view.Clean(a.Step))
		if a.Err != "" {
			fmt.Fprintf(c.out, "           %s\n", view.Clean(a.Err))
		}
	}
	return nil
}

func ending(r journal.RunInfo) string {
	if r.Ended.IsZero() {
		return "did not end"
	}
	return fmt.Sprintf("exit %d", r.Exit)
}
