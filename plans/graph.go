package plans

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"bisc/layers"
)

// Node is a part of the plan as a tree: a host, a layer or stage, an item.
type Node struct {
	Text      string `json:"text"`            // safe for a terminal
	Note      string `json:"note,omitempty"`  // what gates it, why it must hold
	Where     string `json:"where,omitempty"` // file:line, of items
	Address   string `json:"address,omitempty"`
	Invariant bool   `json:"invariant,omitempty"`
	Children  []Node `json:"children,omitempty"`
	gates     []string
}

// Graph is the plan as a tree: hosts, their layers with the layers that gate them, and the items in order; then the
// runbooks with their stages.
func (p *Plan) Graph() []Node {
	var out []Node
	for _, h := range p.Inventory.Hosts() {
		n := Node{Text: h.Name, Note: h.Platform.String()}
		for _, st := range p.Stages {
			if st.Host == h.Name {
				n.Children = append(n.Children, stageNode(st, st.Name))
			}
		}
		if len(n.Children) > 0 {
			out = append(out, n)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Runbooks)) {
		r := p.Runbooks[name]
		n := Node{Text: "runbook " + name, Note: clean(r.Because), Where: clean(r.Where)}
		for _, st := range r.Stages {
			n.Children = append(n.Children, stageNode(st, st.Host+": "+strings.TrimPrefix(st.Name, name+"/")))
		}
		out = append(out, n)
	}
	return out
}

func stageNode(st layers.Stage, text string) Node {
	n := Node{Text: clean(text), Note: "gated by nothing"}
	if n.gates = layerNames(assumed(st)); len(n.gates) > 0 {
		n.Note = "gated by the invariants of " + strings.Join(n.gates, ", ")
	}
	for _, it := range st.Items {
		_, rest, _ := strings.Cut(it.Address, ":")
		item := Node{Text: clean(strings.TrimPrefix(rest, st.Name+".")), Where: clean(it.Where), Address: clean(it.Address), Invariant: it.Invariant}
		if it.Invariant {
			item.Note = clean(it.Because)
			if it.From != "" {
				item.Note = clean("observed on "+it.From+": ") + item.Note
			}
		}
		n.Children = append(n.Children, item)
	}
	return n
}

// GraphText is Graph as text, two spaces a level.
func (p *Plan) GraphText() string {
	var b strings.Builder
	for _, n := range p.Graph() {
		n.write(&b, 0)
	}
	return b.String()
}

func (n Node) write(b *strings.Builder, depth int) {
	fmt.Fprintf(b, "%s%s", strings.Repeat("  ", depth), n.Text)
	if n.Note != "" {
		fmt.Fprintf(b, "  (%s)", n.Note)
	}
	if n.Where != "" {
		fmt.Fprintf(b, "  %s", n.Where)
	}
	b.WriteString("\n")
	for _, c := range n.Children {
		c.write(b, depth+1)
	}
}

// assumed is the layers whose invariants gate a stage, among those that there are.
func assumed(st layers.Stage) []layers.Layer {
	if st.Assumes != nil {
		return st.Assumes
	}
	var below []layers.Layer
	for l := layers.Storage; l < st.Layer; l++ {
		below = append(below, l)
	}
	return below
}

func layerNames(list []layers.Layer) []string {
	out := make([]string, len(list))
	for i, l := range list {
		out[i] = l.String()
	}
	return out
}
