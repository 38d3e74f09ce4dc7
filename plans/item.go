package plans

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"bisc/internal/source"
	"bisc/inventory"
	"bisc/layers"
	"bisc/modules"
)

// declaration is an item with what explains it. There is one for each address.
type declaration struct {
	item    layers.Item
	address Address
	host    string
	block   *hclsyntax.Block // of the item
	inner   *hclsyntax.Block // of the kind: block itself, or the one in an invariant; nil for a condition
	spec    *spec            // of inner
	ctx     *hcl.EvalContext
	wants   []wanted // the attributes' values
	// complete: every value is known; what is not complete is not planned, and not validated.
	complete bool
}

// wanted is the value that an attribute got.
type wanted struct {
	attr  *attribute
	expr  hclsyntax.Expression // nil: the default
	value cty.Value            // NilVal: neither given nor defaulted
}

func (l *loader) item(st *stage, b *hclsyntax.Block, ctx *hcl.EvalContext) {
	if b.Type == "invariant" {
		l.invariant(st, b, ctx)
		return
	}
	s := l.spec(b.Type)
	if s == nil {
		l.unknownKind(b)
		return
	}
	for _, in := range l.instances(st, b, ctx) {
		d := l.resource(st, b, s, in, st.host)
		d.item.Kind = s.kind.Name
		d.block = b
		l.declare(st, d, s.kind.Name, in)
	}
}

// resource decodes a kind's block into a resource. seen is the host that it is observed on; nil where
// that is not known.
func (l *loader) resource(st *stage, b *hclsyntax.Block, s *spec, in instance, seen *inventory.Host) *declaration {
	d := &declaration{inner: b, spec: s, ctx: in.ctx, complete: true, host: st.host.Name}
	if seen != nil && s.kind.Platform&seen.Platform == 0 {
		l.fault(b.TypeRange, "Wrong platform", fmt.Sprintf("%s is for %s; the host %q (%s) is %s.", s.kind.Name, s.kind.Platform, seen.Name, place(seen.Range), seen.Platform))
	}
	d.item.Resource = s.kind.New(in.label)
	l.fill(d)
	if d.complete {
		l.validate(d)
	}
	if !d.complete {
		st.needsRun = st.runbook
		d.item.Resource = unresolved{}
	}
	d.item.Digest = l.itemDigest(s.kind.Name, in.label, d)
	return d
}

// validate asks the resource itself, and puts its faults where the attributes are.
func (l *loader) validate(d *declaration) {
	if v, ok := d.item.Resource.(modules.Validator); ok {
		l.faults(d, v.Validate())
	}
}

// faults puts what a resource says of itself where its attributes are.
func (l *loader) faults(d *declaration, said error) {
	for _, err := range flatten(said) {
		var attr *modules.AttrError
		if !errors.As(err, &attr) {
			l.fault(d.inner.DefRange(), "Invalid "+d.inner.Type, source.Sentence(err.Error()))
			continue
		}
		l.faultAt(d, attr)
	}
}

func (l *loader) faultAt(d *declaration, fault *modules.AttrError) {
	if a, ok := d.inner.Body.Attributes[fault.Attr]; ok {
		l.faultIn(a.Expr, d.ctx, "Invalid "+fault.Attr, source.Sentence(fault.Reason))
		return
	}
	at := d.inner.DefRange()
	if fault.Attr != "" {
		l.fault(at, "Invalid "+d.inner.Type, source.Sentence(fault.Error()))
		return
	}
	if a, ok := d.inner.Body.Attributes[metaLabel]; ok {
		l.faultIn(a.Expr, d.ctx, "Invalid label", source.Sentence(fault.Reason))
		return
	}
	if len(d.inner.LabelRanges) > 0 {
		at = d.inner.LabelRanges[0]
	}
	l.fault(at, "Invalid label", source.Sentence(fault.Reason))
}

// flatten takes joined errors apart.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var out []error
	for _, e := range joined.Unwrap() {
		out = append(out, flatten(e)...)
	}
	return out
}

// declare gives an item its address and puts it into the stage.
func (l *loader) declare(st *stage, d *declaration, kind string, in instance) {
	d.address = st.identified
	d.address.Kind, d.address.Label = kind, in.label
	d.item.Address = d.address.String()
	d.item.Where = place(d.block.TypeRange)
	if first, twice := l.plan.declared[d.item.Address]; twice && first.block == d.block {
		l.fault(in.at, "Same label twice", fmt.Sprintf("Two elements of for_each have the label %s: %s would be there twice. Put each.key or each.value into label.", strconv.Quote(in.label), d.item.Address))
		return
	} else if twice {
		l.fault(in.at, "Declared twice", fmt.Sprintf("%s is declared at %s already. Two blocks cannot want one thing: keep one, or give them different labels.", d.item.Address, first.item.Where))
		return
	}
	l.plan.declared[d.item.Address] = d
	st.Items = append(st.Items, d.item)
	st.resources = append(st.resources, d)
}
