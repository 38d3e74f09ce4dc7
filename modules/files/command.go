package files

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// CommandKind is the escape from the kinds: a program that is run when a probe says that it is needed.
var CommandKind = modules.Kind{
	Name:     "command",
	Label:    "a name for it",
	Platform: host.Linux,
	Layer:    "units",
	Doc: "A program that is run when the probe `unless` says that it is needed. It is for what no kind covers. Both go to exec word by word; no shell is " +
		"between, and a secret may be in neither. The probe runs during plan and check too: it is the one thing there that could write, so it must not. " +
		"With `--no-probes` it is not run and the resource is unknown.",
	Checks: []string{
		"now: the exit status of `unless`. 0: nothing to do; 1 to 125: needed; no such program, 126, 127 or a signal: unknown",
		"after boot: nothing; a command has no persisted half",
	},
	Losses: []modules.Loss{{
		What:   "whatever its author wrote in `destroys`",
		When:   "the probe says that it is needed and destroys is not empty",
		Guards: []string{"no validator lives, where needs_validator_gone = true"},
	}},
	Example: `command "load the relay's image" {
  unless = ["docker", "image", "inspect", "relay:2026-03"]
  argv   = ["docker", "load", "--input", "/srv/images/relay-2026-03.tar"]
  limit  = "10m"
}
`,
	New: func(label string) modules.Resource { return &Command{Name: label, Limit: host.DefaultLimit} },
}

// Command is the resource of CommandKind.
type Command struct {
	Name   string
	Argv   []string      `hcl:"argv" doc:"the program and its arguments"`
	Unless []string      `hcl:"unless" doc:"the probe and its arguments: exit 0 means that there is nothing to do. It must not write"`
	Limit  time.Duration `hcl:"limit,optional" doc:"how long the program may run" default:"\"2m\""`
	Settle time.Duration `hcl:"settle,optional" doc:"how long the probe may still say no after the program has ended" default:"\"0s\""`

	Destroys           []string `hcl:"destroys,optional" doc:"what is lost when it runs; then its address must be named in --destroy"`
	NeedsValidatorGone bool     `hcl:"needs_validator_gone,optional" doc:"run it only where the process table proves that no validator lives; for everything that unmounts, formats, or stops docker or containerd" default:"false"`
}

// Validate finds empty commands.
func (c *Command) Validate() error {
	var faults []error
	faults = append(faults, checkArgv("argv", c.Argv), checkArgv("unless", c.Unless))
	if c.Limit <= 0 {
		faults = append(faults, &modules.AttrError{Attr: "limit", Reason: "it must be longer than 0"})
	}
	return errors.Join(faults...)
}

func checkArgv(attr string, argv []string) error {
	if len(argv) == 0 || argv[0] == "" {
		return &modules.AttrError{Attr: attr, Reason: "name a program and its arguments, each as a string of its own"}
	}
	if len(argv) == 1 && strings.Contains(argv[0], " ") {
		return &modules.AttrError{Attr: attr, Reason: fmt.Sprintf("no shell splits %q: write each word as a string of its own", argv[0])}
	}
	return nil
}

// Plan runs the probe.
func (c *Command) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	out, err := h.Probe(ctx, c.Unless...)
	if err != nil {
		return modules.Change{}, fmt.Errorf("probe %s: %w", host.Quote(c.Unless...), err)
	}
	return c.decide(out)
}

// decide takes 126, 127 (a shell that could not run something) and signals for no answer.
func (c *Command) decide(out host.Output) (modules.Change, error) {
	var ch modules.Change
	if out.Exit == 0 {
		return ch, nil
	}
	if out.Exit > 125 {
		return ch, fmt.Errorf("probe gave no answer: %w", &host.ExitError{Argv: c.Unless, Exit: out.Exit, Stderr: out.Stderr})
	}
	ch.Diffs = []modules.Diff{{
		Attr: "unless", Got: fmt.Sprintf("exit %d", out.Exit), Want: "exit 0",
		Text: "probe, run on the host: " + host.Quote(c.Unless...) + "\n",
	}}
	step := host.Script{Argv: c.Argv, Limit: c.Limit}
	if c.NeedsValidatorGone {
		step.Guards = []host.Guard{host.ValidatorStopped()}
	}
	ch.Do(step)
	ch.Destroys = c.Destroys
	ch.Settle = c.Settle
	return ch, nil
}
