package plans

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"bisc/internal/host"
	"bisc/internal/source"
	"bisc/inventory"
	"bisc/modules"
	"bisc/modules/facts"
)

// condition is an invariant over facts. HCL stays in this package: to layers it is a resource like others.
type condition struct {
	expr  hclsyntax.Expression
	ctx   *hcl.EvalContext
	text  string   // the expression as written
	facts []string // that it names
}

// condition decodes and type-checks a condition with facts of the right types whose values are unknown. The facts are those of
// the host that is seen.
func (l *loader) condition(st *stage, a *hclsyntax.Attribute, in instance, seen *inventory.Host) *declaration {
	c := &condition{expr: a.Expr, ctx: in.ctx, text: l.textOf(a.Expr.Range())}
	for _, t := range a.Expr.Variables() {
		if t.RootName() != "fact" {
			continue
		}
		name, ok := step(t, 1)
		if !ok {
			l.fault(t.SourceRange(), "Which fact", "A fact is named one by one: fact.NAME.")
			return nil
		}
		if !slices.Contains(c.facts, name) {
			c.facts = append(c.facts, name)
		}
	}
	slices.Sort(c.facts)
	if len(c.facts) > 0 && seen != nil && seen.Platform&host.Linux == 0 {
		l.fault(a.Expr.Range(), "Wrong platform", fmt.Sprintf("Facts are read from Linux; the host %q (%s) is %s.", seen.Name, place(seen.Range), seen.Platform))
	}
	typed := in.ctx.NewChild()
	typed.Variables = map[string]cty.Value{"fact": factTypes()}
	v, ok := l.eval(a.Expr, typed)
	if ok && v.Type() != cty.Bool && v.Type() != cty.DynamicPseudoType {
		l.faultIn(a.Expr, typed, "Not a bool", fmt.Sprintf("The condition of an invariant is true or false, not %s.", friendly(v.Type())))
	}
	d := &declaration{ctx: in.ctx, complete: ok, host: st.host.Name}
	d.item.Resource = c
	d.item.Digest = l.conditionDigest(in.label, c)
	return d
}

// textOf is the source of an expression, in one line.
func (l *loader) textOf(r hcl.Range) string {
	f, ok := l.plan.Files[r.Filename]
	if !ok || !r.CanSliceBytes(f.Bytes) {
		return ""
	}
	text := string(r.SliceBytes(f.Bytes))
	if source.IsJSON(r.Filename) {
		var plain string
		if json.Unmarshal([]byte(`"`+text+`"`), &plain) == nil { // else it is no part of a string: true, say
			text = plain
		}
	}
	return strings.Join(strings.Fields(text), " ")
}

// Plan reads the facts that the condition names, in one wave, and judges it. A condition that is not true or false is an
// error: the invariant is unknown then, never broken and never kept.
func (c *condition) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	var change modules.Change
	known, err := facts.Read(ctx, h, c.facts...)
	if err != nil {
		return change, err
	}
	scope := c.ctx.NewChild()
	scope.Variables = map[string]cty.Value{"fact": factValues(known)}
	v, diags := evaluate(c.expr, scope)
	if diags.HasErrors() {
		return change, fmt.Errorf("evaluating the condition: %w", flat(diags))
	}
	v, _ = v.Unmark()
	if !v.IsKnown() || v.IsNull() || v.Type() != cty.Bool {
		return change, errors.New("evaluating the condition: its value is not known")
	}
	if v.False() {
		change.Refuse("condition", c.seen(scope), c.text, "an invariant is checked, never repaired")
	}
	return change, nil
}

// seen is the values of what the condition names.
func (c *condition) seen(scope *hcl.EvalContext) string {
	values := involved(c.expr, scope)
	if len(values) == 0 {
		return "false"
	}
	lines := make([]string, len(values))
	for i, v := range values {
		lines[i] = v.Name + " = " + v.Value
	}
	return strings.Join(lines, ", ")
}
