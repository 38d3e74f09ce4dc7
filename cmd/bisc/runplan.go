package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"bisc/cmd/bisc/view"
	"bisc/internal/host"
	"bisc/layers"
	"bisc/plans"
)

// planRunbook shows every stage as it would be now: what the stages before it will have changed is not known yet.
func (s *session) planRunbook(ctx context.Context, rb plans.Runbook, f runFlags, past *course) error {
	status, unnamed, err := s.showRunbook(ctx, rb, f, past)
	if err != nil {
		return err
	}
	if len(unnamed) > 0 {
		what := []string{rb.Name}
		if past != nil {
			what = []string{"--resume", past.first.ID}
		}
		fmt.Fprintf(s.c.out, "\nto permit all that it destroys:\n%s\n", s.toPaste(what, unnamed...))
	}
	s.statistics()
	return exitOf(status)
}

// showRunbook shows the stages, and gives the flags that permit what they destroy.
func (s *session) showRunbook(ctx context.Context, rb plans.Runbook, f runFlags, past *course) (status int, unnamed []string, err error) {
	ground, stages := s.stages, stagesOf(rb)
	for i, st := range stages {
		opts, err := s.turnTo(st, ground, f.permit)
		if err != nil {
			return 0, nil, err
		}
		s.heading(st, i, len(stages))
		if at, ok := past.passes(stages, i); ok {
			fmt.Fprintf(s.c.out, "  done at %s, and others have built on it since: it would be passed over\n", at.Local().Format(time.DateTime))
			continue
		}
		rep := s.observe(ctx, opts)
		if err := view.Text(s.c.out, rep, s.textOptions("plan", false)); err != nil {
			return 0, nil, err
		}
		for _, line := range s.refusals(ctx, rep) {
			fmt.Fprintf(s.c.out, "  %s\n", view.Clean(line))
		}
		status = view.Worst(status, view.Of("plan", rep, nil))
		unnamed = append(unnamed, destructions(rep)...)
	}
	s.stages = ground
	return status, unnamed, nil
}

// destructions are the flags that permit what a report is blocked by: who runs a runbook at night pastes one line, and has read what
// each stage of it destroys.
func destructions(rep layers.Report) []string {
	var flags []string
	for _, o := range rep.Outcomes() {
		if o.State == layers.Blocked && len(o.Change.Destroys) > 0 {
			flags = append(flags, "--destroy", o.Item.Address)
		}
	}
	return flags
}

// refusals asks the guards of a stage's steps, without the steps, and says which would refuse now. A guard only reads; it is a probe
// all the same, and --no-probes leaves it unasked. What is before it in the runbook may well be there to make it hold.
func (s *session) refusals(ctx context.Context, rep layers.Report) []string {
	var out []string
	for _, h := range rep {
		r, err := s.Reader(ctx, h.Host)
		if h.Err != nil || err != nil {
			continue // the report says so
		}
		asked := map[string]bool{}
		for _, o := range h.Outcomes {
			if !o.Pending() && !o.Unnamed() && o.State != layers.NotReached {
				continue
			}
			for _, step := range o.Change.Steps {
				for _, g := range host.GuardsOf(step) {
					key := g.Text + "\x00" + strings.Join(g.Args, "\x00")
					if asked[key] {
						continue
					}
					asked[key] = true
					if said := refusal(ctx, r, g); said != "" {
						out = append(out, fmt.Sprintf("now: %s %s", o.Item.Address, said))
					}
				}
			}
		}
	}
	return out
}

// refusal is what a guard says against its act; empty where it would let it pass.
func refusal(ctx context.Context, r host.Reader, g host.Guard) string {
	ctx, cancel := context.WithTimeout(ctx, host.AnswerLimit(r))
	defer cancel()
	argv := host.Guarded([]host.Guard{g}, []string{"true"})
	out, err := r.Probe(ctx, argv...)
	if err == nil {
		err = host.Verdict(argv, out)
	}
	var guard *host.GuardError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &guard) && guard.Unknown:
		return fmt.Sprintf("would be refused: guard %q cannot tell: %s", guard.Guard, guard.Reason)
	case errors.As(err, &guard):
		return fmt.Sprintf("would be refused: guard %q: %s", guard.Guard, guard.Reason)
	}
	return fmt.Sprintf("has a guard that could not be asked (%s): %v", g.Name, err)
}
