package discover

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"bisc/internal/host"
	"bisc/internal/source"
	"bisc/layers"
	"bisc/plans"
)

// Variants is how a host compares with a plan that has variants: a variable of which the plan says what it may be. Where it has
// several such variables, it is the one with the most values, and the others have for each of these what fits best.
type Variants struct {
	Plan     string // the folder
	Variable string
	Tried    []Tried // fewest differences first
}

// Tried is the plan with one value of its variable.
type Tried struct {
	Value string
	// With are the plan's other variables that fit better with another value than their default: "relay_design = dnat".
	With []string
	// Resources counts those of the plan on this host; Differs and Unknown those that differ or could not be observed, with
	// their addresses. Invariants are left out: each says what a resource says as well.
	Resources int
	Differs   []string
	Unknown   []string
	// Fault is why the plan cannot be loaded with this value, empty where it can.
	Fault string
}

// Best gives the values of which none fits better; more than one when the host does not tell them apart.
func (v *Variants) Best() (out []Tried) {
	for _, t := range v.Tried {
		if t.Fault == "" && t.cost() == v.Tried[0].cost() {
			out = append(out, t)
		}
	}
	return out
}

func (t Tried) cost() int { return len(t.Differs) + len(t.Unknown) }

// String says which variant it is, and how far it is from that.
func (v *Variants) String() string {
	best := v.Best()
	if len(best) == 0 {
		return v.Plan + " says nothing of this host in any variant."
	}
	var names, rest []string
	for _, t := range best {
		names = append(names, strings.Join(append([]string{t.Value}, t.With...), ", "))
	}
	for _, t := range v.Tried[len(best):] {
		if t.Fault == "" {
			rest = append(rest, fmt.Sprintf("%s %d", t.Value, t.cost()))
		}
	}
	text := fmt.Sprintf("Of %s with %s = %s: %d of %d resources differ", v.Plan, v.Variable, strings.Join(names, " or "), len(best[0].Differs), best[0].Resources)
	if n := len(best[0].Unknown); n > 0 {
		text += fmt.Sprintf(", %d could not be observed", n)
	}
	if len(rest) > 0 {
		text += " (" + strings.Join(rest, ", ") + ")"
	}
	return text + "."
}

// Compare observes the host under a plan with every value that the plan's variable may have. The reader should be a memo:
// the variants ask the same.
func Compare(ctx context.Context, h host.Reader, folder string, opts plans.Options) (*Variants, error) {
	v := &Variants{Plan: folder}
	all := choices(opts.Files)
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no variants to compare with: no variable has a validation that says contains([...], var.NAME)", folder)
	}
	slices.SortStableFunc(all, func(a, b choice) int { return len(b.values) - len(a.values) })
	v.Variable = all[0].name
	for _, value := range all[0].values {
		t, err := fitting(ctx, h, with(opts, v.Variable, value), all[1:])
		if err != nil {
			return nil, err
		}
		t.Value = value
		v.Tried = append(v.Tried, t)
	}
	slices.SortStableFunc(v.Tried, func(a, b Tried) int {
		if (a.Fault == "") != (b.Fault == "") {
			return map[bool]int{true: -1, false: 1}[a.Fault == ""]
		}
		return a.cost() - b.cost()
	})
	return v, nil
}

// fitting tries the plan with the defaults of the other variables, and each of those with its other values, one after the other.
func fitting(ctx context.Context, h host.Reader, opts plans.Options, others []choice) (Tried, error) {
	best, err := try(ctx, h, opts)
	for _, c := range others {
		before := opts
		if _, given := opts.Vars[c.name]; given {
			continue
		}
		for _, value := range c.values {
			tried := with(before, c.name, value)
			t, wrong := try(ctx, h, tried)
			if err == nil {
				err = wrong
			}
			if t.Fault == "" && (best.Fault != "" || t.cost() < best.cost()) {
				t.With = append(slices.Clone(best.With), c.name+" = "+value)
				best, opts = t, tried
			}
		}
	}
	return best, err
}

// with is the options with one more variable given.
func with(opts plans.Options, name, value string) plans.Options {
	vars := map[string]string{name: value}
	for k, given := range opts.Vars {
		if k != name {
			vars[k] = given
		}
	}
	opts.Vars = vars
	return opts
}

func try(ctx context.Context, h host.Reader, opts plans.Options) (Tried, error) {
	var t Tried
	plan, diags := plans.Load(opts)
	if diags.HasErrors() {
		t.Fault = diags.Error()
		return t, nil
	}
	stages := stagesOf(plan, h.Name())
	if len(stages) == 0 {
		t.Fault = "it has no layer on " + h.Name()
		return t, nil
	}
	rep := layers.Observe(ctx, h, stages, layers.Options{NoProbes: true, Key: opts.DigestKey})
	if rep.Err != nil {
		return t, rep.Err
	}
	for _, o := range rep.Outcomes {
		if o.Item.Invariant {
			continue
		}
		t.Resources++
		switch {
		case o.Err != nil:
			t.Unknown = append(t.Unknown, o.Item.Address)
		case !o.Change.InSync():
			t.Differs = append(t.Differs, o.Item.Address)
		}
	}
	return t, nil
}

// choice is a variable of which the plan says what it may be.
type choice struct {
	name   string
	values []string
}

// choices finds the variables whose validation says contains([...literals...], var.NAME), and the literals.
func choices(files []source.File) (all []choice) {
	for _, f := range files {
		parsed, diags := source.Parse(f)
		if diags.HasErrors() {
			continue
		}
		for _, b := range source.Body(parsed).Blocks {
			if b.Type != "variable" || len(b.Labels) != 1 {
				continue
			}
			for _, v := range b.Body.Blocks {
				if a := v.Body.Attributes["condition"]; v.Type == "validation" && a != nil {
					if values := listed(a.Expr, b.Labels[0]); len(values) > 0 {
						all = append(all, choice{b.Labels[0], values})
						break
					}
				}
			}
		}
	}
	return all
}

// listed gives the literals of contains(["A", "B"], var.name).
func listed(e hclsyntax.Expression, name string) (values []string) {
	call, ok := e.(*hclsyntax.FunctionCallExpr)
	if !ok || call.Name != "contains" || len(call.Args) != 2 {
		return nil
	}
	list, isList := call.Args[0].(*hclsyntax.TupleConsExpr)
	of, isVar := call.Args[1].(*hclsyntax.ScopeTraversalExpr)
	if !isList || !isVar || of.Traversal.RootName() != "var" || len(of.Traversal) != 2 {
		return nil
	}
	if attr, ok := of.Traversal[1].(hcl.TraverseAttr); !ok || attr.Name != name {
		return nil
	}
	for _, item := range list.Exprs {
		v, diags := item.Value(nil)
		if diags.HasErrors() || v.IsNull() || v.Type().FriendlyName() != "string" {
			return nil
		}
		values = append(values, v.AsString())
	}
	return values
}
