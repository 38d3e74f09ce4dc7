package plans

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"bisc/internal/source"
)

// variable is a variable block and the value it got.
type variable struct {
	name        string
	block       *hclsyntax.Block
	description string
	typ         cty.Type
	defaults    *typeexpr.Defaults
	sensitive   bool
	value       cty.Value
	from        string // "default", "--set", or the variable file and line
	where       hcl.Range
}

func variableAttributes() []string { return []string{"type", "default", "description", "sensitive"} }

func (l *loader) loadVariables() {
	for _, b := range l.blocks["variable"] {
		v := l.variable(b)
		if v == nil {
			continue
		}
		if first, twice := l.plan.variables[v.name]; twice {
			l.fault(b.DefRange(), "Variable declared twice", fmt.Sprintf("The variable %q is declared at %s already.", v.name, place(first.where)))
			continue
		}
		l.plan.variables[v.name] = v
	}
	given := l.givenValues()
	values := map[string]cty.Value{}
	for _, name := range slices.Sorted(maps.Keys(l.plan.variables)) {
		v := l.plan.variables[name]
		v.value = l.valueOf(v, given[name])
		if v.sensitive {
			v.value = v.value.Mark(sensitive)
		}
		values[name] = v.value
	}
	l.base.Variables["var"] = cty.ObjectVal(values)
}

func (l *loader) variable(b *hclsyntax.Block) *variable {
	if len(b.Labels) != 1 || !hclsyntax.ValidIdentifier(b.Labels[0]) {
		l.fault(b.DefRange(), "Variable without a name", "A variable block has one label, its name, of letters, digits, _ and -: variable \"ramdisk\" { ... }.")
		return nil
	}
	v := &variable{name: b.Labels[0], block: b, typ: cty.DynamicPseudoType, where: b.DefRange()}
	for _, a := range inOrder(b.Body.Attributes) {
		switch a.Name {
		case "type":
			typ, defaults, diags := typeexpr.TypeConstraintWithDefaults(a.Expr)
			l.report(betterType(a, diags)...)
			if !diags.HasErrors() {
				v.typ, v.defaults = typ, defaults
			}
		case "description":
			v.description, _ = l.evalString(a, nil)
		case "sensitive":
			v.sensitive, _ = l.evalBool(a, nil)
		case "default":
		default:
			l.unknownAttribute(a, "A variable", variableAttributes())
		}
	}
	for _, inner := range b.Body.Blocks {
		if inner.Type != "validation" {
			l.fault(inner.TypeRange, "Unknown block", fmt.Sprintf("A variable has no %q block.%s", inner.Type, source.DidYouMean(inner.Type, []string{"validation"})))
		}
	}
	return v
}

// betterType adds the nearest type to what typeexpr says of a word that is none.
func betterType(a *hclsyntax.Attribute, diags hcl.Diagnostics) hcl.Diagnostics {
	word := hcl.ExprAsKeyword(a.Expr)
	if word == "" {
		return diags
	}
	for _, d := range diags {
		d.Detail += source.DidYouMean(word, []string{"string", "number", "bool", "any", "list", "map", "set", "object", "tuple"})
	}
	return diags
}

func (l *loader) unknownAttribute(a *hclsyntax.Attribute, what string, known []string) {
	l.fault(a.NameRange, "Unknown attribute", fmt.Sprintf("%s has no attribute %q.%s", what, a.Name, source.DidYouMean(a.Name, known)))
}

// validateVariables runs the validation blocks, which may cite variables, locals and hosts.
func (l *loader) validateVariables() {
	for _, name := range l.variableNames() {
		v := l.plan.variables[name]
		for _, b := range v.block.Body.Blocks {
			if b.Type == "validation" {
				l.validation(v, b)
			}
		}
	}
}

func (l *loader) validation(v *variable, b *hclsyntax.Block) {
	for _, a := range inOrder(b.Body.Attributes) {
		if a.Name != "condition" && a.Name != "message" {
			l.unknownAttribute(a, "A validation", []string{"condition", "message"})
		}
	}
	condition, hasCondition := b.Body.Attributes["condition"]
	message, hasMessage := b.Body.Attributes["message"]
	if !hasCondition || !hasMessage {
		l.fault(b.DefRange(), "Missing attribute", "A validation has a condition and a message.")
		return
	}
	ctx := l.inFolder(b.DefRange())
	text, ok := l.evalString(message, ctx)
	if !ok {
		return
	}
	result, ok := l.eval(condition.Expr, ctx)
	if !ok {
		return
	}
	result, _ = result.Unmark() // whether a secret is valid is not the secret
	switch {
	case !result.IsKnown():
	case result.IsNull() || result.Type() != cty.Bool:
		l.faultIn(condition.Expr, ctx, "Not a bool", "The condition of a validation is true or false.")
	case result.False():
		l.faultIn(condition.Expr, ctx, "Invalid value for variable", fmt.Sprintf("%s: %s (its value is from %s)", v.name, text, v.from))
	}
}
