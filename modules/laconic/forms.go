package laconic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"

	"bisc/internal/host"
)

// forms are the ways in which a laconic-so can be called. Whether it manages clusters where nothing is said depends on its commit and
// on the command (cc6acd5f): bisc always says.
type forms struct {
	known   bool
	prepare bool
	manages bool // there is an option for cluster management
}

// formsFile is where laconic-so declares its commands and options, in its repository.
const formsFile = "stack_orchestrator/deploy/deployment.py"

const manageOption = "--skip-cluster-management"

// parseForms reads the declarations.
func parseForms(source []byte) forms {
	return forms{known: true, prepare: bytes.Contains(source, []byte("\ndef prepare(")), manages: bytes.Contains(source, []byte(`"`+manageOption))}
}

// readTool reads which laconic-so there is. Its forms matter where it may have to be run.
func (d *Deployment) readTool(ctx context.Context, h host.Reader, o *deployed) error {
	if d.Repository == "" {
		return nil
	}
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) {
			o.tool, err = readRepository(ctx, h, "", d.Repository, "")
			o.hasTool = err == nil && o.tool.there
			return err
		},
		func(ctx context.Context) error {
			b, there, err := readIfThere(ctx, h, d.Repository+"/"+formsFile)
			if there {
				o.forms = parseForms(b)
			}
			return err
		},
	)
	if err != nil || o.forms.known || !d.wantsObjects() {
		return err
	}
	o.forms, err = d.askForms(ctx, h)
	return err
}

// askForms asks the program's help, where the repository does not have the declarations. That runs it: with --no-probes the forms
// are not known.
func (d *Deployment) askForms(ctx context.Context, h host.Reader) (forms, error) {
	var group, start host.Output
	ask := func(out *host.Output, words ...string) func(context.Context) error {
		return func(ctx context.Context) (err error) {
			*out, err = h.Probe(ctx, append([]string{d.Program, "deployment", "--dir", d.Dir}, words...)...)
			return err
		}
	}
	err := host.Ask(ctx, ask(&group, "--help"), ask(&start, "start", "--help"))
	if errors.Is(err, host.ErrNoProbes) || errors.Is(err, host.ErrNoProgram) {
		return forms{}, nil
	}
	if err != nil {
		return forms{}, fmt.Errorf("the forms of laconic-so: %w", err)
	}
	return forms{
		known:   group.Exit == 0 && start.Exit == 0,
		prepare: regexp.MustCompile(`(?m)^\s+prepare\b`).Match(group.Stdout),
		manages: bytes.Contains(start.Stdout, []byte(manageOption)),
	}, nil
}
