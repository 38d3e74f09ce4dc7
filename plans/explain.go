package plans

import (
	"slices"

	"github.com/zclconf/go-cty/cty"

	"bisc/modules"
)

// Explanation is everything the plan knows of one item, as data. Secrets are masked in it.
type Explanation struct {
	Address   string
	Where     string // file:line
	Kind      string // the kind's name, or condition
	Label     string // of the kind
	Doc       string
	Invariant bool
	Because   string
	From      string // the host that an invariant is observed on, where it is another than the address's
	Condition string // the expression, where Kind is condition
	Origins   []Origin
	// Attributes are in the order of the kind's documents, those that are not given included.
	Attributes []ExplainedAttribute
	Checks     []string
	Losses     []modules.Loss
	Owns       []string
	Assumes    []string // the layers whose invariants gate it
	Digest     string
}

// ExplainedAttribute is an attribute, its value in the language's own form, and how it came about.
type ExplainedAttribute struct {
	Name, Value, Doc string
	// Where is file:line, "default" where the kind's default is used, or empty where there is no value.
	Where   string
	Origins []Origin
}

// Origin is one step of how a value came about: what the expression above it names, that name's value, and where that
// is from. Depth is how many names lie between it and the attribute.
type Origin struct {
	Depth int
	Name  string
	Value string
	From  string // "default at x:3", "--set", "host data at inventory/lab.hcl:12"...
}

// Explain explains an item of a layer or of a runbook. The error suggests the nearest address.
func (p *Plan) Explain(address string) (Explanation, error) {
	d, err := p.find(address)
	if err != nil {
		return Explanation{}, err
	}
	out := Explanation{
		Address: d.item.Address, Where: d.item.Where, Kind: "condition", Invariant: d.item.Invariant, Because: d.item.Because,
		From: d.item.From, Digest: d.item.Digest, Assumes: p.gates(d),
	}
	if c, ok := d.item.Resource.(*condition); ok {
		out.Condition = c.text
		out.Origins = p.origins(c.expr, d)
		for _, f := range c.facts {
			out.Checks = append(out.Checks, "fact."+f)
		}
		return out, nil
	}
	out.Kind, out.Doc = d.spec.kind.Name, d.spec.kind.Doc
	out.Label = d.label()
	out.Checks = slices.Clone(d.spec.kind.Checks)
	if !d.item.Invariant { // an invariant takes no step, so it destroys nothing
		out.Losses = slices.Clone(d.spec.kind.Losses)
		if o, ok := d.item.Resource.(modules.Owner); ok {
			out.Owns = o.Owns()
		}
	}
	for _, w := range d.wants {
		out.Attributes = append(out.Attributes, p.explainAttribute(w, d))
	}
	return out, nil
}

// label is what the kind was made with: in an invariant not the label of the address.
func (d *declaration) label() string {
	if !d.item.Invariant {
		return d.address.Label
	}
	if len(d.inner.Labels) > 0 {
		return d.inner.Labels[0]
	}
	if a, ok := d.inner.Body.Attributes[metaLabel]; ok {
		if v, diags := evaluate(a.Expr, d.ctx); !diags.HasErrors() && v.Type() == cty.String && v.IsKnown() && !v.IsMarked() && !v.IsNull() {
			return v.AsString()
		}
	}
	return ""
}

func (p *Plan) gates(d *declaration) []string {
	stages := p.Stages
	if d.address.Runbook != "" {
		stages = p.Runbooks[d.address.Runbook].Stages
	}
	for _, st := range stages {
		if st.Host == d.address.Host && st.Name == d.address.Place() {
			return layerNames(assumed(st))
		}
	}
	return nil
}

func (p *Plan) explainAttribute(w wanted, d *declaration) ExplainedAttribute {
	out := ExplainedAttribute{Name: w.attr.Name, Value: render(w.value, 400), Doc: w.attr.Doc}
	switch {
	case w.expr != nil:
		out.Where = place(w.expr.Range())
		out.Origins = p.origins(w.expr, d)
	case w.value != cty.NilVal:
		out.Where = "default"
	}
	return out
}
