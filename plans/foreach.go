package plans

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// instance is a block with the label and the scope that for_each gave it.
type instance struct {
	label string
	at    hcl.Range
	ctx   *hcl.EvalContext
}

// instances works out when, for_each and the label of a block.
func (l *loader) instances(st *stage, b *hclsyntax.Block, ctx *hcl.EvalContext) []instance {
	scopes := []*hcl.EvalContext{ctx}
	keys := []string{""}
	if a, ok := b.Body.Attributes[metaForEach]; ok {
		if len(b.Labels) > 0 {
			l.fault(b.LabelRanges[0], "Label with for_each", fmt.Sprintf("With for_each every %s would have this label. Leave it out and write label = \"...${each.key}\"; without a label attribute, the label is each.key.", b.Type))
			return nil
		}
		scopes, keys = l.forEach(st, a, ctx)
	}
	var out []instance
	for i, scope := range scopes {
		if when, ok := b.Body.Attributes[metaWhen]; ok {
			yes, known := l.evalBool(when, scope)
			st.needsRun = st.needsRun || st.runbook && !known
			if !yes {
				continue
			}
		}
		if label, at, ok := l.label(st, b, scope, keys[i]); ok {
			out = append(out, instance{label: label, at: at, ctx: scope})
		}
	}
	return out
}

// forEach gives a scope with each for every element, in the order of the keys.
func (l *loader) forEach(st *stage, a *hclsyntax.Attribute, ctx *hcl.EvalContext) (scopes []*hcl.EvalContext, keys []string) {
	v, ok := l.eval(a.Expr, ctx)
	if !ok {
		return nil, nil
	}
	if v.IsMarked() {
		l.faultIn(a.Expr, ctx, "Secret decides", "for_each must not be made of sensitive values: its keys stand in addresses.")
		return nil, nil
	}
	if !v.IsKnown() {
		if st != nil {
			st.needsRun = st.runbook
		}
		return nil, nil
	}
	t := v.Type()
	switch {
	case v.IsNull() || !t.IsMapType() && !t.IsObjectType() && !(t.IsSetType() && t.ElementType() == cty.String):
		hint := ""
		if t.IsTupleType() || t.IsListType() {
			hint = " Write toset([...]): a list's numbers would give every element another address when one is put in."
		}
		l.faultIn(a.Expr, ctx, "Invalid for_each", fmt.Sprintf("for_each is a map, an object or a set of strings, not %s.%s", friendly(t), hint))
		return nil, nil
	}
	elements := map[string]cty.Value{}
	for it := v.ElementIterator(); it.Next(); {
		k, e := it.Element()
		if t.IsSetType() {
			k = e
		}
		if k.IsMarked() || !k.IsKnown() || k.IsNull() {
			l.faultIn(a.Expr, ctx, "Invalid for_each", "A key of for_each is null, unknown or sensitive.")
			return nil, nil
		}
		elements[k.AsString()] = e
	}
	for _, k := range slices.Sorted(maps.Keys(elements)) {
		scope := ctx.NewChild()
		scope.Variables = map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": cty.StringVal(k), "value": elements[k]})}
		scopes, keys = append(scopes, scope), append(keys, k)
	}
	return scopes, keys
}

// label is the block's label, its label attribute, or the key of for_each.
func (l *loader) label(st *stage, b *hclsyntax.Block, ctx *hcl.EvalContext, key string) (string, hcl.Range, bool) {
	a, computed := b.Body.Attributes[metaLabel]
	_, each := b.Body.Attributes[metaForEach]
	at := b.DefRange()
	switch {
	case len(b.Labels) > 1 || computed && len(b.Labels) > 0:
		l.fault(b.LabelRanges[len(b.LabelRanges)-1], "Too many labels", fmt.Sprintf("A %s has one label: in quotes after the word, or as label = ... in the block.", b.Type))
		return "", at, false
	case computed:
		s, ok := l.evalString(a, ctx)
		if !ok {
			if st != nil {
				st.needsRun = st.runbook
			}
			return "", at, false
		}
		return s, at, l.goodLabel(b, s, a.Expr.Range())
	case len(b.Labels) == 1:
		return b.Labels[0], at, l.goodLabel(b, b.Labels[0], b.LabelRanges[0])
	case each:
		return key, at, l.goodLabel(b, key, at)
	}
	what := "its name"
	if s := l.spec(b.Type); s != nil && s.kind.Label != "" {
		what = s.kind.Label
	}
	l.fault(b.TypeRange, "Missing label", fmt.Sprintf("A %s has a label, %s: %s \"...\" { ... }.", b.Type, what, b.Type))
	return "", at, false
}

// goodLabel refuses labels that no host could take. A label is shown in lines and goes into arguments.
func (l *loader) goodLabel(b *hclsyntax.Block, label string, at hcl.Range) bool {
	switch {
	case strings.TrimSpace(label) == "":
		l.fault(at, "Empty label", fmt.Sprintf("The label of this %s is empty.", b.Type))
	case strings.ContainsAny(label, "\x00\n\r"):
		l.fault(at, "Invalid label", "A label is one line: it has no line break and no NUL in it.")
	case len(label) > 4096:
		l.fault(at, "Invalid label", fmt.Sprintf("A label has at most 4096 bytes, not %d.", len(label)))
	default:
		return true
	}
	return false
}
