package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bisc/internal/host"
	"bisc/internal/source"
	"bisc/layers"
)

func (c *command) hold() *cobra.Command {
	cmd := &cobra.Command{Use: "hold", Short: "set, show and release holds: what apply must leave alone, and why", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(c.holdSet(), c.holdShow(), c.holdRelease())
	return cmd
}

func (c *command) holdSet() *cobra.Command {
	var match, because string
	var length time.Duration
	cmd := &cobra.Command{
		Use:   "set HOST",
		Short: "hold resources of a host",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if because == "" {
				return errors.New("a hold needs --because TEXT: whoever meets it at night must know why")
			}
			hold := layers.Hold{Match: match, Who: operator(), Because: because, Since: time.Now().UTC().Truncate(time.Second)}
			if length > 0 {
				hold.Until = hold.Since.Add(length)
			}
			return c.writing(cmd, "hold", func(ctx context.Context, s *session) error {
				if err := coversSomething(hold, args[0], s.plan.Addresses()); err != nil {
					return err
				}
				return s.changeHolds(ctx, args[0], func(holds []layers.Hold) ([]layers.Hold, error) { return append(holds, hold), nil })
			})
		},
	}
	cmd.Flags().StringVar(&match, "match", "*", "which addresses, with or without the host (* matches any run of characters)")
	cmd.Flags().StringVar(&because, "because", "", "why (required)")
	cmd.Flags().DurationVar(&length, "for", 0, "for how long (default: until released)")
	return cmd
}

func (c *command) holdRelease() *cobra.Command {
	var match string
	cmd := &cobra.Command{
		Use:   "release HOST",
		Short: "release the holds of a host",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.writing(cmd, "hold", func(ctx context.Context, s *session) error {
				return s.changeHolds(ctx, args[0], func(holds []layers.Hold) ([]layers.Hold, error) {
					return without(holds, match, args[0])
				})
			})
		},
	}
	cmd.Flags().StringVar(&match, "match", "", "only the hold with exactly this --match (default: all)")
	return cmd
}

// without is holds but those with this match; all go where none is named.
func without(holds []layers.Hold, match, name string) ([]layers.Hold, error) {
	var kept []layers.Hold
	for _, h := range holds {
		if match != "" && h.Match != match {
			kept = append(kept, h)
		}
	}
	if len(kept) == len(holds) {
		return nil, fmt.Errorf("%s has no such hold; bisc hold show lists them", name)
	}
	return kept, nil
}

// coversSomething refuses a hold that would hold nothing of its host, by a typing error as a rule.
func coversSomething(hold layers.Hold, name string, addresses []string) error {
	var local []string
	for _, a := range addresses {
		of, rest, _ := strings.Cut(a, ":")
		if of != name {
			continue
		}
		if hold.Covers(a, hold.Since) {
			return nil
		}
		local = append(local, rest)
	}
	if near := source.Suggest(hold.Match, local); near != "" {
		return fmt.Errorf("--match %q covers nothing of %s in the plan; did you mean %s?", hold.Match, name, near)
	}
	return fmt.Errorf("--match %q covers nothing of %s in the plan; bisc graph lists what there is", hold.Match, name)
}

func (c *command) holdShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show [HOST...]",
		Short:   "show the holds of hosts",
		Example: "  bisc hold show biscayne --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.reading(cmd, "hold", func(ctx context.Context, s *session) error {
				return s.eachHost(ctx, args, holdsOf)
			})
		},
	}
	cmd.Flags().BoolVar(&c.flags.json, "json", false, "as JSON")
	return cmd
}

func holdsOf(ctx context.Context, h host.Reader) (answer, error) {
	holds, err := layers.ReadHolds(ctx, h)
	text := ""
	for _, hold := range holds {
		text += fmt.Sprintf("%s  %s  %s\n", h.Name(), hold.Match, hold)
	}
	if text == "" {
		text = h.Name() + "  no holds\n"
	}
	return answer{text, struct {
		Holds []layers.Hold `json:"holds"`
	}{append([]layers.Hold{}, holds...)}}, err
}

// changeHolds rewrites a host's list of holds under its lock.
func (s *session) changeHolds(ctx context.Context, name string, change func([]layers.Hold) ([]layers.Hold, error)) error {
	w, err := s.Writer(ctx, name)
	if err != nil {
		return err
	}
	was, err := w.ReadFile(ctx, layers.HoldsFile(w))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	holds, err := layers.ReadHolds(ctx, w)
	if err != nil {
		return err
	}
	if holds, err = change(holds); err != nil {
		return err
	}
	steps, err := layers.HoldSteps(w, holds, was)
	if err != nil {
		return err
	}
	for _, step := range steps {
		if err := s.actAlone(ctx, w, "hold", step); err != nil {
			return err
		}
	}
	fmt.Fprintf(s.c.out, "%s: %s\n", name, count(len(holds), "hold"))
	return nil
}
