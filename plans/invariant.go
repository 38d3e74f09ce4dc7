package plans

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

func invariantAttributes() []string {
	return []string{"because", "condition", metaForEach, metaLabel, metaWhen}
}

// invariant decodes a block that wraps one kind, or a condition over facts.
func (l *loader) invariant(st *stage, b *hclsyntax.Block, ctx *hcl.EvalContext) {
	for _, a := range inOrder(b.Body.Attributes) {
		if !slices.Contains(invariantAttributes(), a.Name) {
			l.unknownAttribute(a, "An invariant", invariantAttributes())
		}
	}
	condition, isCondition := b.Body.Attributes["condition"]
	whole := true
	if n := len(b.Body.Blocks); isCondition && n > 0 || !isCondition && n != 1 {
		l.fault(b.DefRange(), "What must hold", "An invariant holds one block of a kind, which must be in sync, or a condition.")
		whole = false
	}
	because, ok := b.Body.Attributes["because"]
	if !ok {
		l.fault(b.DefRange(), "Missing attribute", "An invariant says why it must hold: because = \"...\". Whoever is stopped by it reads this.")
	}
	for _, in := range l.instances(st, b, ctx) {
		reason := ""
		if ok {
			reason, _ = l.evalString(because, in.ctx)
		}
		var d *declaration
		switch {
		case isCondition:
			d = l.condition(st, b, condition, in)
		case len(b.Body.Blocks) == 1:
			d = l.wrapped(st, b.Body.Blocks[0], in)
		}
		if d == nil || !whole {
			continue
		}
		d.block = b
		d.item.Kind, d.item.Invariant, d.item.Because = "invariant", true, reason
		l.declare(st, d, "invariant", in)
	}
}

// wrapped decodes the kind inside an invariant; for_each and when belong to the invariant.
func (l *loader) wrapped(st *stage, b *hclsyntax.Block, in instance) *declaration {
	s := l.spec(b.Type)
	if s == nil {
		l.unknownKind(b)
		return nil
	}
	for _, name := range []string{metaForEach, metaWhen} {
		if a, ok := b.Body.Attributes[name]; ok {
			l.fault(a.NameRange, "Misplaced attribute", fmt.Sprintf("%s belongs to the invariant, not to the %s in it.", name, b.Type))
			return nil
		}
	}
	label, at, ok := l.label(st, b, in.ctx, "")
	if !ok {
		return nil
	}
	return l.resource(st, b, s, instance{label: label, at: at, ctx: in.ctx})
}
