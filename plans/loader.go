package plans

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"bisc/internal/source"
	"bisc/inventory"
	"bisc/modules"
)

// loader is one Load. A value that cannot be had is reported once and is unknown from there on, which nobody reports.
type loader struct {
	opts  Options
	plan  *Plan
	diags hcl.Diagnostics
	said  map[string]bool // diagnostics, so that a block on two hosts is not reported twice
	// broken: a file does not parse, so that what is not declared may be declared there.
	broken bool
	blocks map[string][]*hclsyntax.Block // of the top level, by type
	base   *hcl.EvalContext              // var, local, host and the functions that read nothing
	scopes map[string]*hcl.EvalContext   // by folder, host and runbook
	specs  map[string]*spec
	stages map[stageKey]*stage
	reads  sync.Mutex // of inputs
	inputs map[string]Input
}

func newLoader(opts Options) *loader {
	return &loader{
		opts: opts, said: map[string]bool{}, blocks: map[string][]*hclsyntax.Block{}, scopes: map[string]*hcl.EvalContext{},
		specs: map[string]*spec{}, stages: map[stageKey]*stage{}, inputs: map[string]Input{},
		plan: &Plan{
			Runbooks: map[string]Runbook{}, Files: map[string]*hcl.File{}, Inventory: opts.Inventory,
			declared: map[string]*declaration{}, variables: map[string]*variable{}, locals: map[string]*local{},
		},
	}
}

func (l *loader) report(diags ...*hcl.Diagnostic) {
	for _, d := range diags {
		key := fmt.Sprint(d.Subject, d.Severity, d.Summary, d.Detail)
		if !l.said[key] {
			l.said[key] = true
			l.diags = append(l.diags, d)
		}
	}
}

func (l *loader) fault(at hcl.Range, summary, detail string) {
	l.report(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at})
}

// faultIn is a fault in the value of an expression: the values that it was made of are shown with it.
func (l *loader) faultIn(e hclsyntax.Expression, ctx *hcl.EvalContext, summary, detail string) {
	at := e.Range()
	l.report(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at, Expression: e, EvalContext: ctx})
}

func topBlocks() []string { return []string{"variable", "locals", "host", "layer", "runbook"} }

func (l *loader) parse() {
	for _, f := range l.opts.Files {
		parsed, diags := source.Parse(f)
		l.plan.Files[f.Name] = parsed
		l.report(diags...)
		if unreliable(diags) {
			l.broken = true
		}
		l.topLevel(source.Body(parsed), unreliable(diags))
	}
}

// unreliable tells whether a file's body lacks things that are in its text.
func unreliable(diags hcl.Diagnostics) bool {
	for _, d := range diags {
		if d.Severity == hcl.DiagError && d.Summary != "Attribute redefined" {
			return true
		}
	}
	return false
}

// topLevel sorts blocks. Of a file that does not parse only names are taken: its layers would be full of second faults.
func (l *loader) topLevel(body *hclsyntax.Body, broken bool) {
	for _, a := range inOrder(body.Attributes) {
		l.fault(a.NameRange, "Unexpected attribute", fmt.Sprintf("A plan file holds blocks only: %s. A value of your own goes into a locals block.", strings.Join(topBlocks(), ", ")))
	}
	for _, b := range body.Blocks {
		switch b.Type {
		case "variable", "locals", "host":
			l.blocks[b.Type] = append(l.blocks[b.Type], b)
		case "layer", "runbook":
			if !broken {
				l.blocks[b.Type] = append(l.blocks[b.Type], b)
			}
		default:
			l.fault(b.TypeRange, "Unknown block", l.misplaced(b.Type))
		}
	}
}

func (l *loader) misplaced(name string) string {
	if _, isKind := l.opts.Registry.Lookup(name); isKind || name == "invariant" {
		return fmt.Sprintf("%q stands in a layer block or in a stage block of a runbook, not at the top of a file.", name)
	}
	if name == "stage" {
		return "A stage stands in a runbook."
	}
	return fmt.Sprintf("There is no %q block.%s", name, source.DidYouMean(name, topBlocks()))
}

func (l *loader) hosts() {
	inv, diags := inventory.Extend(l.opts.Inventory, l.blocks["host"])
	l.plan.Inventory = inv
	for name, f := range inv.Files {
		l.plan.Files[name] = f
	}
	if !l.broken {
		l.report(diags...)
	}
	values := map[string]cty.Value{}
	for _, h := range inv.Hosts() {
		values[h.Name] = h.Value()
	}
	l.base = &hcl.EvalContext{
		Variables: map[string]cty.Value{"host": cty.ObjectVal(values), "var": cty.EmptyObjectVal, "local": cty.EmptyObjectVal},
		Functions: pureFunctions(),
	}
	l.base.Functions["env"] = l.envFunction()
}

// inFolder is the scope of a plan file: functions that read files do so from the file's own folder.
func (l *loader) inFolder(r hcl.Range) *hcl.EvalContext {
	dir := filepath.Dir(r.Filename)
	key := "folder\x00" + dir
	if ctx, ok := l.scopes[key]; ok {
		return ctx
	}
	ctx := l.base.NewChild()
	ctx.Functions = l.fileFunctions(dir)
	l.scopes[key] = ctx
	return ctx
}

// onHost is the scope of a layer's or a stage's body: self is the host, and in a runbook there is run.
func (l *loader) onHost(r hcl.Range, h *inventory.Host, runbook bool) *hcl.EvalContext {
	key := fmt.Sprintf("host\x00%s\x00%s\x00%t", filepath.Dir(r.Filename), h.Name, runbook)
	if ctx, ok := l.scopes[key]; ok {
		return ctx
	}
	ctx := l.inFolder(r).NewChild()
	ctx.Variables = map[string]cty.Value{"self": h.Value()}
	if runbook {
		ctx.Variables["run"] = l.runValue()
	}
	l.scopes[key] = ctx
	return ctx
}

// inRunbook is the scope of what a runbook says before it is on a host.
func (l *loader) inRunbook(r hcl.Range) *hcl.EvalContext {
	ctx := l.inFolder(r).NewChild()
	ctx.Variables = map[string]cty.Value{"run": l.runValue()}
	return ctx
}

func (l *loader) runValue() cty.Value {
	if l.opts.Run == nil {
		return cty.ObjectVal(map[string]cty.Value{"id": cty.UnknownVal(cty.String), "started": cty.UnknownVal(cty.String)})
	}
	return cty.ObjectVal(map[string]cty.Value{
		"id":      cty.StringVal(l.opts.Run.ID),
		"started": cty.StringVal(l.opts.Run.Started.UTC().Format("2006-01-02T15:04:05Z")),
	})
}

func (l *loader) secretDigest(secret string) string {
	return modules.SecretDigest(modules.WithDigestKey(context.Background(), l.opts.DigestKey), []byte(secret))
}

func place(r hcl.Range) string { return fmt.Sprintf("%s:%d", r.Filename, r.Start.Line) }
