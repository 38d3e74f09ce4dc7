package plans

import (
	"errors"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

const withheld = "What went wrong is not shown, because a sensitive value takes part in it."

// withhold takes the words out of faults that may quote a secret. Functions do (parseint: cannot parse "hunter2"), and
// cty hands them unmarked values, so that a mark does not keep a secret out of what they say.
func withhold(diags hcl.Diagnostics, e hclsyntax.Expression, ctx *hcl.EvalContext) {
	for _, d := range diags {
		if callsWithSecret(d) || quotes(d, e, ctx) {
			d.Detail = withheld
		}
	}
}

// callsWithSecret tells whether a fault is of a call with an argument that is or holds a secret. Its expression is the
// call, or the argument where that alone is at fault.
func callsWithSecret(d *hcl.Diagnostic) bool {
	of, ofCall := d.Extra.(hclsyntax.FunctionCallDiagExtra)
	if ofCall && errors.Is(of.FunctionCallError(), errSecretName) {
		return false
	}
	if call, ok := d.Expression.(*hclsyntax.FunctionCallExpr); ok {
		for _, arg := range call.Args {
			if holdsSecret(arg, d.EvalContext) {
				return true
			}
		}
	}
	arg, ok := d.Expression.(hclsyntax.Expression)
	return ofCall && ok && holdsSecret(arg, d.EvalContext)
}

func holdsSecret(e hclsyntax.Expression, ctx *hcl.EvalContext) (yes bool) {
	defer func() {
		if recover() != nil {
			yes = true // what cannot be evaluated cannot be shown to be harmless
		}
	}()
	v, _ := e.Value(ctx)
	return v.ContainsMarked()
}

// quotes tells whether a fault's words hold a secret that its expression names.
func quotes(d *hcl.Diagnostic, e hclsyntax.Expression, ctx *hcl.EvalContext) bool {
	for _, t := range e.Variables() {
		v, ok := traverse(t, ctx)
		if !ok || !v.IsMarked() {
			continue
		}
		v, _ = v.Unmark()
		if v.IsKnown() && !v.IsNull() && v.Type() == cty.String && v.AsString() != "" && strings.Contains(d.Detail, v.AsString()) {
			return true
		}
	}
	return false
}

// namesSecret tells whether an expression cites a secret, or gets one itself.
func namesSecret(e hclsyntax.Expression, ctx *hcl.EvalContext) bool {
	for _, t := range e.Variables() {
		if v, ok := traverse(t, ctx); !ok || v.ContainsMarked() {
			return true
		}
	}
	return len(readingCalls(e)) > 0
}
