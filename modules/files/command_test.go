package files

import (
	"testing"

	"bisc/internal/host"
	"bisc/modules/kindtest"
)

func TestCommandValidate(t *testing.T) {
	for name, tt := range map[string]struct {
		command Command
		want    string
	}{
		"fine":     {Command{Argv: []string{"a", "b"}, Unless: []string{"c"}, Limit: 1}, ""},
		"no argv":  {Command{Unless: []string{"c"}, Limit: 1}, "argv:"},
		"no probe": {Command{Argv: []string{"a"}, Limit: 1}, "unless:"},
		"a line":   {Command{Argv: []string{"rm -rf /"}, Unless: []string{"c"}, Limit: 1}, "no shell splits"},
		"no limit": {Command{Argv: []string{"a"}, Unless: []string{"c"}}, "limit:"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, tt.command.Validate(), tt.want) })
	}
}

func TestCommandDecides(t *testing.T) {
	command := Command{Argv: []string{"load", "it"}, Unless: []string{"is", "it"}, Destroys: []string{"the old one"}, NeedsValidatorGone: true}
	for name, tt := range map[string]struct {
		exit int
		want string
	}{
		"nothing to do": {0, "in sync\n"},
		"needed": {1, `now unless: exit 1 -> exit 0
    | probe, run on the host: is it
step: run load it  [guards: no validator lives]
destroys: the old one
`},
		"needed too":       {125, "now unless: exit 125 -> exit 0\n    | probe, run on the host: is it\nstep: run load it  [guards: no validator lives]\ndestroys: the old one\n"},
		"cannot run":       {126, "error: probe gave no answer: is: exit status 126"},
		"no such program":  {127, "error: probe gave no answer: is: exit status 127"},
		"killed by signal": {137, "error: probe gave no answer: is: exit status 137"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := command.decide(host.Output{Exit: tt.exit})
			got := kindtest.Print(c)
			if err != nil {
				got = "error: " + err.Error()
			}
			if got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}
