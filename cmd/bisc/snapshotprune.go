package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/hostbin/snapshots"
	"bisc/internal/host"
	"bisc/modules/agave"
)

func (c *command) snapshotPrune() *cobra.Command {
	var apply bool
	age := time.Hour
	cmd := &cobra.Command{
		Use:   "prune HOST FOLDER",
		Short: "remove a folder's old snapshots, but for the newest usable pair; without --apply only say what would go",
		Long: "The newest usable pair stays: a full with the newest incremental that fits it, by slot. Nothing goes where there is none, and\n" +
			"nothing that is newer than the pair, that changed within --age, or that a process has open. With --apply what is shown goes,\n" +
			"and nothing else: the host decides again right before, and removes nothing where one of the files may not go any more.",
		Example: "  bisc snapshot prune biscayne /srv/solana/snapshots\n  bisc snapshot prune biscayne /srv/solana/snapshots --apply",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := args[1]
			if !strings.HasPrefix(dir, "/") || strings.ContainsAny(dir, "*?[\n") {
				return fmt.Errorf("%q is no folder of a host: name it from its root", dir)
			}
			if !apply {
				return c.reading(cmd, "snapshot prune", func(ctx context.Context, s *session) error {
					h, err := s.Reader(ctx, args[0])
					if err == nil {
						_, err = c.pruning(ctx, h, dir, age)
					}
					return err
				})
			}
			return c.writing(cmd, "snapshot prune", func(ctx context.Context, s *session) error { return s.prune(ctx, args[0], dir, age) })
		},
	}
	cmd.Flags().BoolVar(&apply, "apply", false, "remove what is shown")
	cmd.Flags().DurationVar(&age, "age", age, "leave what changed within this time: somebody may still write it")
	cmd.Flags().BoolVar(&c.flags.json, "json", false, "as JSON")
	return cmd
}

// pruning shows what would go.
func (c *command) pruning(ctx context.Context, h host.Reader, dir string, age time.Duration) (snapshots.Pruned, error) {
	files, there, err := agave.HeldAll(ctx, h, dir)
	if err == nil && !there {
		err = fmt.Errorf("%s has no folder %s", h.Name(), dir)
	}
	if err != nil {
		return snapshots.Pruned{}, err
	}
	p := snapshots.Prune(files, time.Now(), age)
	if c.flags.json {
		return p, c.writeJSON(struct {
			FormatVersion string `json:"format_version"`
			Host          string `json:"host"`
			Folder        string `json:"folder"`
			snapshots.Pruned
		}{view.FormatVersion, h.Name(), dir, p})
	}
	for _, f := range p.Stays {
		fmt.Fprintf(c.out, "  = %s  %s  %s\n", view.CleanText(f.Name), snapshots.Bytes(f.Size), f.Why)
	}
	for _, f := range p.Goes {
		fmt.Fprintf(c.out, "  - %s  %s  %s\n", view.CleanText(f.Name), snapshots.Bytes(f.Size), f.Why)
	}
	switch {
	case len(files) == 0:
		fmt.Fprintf(c.out, "nothing goes: %s has no archive of a snapshot\n", dir)
	case len(p.Goes) == 0 && p.Kept == nil:
		fmt.Fprintln(c.out, "nothing goes: there is no usable pair")
	case len(p.Goes) == 0:
		fmt.Fprintln(c.out, "nothing goes")
	}
	return p, nil
}

// prune removes what it shows.
func (s *session) prune(ctx context.Context, name, dir string, age time.Duration) error {
	w, err := s.Writer(ctx, name)
	if err != nil {
		return err
	}
	p, err := s.c.pruning(ctx, w, dir, age)
	if err != nil || len(p.Goes) == 0 {
		return err
	}
	tool, steps, err := agave.Program(ctx, w)
	if err != nil {
		return err
	}
	argv := []string{tool, "prune", "--apply", "--age", age.String(), "--into", dir}
	for _, f := range p.Goes {
		if strings.HasPrefix(f.Name, "-") {
			return errors.New("a name that begins with a dash is none of ours")
		}
		argv = append(argv, f.Name)
	}
	for _, step := range append(steps, host.Script{Argv: argv, Limit: 10 * time.Minute}) {
		if err := s.actAlone(ctx, w, "snapshot "+dir, step); err != nil {
			return err
		}
	}
	if !s.c.flags.json {
		fmt.Fprintf(s.c.out, "%d files are gone\n", len(p.Goes))
	}
	return nil
}
