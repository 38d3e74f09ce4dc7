package eoshost

import (
	"errors"
	"testing"

	"bisc/internal/host"
)

var _ host.Writer = (*Writer)(nil)

func TestNothingIsConfirmedUnproved(t *testing.T) {
	var guard *host.GuardError
	if err := (&Writer{Host: &Host{}}).Confirm(t.Context()); !errors.As(err, &guard) {
		t.Errorf("%v", err)
	}
}

func TestWhatASwitchDoesNotTake(t *testing.T) {
	w := &Writer{Host: &Host{}}
	for name, step := range map[string]host.Step{
		"a job": host.Job{Verb: "start", Unit: "x"}, "an edit": host.Edit{Path: "/etc/fstab"}, "two commands": host.CLI{Command: "show version\nreload"},
		"a commit": host.Configure{Lines: []string{"interface Ethernet1/1", "exit", "commit"}}, "help": host.Configure{Lines: []string{"interface ?"}},
	} {
		if err := w.Do(t.Context(), step); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if !w.want.empty() || len(w.after) > 0 {
		t.Error("something of it is staged")
	}
	if err := w.Arm(t.Context(), host.Undo{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v", err)
	}
}
