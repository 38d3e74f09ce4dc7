package inventory

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"bisc/internal/source"
)

// via reads one jump host or a list of them, each a name in quotes or host.NAME.
func (d *decoder) via(a *hclsyntax.Attribute) {
	d.host.HasVia = true
	exprs := []hclsyntax.Expression{a.Expr}
	if tuple, ok := a.Expr.(*hclsyntax.TupleConsExpr); ok {
		exprs = tuple.Exprs
	}
	for _, e := range exprs {
		name, ok := hostName(e)
		if !ok {
			d.fault(e.Range(), "Invalid via", "A jump host is the name of a host block, \"abernathy\" or host.abernathy, or a list of such names.")
			continue
		}
		if slices.Contains(d.host.Via, name) {
			d.fault(e.Range(), "Jump host twice", fmt.Sprintf("The chain passes %q twice.", name))
			continue
		}
		d.host.Via = append(d.host.Via, name)
	}
}

func hostName(e hclsyntax.Expression) (string, bool) {
	if t, diags := hcl.AbsTraversalForExpr(e); !diags.HasErrors() {
		if len(t) != 2 || t.RootName() != "host" {
			return "", false
		}
		attr, ok := t[1].(hcl.TraverseAttr)
		return attr.Name, ok
	}
	if len(e.Variables()) > 0 {
		return "", false
	}
	v, diags := e.Value(nil)
	if diags.HasErrors() || v.IsNull() || v.Type() != cty.String {
		return "", false
	}
	return v.AsString(), true
}

// checkChains finds jump hosts that are not there, and chains that come back to where they began.
func (inv *Inventory) checkChains() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, h := range inv.hosts {
		for _, name := range h.Via {
			if _, ok := inv.names[name]; !ok {
				diags = append(diags, fault(h.attrs["via"], "Unknown jump host", fmt.Sprintf("There is no host %q.%s A jump host needs a host block, with jump_only = true where no plan is on it.",
					name, source.DidYouMean(name, inv.Names()))))
			}
		}
	}
	if diags.HasErrors() {
		return diags
	}
	reported := map[string]bool{}
	for _, h := range inv.hosts {
		if cycle := inv.cycle(h); cycle != nil && !reported[cycle[0]] {
			for _, name := range cycle {
				reported[name] = true
			}
			diags = append(diags, fault(inv.names[cycle[0]].attrs["via"], "Jump hosts in a circle", fmt.Sprintf("Each of these is reached through the next: %s.", strings.Join(append(cycle, cycle[0]), " -> "))))
		}
	}
	return diags
}

// cycle is the circle that starting from h leads into, if it does. Each host is visited once.
func (inv *Inventory) cycle(h *Host) []string {
	done := map[string]bool{}
	var path []string
	var visit func(name string) []string
	visit = func(name string) []string {
		if i := slices.Index(path, name); i >= 0 {
			return slices.Clone(path[i:])
		}
		if done[name] {
			return nil
		}
		done[name] = true
		path = append(path, name)
		for _, next := range inv.names[name].Via {
			if c := visit(next); c != nil {
				return c
			}
		}
		path = path[:len(path)-1]
		return nil
	}
	return visit(h.Name)
}

// chain is the jump hosts to h in the order passed: those it names, and before them those to the first of them, as ssh
// does with ProxyJump.
func (inv *Inventory) chain(h *Host) []string {
	via := h.Via
	for len(via) > 0 && len(via) <= len(inv.hosts) {
		first := inv.names[via[0]]
		if first == nil || len(first.Via) == 0 {
			break
		}
		via = append(slices.Clone(first.Via), via...)
	}
	return via
}
