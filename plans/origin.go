package plans

import (
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// maxOrigins bounds a chain: local values may name one another in a fan that would never end on a screen.
const maxOrigins = 200

// tracer follows names from an expression to where their values are written.
type tracer struct {
	plan *Plan
	d    *declaration
	out  []Origin
	seen map[string]bool
}

// origins tells how the value of an expression came about, each name followed by those that it is made of.
func (p *Plan) origins(e hclsyntax.Expression, d *declaration) []Origin {
	t := &tracer{plan: p, d: d, seen: map[string]bool{}}
	t.expression(e, d.ctx, 0)
	return t.out
}

func (t *tracer) expression(e hclsyntax.Expression, ctx *hcl.EvalContext, depth int) {
	for _, ref := range e.Variables() {
		name := traversalText(ref)
		if t.seen[name] || len(t.out) >= maxOrigins {
			continue
		}
		t.seen[name] = true
		t.name(ref, name, ctx, depth)
	}
	for _, call := range readingCalls(e) {
		t.reading(call, ctx, depth)
	}
}

// name adds one name and goes on to what it is made of.
func (t *tracer) name(ref hcl.Traversal, name string, ctx *hcl.EvalContext, depth int) {
	o := Origin{Depth: depth, Name: name, Value: "(not known yet)"}
	if v, ok := traverse(ref, ctx); ok {
		o.Value = render(v, 200)
	}
	second, _ := step(ref, 1)
	third, _ := step(ref, 2)
	var next hclsyntax.Expression
	switch ref.RootName() {
	case "var":
		if v, ok := t.plan.variables[second]; ok {
			o.From = v.from
			if a, ok := v.block.Body.Attributes["default"]; ok && v.from == "default at "+place(a.SrcRange) {
				next = a.Expr
			}
		}
	case "local":
		if v, ok := t.plan.locals[second]; ok {
			o.From = "local value at " + place(v.attr.SrcRange)
			next = v.attr.Expr
		}
	case "host":
		o.From = t.hostData(second, third)
	case "self":
		o.From = t.hostData(t.d.host, second)
	case "each":
		if a, ok := t.d.block.Body.Attributes[metaForEach]; ok {
			o.From = "for_each at " + place(a.SrcRange)
			next = a.Expr
		} else {
			o.From = "for_each of the stage"
		}
	case "run":
		o.From = "the run"
	case "fact":
		o.From = "the host, when it is observed"
	}
	t.out = append(t.out, o)
	if next != nil {
		t.expression(next, ctx, depth+1)
	}
}

func (t *tracer) hostData(name, key string) string {
	h, ok := t.plan.Inventory.Lookup(name)
	if !ok {
		return ""
	}
	return "host data at " + place(h.Origin(key))
}

// reading adds a call that read a file or the environment.
func (t *tracer) reading(call *hclsyntax.FunctionCallExpr, ctx *hcl.EvalContext, depth int) {
	if len(call.Args) == 0 || len(t.out) >= maxOrigins {
		return
	}
	arg, diags := evaluate(call.Args[0], ctx)
	if diags.HasErrors() || arg.IsMarked() || !arg.IsKnown() || arg.IsNull() || arg.Type() != cty.String {
		return
	}
	kind := call.Name
	if kind == "templatefile" {
		kind = "file"
	}
	o := Origin{Depth: depth, Name: call.Name + "(" + render(arg, 200) + ")", From: kind}
	for _, in := range t.plan.Inputs {
		if in.Kind == kind && (in.Name == arg.AsString() || kind != "env" && in.Name == filepath.Join(filepath.Dir(call.NameRange.Filename), arg.AsString())) {
			o.From, o.Value = kind+" "+clean(in.Name), in.Digest
		}
	}
	t.out = append(t.out, o)
}

// readingCalls finds calls of the functions that read something.
func readingCalls(e hclsyntax.Expression) []*hclsyntax.FunctionCallExpr {
	var calls []*hclsyntax.FunctionCallExpr
	// The walk only looks, so that it cannot have diagnostics.
	_ = hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
		if call, ok := n.(*hclsyntax.FunctionCallExpr); ok {
			switch call.Name {
			case "file", "templatefile", "age", "env", "cmd":
				calls = append(calls, call)
			}
		}
		return nil
	})
	return calls
}
