package plans

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/zclconf/go-cty/cty"

	"bisc/internal/host"
	"bisc/internal/source"
	"bisc/modules"
)

// unresolved stands for a resource some of whose values are known only in a run.
type unresolved struct{}

// Plan never knows.
func (unresolved) Plan(context.Context, host.Reader) (modules.Change, error) {
	return modules.Change{}, errors.New("a value of this resource is known only when its runbook runs")
}

// fill decodes the attributes of a kind's block into its resource. Every attribute is looked at, whatever is wrong with
// the others.
func (l *loader) fill(d *declaration) {
	misspelt := l.unknownAttributes(d)
	fields := reflect.ValueOf(d.item.Resource).Elem()
	for i := range d.spec.attrs {
		a := &d.spec.attrs[i]
		w := wanted{attr: a, value: a.byDefault}
		given, ok := d.inner.Body.Attributes[a.Name]
		if !ok {
			if a.Required && !misspelt[a.Name] {
				l.fault(d.inner.DefRange(), "Missing attribute", fmt.Sprintf("A %s needs %s: %s.", d.spec.kind.Name, a.Name, docOf(a)))
			}
			d.complete = d.complete && !a.Required
		} else {
			w.expr = given.Expr
			w.value, ok = l.eval(given.Expr, d.ctx)
			if !ok || !wholly(w.value) {
				d.complete = false
				if _, text := fields.Field(a.Index).Interface().(modules.Text); ok && !text && w.value.ContainsMarked() {
					l.faultValue(d, w, errSecret)
				}
				d.wants = append(d.wants, w)
				continue
			}
			if w.value.IsNull() { // as if it were not written
				if a.Required {
					l.faultIn(given.Expr, d.ctx, "No value", fmt.Sprintf("%s is required, and this value is null.", a.Name))
					d.complete = false
				}
				w.value = a.byDefault
			}
		}
		d.wants = append(d.wants, w)
		if w.value == cty.NilVal {
			continue
		}
		if err := assign(fields.Field(a.Index), w.value); err != nil {
			d.complete = false
			l.faultValue(d, w, err)
		}
	}
}

func (l *loader) faultValue(d *declaration, w wanted, err error) {
	if w.expr == nil {
		l.fault(d.inner.DefRange(), "Invalid default", fmt.Sprintf("bisc's own fault: the default of %s does not fit it: %s.", w.attr.Name, err))
		return
	}
	if errors.Is(err, errSecret) {
		l.faultIn(w.expr, d.ctx, "Secret shown", fmt.Sprintf("A sensitive value cannot be the %s of a %s: it would stand in plans, in the journal and on command lines. Only content, an attribute of type text, may be sensitive.", w.attr.Name, d.spec.kind.Name))
		return
	}
	l.faultIn(w.expr, d.ctx, "Invalid "+w.attr.Name, source.Sentence(err.Error()))
}

// unknownAttributes reports what a kind does not have, and gives the names that were probably meant.
func (l *loader) unknownAttributes(d *declaration) map[string]bool {
	meant := map[string]bool{}
	for _, given := range inOrder(d.inner.Body.Attributes) {
		if isMeta(given.Name) || d.spec.has(given.Name) {
			continue
		}
		if given.Name == metaFrom {
			l.fault(given.NameRange, "Misplaced attribute", "from belongs to an invariant: only what is checked and never repaired is observed on another host.")
			continue
		}
		meant[source.Suggest(given.Name, d.spec.names)] = true
		l.fault(given.NameRange, "Unknown attribute", fmt.Sprintf("A %s has no attribute %q.%s", d.spec.kind.Name, given.Name, source.DidYouMean(given.Name, d.spec.names)))
	}
	for _, inner := range d.inner.Body.Blocks {
		hint := source.DidYouMean(inner.Type, d.spec.names)
		if d.spec.has(inner.Type) {
			hint = fmt.Sprintf(" %s is an attribute: write %s = { ... }.", inner.Type, inner.Type)
		}
		l.fault(inner.TypeRange, "Unexpected block", fmt.Sprintf("A %s has no blocks in it.%s", d.spec.kind.Name, hint))
		meant[inner.Type] = true
	}
	return meant
}

func docOf(a *attribute) string {
	if a.Doc == "" {
		return "a " + a.Type
	}
	return a.Doc
}

// wholly is IsWhollyKnown for values that may hold marks.
func wholly(v cty.Value) bool {
	v, _ = v.UnmarkDeep()
	return v.IsWhollyKnown()
}
