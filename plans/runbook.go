package plans

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"bisc/internal/source"
	"bisc/inventory"
	"bisc/layers"
)

func runbookAttributes() []string { return []string{"layer", "assumes", "because"} }
func stageAttributes() []string   { return []string{"on", "for_each", "when"} }

func (l *loader) loadRunbooks() {
	for _, b := range l.blocks["runbook"] {
		if len(b.Labels) != 1 || b.Labels[0] == "" || strings.IndexFunc(b.Labels[0], func(r rune) bool { return !isName(r) }) >= 0 {
			l.fault(b.DefRange(), "Runbook without a name", "A runbook block has one label, its name, of letters, digits, _ and -: runbook \"leapfrog\" { ... }.")
			continue
		}
		if first, twice := l.plan.Runbooks[b.Labels[0]]; twice {
			l.fault(b.DefRange(), "Runbook declared twice", fmt.Sprintf("The runbook %q is declared at %s already.", b.Labels[0], first.Where))
			continue
		}
		l.plan.Runbooks[b.Labels[0]] = l.runbook(b)
	}
}

func (l *loader) runbook(b *hclsyntax.Block) Runbook {
	r := Runbook{Name: b.Labels[0], Where: place(b.DefRange())}
	ctx := l.inRunbook(b.DefRange())
	for _, a := range inOrder(b.Body.Attributes) {
		switch a.Name {
		case "layer":
			r.Layer = l.runbookLayer(a, ctx)
		case "because":
			r.Because, _ = l.evalString(a, ctx)
		case "assumes":
		default:
			l.unknownAttribute(a, "A runbook", runbookAttributes())
		}
	}
	if _, ok := b.Body.Attributes["layer"]; !ok {
		l.fault(b.DefRange(), "Missing attribute", fmt.Sprintf("A runbook says which layer it works on, so that those below are checked first: layer = %q. With assumes = [] nothing is.", "agave"))
	}
	r.Assumes = l.assumes(b, ctx, r.Layer)
	names := map[string]hcl.Range{}
	for _, inner := range b.Body.Blocks {
		if inner.Type != "stage" {
			l.fault(inner.TypeRange, "Unknown block", fmt.Sprintf("A runbook holds stages, and stages hold kinds: there is no %q here.%s", inner.Type, source.DidYouMean(inner.Type, []string{"stage"})))
			continue
		}
		if !l.stageName(inner, names) {
			continue
		}
		for _, st := range l.runbookStages(&r, inner, ctx) {
			r.NeedsRun = r.NeedsRun || st.needsRun
			r.Stages = append(r.Stages, st.Stage)
			l.stages[st.key] = st
		}
	}
	return r
}

func (l *loader) runbookLayer(a *hclsyntax.Attribute, ctx *hcl.EvalContext) layers.Layer {
	name, ok := l.evalString(a, ctx)
	if !ok {
		return 0
	}
	layer, ok := layers.ParseLayer(name)
	if !ok {
		l.faultIn(a.Expr, ctx, "Unknown layer", fmt.Sprintf("There is no layer %q.%s", name, source.DidYouMean(name, layers.Names())))
	}
	return layer
}

func (l *loader) stageName(b *hclsyntax.Block, names map[string]hcl.Range) bool {
	if len(b.Labels) != 1 {
		l.fault(b.DefRange(), "Stage without a name", "A stage has one label, which says what it does: stage \"let the validator exit\" { ... }.")
		return false
	}
	if !l.goodLabel(b, b.Labels[0], b.LabelRanges[0]) {
		return false
	}
	if first, twice := names[b.Labels[0]]; twice {
		l.fault(b.DefRange(), "Stage declared twice", fmt.Sprintf("This runbook has a stage %q at %s already.", b.Labels[0], place(first)))
		return false
	}
	names[b.Labels[0]] = b.DefRange()
	return true
}

// runbookStages makes a stage for every element of for_each and every host, in this order.
func (l *loader) runbookStages(r *Runbook, b *hclsyntax.Block, ctx *hcl.EvalContext) []*stage {
	scopes, keys := []*hcl.EvalContext{nil}, []string{""}
	each, hasEach := b.Body.Attributes[metaForEach]
	if hasEach {
		unknown := &stage{runbook: true}
		scopes, keys = l.forEach(unknown, each, ctx)
		r.NeedsRun = r.NeedsRun || unknown.needsRun
		if len(scopes) == 0 {
			l.unplaced(b)
			return nil
		}
	}
	var out []*stage
	for i, scope := range scopes {
		outside := ctx
		if scope != nil {
			outside = scope
		}
		hosts := l.hostsOf(b, outside)
		if len(hosts) == 0 {
			l.unplaced(b)
		}
		for _, h := range hosts {
			inside := l.onHost(b.DefRange(), h, true)
			if scope != nil {
				inside = inside.NewChild()
				inside.Variables = scope.Variables
			}
			if st := l.runbookStage(r, b, h, inside, keys[i], hasEach); st != nil {
				out = append(out, st)
			}
		}
	}
	return out
}

func (l *loader) runbookStage(r *Runbook, b *hclsyntax.Block, h *inventory.Host, ctx *hcl.EvalContext, key string, hasKey bool) *stage {
	if when, ok := b.Body.Attributes[metaWhen]; ok {
		if yes, known := l.evalBool(when, ctx); !known || !yes {
			return nil
		}
	}
	st := &stage{host: h, runbook: true, identified: Address{Host: h.Name, Runbook: r.Name, Stage: b.Labels[0], Key: key, HasKey: hasKey}}
	st.Layer, st.Name, st.Host, st.Assumes = r.Layer, st.identified.Place(), h.Name, r.Assumes
	st.key = stageKey{host: h.Name, runbook: r.Name, name: st.Name}
	l.body(st, b, ctx, stageAttributes())
	return st
}
