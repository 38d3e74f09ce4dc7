package main

import (
	"context"
	"fmt"
	"strings"

	"bisc/cmd/bisc/view"
	"bisc/layers"
	"bisc/plans"
)

// askForAll shows all stages as they are now and asks once.
func (s *session) askForAll(ctx context.Context, rb plans.Runbook, ground []*layers.Stage, f runFlags, past *course) (bool, error) {
	s.stages = ground
	if _, _, err := s.showRunbook(ctx, rb, f, past); err != nil {
		return false, err
	}
	what := fmt.Sprintf("\nThat is as it is now: what a stage changes, the next one sees. Do all %s of %s", count(len(stagesOf(rb)), "stage"), view.Clean(rb.Name))
	return s.askWord(ctx, what, rb.Name, "nothing was done")
}

// askToDestroy takes the word destroy for what was not named beforehand.
func (s *session) askToDestroy(ctx context.Context, rep layers.Report) (bool, error) {
	if err := s.present(rep, 1); err != nil {
		return false, err
	}
	return s.askWord(ctx, "\nDestroy what is said above", "destroy", "nothing of it was done")
}

// askWord wants one word typed. An interrupt, or the end of --timeout, is a no.
func (s *session) askWord(ctx context.Context, question, word, otherwise string) (bool, error) {
	for _, st := range s.stages {
		s.progress.Say(st.Host, "") // nothing is drawn over the question
	}
	s.c.dropTypedAhead()
	fmt.Fprintf(s.c.errs, "%s? Type %s: ", question, word)
	select {
	case line, ok := <-s.c.lines():
		if !ok {
			fmt.Fprintln(s.c.errs)
		}
		if s.c.interrupted() { // both at once
			return false, layers.ErrStopped
		}
		answer := strings.TrimSpace(line)
		if answer != word {
			fmt.Fprintf(s.c.errs, "bisc: not approved: the answer was %q, not %q; %s\n", answer, word, otherwise)
		}
		return answer == word, nil
	case <-s.c.stop:
		return false, layers.ErrStopped
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}
