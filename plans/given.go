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
		parsed, diags := source.ParseValues(f)
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

// MaskSet is command line arguments without the values that --set gives to sensitive variables: the journal keeps them.
func (p *Plan) MaskSet(args []string) []string {
	out := slices.Clone(args)
	for i, a := range out {
		head, set := "", a
		if rest, ok := strings.CutPrefix(a, "--set="); ok {
			head, set = "--set=", rest
		} else if i == 0 || args[i-1] != "--set" {
			continue
		}
		name, _, _ := strings.Cut(set, "=")
		if v, ok := p.variables[name]; !ok || v.sensitive {
			out[i] = head + name + "=(sensitive)"
		}
	}
	return out
}

// VariableNames lists the variables by name.
func (p *Plan) VariableNames() []string { return slices.Sorted(maps.Keys(p.variables)) }
