package plans

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"

	"bisc/internal/source"
)

// templateFunction fills a template file. Its names are those of the second argument and nothing else; of the functions
// it has the pure ones.
func (l *loader) templateFunction(dir string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{
			{Name: "path", Type: cty.String, AllowMarked: true},
			{Name: "vars", Type: cty.DynamicPseudoType, AllowMarked: true, AllowUnknown: true, AllowDynamicType: true},
		},
		Type: function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if args[0].IsMarked() {
				return cty.UnknownVal(cty.String), errSecretName
			}
			name, content, err := l.readInput(dir, "templatefile", args[0].AsString())
			if err != nil {
				return cty.UnknownVal(cty.String), function.NewArgError(0, err)
			}
			return fillTemplate(name, content, args[1])
		},
	})
}

func fillTemplate(name string, content []byte, vars cty.Value) (cty.Value, error) {
	none := cty.UnknownVal(cty.String)
	vars, marks := vars.Unmark()
	if !vars.IsKnown() {
		return none.WithMarks(marks), nil
	}
	if vars.IsNull() || !vars.Type().IsObjectType() && !vars.Type().IsMapType() {
		return none, function.NewArgErrorf(1, "an object is wanted: { name = value }")
	}
	expr, diags := source.ParseTemplate(source.File{Name: name, Text: content})
	if diags.HasErrors() {
		return none, function.NewArgError(0, flat(diags))
	}
	v, diags := evaluate(expr, &hcl.EvalContext{Variables: vars.AsValueMap(), Functions: pureFunctions()})
	if diags.HasErrors() {
		return none, function.NewArgError(0, flat(diags))
	}
	v, inner := v.Unmark()
	if !v.IsKnown() {
		return none.WithMarks(marks, inner), nil
	}
	text, err := convert.Convert(v, cty.String) // a template of a single ${...} gives its value as it is
	if err != nil || text.IsNull() {
		return none, function.NewArgErrorf(0, "%s gives a %s, not text", name, v.Type().FriendlyName())
	}
	return text.WithMarks(marks, inner), nil
}

// flat is the first error of some, in a line.
func flat(diags hcl.Diagnostics) error {
	for _, d := range diags {
		if d.Severity == hcl.DiagError && d.Subject != nil {
			return fmt.Errorf("%s:%d: %s: %s", d.Subject.Filename, d.Subject.Start.Line, d.Summary, strings.TrimSuffix(d.Detail, "."))
		}
	}
	return diags
}
