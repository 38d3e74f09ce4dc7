package plans

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"bisc/internal/host"
	"bisc/internal/source"
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

// instance is a block with the label and the scope that for_each gave it.
type instance struct {
	label string
	at    hcl.Range
	ctx   *hcl.EvalContext
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
		d := l.resource(st, b, s, in)
		d.item.Kind = s.kind.Name
		d.block = b
		l.declare(st, d, s.kind.Name, in)
	}
}

// resource decodes a kind's block into a resource.
func (l *loader) resource(st *stage, b *hclsyntax.Block, s *spec, in instance) *declaration {
	d := &declaration{inner: b, spec: s, ctx: in.ctx, complete: true, host: st.host.Name}
	if s.kind.Platform&st.host.Platform == 0 {
		l.fault(b.TypeRange, "Wrong platform", fmt.Sprintf("%s is for %s; the host %q (%s) is %s.", s.kind.Name, s.kind.Platform, st.host.Name, place(st.host.Range), st.host.Platform))
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
	v, ok := d.item.Resource.(modules.Validator)
	if !ok {
		return
	}
	for _, err := range flatten(v.Validate()) {
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
			if yes, known := l.evalBool(when, scope); !known || !yes {
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
	if !v.IsKnown() {
		if st != nil {
			st.needsRun = st.runbook
		}
		return nil, nil
	}
	t := v.Type()
	switch {
	case v.IsMarked():
		l.faultIn(a.Expr, ctx, "Secret decides", "for_each must not be made of sensitive values: its keys stand in addresses.")
		return nil, nil
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

// platformOf says whether conditions can be judged: facts are read from Linux.
func platformOf(st *stage) bool { return st.host.Platform&host.Linux != 0 }
