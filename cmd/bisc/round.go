package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"bisc/cmd/bisc/view"
	"bisc/internal/journal"
	"bisc/layers"
)

// recordRound keeps a round: in the chain of records what changed, if anything did; beside it that there was one; and
// the textfile. The chain does not grow with rounds that saw nothing new.
func (s *session) recordRound(ctx context.Context, rec *recording, p *past, rep layers.Report, sum view.DriftTally, known func(string, string) bool) error {
	round := journal.Round{Name: rec.name, Run: s.run, Started: s.c.started.UTC(), Counts: sum.Counts(), OK: true}
	watched := map[string]journal.Watched{}
	obs := s.observations(rep)
	for _, h := range rep {
		w := watch(p.watched[h.Host], h, rec.backOff, p.now)
		watched[h.Host] = w
		round.OK = round.OK && w.State == observed
		obs = append(obs, journal.Observation{Run: s.run, Host: h.Host, Address: h.Host, State: w.State, At: time.Now()})
	}
	shown := p.accept(rep)
	round.Exit, round.Took = view.Of("drift", shown, known), time.Since(s.c.started)
	j, err := openJournal(ctx)
	if err != nil {
		return err
	}
	defer j.Close()
	if round.News, err = j.News(ctx, obs...); err != nil {
		return err
	}
	if round.News > 0 {
		if err := s.begin(ctx); err != nil {
			return err
		}
		if _, err := s.book.Observe(ctx, obs...); err != nil {
			return fmt.Errorf("recording what was seen: %w", err)
		}
	}
	if err := j.AddRound(ctx, round, watched, rec.keep); err != nil {
		return err
	}
	if round.OK {
		p.completed = round.Started
	}
	rec.kept = true
	return rec.write(round, p.completed, watched, &sum)
}

// accept is the report with what was accepted held.
func (p *past) accept(rep layers.Report) layers.Report {
	out := make(layers.Report, len(rep))
	for i, h := range rep {
		out[i] = h
		out[i].Outcomes = append([]layers.Outcome(nil), h.Outcomes...)
		for k, o := range h.Outcomes {
			if p.covers(o) {
				out[i].Outcomes[k].State = layers.Held
			}
		}
	}
	return out
}

func openJournal(ctx context.Context) (*journal.Journal, error) {
	path, err := journal.DefaultPath()
	if err != nil {
		return nil, err
	}
	return journal.Open(ctx, path)
}

// failed leaves the traces of a round that there was not: with what earlier rounds knew.
func (r *recording) failed(ctx context.Context, round journal.Round) error {
	r.kept = true
	p := &past{}
	j, err := openJournal(ctx)
	if err == nil {
		err = errors.Join(r.recall(ctx, j, p), j.AddRound(ctx, round, nil, r.keep), j.Close())
	}
	return errors.Join(err, r.write(round, p.completed, p.watched, nil))
}

// write replaces the textfile at one stroke: node_exporter must never read half of one. It can be read by everybody, for
// node_exporter runs as somebody else; it holds addresses and states, and no values.
func (r *recording) write(round journal.Round, completed time.Time, watched map[string]journal.Watched, sum *view.DriftTally) error {
	if r.textfile == "" {
		return nil
	}
	var text bytes.Buffer
	err := view.DriftMetrics(&text, metricsOf(round, completed, watched, sum))
	if err == nil {
		err = writeWhole(r.textfile, text.Bytes(), 0o644) // by way of a name that does not end in .prom
	}
	if err != nil {
		return fmt.Errorf("writing the textfile: %w", err)
	}
	return nil
}

func metricsOf(round journal.Round, completed time.Time, watched map[string]journal.Watched, sum *view.DriftTally) view.DriftRound {
	m := view.DriftRound{Schedule: round.Name, Started: round.Started, Took: round.Took, Exit: round.Exit, Failed: sum == nil, Completed: completed, Tally: sum}
	for _, name := range slices.Sorted(maps.Keys(watched)) {
		w := watched[name]
		m.Hosts = append(m.Hosts, view.DriftHost{Host: name, State: w.State, Failures: w.Failures, Rest: w.Rest, Seen: w.Seen})
	}
	return m
}
