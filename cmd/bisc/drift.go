package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/internal/journal"
	"bisc/layers"
)

func (c *command) drift() *cobra.Command {
	var record bool
	cmd := &cobra.Command{
		Use:   "drift",
		Short: "show what was in sync under this plan and is not now; writes nothing on any host",
		Long: "Drift is a resource that was seen in sync under this plan (the journal knows) and is not now: exit status 3.\n" +
			"A resource that differs and never was in sync is a change not yet applied: exit status 2.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.reading(cmd, "drift", func(ctx context.Context, s *session) error {
				opts, err := c.options(s, permits{})
				if err != nil {
					return err
				}
				rep := s.observe(ctx, opts)
				known, err := s.wasInSync(ctx)
				if err != nil {
					return err
				}
				if record {
					if err := s.recordObserved(ctx, rep); err != nil {
						return err
					}
				}
				tellDrift(rep, known)
				return s.show(rep, view.Run{Verb: "drift"}, known)
			})
		},
	}
	c.flags.scope(cmd)
	cmd.Flags().BoolVar(&record, "record", false, "keep what was seen in the journal")
	cmd.Flags().BoolVar(&c.flags.json, "json", false, "as JSON (bisc schema)")
	return cmd
}

// tellDrift says of each item that differs whether it has drifted, or was never brought in sync.
func tellDrift(rep layers.Report, known func(address, digest string) bool) {
	for _, h := range rep {
		for i := range h.Outcomes {
			o := &h.Outcomes[i]
			switch {
			case o.State != layers.Drifted || o.Item.Invariant:
			case known(o.Item.Address, o.Item.Digest):
				o.Reason = "drifted: it was in sync under this plan"
			default:
				o.Reason = "not applied yet: it was never in sync under this plan"
			}
		}
	}
}

// wasInSync asks the journal, where there is one.
func (s *session) wasInSync(ctx context.Context) (func(address, digest string) bool, error) {
	never := func(string, string) bool { return false }
	path, err := journal.DefaultPath()
	if err != nil {
		return nil, err
	}
	j, err := journal.OpenExisting(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return never, nil
	}
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, j.Close)
	known := map[string]bool{}
	for _, st := range s.stages {
		for _, it := range st.Items {
			if _, known[it.Address], err = j.WasInSync(ctx, it.Address, it.Digest); err != nil {
				return nil, fmt.Errorf("asking the journal what was in sync: %w", err)
			}
		}
	}
	return func(address, _ string) bool { return known[address] }, nil
}

// recordObserved keeps the state of every item seen.
func (s *session) recordObserved(ctx context.Context, rep layers.Report) error {
	if s.log == nil {
		if err := s.begin(ctx); err != nil {
			return err
		}
	}
	var obs []journal.Observation
	for _, h := range rep {
		for _, o := range h.Outcomes {
			obs = append(obs, journal.Observation{Run: s.run, Host: h.Host, Address: o.Item.Address, Digest: o.Item.Digest,
				State: o.State.String(), Diff: view.DiffText(o), At: time.Now()})
		}
	}
	if _, err := s.book.Observe(ctx, obs...); err != nil {
		return fmt.Errorf("recording what was seen: %w", err)
	}
	return nil
}
