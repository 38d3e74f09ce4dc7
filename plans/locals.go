package plans

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"bisc/internal/source"
)

// local is one name of a locals block.
type local struct {
	attr  *hclsyntax.Attribute
	value cty.Value
	done  bool
}

// maxLocals is how many local values may refer to one another in a row.
const maxLocals = 500

func (l *loader) loadLocals() {
	for _, b := range l.blocks["locals"] {
		for _, inner := range b.Body.Blocks {
			l.fault(inner.TypeRange, "Unexpected block", fmt.Sprintf("A locals block holds values: %s = { ... }.", inner.Type))
		}
		for _, a := range inOrder(b.Body.Attributes) {
			if first, twice := l.plan.locals[a.Name]; twice {
				l.fault(a.NameRange, "Local value declared twice", fmt.Sprintf("The local value %q is declared at %s already.", a.Name, place(first.attr.SrcRange)))
				continue
			}
			l.plan.locals[a.Name] = &local{attr: a, value: cty.DynamicVal}
		}
	}
	values := map[string]cty.Value{}
	for _, name := range slices.Sorted(maps.Keys(l.plan.locals)) {
		values[name] = l.local(name, nil)
	}
	l.base.Variables["local"] = cty.ObjectVal(values)
}

// local evaluates a local value after those that it refers to; path is the values that wait for this one.
func (l *loader) local(name string, path []string) cty.Value {
	v := l.plan.locals[name]
	if v.done {
		return v.value
	}
	if i := slices.Index(path, name); i >= 0 {
		l.cycle(append(slices.Clone(path[i:]), name))
		return cty.DynamicVal
	}
	if len(path) >= maxLocals {
		l.fault(v.attr.NameRange, "Local values too deep", fmt.Sprintf("More than %d local values refer to one another in a row.", maxLocals))
		return cty.DynamicVal
	}
	path = append(path, name)
	needed := map[string]cty.Value{}
	ok := true
	for _, t := range v.attr.Expr.Variables() {
		if t.RootName() == "local" {
			ok = l.needs(needed, t, path) && ok
		}
	}
	if v.done { // a circle went through it
		return v.value
	}
	v.done = true
	if ok {
		ctx := l.inFolder(v.attr.SrcRange).NewChild()
		ctx.Variables = map[string]cty.Value{"local": cty.ObjectVal(needed)}
		v.value, _ = l.eval(v.attr.Expr, ctx)
	}
	if tooLarge(v.value) {
		l.fault(v.attr.SrcRange, "Value too large", fmt.Sprintf("local.%s has more than a million elements, 16 MiB of text or %d levels.", name, maxNested))
		v.value = cty.DynamicVal
	}
	return v.value
}

// needs puts what a reference names into needed, evaluated.
func (l *loader) needs(needed map[string]cty.Value, t hcl.Traversal, path []string) bool {
	name, ok := step(t, 1)
	if !ok {
		l.fault(t.SourceRange(), "Which local value", "Inside a locals block, a local value is named one by one: local.NAME.")
		return false
	}
	if _, ok := l.plan.locals[name]; !ok {
		if !l.broken {
			l.fault(t.SourceRange(), "Unknown local value", fmt.Sprintf("There is no %q in a locals block.%s", name, source.DidYouMean(name, slices.Sorted(maps.Keys(l.plan.locals)))))
		}
		return false
	}
	needed[name] = l.local(name, path)
	return true
}

// cycle reports a circle once, with the place of each value in it, and makes them all unknown.
func (l *loader) cycle(names []string) {
	steps := make([]string, len(names))
	for i, n := range names {
		v := l.plan.locals[n]
		v.done = true
		steps[i] = fmt.Sprintf("local.%s (%s)", n, place(v.attr.SrcRange))
	}
	l.fault(l.plan.locals[names[0]].attr.SrcRange, "Local values in a circle", "Each of these refers to the next, so that none has a value: "+strings.Join(steps, " -> ")+".")
}
