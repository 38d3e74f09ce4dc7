package plans

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"bisc/internal/source"
	"bisc/inventory"
	"bisc/layers"
)

// stageKey names a stage: a layer's body on one host, or a runbook's stage on one host.
type stageKey struct{ host, runbook, name string }

// stage is a stage that is being filled.
type stage struct {
	layers.Stage
	key     stageKey
	host    *inventory.Host
	runbook bool
	// assumes is where Assumes is written, so that two blocks of one layer that disagree can be told so.
	assumes    *hclsyntax.Attribute
	needsRun   bool
	resources  []*declaration
	identified Address // of its items, without kind and label
}

// body decodes the items of a layer's or a stage's block; other attributes than known are faults.
func (l *loader) body(st *stage, b *hclsyntax.Block, ctx *hcl.EvalContext, known []string) {
	for _, a := range inOrder(b.Body.Attributes) {
		if !slices.Contains(known, a.Name) {
			l.unknownAttribute(a, "A "+b.Type, known)
		}
	}
	for _, inner := range b.Body.Blocks {
		l.item(st, inner, ctx)
	}
}

// hostsOf evaluates on: a host's name, a host, or a list of these. Names that are in no inventory are reported.
func (l *loader) hostsOf(b *hclsyntax.Block, ctx *hcl.EvalContext) []*inventory.Host {
	a, ok := b.Body.Attributes["on"]
	if !ok {
		l.fault(b.DefRange(), "Missing attribute", fmt.Sprintf("A %s says where it is: on = \"HOST\", on = host.NAME, or a list of these.", b.Type))
		return nil
	}
	v, ok := l.eval(a.Expr, ctx)
	if !ok {
		return nil
	}
	if v.ContainsMarked() {
		l.faultIn(a.Expr, ctx, "Secret shown", "on is shown to everybody and cannot be a sensitive value.")
		return nil
	}
	list := []cty.Value{v}
	if v.IsKnown() && !v.IsNull() && (v.Type().IsTupleType() || v.Type().IsListType() || v.Type().IsSetType()) {
		list = v.AsValueSlice()
	}
	var out []*inventory.Host
	for i, e := range list {
		if h := l.hostOf(a, i, e, ctx); h != nil && !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	return out
}

// hostOf is the host that a value names: the element i of a list, or, where i is below zero, the whole value of what is no list.
func (l *loader) hostOf(a *hclsyntax.Attribute, i int, v cty.Value, ctx *hcl.EvalContext) *inventory.Host {
	expr, several := a.Expr, ""
	if i >= 0 {
		several = ", or a list of these"
	}
	if tuple, ok := expr.(*hclsyntax.TupleConsExpr); ok && i >= 0 && i < len(tuple.Exprs) {
		expr = tuple.Exprs[i]
	}
	if !v.IsKnown() {
		return nil
	}
	if !v.IsNull() && v.Type().IsObjectType() && v.Type().HasAttribute("name") {
		v = v.GetAttr("name")
	}
	if v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		l.faultIn(expr, ctx, "Not a host", fmt.Sprintf("%s is a host's name in quotes, host.NAME%s, not %s.", a.Name, several, friendly(v.Type())))
		return nil
	}
	name := v.AsString()
	h, ok := l.plan.Inventory.Lookup(name)
	switch {
	case !ok && l.broken:
		return nil
	case !ok:
		l.faultIn(expr, ctx, "Unknown host", fmt.Sprintf("There is no host %q in the inventory.%s", name, l.otherHosts(name)))
		return nil
	case h.JumpOnly:
		l.faultIn(expr, ctx, "Jump host", fmt.Sprintf("The host %q (%s) is jump_only: nothing is done on it.", name, place(h.Range)))
		return nil
	}
	return h
}

// assumes reads a list of layers' names; nil where it is not given, empty where it is empty.
func (l *loader) assumes(b *hclsyntax.Block, ctx *hcl.EvalContext, below layers.Layer) []layers.Layer {
	a, ok := b.Body.Attributes["assumes"]
	if !ok {
		return nil
	}
	v, ok := l.eval(a.Expr, ctx)
	if !ok || !v.IsKnown() {
		return nil
	}
	v, _ = v.UnmarkDeep()
	if v.IsNull() || !v.Type().IsTupleType() && !v.Type().IsListType() && !v.Type().IsSetType() {
		l.faultIn(a.Expr, ctx, "Not a list", "assumes is a list of layers' names: assumes = [\"units\"]; none: assumes = [].")
		return nil
	}
	out := []layers.Layer{}
	for _, e := range v.AsValueSlice() {
		if !e.IsKnown() {
			continue
		}
		if e.IsNull() || e.Type() != cty.String {
			l.faultIn(a.Expr, ctx, "Not a layer", "assumes is a list of layers' names: assumes = [\"units\"].")
			continue
		}
		layer, ok := layers.ParseLayer(e.AsString())
		switch {
		case !ok:
			l.faultIn(a.Expr, ctx, "Unknown layer", fmt.Sprintf("There is no layer %q.%s", e.AsString(), source.DidYouMean(e.AsString(), layers.Names())))
		case below != 0 && layer >= below:
			l.faultIn(a.Expr, ctx, "Not below", fmt.Sprintf("The layer %q is not below %q: a layer can only assume those below it.", layer, below))
		case !slices.Contains(out, layer):
			out = append(out, layer)
		}
	}
	return out
}

// otherHosts says which hosts there are, or that nobody said where they are.
func (l *loader) otherHosts(name string) string {
	names := l.plan.Inventory.Names()
	if len(names) == 0 {
		return " There are no hosts at all: name the inventory with --inventory or BISC_INVENTORY, or write host blocks in the plan."
	}
	return source.DidYouMean(name, names)
}
