package plans

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"bisc/internal/secret"
	"bisc/internal/source"
)

// EnvNames lists the environment variables that plan files read, and those that hold sudo's passwords, but for what every
// program needs. Whether the files make a plan does not matter: it is for a verb that loads none, and starts programs that
// must not have what is in them. A name that is computed is not found.
func EnvNames(files []source.File) []string {
	var out []string
	for _, f := range files {
		parsed, _ := source.Parse(f)
		out = append(out, envNames(source.Body(parsed))...)
	}
	return out
}

func envNames(b *hclsyntax.Body) []string {
	var out []string
	add := func(e hclsyntax.Expression) {
		if name, ok := constant(e); ok && !secret.Everybodys(name) {
			out = append(out, name)
		}
	}
	for name, a := range b.Attributes {
		if name == "become_password_env" {
			add(a.Expr)
		}
		for _, call := range readingCalls(a.Expr) {
			if call.Name == "env" && len(call.Args) == 1 {
				add(call.Args[0])
			}
		}
	}
	for _, inner := range b.Blocks {
		out = append(out, envNames(inner.Body)...)
	}
	return out
}

// constant is the value of a string that is written out.
func constant(e hclsyntax.Expression) (string, bool) {
	if len(e.Variables()) > 0 {
		return "", false
	}
	v, diags := e.Value(nil)
	if diags.HasErrors() || v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		return "", false
	}
	return v.AsString(), true
}
