package plans

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"bisc/inventory"
)

func invariantAttributes() []string {
	return []string{"because", "condition", metaFrom, metaForEach, metaLabel, metaWhen}
}

// metaFrom is the attribute of an invariant that names the host it is observed on. A kind may have one of that name.
const metaFrom = "from"

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
	because, hasReason := b.Body.Attributes["because"]
	if !hasReason {
		l.fault(b.DefRange(), "Missing attribute", "An invariant says why it must hold: because = \"...\". Whoever is stopped by it reads this.")
	}
	for _, in := range l.instances(st, b, ctx) {
		reason := ""
		if hasReason {
			reason, _ = l.evalString(because, in.ctx)
		}
		seen := l.from(st, b, in.ctx)
		var d *declaration
		switch {
		case isCondition:
			d = l.condition(st, condition, in, seen)
		case len(b.Body.Blocks) == 1:
			d = l.wrapped(st, b.Body.Blocks[0], in, seen)
		}
		if d == nil || !whole || seen == nil {
			continue
		}
		if seen != st.host {
			d.item.From = seen.Name
			d.item.Digest = fromDigest(d.item.Digest, seen.Name)
		}
		d.block = b
		d.item.Kind, d.item.Invariant, d.item.Because = "invariant", true, reason
		l.declare(st, d, "invariant", in)
	}
}

// wrapped decodes the kind inside an invariant; for_each and when belong to the invariant.
func (l *loader) wrapped(st *stage, b *hclsyntax.Block, in instance, seen *inventory.Host) *declaration {
	s := l.spec(b.Type)
	if s == nil {
		l.unknownKind(b)
		return nil
	}
	for _, name := range []string{metaForEach, metaWhen, metaFrom} {
		if a, ok := b.Body.Attributes[name]; ok && !s.has(name) {
			l.fault(a.NameRange, "Misplaced attribute", fmt.Sprintf("%s belongs to the invariant, not to the %s in it.", name, b.Type))
			return nil
		}
	}
	label, at, ok := l.label(st, b, in.ctx, "")
	if !ok {
		return nil
	}
	return l.resource(st, b, s, instance{label: label, at: at, ctx: in.ctx}, seen)
}

// from is the host that an invariant is observed on: the stage's own where it names none. It is nil
// where that cannot be told.
func (l *loader) from(st *stage, b *hclsyntax.Block, ctx *hcl.EvalContext) *inventory.Host {
	a, given := b.Body.Attributes[metaFrom]
	if !given {
		return st.host
	}
	v, ok := l.eval(a.Expr, ctx)
	if !ok {
		return nil
	}
	if v.ContainsMarked() {
		l.faultIn(a.Expr, ctx, "Secret shown", "from is shown to everybody and cannot be a sensitive value.")
		return nil
	}
	if v.IsKnown() && v.IsNull() { // as if it were not written
		return st.host
	}
	st.needsRun = st.needsRun || st.runbook && !v.IsKnown()
	return l.hostOf(a, -1, v, ctx)
}
