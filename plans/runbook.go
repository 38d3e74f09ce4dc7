package plans

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"bisc/internal/source"
	"bisc/inventory"
	"bisc/layers"
	"bisc/modules"
)

func runbookAttributes() []string { return []string{"layer", "assumes", "because"} }
func stageAttributes() []string   { return []string{"on", "for_each", "when", "because", "else"} }

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
	l.stagesOf(&r, b, ctx, map[string]hcl.Range{}, []string{r.Name})
	r.settle()
	return r
}

// settle tells the stages which holds are their runbook's own.
func (r *Runbook) settle() {
	var holds []string
	for _, st := range r.Stages {
		for _, it := range st.Items {
			if n, ok := it.Resource.(modules.Holder); ok && !slices.Contains(holds, n.HoldName()) {
				holds = append(holds, n.HoldName())
			}
		}
	}
	for i := range r.Stages {
		r.Stages[i].Releases = holds
	}
}

// sameInLayers tells each item of a runbook which item of the layers is about the same thing on the same host.
func (l *loader) sameInLayers() {
	in := map[string]string{}
	for _, st := range l.plan.Stages {
		for _, it := range st.Items {
			if rest, ok := strings.CutPrefix(it.Address, st.Host+":"+st.Layer.String()+"."); ok && !it.Invariant {
				in[st.Host+":"+rest] = it.Address
			}
		}
	}
	for _, r := range l.plan.Runbooks {
		for i := range r.Stages {
			st := &r.Stages[i]
			for j := range st.Items {
				it := &st.Items[j]
				if at := strings.LastIndex(it.Address, "."+it.Kind+"["); at >= 0 && !it.Invariant {
					it.Same = in[st.Host+":"+it.Address[at+1:]]
				}
			}
		}
	}
}

// Verdict tells whether the runbook does nothing: it has invariants and nothing else, and every one is looked at.
func (r Runbook) Verdict() bool {
	for _, st := range r.Stages {
		for _, it := range st.Items {
			if !it.Invariant {
				return false
			}
		}
	}
	return len(r.Stages) > 0
}

// stagesOf adds the stages of a runbook's block, and in their place those of the runbooks that it includes. within is the
// runbooks that lead here.
func (l *loader) stagesOf(r *Runbook, b *hclsyntax.Block, ctx *hcl.EvalContext, names map[string]hcl.Range, within []string) {
	for _, inner := range b.Body.Blocks {
		switch inner.Type {
		case "include":
			if of := l.included(inner, within); of != nil {
				l.stagesOf(r, of, ctx, names, append(slices.Clone(within), of.Labels[0]))
			}
		case "stage":
			if l.stageName(inner, names) {
				l.addStages(r, inner, ctx)
			}
		default:
			l.fault(inner.TypeRange, "Unknown block", fmt.Sprintf("A runbook holds stages, and stages hold kinds: there is no %q here.%s", inner.Type, source.DidYouMean(inner.Type, []string{"stage", "include"})))
		}
	}
}

func (l *loader) addStages(r *Runbook, b *hclsyntax.Block, ctx *hcl.EvalContext) {
	for _, st := range l.runbookStages(r, b, ctx) {
		r.NeedsRun = r.NeedsRun || st.needsRun
		r.Stages = append(r.Stages, st.Stage)
		l.stages[st.key] = st
	}
}

// included finds the runbook that an include names. Its stages become those of the runbook that includes them, under its layer and
// its assumes.
func (l *loader) included(b *hclsyntax.Block, within []string) *hclsyntax.Block {
	if len(b.Labels) != 1 || len(b.Body.Attributes)+len(b.Body.Blocks) > 0 {
		l.fault(b.DefRange(), "Not an include", "An include has one label, the runbook whose stages come here, and nothing in it: include \"stop\" {}.")
		return nil
	}
	var names []string
	for _, other := range l.blocks["runbook"] {
		if len(other.Labels) != 1 {
			continue
		}
		if other.Labels[0] == b.Labels[0] {
			if slices.Contains(within, b.Labels[0]) {
				l.fault(b.DefRange(), "Runbooks include each other", fmt.Sprintf("The way here is %s: a runbook cannot hold itself.", strings.Join(append(within, b.Labels[0]), ", which includes ")))
				return nil
			}
			return other
		}
		names = append(names, other.Labels[0])
	}
	l.fault(b.LabelRanges[0], "Unknown runbook", fmt.Sprintf("There is no runbook %q to include.%s", b.Labels[0], source.DidYouMean(b.Labels[0], names)))
	return nil
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
	for name, into := range map[string]*string{"because": &st.Because, "else": &st.Else} {
		if a, ok := b.Body.Attributes[name]; ok {
			*into, _ = l.evalString(a, ctx)
		}
	}
	l.body(st, b, ctx, stageAttributes())
	return st
}
