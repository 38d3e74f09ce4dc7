package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/source"
	"bisc/inventory"
	"bisc/layers"
	"bisc/modules"
)

// TestByHand: the commands are shown where nothing else helps, and nowhere else: not while something is merely exiting (incident 5).
func TestByHand(t *testing.T) {
	ran := filepath.Join(t.TempDir(), "ran")
	inv, diags := inventory.Load(source.File{Name: "x.hcl", Text: []byte(fmt.Sprintf(`host "h" {
  platform = "linux"
  power    = ["touch", %q, "power cycle"]
  console  = "ipmitool -H 192.0.2.7 sol activate"
}
host "quiet" { platform = "linux" }
`, ran))})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	l := &loaded{inv: inv}
	at := func(name string, err error, o layers.Outcome) layers.Report {
		return layers.Report{{Host: name, Err: err, Outcomes: []layers.Outcome{o}}}
	}
	validator := func(got string) layers.Outcome {
		return layers.Outcome{Change: modules.Change{Diffs: []modules.Diff{{Attr: "validator", Got: got}}}}
	}
	for situation, c := range map[string]struct {
		rep  layers.Report
		says string
	}{
		"in order":             {at("h", nil, layers.Outcome{}), ""},
		"unreachable":          {at("h", fmt.Errorf("dial: %w", host.ErrUnreachable), layers.Outcome{}), "h cannot be reached"},
		"lost in a step":       {at("h", nil, layers.Outcome{Err: host.ErrLost}), "h cannot be reached"},
		"stuck":                {at("h", nil, validator("stuck: process 7 is stuck")), "h has a validator that is stuck"},
		"a guard saw it stuck": {at("h", nil, layers.Outcome{Err: &host.GuardError{Guard: "no validator lives", Reason: "validator process 7 (agave-validator) is stuck: x"}}), "h has a validator that is stuck"},
		"exiting":              {at("h", nil, validator("exiting: process 7 is exiting: its 3 threads are stuck")), ""},
		"a guard saw it exit":  {at("h", nil, layers.Outcome{Err: &host.GuardError{Guard: "no validator lives", Reason: "validator process 7 (agave-validator) is exiting"}}), ""},
		"no way is known":      {at("quiet", host.ErrUnreachable, layers.Outcome{}), "quiet cannot be reached, and the inventory names no command for its console or its power: write `console` and `power` in its host block, x.hcl:6"},
		"no way to the stuck":  {at("quiet", nil, validator("stuck: process 7 is stuck")), "quiet has a validator that is stuck, and the inventory names no command"},
		"no way, in order":     {at("quiet", nil, layers.Outcome{}), ""},
		"not in the inventory": {at("other", host.ErrUnreachable, layers.Outcome{}), ""},
	} {
		got := strings.Join(l.byHand(c.rep), "\n")
		if (got == "") != (c.says == "") || !strings.Contains(got, c.says) {
			t.Errorf("%s: %q, want %q", situation, got, c.says)
		}
		if strings.HasPrefix(c.says, "h ") && (!strings.Contains(got, "console: ipmitool -H 192.0.2.7 sol activate; power: touch ") || !strings.Contains(got, "'power cycle'")) {
			t.Errorf("%s: it does not say how: %q", situation, got)
		}
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("the command was run")
	}
}
