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
