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
	var rec recording
	cmd := &cobra.Command{
		Use:   "drift",
		Short: "show what was in sync under this plan and is not now; writes nothing on any host",
		Long: "Drift is a resource that was seen in sync under this plan (the journal knows) and is not now: exit status 3.\n" +
			"A resource that differs and never was in sync is a change not yet applied: exit status 2.\n" +
			"Drift that was accepted (bisc drift accept) and nothing else is exit status 8.\n\n" +
			"With --record the round is kept in the journal (bisc history); it is what bisc schedule runs.",
		Example: "  bisc drift\n  bisc drift --record --textfile /var/lib/prometheus/node-exporter/bisc.prom",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := rec.check(cmd); err != nil {
				return err
			}
			if !rec.on {
				return c.driftRound(cmd, nil)
			}
			return c.recorded(cmd, &rec)
		},
	}
	c.flags.scope(cmd)
	rec.flags(cmd)
	cmd.Flags().BoolVar(&c.flags.json, "json", false, "as JSON (bisc schema)")
	cmd.AddCommand(c.driftAccept())
	return cmd
}

// driftRound looks once. rec is nil where nothing is recorded.
func (c *command) driftRound(cmd *cobra.Command, rec *recording) error {
	return c.reading(cmd, "drift", func(ctx context.Context, s *session) error {
		opts, err := c.options(s, permits{})
		if err != nil {
			return err
		}
		past, err := s.memory(ctx, rec)
		if err != nil {
			return err
		}
		resting := rec.resting(past)
		chosen := opts.Select
		opts.Select = func(it layers.Item, st *layers.Stage) bool { return resting[st.Host] == nil && chosen(it, st) }
		rep := s.observe(ctx, opts)
		for i := range rep {
			if err := resting[rep[i].Host]; err != nil {
				rep[i].Err = err
			}
		}
		known := past.known
		sum := view.Tally(rep, known, past.covers)
		if rec != nil {
			if err := s.recordRound(ctx, rec, past, rep, sum, known); err != nil {
				return err
			}
		}
		past.tell(rep, known)
		err = s.show(rep, view.Run{Verb: "drift"}, known)
		if !c.flags.json {
			fmt.Fprint(c.out, sum.Sentence())
		}
		return err
	})
}

// past is what the journal knows that a round is judged by.
type past struct {
	in        map[string]journal.Standing // by address
	was       map[string]bool             // in sync at some time, under the digest of now
	accepted  map[string]journal.Acceptance
	watched   map[string]journal.Watched
	now       time.Time
	completed time.Time // the last round that observed every host
}

// memory asks the journal, where there is one.
func (s *session) memory(ctx context.Context, rec *recording) (*past, error) {
	p := &past{in: map[string]journal.Standing{}, was: map[string]bool{}, now: time.Now()}
	path, err := journal.DefaultPath()
	if err != nil {
		return nil, err
	}
	j, err := journal.OpenExisting(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	defer j.Close()
	for _, st := range s.stages {
		for _, it := range st.Items {
			if _, p.was[it.Address], err = j.WasInSync(ctx, it.Address, it.Digest); err != nil {
				return nil, fmt.Errorf("asking the journal what was in sync: %w", err)
			}
			standing, ok, err := j.Standing(ctx, it.Address)
			if err != nil {
				return nil, fmt.Errorf("asking the journal what was seen: %w", err)
			}
			if ok {
				p.in[it.Address] = standing
			}
		}
	}
	if p.accepted, err = j.Accepted(ctx); err != nil {
		return nil, err
	}
	if rec != nil {
		return p, rec.recall(ctx, j, p)
	}
	return p, nil
}

// known tells whether a resource was in sync under this plan.
func (p *past) known(address, _ string) bool { return p.was[address] }

// covers tells whether somebody accepted an outcome as it is.
func (p *past) covers(o layers.Outcome) bool {
	a, ok := p.accepted[o.Item.Address]
	return ok && differs(o) && a.Covers(o.Item.Digest, view.DiffText(o), p.now)
}

// differs tells what can be accepted: what is known to be otherwise than wanted, and is not held.
func differs(o layers.Outcome) bool { return o.State == layers.Drifted || o.State == layers.Blocked }

// tell says of each item that differs whether it has drifted, was never brought in sync, or was accepted.
func (p *past) tell(rep layers.Report, known func(address, digest string) bool) {
	for _, h := range rep {
		for i := range h.Outcomes {
			o := &h.Outcomes[i]
			a, any := p.accepted[o.Item.Address]
			switch {
			case p.covers(*o):
				o.State = layers.Held
				o.Reason = fmt.Sprintf("accepted by %s until %s: %s", a.Who, when(a.Until), a.Because)
				continue
			case o.State == layers.Drifted && o.Item.Invariant:
				o.Reason = "" // that it may be mended is a matter of apply's: here it does not hold
				continue
			case o.State != layers.Drifted:
				continue
			case known(o.Item.Address, o.Item.Digest):
				o.Reason = "drifted: it was in sync under this plan" + p.since(*o)
			default:
				o.Reason = "not applied yet: it was never in sync under this plan"
			}
			if any && a.Digest == o.Item.Digest {
				o.Reason += p.uncovered(a)
			}
		}
	}
}

// uncovered says why an acceptance of the same resource does not count.
func (p *past) uncovered(a journal.Acceptance) string {
	if p.now.Before(a.Until) {
		return fmt.Sprintf("; another difference than the one accepted (%s)", a.Diff)
	}
	return "; its acceptance ended " + when(a.Until)
}

// since says when a drift was first seen, where an earlier round saw it.
func (p *past) since(o layers.Outcome) string {
	st, ok := p.in[o.Item.Address]
	if !ok || st.State != o.State.String() || st.Digest != o.Item.Digest {
		return ""
	}
	return "; first seen to differ " + when(st.Since)
}

// when is a moment as an operator reads it, in the local time zone with its name.
func when(t time.Time) string { return t.Local().Format("2006-01-02 15:04 MST") }

// recordObserved keeps the state of every item seen.
func (s *session) recordObserved(ctx context.Context, rep layers.Report) error {
	if s.log == nil {
		if err := s.begin(ctx); err != nil {
			return err
		}
	}
	if _, err := s.book.Observe(ctx, s.observations(rep)...); err != nil {
		return fmt.Errorf("recording what was seen: %w", err)
	}
	return nil
}

func (s *session) observations(rep layers.Report) []journal.Observation {
	var obs []journal.Observation
	for _, h := range rep {
		for _, o := range h.Outcomes {
			obs = append(obs, journal.Observation{Run: s.run, Host: h.Host, Address: o.Item.Address, Digest: o.Item.Digest,
				State: o.State.String(), Diff: view.DiffText(o), At: time.Now()})
		}
	}
	return obs
}
