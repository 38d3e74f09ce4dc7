package plans

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"bisc/internal/source"
)

// better says in the language's own words what the evaluator says of a name that is not there, with the nearest name;
// nil where the name may be declared in a file that does not parse. Other diagnostics stay as they are.
func (l *loader) better(d *hcl.Diagnostic, e hclsyntax.Expression, ctx *hcl.EvalContext) *hcl.Diagnostic {
	if d.Subject == nil {
		return d
	}
	switch d.Summary {
	case "Call to unknown function":
		return l.unknownFunction(d)
	case "Invalid function argument":
		return cannotRead(d)
	case "Unsupported attribute", "Unknown variable", "Invalid index", "Variables not allowed":
	default:
		return d
	}
	for _, t := range e.Variables() {
		if !t.SourceRange().Overlaps(*d.Subject) {
			continue
		}
		summary, detail := l.missing(t, ctx)
		if summary == "" {
			continue
		}
		if l.broken && (t.RootName() == "var" || t.RootName() == "local" || t.RootName() == "host") {
			return nil
		}
		at := t.SourceRange()
		return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at}
	}
	return d
}

func (l *loader) unknownFunction(d *hcl.Diagnostic) *hcl.Diagnostic {
	call, ok := d.Expression.(*hclsyntax.FunctionCallExpr)
	if !ok {
		return d
	}
	names := slices.Sorted(maps.Keys(l.base.Functions))
	names = append(names, "age", "cmd", "file", "templatefile")
	return &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: "Unknown function", Subject: d.Subject, Context: d.Context,
		Detail: fmt.Sprintf("There is no function %q.%s", call.Name, source.DidYouMean(call.Name, names)),
	}
}

// cannotRead says what a function that reads something met, without the evaluator's words about parameters.
func cannotRead(d *hcl.Diagnostic) *hcl.Diagnostic {
	call, ok := d.Extra.(hclsyntax.FunctionCallDiagExtra)
	if !ok || call.FunctionCallError() == nil || d.Detail == withheld {
		return d
	}
	switch call.CalledFunctionName() {
	case "file", "templatefile", "age", "env", "cmd":
		better := *d
		better.Summary, better.Detail = "Cannot read", source.Sentence(call.FunctionCallError().Error())
		return &better
	}
	return d
}

// missing tells what a traversal names that is not there; empty where everything is.
func (l *loader) missing(t hcl.Traversal, ctx *hcl.EvalContext) (summary, detail string) {
	root := t.RootName()
	value, ok := lookup(ctx, root)
	if !ok {
		return "Unknown name", l.unknownRoot(root, ctx)
	}
	name, ok := step(t, 1)
	if !ok || !value.Type().IsObjectType() {
		return "", ""
	}
	if !value.Type().HasAttribute(name) && root == "self" {
		return l.noData(value.GetAttr("name").AsString(), name, value.Type())
	}
	if !value.Type().HasAttribute(name) {
		return l.missingIn(root, name, attributeNames(value.Type()))
	}
	inner, key := value.GetAttr(name), ""
	if key, ok = step(t, 2); !ok || !inner.Type().IsObjectType() || inner.Type().HasAttribute(key) {
		return "", ""
	}
	switch root {
	case "host":
		return l.noData(name, key, inner.Type())
	case "fact":
		return "Unknown fact", fmt.Sprintf("fact.%s has no %q.%s", name, key, source.DidYouMean(key, attributeNames(inner.Type())))
	}
	return "Missing attribute", fmt.Sprintf("%s.%s has no attribute %q.%s", root, name, key, source.DidYouMean(key, attributeNames(inner.Type())))
}

func (l *loader) missingIn(root, name string, names []string) (summary, detail string) {
	hint := source.DidYouMean(name, names)
	switch root {
	case "var":
		return "Unknown variable", fmt.Sprintf("There is no variable %q.%s A variable is declared by a block: variable %q { ... }.", name, hint, name)
	case "local":
		return "Unknown local value", fmt.Sprintf("There is no %q in a locals block.%s", name, hint)
	case "host":
		return "Unknown host", fmt.Sprintf("There is no host %q in the inventory.%s", name, l.otherHosts(name))
	case "fact":
		return "Unknown fact", fmt.Sprintf("There is no fact %q.%s", name, hint)
	}
	return "Missing attribute", fmt.Sprintf("%s has no %q.%s", root, name, hint)
}

func (l *loader) noData(name, key string, of cty.Type) (summary, detail string) {
	where := ""
	if h, ok := l.plan.Inventory.Lookup(name); ok {
		where = " (" + place(h.Range) + ")"
	}
	return "Missing host data", fmt.Sprintf("The host %q%s has no %q in its data.%s", name, where, key, source.DidYouMean(key, attributeNames(of)))
}

// onlyIn tells where a name can be used that is not known here.
func onlyIn(root string) string {
	switch root {
	case "self":
		return "self is the host that a block is on: it is known inside a layer or a stage."
	case "each":
		return "each is known in a block that has for_each."
	case "run":
		return "run is known inside a runbook."
	case "fact":
		return "fact is known in the condition of an invariant."
	}
	return ""
}

func (l *loader) unknownRoot(root string, ctx *hcl.EvalContext) string {
	if hint := onlyIn(root); hint != "" {
		return hint
	}
	var names []string
	for c := ctx; c != nil; c = c.Parent() {
		names = append(names, slices.Sorted(maps.Keys(c.Variables))...)
	}
	if near := source.Suggest(root, names); near != "" {
		return fmt.Sprintf("There is no %q here. Did you mean %q?", root, near)
	}
	return fmt.Sprintf("There is no %q here. A string is written in quotes: %q. Other values are named var.NAME, local.NAME, host.NAME.KEY.", root, root)
}

func lookup(ctx *hcl.EvalContext, root string) (cty.Value, bool) {
	for c := ctx; c != nil; c = c.Parent() {
		if v, ok := c.Variables[root]; ok {
			return v, true
		}
	}
	return cty.NilVal, false
}

func attributeNames(t cty.Type) []string { return slices.Sorted(maps.Keys(t.AttributeTypes())) }
