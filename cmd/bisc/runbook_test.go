package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"bisc/internal/journal"
	"bisc/layers"
	"bisc/plans"
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

// TestALineToPasteLoadsTheSamePlan: from whatever folder, with whatever environment; and what a run was typed with is read back.
func TestALineToPasteLoadsTheSamePlan(t *testing.T) {
	t.Chdir(t.TempDir())
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	s := &session{loaded: &loaded{c: &command{flags: flags{plans: ".", inventory: "/etc/hosts.hcl", set: []string{"size=two words"}, varFiles: []string{"d.vars", "/e.vars"}}}, plan: &plans.Plan{}}}
	want := "bisc run --resume x --plans " + here + " --inventory /etc/hosts.hcl --set 'size=(sensitive)' --var-file " + here + "/d.vars --var-file /e.vars --destroy a:b"
	if got := s.toPaste([]string{"--resume", "x"}, "--destroy", "a:b"); got != want { // a variable that the plan does not have is taken for a secret
		t.Errorf("got  %s\nwant %s", got, want)
	}
	args := []string{"run", "stop", "--plans=p", "--auto-approve", "--var-file", "d.vars", "--set", "a=b", "--override", "x", "--inventory"}
	if got := planFlagsOf(args); !slices.Equal(got, []string{"--plans=p", "--var-file", "d.vars", "--set", "a=b"}) {
		t.Errorf("%q", got)
	}
}
