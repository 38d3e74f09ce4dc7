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
