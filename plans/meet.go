package plans

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"bisc/modules"
)

// meet tells neighbours of one another and finds things that two resources own. A host's layers are one neighbourhood;
// a runbook's stage is that of the layers with its own resources.
func (l *loader) meet() {
	wanted := map[string][]*declaration{} // by host, of all layers
	for _, st := range l.inOrder() {
		if !st.runbook {
			wanted[st.Host] = append(wanted[st.Host], st.resources...)
		}
	}
	for _, h := range l.plan.Inventory.Names() {
		l.oneOwner(wanted[h])
		l.introduce(wanted[h], resources(wanted[h]), wanted)
		l.agree(wanted[h])
	}
	for _, st := range l.inOrder() {
		if st.runbook {
			l.oneOwner(st.resources)
			l.introduce(st.resources, append(resources(wanted[st.Host]), resources(st.resources)...), wanted)
			l.agree(st.resources)
		}
	}
}

// inOrder is the stages, layers first: by host in the inventory's order, then by layer.
func (l *loader) inOrder() []*stage {
	hosts := map[string]int{}
	for i, h := range l.plan.Inventory.Names() {
		hosts[h] = i
	}
	out := make([]*stage, 0, len(l.stages))
	for _, st := range l.stages {
		out = append(out, st)
	}
	slices.SortFunc(out, func(a, b *stage) int {
		return cmp.Or(strings.Compare(a.key.runbook, b.key.runbook), cmp.Compare(hosts[a.Host], hosts[b.Host]), cmp.Compare(a.Layer, b.Layer), strings.Compare(a.Name, b.Name))
	})
	return out
}

// resources are those that the plan wants: what an invariant wraps is only looked at.
func resources(ds []*declaration) []modules.Resource {
	var out []modules.Resource
	for _, d := range ds {
		if !d.item.Invariant && d.complete {
			out = append(out, d.item.Resource)
		}
	}
	return out
}

// introduce calls Meet once a resource. One inside an invariant is among those that it is told of, too; one that is observed on
// another host is told of those that the layers want there.
func (l *loader) introduce(ds []*declaration, all []modules.Resource, wanted map[string][]*declaration) {
	for _, d := range ds {
		n, ok := d.item.Resource.(modules.Neighbour)
		switch {
		case !ok || !d.complete:
		case d.item.From != "":
			n.Meet(append(resources(wanted[d.item.From]), d.item.Resource))
		case d.item.Invariant:
			n.Meet(append(slices.Clone(all), d.item.Resource))
		default:
			n.Meet(all)
		}
	}
}

// agree asks each resource whether the others contradict it. A rollback contradicts the layer that it undoes: the two are not
// asked of each other.
func (l *loader) agree(ds []*declaration) {
	with := resources(ds)
	for _, d := range ds {
		a, ok := d.item.Resource.(modules.Agreer)
		if !ok || d.item.Invariant || !d.complete {
			continue
		}
		l.faults(d, a.Agree(with))
	}
}

func (l *loader) oneOwner(ds []*declaration) {
	owners := map[string]*declaration{}
	for _, d := range ds {
		o, ok := d.item.Resource.(modules.Owner)
		if !ok || d.item.Invariant || !d.complete {
			continue
		}
		for _, thing := range o.Owns() {
			first, taken := owners[thing]
			if !taken {
				owners[thing] = d
				continue
			}
			if first == d {
				continue
			}
			what, name, _ := strings.Cut(thing, ":")
			l.fault(d.inner.DefRange(), "Two owners", fmt.Sprintf("%s and %s (%s) both write %s %s. One of them must go, or leave it to the other.",
				d.item.Address, first.item.Address, first.item.Where, what, name))
		}
	}
}
