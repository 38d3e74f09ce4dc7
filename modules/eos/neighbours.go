package eos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bisc/internal/eosconf"
	"bisc/internal/host"
	"bisc/modules"
)

// neighbours are the resources that the plan wants on the same switch. It is embedded in every kind here.
type neighbours struct{ all []modules.Resource }

// Meet learns them.
func (n *neighbours) Meet(all []modules.Resource) { n.all = all }

// configuredAmong are those that want lines.
func configuredAmong(all []modules.Resource) []configured {
	var out []configured
	for _, r := range all {
		if c, ok := r.(configured); ok {
			out = append(out, c)
		}
	}
	return out
}

// after is the running configuration once each of them is in force, in the order of the plan: a runbook's stage comes after the
// layers, so that what it takes away is away. It is made once for all that met the same.
func (n *neighbours) after(ctx context.Context, h host.Reader, running *eosconf.Config, r configured) (*eosconf.Config, error) {
	all := n.all
	if len(all) == 0 {
		all = []modules.Resource{r}
	}
	return host.Derive(ctx, h, fmt.Sprintf("eos after %p %d", &all[0], len(all)), func() (*eosconf.Config, error) {
		c := running
		for _, o := range configuredAmong(all) {
			p, err := planned(ctx, h, c, o)
			if err != nil {
				return nil, fmt.Errorf("think %s into the running configuration: %w", o.Called(), err)
			}
			if !p.Empty() {
				c = p.After
			}
		}
		return c, nil
	})
}

// agree finds what contradicts the resource among those that stand before it in the plan, and lines that are another's by the
// plan's own lists.
func (n *neighbours) agree(me configured, with []modules.Resource) error {
	var faults []error
	if err := checkForeign(foreignOf(with), me); err != nil {
		faults = append(faults, err)
	}
	sofar := &eosconf.Config{}
	for _, o := range configuredAmong(with) {
		if p, err := sofar.Plan(o.Wants()...); err == nil {
			sofar = p.After
		}
		if o == me {
			break
		}
		if line := undoes(me, o); line != "" && !sameOwner(me, o) {
			faults = append(faults, fmt.Errorf("it undoes what %s wants (%s): one of the two must go", o.Called(), line))
		}
	}
	for _, r := range absorbed(sofar, me) {
		faults = append(faults, fmt.Errorf("%s, and %s: %s", r.got, r.want, r.why))
	}
	return errors.Join(faults...)
}

// undoes names a line of another's that goes, or comes back, when a resource is put in force after it; empty: they get along. A
// resource that cannot be planned says so by its own Validate.
func undoes(me, other configured) string {
	alone, err := (&eosconf.Config{}).Plan(other.Wants()...)
	if err != nil {
		return ""
	}
	mine, err := alone.After.Plan(me.Wants()...)
	if err != nil {
		return ""
	}
	again, err := mine.After.Plan(other.Wants()...)
	if err != nil {
		return ""
	}
	return first(again)
}

// sameOwner tells whether both own one thing, of which the plan is told anyway.
func sameOwner(a, b configured) bool {
	x, xs := a.(modules.Owner)
	y, ys := b.(modules.Owner)
	return xs && ys && slices.ContainsFunc(x.Owns(), func(thing string) bool { return slices.Contains(y.Owns(), thing) })
}

// first is a line that two resources fight about.
func first(p eosconf.Plan) string {
	for _, e := range slices.Concat(p.Adds, p.Removes) {
		return e.String()
	}
	return ""
}

// owned names what a resource alone may write. A section that is owned whole is named by its headers, a line by those and
// itself.
func owned(wants []eosconf.Want) []string {
	var out []string
	for _, w := range wants {
		at := strings.Join(w.Under, " / ")
		switch {
		case w.Prefix != "":
			out = append(out, "EOS line:"+strings.TrimPrefix(at+" / "+w.Prefix+"*", " / "))
		case w.Mode == eosconf.Exact, len(w.Lines) == 0 && w.Mode == eosconf.Absent:
			out = append(out, "EOS line:"+at)
		default:
			for _, l := range slices.Concat(eosconf.Normalise(w.Under, w.Lines), w.Without) {
				if !strings.HasPrefix(l, " ") { // what stands below another belongs to it
					out = append(out, "EOS line:"+strings.TrimPrefix(at+" / "+l, " / "))
				}
			}
		}
	}
	return out
}
