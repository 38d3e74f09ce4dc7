package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"bisc/internal/secret"
	"bisc/internal/source"
	"bisc/inventory"
	"bisc/layers"
	"bisc/modules/all"
	"bisc/plans"
)

// loaded is the inventory and the plan that the flags name.
type loaded struct {
	c      *command
	inv    *inventory.Inventory
	plan   *plans.Plan
	stages []*layers.Stage
	// alsoEnv are variables of the environment that hold what is the plan's, though the plan was not loaded.
	alsoEnv []string
}

// load reads the inventory and the plan for a verb that only looks at them: no secret is read. Faults in them are written
// out with their places; then the error is the exit status.
func (c *command) load() (*loaded, error) { return c.loadWith(nil) }

// loadWith is load with what age() and cmd() stand for.
func (c *command) loadWith(secrets *secret.Keeper) (*loaded, error) {
	opts, err := c.sources()
	if err != nil {
		return nil, err
	}
	opts.Secrets, opts.Env = secrets, c.lookupEnv
	plan, diags := plans.Load(opts)
	if err := c.faults(plan.Files, diags); err != nil {
		return nil, err
	}
	l := &loaded{c: c, inv: plan.Inventory, plan: plan}
	for i := range plan.Stages {
		l.stages = append(l.stages, &plan.Stages[i])
	}
	return l, nil
}

// sources reads what the flags name, and the inventory.
func (c *command) sources() (plans.Options, error) {
	opts := plans.Options{Registry: all.Registry(), Run: c.inRun}
	var err error
	if opts.Vars, err = c.flags.variables(); err != nil {
		return opts, err
	}
	if opts.DigestKey, err = secretKey(); err != nil {
		return opts, err
	}
	var varErr, invErr error
	opts.Files, err = source.Read(plans.Suffix, c.flags.plans)
	if len(c.flags.varFiles) > 0 {
		opts.VarFiles, varErr = source.Read(".hcl", c.flags.varFiles...)
	}
	var hosts []source.File
	if c.flags.inventory != "" {
		hosts, invErr = source.Read(".hcl", c.flags.inventory)
	}
	if err := errors.Join(err, varErr, invErr); err != nil {
		return opts, fmt.Errorf("%w\n(the plan is read from --plans, the hosts from --inventory)", err)
	}
	inv, diags := inventory.Load(hosts...)
	if err := c.faults(filesOf(hosts), diags); err != nil {
		return opts, err
	}
	opts.Inventory = inv
	return opts, nil
}

func filesOf(texts []source.File) map[string]*hcl.File {
	files := map[string]*hcl.File{}
	for _, t := range texts {
		files[t.Name] = &hcl.File{Bytes: t.Text}
	}
	return files
}

// faults writes diagnostics; errors among them end the verb.
func (c *command) faults(files map[string]*hcl.File, diags hcl.Diagnostics) error {
	if len(diags) == 0 {
		return nil
	}
	var err error
	if c.flags.json {
		err = plans.WriteDiagnosticsJSON(c.errs, files, diags)
	} else {
		err = plans.WriteDiagnostics(c.errs, files, diags, plans.View{Color: c.color(c.errs), Width: c.width(c.errs)})
	}
	if err != nil {
		return err
	}
	if diags.HasErrors() {
		return exitStatus(1)
	}
	return nil
}

// item finds an item of the layers by its address; the error suggests one.
func (l *loaded) item(address string) (layers.Item, error) { return l.plan.Find(address) }

// everyStage is the layers' stages and the runbooks'.
func (l *loaded) everyStage() []*layers.Stage {
	out := slices.Clone(l.stages)
	for _, rb := range l.plan.Runbooks {
		for i := range rb.Stages {
			out = append(out, &rb.Stages[i])
		}
	}
	return out
}

func (l *loaded) hostNames() []string { return l.inv.Names() }

// stateDir is bisc's own folder on the operator's machine, made when it is missing.
func stateDir() (string, error) {
	dir := os.Getenv("XDG_STATE_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("bisc keeps its journal and its key in a folder of your own: set HOME or XDG_STATE_HOME: %w", err)
		}
		dir = filepath.Join(home, ".local", "state")
	}
	dir = filepath.Join(dir, "bisc")
	return dir, os.MkdirAll(dir, 0o700)
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}
