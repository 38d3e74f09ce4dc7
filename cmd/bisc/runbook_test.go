package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"bisc/internal/journal"
	"bisc/layers"
)

// fullBook is a journal that can take no more.
type fullBook struct{}

func (fullBook) Stage(context.Context, journal.Stage) error {
	return errors.New("database or disk is full")
}

// TestAStageThatCannotBeRecordedIsNotBegun: nothing is looked at, let alone done, for a stage that no journal would know of; a resumed run
// would begin before it.
func TestAStageThatCannotBeRecordedIsNotBegun(t *testing.T) {
	s := &session{loaded: &loaded{c: &command{}}, stagebook: fullBook{}}
	stages := []runStage{{"mend/one", []*layers.Stage{{Host: "a", Name: "mend/one"}}}}
	err := s.doStage(t.Context(), stages, 0, nil, runFlags{})
	if err == nil || !strings.Contains(err.Error(), "the stage is not begun") {
		t.Errorf("%v", err)
	}
}

// TestNobodyIsAskedAboutWhatIsNotReached: what would be destroyed behind an item that cannot be done is not asked for.
func TestNobodyIsAskedAboutWhatIsNotReached(t *testing.T) {
	st := &layers.Stage{Layer: layers.Agave, Name: "redeploy/wipe", Host: "a"}
	unnamed := layers.Outcome{Stage: st, Item: layers.Item{Address: "a:ledger"}, State: layers.Blocked, Reason: "it destroys something: name it to permit that: --destroy a:ledger"}
	accounts := layers.Outcome{Stage: st, Item: layers.Item{Address: "a:accounts"}, State: layers.InSync}
	for state, want := range map[layers.State]int{layers.InSync: 1, layers.Drifted: 0} {
		accounts.State = state
		if got := blockedByConsent(layers.Report{{Outcomes: []layers.Outcome{accounts, unnamed}}}); len(got) != want {
			t.Errorf("behind one that is %s: asks for %d, want %d", state, len(got), want)
		}
	}
}
