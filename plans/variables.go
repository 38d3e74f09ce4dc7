package plans

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

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

// given is a value from outside the plan: a text of --set, or an expression of a variable file.
type given struct {
	text string
	expr hclsyntax.Expression // nil: text
	from string
}

// givenValues gathers values, the ones that go before others last.
func (l *loader) givenValues() map[string]*given {
	out := map[string]*given{}
	for _, f := range l.opts.VarFiles {
		parsed, diags := source.Parse(f)
		l.plan.Files[f.Name] = parsed
		l.report(diags...)
		body := source.Body(parsed)
		for _, b := range body.Blocks {
			l.fault(b.TypeRange, "Unexpected block", "A variable file holds lines of the form name = value only.")
		}
		for _, a := range inOrder(body.Attributes) {
			if _, ok := l.plan.variables[a.Name]; !ok {
				if !l.broken {
					l.fault(a.NameRange, "Unknown variable", fmt.Sprintf("No plan file declares a variable %q.%s", a.Name, source.DidYouMean(a.Name, l.variableNames())))
				}
				continue
			}
			out[a.Name] = &given{expr: a.Expr, from: place(a.SrcRange)}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.opts.Vars)) {
		if _, ok := l.plan.variables[name]; !ok {
			if !l.broken {
				l.report(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Unknown variable",
					Detail: fmt.Sprintf("--set %s: no plan file declares a variable %q.%s", name, name, source.DidYouMean(name, l.variableNames()))})
			}
			continue
		}
		out[name] = &given{text: l.opts.Vars[name], from: "--set"}
	}
	return out
}

func (l *loader) variableNames() []string { return slices.Sorted(maps.Keys(l.plan.variables)) }

// valueOf is a variable's value: what was given, or its default.
func (l *loader) valueOf(v *variable, g *given) cty.Value {
	if g != nil {
		v.from = g.from
		if g.expr == nil {
			return l.setValue(v, g)
		}
		val, ok := l.eval(g.expr, nil)
		if !ok {
			return cty.UnknownVal(v.typ.WithoutOptionalAttributesDeep())
		}
		return l.convertTo(v, val, g.expr.Range(), g.from)
	}
	a, ok := v.block.Body.Attributes["default"]
	if !ok {
		l.fault(v.where, "No value", fmt.Sprintf("The variable %q has no default and was given no value. Give it one: --set %s=...", v.name, v.name))
		return cty.UnknownVal(v.typ.WithoutOptionalAttributesDeep())
	}
	v.from = "default at " + place(a.SrcRange)
	val, ok := l.eval(a.Expr, l.defaultScope(a.SrcRange))
	if !ok {
		return cty.UnknownVal(v.typ.WithoutOptionalAttributesDeep())
	}
	return l.convertTo(v, val, a.Expr.Range(), "its default")
}

// defaultScope is what a default may cite: hosts and functions, not other variables.
func (l *loader) defaultScope(r hcl.Range) *hcl.EvalContext { return l.inFolder(r) }

// setValue reads a --set: a string as it is where the variable's type is string, or where it has no type and the text is
// no expression; else an expression of the language.
func (l *loader) setValue(v *variable, g *given) cty.Value {
	if strings.ContainsRune(g.text, 0) {
		l.report(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "NUL byte", Detail: fmt.Sprintf("--set %s: the value has a NUL byte in it.", v.name)})
		return cty.UnknownVal(v.typ.WithoutOptionalAttributesDeep())
	}
	if v.typ == cty.String {
		return cty.StringVal(g.text)
	}
	name := "--set " + v.name
	expr, diags := source.ParseExpression(source.File{Name: name, Text: []byte(g.text)})
	var val cty.Value
	if !diags.HasErrors() {
		val, diags = evaluate(expr, nil)
	}
	if !diags.HasErrors() {
		return l.convertTo(v, val, v.where, name)
	}
	if v.typ == cty.DynamicPseudoType {
		return cty.StringVal(g.text)
	}
	l.report(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Invalid value",
		Detail: fmt.Sprintf("%s: the value is not an expression of the language. The variable is a %s (%s); strings in it are in quotes.", name, typeexpr.TypeString(v.typ), place(v.where))})
	return cty.UnknownVal(v.typ.WithoutOptionalAttributesDeep())
}

func (l *loader) convertTo(v *variable, val cty.Value, at hcl.Range, what string) cty.Value {
	if v.defaults != nil && !val.IsNull() && val.IsKnown() {
		val = v.defaults.Apply(val)
	}
	out, err := convert.Convert(val, v.typ)
	if err != nil {
		l.fault(at, "Wrong type", fmt.Sprintf("The variable %q is a %s; %s does not fit: %s.", v.name, typeexpr.TypeString(v.typ), what, err))
		return cty.UnknownVal(v.typ.WithoutOptionalAttributesDeep())
	}
	return out
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
