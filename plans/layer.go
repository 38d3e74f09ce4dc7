package plans

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"bisc/internal/source"
	"bisc/inventory"
	"bisc/layers"
)

func layerAttributes() []string { return []string{"on", "assumes", "when"} }

// loadLayers decodes layer blocks. Blocks of one layer on one host are one stage, in the order written.
func (l *loader) loadLayers() {
	for _, b := range l.blocks["layer"] {
		layer, ok := l.layerOf(b)
		if !ok {
			continue
		}
		hosts := l.hostsOf(b, l.inFolder(b.DefRange()))
		if len(hosts) == 0 {
			l.unplaced(b)
			continue
		}
		for _, h := range hosts {
			l.layer(b, layer, h)
		}
	}
}

func (l *loader) layerOf(b *hclsyntax.Block) (layers.Layer, bool) {
	if len(b.Labels) != 1 {
		l.fault(b.DefRange(), "Layer without a name", "A layer block has one label, its name: layer \"storage\" { ... }.")
		return 0, false
	}
	layer, ok := layers.ParseLayer(b.Labels[0])
	if !ok {
		l.fault(b.LabelRanges[0], "Unknown layer", fmt.Sprintf("There is no layer %q.%s", b.Labels[0], source.DidYouMean(b.Labels[0], layers.Names())))
	}
	return layer, ok
}

// unplaced looks at a body that is on no host for what can be told without one: its words.
func (l *loader) unplaced(b *hclsyntax.Block) {
	for _, inner := range b.Body.Blocks {
		if inner.Type != "invariant" && l.spec(inner.Type) == nil {
			l.unknownKind(inner)
			continue
		}
		if s := l.spec(inner.Type); s != nil {
			l.unknownAttributes(&declaration{inner: inner, spec: s})
		}
	}
}

func (l *loader) layer(b *hclsyntax.Block, layer layers.Layer, h *inventory.Host) {
	ctx := l.onHost(b.DefRange(), h, false)
	if when, ok := b.Body.Attributes["when"]; ok {
		if yes, known := l.evalBool(when, ctx); !known || !yes {
			return
		}
	}
	key := stageKey{host: h.Name, name: layer.String()}
	st, ok := l.stages[key]
	if !ok {
		st = &stage{key: key, host: h, identified: Address{Host: h.Name, Layer: layer.String()}}
		st.Layer, st.Name, st.Host = layer, layer.String(), h.Name
		l.stages[key] = st
	}
	l.layerAssumes(st, b, ctx)
	l.body(st, b, ctx, layerAttributes())
}

// layerAssumes keeps what the first block of a layer says; others may say the same or nothing.
func (l *loader) layerAssumes(st *stage, b *hclsyntax.Block, ctx *hcl.EvalContext) {
	assumes := l.assumes(b, ctx, st.Layer)
	switch {
	case assumes == nil:
	case st.assumes == nil:
		st.Assumes, st.assumes = assumes, b.Body.Attributes["assumes"]
	case !slices.Equal(st.Assumes, assumes):
		l.fault(b.Body.Attributes["assumes"].SrcRange, "Layers disagree", fmt.Sprintf("The layer %q on %s assumes other layers at %s. Blocks of one layer are one layer.", st.Name, st.Host, place(st.assumes.SrcRange)))
	}
}
