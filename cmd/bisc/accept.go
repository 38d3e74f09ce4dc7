package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/internal/journal"
	"bisc/layers"
)

func (c *command) driftAccept() *cobra.Command {
	var because, until string
	var list, revoke bool
	cmd := &cobra.Command{
		Use:   "accept ADDRESS",
		Short: "accept a drift as it is now, for a time and a reason; drift then shows it as accepted (exit status 8)",
		Long: "The host is asked what differs now, and that is what is accepted: the same resource in another difference, or wanted\n" +
			"otherwise by the plan, is drift again; so is everything once the time is over. It changes nothing on the host, and\n" +
			"apply still puts it right; to keep apply away too: bisc hold set.",
		Example: "  bisc drift accept 'biscayne:units.sysctl[vm.swappiness]' --because 'load test until Monday' --until 2026-12-01\n  bisc drift accept --list",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case list && len(args) == 0 && !revoke:
				return c.acceptList(cmd.Context())
			case list || len(args) != 1:
				return errors.New("name one ADDRESS, or --list alone")
			case revoke:
				return c.acceptRevoke(cmd, args[0])
			}
			end, err := untilTime(until, time.Now())
			if err != nil {
				return err
			}
			if because == "" {
				return errors.New("accepting drift needs --because TEXT: whoever meets it at night must know why")
			}
			return c.accept(cmd, args[0], journal.Acceptance{Because: because, Until: end})
		},
	}
	cmd.Flags().StringVar(&because, "because", "", "why (required)")
	cmd.Flags().StringVar(&until, "until", "", "until when (required): a day (2026-12-01: to its end), a time (RFC 3339), or a length (72h)")
	cmd.Flags().BoolVar(&list, "list", false, "list what is accepted, and what was")
	cmd.Flags().BoolVar(&revoke, "revoke", false, "take it back")
	return cmd
}

// untilTime reads the end of an acceptance. One without an end would be forgotten.
func untilTime(text string, now time.Time) (time.Time, error) {
	end, err := time.Parse(time.RFC3339, text)
	if d, derr := time.ParseDuration(text); derr == nil {
		end, err = now.Add(d), nil
	} else if day, derr := time.ParseInLocation(time.DateOnly, text, now.Location()); derr == nil {
		end, err = day.AddDate(0, 0, 1), nil
	}
	switch {
	case text == "":
		return end, errors.New("accepting drift needs --until: a day (2026-12-01), a time (RFC 3339), or a length (72h)")
	case err != nil:
		return end, fmt.Errorf("--until %q: write a day (2026-12-01), a time (RFC 3339), or a length (72h)", text)
	case !end.After(now):
		return end, fmt.Errorf("--until %q is over already", text)
	}
	return end.UTC(), nil
}

// accept looks at the resource, and keeps what differs as accepted.
func (c *command) accept(cmd *cobra.Command, address string, a journal.Acceptance) error {
	return c.reading(cmd, "drift accept", func(ctx context.Context, s *session) error {
		it, err := s.item(address)
		if err != nil {
			return err
		}
		rep := s.observe(ctx, layers.Options{Key: s.key, Select: func(o layers.Item, _ *layers.Stage) bool { return o.Address == it.Address }})
		for _, h := range rep {
			if h.Err != nil {
				return h.Err
			}
			for _, o := range h.Outcomes {
				if o.Item.Address == it.Address {
					return s.acceptOutcome(ctx, o, a)
				}
			}
		}
		return fmt.Errorf("%s was not observed", it.Address)
	})
}

func (s *session) acceptOutcome(ctx context.Context, o layers.Outcome, a journal.Acceptance) error {
	switch {
	case o.Err != nil:
		return fmt.Errorf("%s could not be observed, and what is not known cannot be accepted: %w", o.Item.Address, o.Err)
	case !differs(o):
		return fmt.Errorf("%s is %s: there is nothing to accept", o.Item.Address, o.State)
	}
	if err := s.begin(ctx); err != nil { // who accepted what stays in the chain of records
		return err
	}
	a.Address, a.Digest, a.Diff = o.Item.Address, o.Item.Digest, view.DiffText(o)
	a.Who, a.Run, a.Since = lockOwner(), s.run, time.Now().UTC()
	if err := s.book.Accept(ctx, a); err != nil {
		return err
	}
	s.progress.Close()
	fmt.Fprintf(s.c.out, "accepted until %s: %s: %s\n", when(a.Until), view.Clean(a.Address), view.Clean(a.Diff))
	return nil
}

func (c *command) acceptRevoke(cmd *cobra.Command, address string) error {
	j, err := openJournal(cmd.Context())
	if err != nil {
		return err
	}
	defer j.Close()
	was, err := j.Unaccept(cmd.Context(), address)
	if err == nil && !was {
		err = fmt.Errorf("nothing of %s is accepted; bisc drift accept --list tells what is", address)
	}
	return err
}

func (c *command) acceptList(ctx context.Context) error {
	j, err := openJournal(ctx)
	if err != nil {
		return err
	}
	defer j.Close()
	all, err := j.Accepted(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	for _, address := range slices.Sorted(maps.Keys(all)) {
		a := all[address]
		word := "until"
		if !time.Now().Before(a.Until) {
			word = "ended"
		}
		fmt.Fprintf(w, "%s\t%s %s\t%s\t%s\t%s\n", view.Clean(address), word, when(a.Until), view.Clean(a.Who), view.Clean(a.Because), view.Clean(a.Diff))
	}
	return w.Flush()
}
