package plans

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// sensitive is the mark of a secret.
type mark string

const sensitive mark = "sensitive"

// evaluate is Expression.Value that cannot panic: cty does on combinations that nobody thought of, and a plan must never
// bring bisc down.
func evaluate(e hclsyntax.Expression, ctx *hcl.EvalContext) (v cty.Value, diags hcl.Diagnostics) {
	defer func() {
		if fault := recover(); fault != nil {
			v = cty.DynamicVal
			said := fmt.Sprint(fault)
			if namesSecret(e, ctx) { // cty's panics quote values
				said = "what it said may be a secret"
			}
			diags = hcl.Diagnostics{{
				Severity: hcl.DiagError, Summary: "Cannot evaluate", Subject: e.Range().Ptr(),
				Detail: fmt.Sprintf("The evaluator failed on this expression (%s). This is a fault in bisc; write the expression in another way and report it.", said),
			}}
		}
	}()
	v, diags = e.Value(ctx)
	withhold(diags, e, ctx)
	return v, diags
}

// eval gives a value, or reports why there is none and gives an unknown one.
func (l *loader) eval(e hclsyntax.Expression, ctx *hcl.EvalContext) (cty.Value, bool) {
	v, diags := evaluate(e, ctx)
	if !diags.HasErrors() {
		return v, true
	}
	for _, d := range diags {
		if better := l.better(d, e, ctx); better != nil {
			l.report(better)
		}
	}
	return cty.DynamicVal, false
}

// evalBool gives a bool that must be known and not secret. Where there is none it is false, and known tells.
func (l *loader) evalBool(a *hclsyntax.Attribute, ctx *hcl.EvalContext) (yes, known bool) {
	v, ok := l.eval(a.Expr, ctx)
	switch {
	case !ok:
		return false, false
	case v.IsMarked(): // known or not: validate does not read secrets, and must say this all the same
		l.faultIn(a.Expr, ctx, "Secret decides", fmt.Sprintf("%s must not depend on a sensitive value: the plan would tell it.", a.Name))
	case !v.IsKnown():
		return false, false
	case v.IsNull():
		l.faultIn(a.Expr, ctx, "No value", fmt.Sprintf("%s is null; it must be true or false.", a.Name))
	case v.Type() != cty.Bool:
		l.faultIn(a.Expr, ctx, "Not a bool", fmt.Sprintf("%s must be true or false, not a %s.", a.Name, v.Type().FriendlyName()))
	default:
		return v.True(), true
	}
	return false, false
}

// evalString gives a constant-like string: known, not secret.
func (l *loader) evalString(a *hclsyntax.Attribute, ctx *hcl.EvalContext) (string, bool) {
	v, ok := l.eval(a.Expr, ctx)
	switch {
	case !ok:
		return "", false
	case v.IsMarked():
		l.faultIn(a.Expr, ctx, "Secret shown", fmt.Sprintf("%s is shown to everybody and cannot be a sensitive value.", a.Name))
	case !v.IsKnown():
		return "", false
	case v.IsNull() || v.Type() != cty.String:
		l.faultIn(a.Expr, ctx, "Not a string", fmt.Sprintf("%s is a string in quotes, not a %s.", a.Name, v.Type().FriendlyName()))
	default:
		return v.AsString(), true
	}
	return "", false
}

// inOrder gives attributes as they are written: a map has no order, and diagnostics should come the same way each time.
func inOrder(attrs hclsyntax.Attributes) []*hclsyntax.Attribute {
	return slices.SortedFunc(maps.Values(attrs), func(a, b *hclsyntax.Attribute) int {
		return cmp.Compare(a.SrcRange.Start.Byte, b.SrcRange.Start.Byte)
	})
}

// step is a traversal's step i as a name, if it is one.
func step(t hcl.Traversal, i int) (string, bool) {
	if i >= len(t) {
		return "", false
	}
	switch s := t[i].(type) {
	case hcl.TraverseRoot:
		return s.Name, true
	case hcl.TraverseAttr:
		return s.Name, true
	case hcl.TraverseIndex:
		if s.Key.Type() == cty.String && s.Key.IsKnown() && !s.Key.IsNull() && !s.Key.IsMarked() {
			return s.Key.AsString(), true
		}
	}
	return "", false
}
