package plans

import (
	"fmt"
	"strings"
)

// GraphDOT is Graph in the language of graphviz: a box for each host or runbook, in it one for each layer or stage, whose
// items follow one another in their order. A dashed arrow goes from a layer to the one that its invariants gate.
func (p *Plan) GraphDOT() string {
	d := &dot{}
	d.line("digraph bisc {")
	d.line("  rankdir=TB; compound=true; node [shape=box, fontname=\"sans-serif\"]; graph [fontname=\"sans-serif\"];")
	for _, n := range p.Graph() {
		d.whole(n)
	}
	d.line("}")
	return d.b.String()
}

// dot numbers what it draws: names in graphviz are no place for addresses.
type dot struct {
	b     strings.Builder
	count int
}

func (d *dot) line(format string, args ...any) { fmt.Fprintf(&d.b, format+"\n", args...) }

func (d *dot) next() int { d.count++; return d.count }

// part is a layer or stage that was drawn.
type part struct {
	box, first, last int
	name             string
	gates            []string
}

func (d *dot) whole(n Node) {
	d.line("  subgraph cluster_%d {", d.next())
	d.line("    label=%s; style=rounded;", dotText(n.Text+" ("+n.Note+")"))
	var parts []part
	for _, c := range n.Children {
		parts = append(parts, d.part(c))
	}
	d.line("  }")
	for _, to := range parts {
		for _, from := range parts {
			for _, gate := range to.gates {
				if from.name == gate {
					d.line("  n%d -> n%d [style=dashed, ltail=cluster_%d, lhead=cluster_%d];", from.last, to.first, from.box, to.box)
				}
			}
		}
	}
}

func (d *dot) part(n Node) part {
	out := part{box: d.next(), name: n.Text, gates: n.gates}
	d.line("    subgraph cluster_%d {", out.box)
	d.line("      label=%s;", dotText(n.Text))
	for _, c := range n.Children {
		id, style := d.next(), ""
		if c.Invariant {
			style = ", style=filled, fillcolor=lightyellow"
		}
		d.line("      n%d [label=%s, tooltip=%s%s];", id, dotText(c.Text), dotText(c.Where), style)
		if out.last > 0 {
			d.line("      n%d -> n%d;", out.last, id)
		} else {
			out.first = id
		}
		out.last = id
	}
	if len(n.Children) == 0 { // an arrow needs an end
		out.first = d.next()
		out.last = out.first
		d.line("      n%d [label=\"nothing\", style=dotted];", out.first)
	}
	d.line("    }")
	return out
}

// dotText is a quoted string of graphviz, in which a backslash begins an escape too.
func dotText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
