// Package plans turns HCL text into stages of resources. It knows the language; it asks no host.
package plans

import (
	"os"
	"time"

	"github.com/hashicorp/hcl/v2"

	"bisc/internal/secret"
	"bisc/internal/source"
	"bisc/inventory"
	"bisc/layers"
	"bisc/modules"
)

// Suffix ends the name of every plan file.
const Suffix = ".bisc.hcl"

// Options say what to load.
type Options struct {
	// Files are the plan files, as source.Read gives them. Items of one layer come in the order of the files.
	Files     []source.File
	Inventory *inventory.Inventory
	Registry  modules.Registry
	// Vars are values of variables from the command line (--set name=value). They go before VarFiles.
	Vars map[string]string
	// VarFiles hold name = value lines; a later file goes before an earlier one.
	VarFiles []source.File
	// Root is the folder that file() and its like cannot leave. Empty: the nearest folder above each plan file that
	// holds .git, or the plan file's own.
	Root string
	// Run gives run.* its values; nil leaves them unknown, as before a run.
	Run *Run
	// Env looks an environment variable up; nil is os.LookupEnv.
	Env func(string) (string, bool)
	// Secrets reads what age() and cmd() stand for; nil leaves it unknown: for verbs that only look at the text.
	Secrets *secret.Keeper
	// DigestKey keys the digests of secrets and environment values, so that a digest tells nothing about a short one.
	DigestKey []byte
}

// Run is what run.* is in a runbook.
type Run struct {
	ID      string
	Started time.Time
}

// Plan is what the files want. It is only good when Load gave no errors.
type Plan struct {
	// Stages are the layers by host, in the inventory's order of hosts, lowest layer first.
	Stages   []layers.Stage
	Runbooks map[string]Runbook
	// Inputs are what was read beside the files: file, templatefile, age, env, cmd, by name.
	Inputs []Input
	// Inventory is the hosts given, with those of the plan files.
	Inventory *inventory.Inventory
	// Files are all texts read, for diagnostics.
	Files map[string]*hcl.File
	// Digest is the SHA-256 (hex) of everything the plan wants, inputs included. It does not depend on comments, on
	// spaces or on where a block stands in its file.
	Digest string

	declared  map[string]*declaration
	variables map[string]*variable
	locals    map[string]*local
}

// Runbook is a named list of stages, to be run once in their order. A stage on two hosts is two stages.
type Runbook struct {
	Name    string
	Because string
	Where   string // file:line
	Layer   layers.Layer
	Assumes []layers.Layer // as in layers.Stage
	Stages  []layers.Stage
	// NeedsRun: values of it are known only in a run; load with Options.Run to plan them.
	NeedsRun bool
}

// Input is something read beside the plan's files.
type Input struct {
	Kind   string // file, env, age, cmd
	Name   string // the path, the variable's name, or the program's arguments
	Digest string // sha256:... of a file as it is stored; secret:... (keyed) of an environment value or of what a program printed
}

// Load reads plans. All independent faults come in one pass. The plan is never nil: its Files serve the diagnostics.
func Load(opts Options) (*Plan, hcl.Diagnostics) {
	if opts.Env == nil {
		opts.Env = os.LookupEnv
	}
	l := newLoader(opts)
	l.parse()
	l.hosts()
	l.loadVariables()
	l.loadLocals()
	l.validateVariables()
	l.loadLayers()
	l.loadRunbooks()
	l.meet()
	l.finish()
	return l.plan, l.diags
}
