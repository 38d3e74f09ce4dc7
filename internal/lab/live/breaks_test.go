package live

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/layers"
	"bisc/modules"
	"bisc/modules/all"
)

// kindsOfHosts are the kinds that a Linux host may have. A switch's kinds are broken, and what they can cut is guarded, on the emulated
// switch: modules/eos (TestSwitchTwice, TestSwitchEdges, TestSwitchState) and internal/host/eoshost (F28 to F32). Those of the layers
// kind and agave need a cluster: they are broken on one in their own packages and in plans/biscayne.
func kindsOfHosts() []modules.Kind {
	return slices.DeleteFunc(all.Registry().Kinds(), func(k modules.Kind) bool {
		return k.Platform&host.Linux == 0 || k.Layer == "kind" || k.Layer == "agave"
	})
}

// TestEveryAttributeIsBroken holds testdata/breaks against the kinds: a new kind or attribute needs a case or a reason.
func TestEveryAttributeIsBroken(t *testing.T) {
	have := scripts(t, "breaks")
	for _, k := range kindsOfHosts() {
		s, ok := have[k.Name]
		if !ok {
			t.Errorf("kind %s has no testdata/breaks/%s.txtar", k.Name, k.Name)
			continue
		}
		for _, fault := range s.uncovered(k) {
			t.Errorf("%s: %s", k.Name, fault)
		}
		delete(have, k.Name)
	}
	for name := range have {
		t.Errorf("testdata/breaks/%s.txtar is of no kind", name)
	}
}

// The test above must be able to fail.
func TestAnAttributeWithoutACaseIsFound(t *testing.T) {
	k, _ := all.Registry().Lookup("file")
	s := &script{exempt: map[string]string{"* boot": "why", "nonsense now": "why"}}
	if err := s.section("plan", "x"); err != nil {
		t.Fatal(err)
	}
	if err := s.section("break mode now", "chmod 600 /etc/lab\n"); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(s.uncovered(k), "\n")
	if !strings.Contains(got, "content now has neither") || !strings.Contains(got, "nonsense now is exempt and is no attribute") ||
		strings.Contains(got, "mode now") {
		t.Errorf("got %s", got)
	}
}

// TestBreaks is the test that makes the others believable: each attribute of each kind is applied to a real host, spoiled
// by hand, named by plan with its half and nothing beside, repaired by apply, and then there is nothing to do. No plan
// writes anything.
func TestBreaks(t *testing.T) {
	program, have := program(t), scripts(t, "breaks")
	for _, k := range all.Registry().Kinds() {
		s, ok := have[k.Name]
		if !ok {
			continue // TestEveryAttributeIsBroken says so
		}
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			o := oneHost(t, program)
			for i, g := range s.grounds {
				if !t.Run(fmt.Sprintf("plan %d", i+1), func(t *testing.T) { o.ground(t, k, g) }) {
					return // the host is not what the next one expects
				}
			}
		})
	}
}

// ground puts the plan in force on the host, and breaks it.
func (o *operator) ground(t *testing.T, k modules.Kind, g *ground) {
	stages, subject := o.inForce(t, k, g)
	for _, a := range g.acts {
		if !t.Run(a.name(), func(t *testing.T) { o.act(t, stages, subject, a) }) {
			return
		}
	}
}

// inForce applies a ground's plan from scratch, and gives its stages and the address of the resource that it is about.
func (o *operator) inForce(t *testing.T, k modules.Kind, g *ground) (stages []*layers.Stage, subject string) {
	t.Helper()
	if g.prepare != "" {
		o.sh(t, g.prepare)
	}
	stages = o.load(t, g.plan)
	for _, it := range stages[0].Items {
		if it.Kind == k.Name {
			subject = local(it.Address)
			break
		}
	}
	if subject == "" {
		t.Fatalf("the plan has no %s", k.Name)
	}
	everything := layers.Options{Destroy: addresses(stages)}
	if left := bad(o.apply(t, stages, o.plan(t, stages, everything), everything)); len(left) > 0 {
		t.Fatalf("apply from scratch:\n%s", strings.Join(left, "\n"))
	}
	o.inSync(t, stages, "the plan after the first apply")
	return stages, subject
}

// act breaks one attribute and has it repaired.
func (o *operator) act(t *testing.T, stages []*layers.Stage, subject string, a act) {
	if a.reboot {
		if err := o.host.Reboot(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.sh(t, "systemctl is-system-running --wait >/dev/null || true")
		o.inSync(t, stages, "the plan after a reboot")
		return
	}
	o.sh(t, a.shell)
	opts := layers.Options{}
	shown := o.plan(t, stages, opts)
	a.compare(t, shown, subject)
	if a.destroys != "" {
		o.mustBeNamed(t, stages, shown, a.destroys)
		opts.Destroy = addresses(stages)
		shown = o.plan(t, stages, opts)
	}
	left := bad(o.apply(t, stages, shown, opts))
	if len(left) > 0 {
		t.Errorf("apply:\n%s", strings.Join(left, "\n"))
	}
	if kept := a.left(); len(kept) > 0 {
		act{want: kept}.compare(t, o.plan(t, stages, layers.Options{}), subject)
	}
	if a.undo != "" {
		o.sh(t, a.undo)
	}
	o.inSync(t, stages, "the plan after the repair")
}

// left is what bisc is to leave alone for good.
func (a act) left() []expected {
	return slices.DeleteFunc(slices.Clone(a.want), func(e expected) bool { return e.left == "" || e.late })
}

// compare fails the test unless the plan shows exactly what is wanted.
func (a act) compare(t *testing.T, rep layers.Report, subject string) {
	t.Helper()
	var got, want []string
	for _, o := range rep.Outcomes() {
		for _, d := range o.Change.Diffs {
			got = append(got, line(d, local(o.Item.Address), subject))
		}
	}
	for _, e := range a.want {
		want = append(want, e.diff)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("plan shows %q, want %q\n%s", got, want, text(rep))
		return
	}
	for _, o := range rep.Outcomes() {
		for _, d := range o.Change.Diffs {
			i := slices.IndexFunc(a.want, func(e expected) bool { return e.diff == line(d, local(o.Item.Address), subject) })
			if left := a.want[i].left; (left == "") != (d.Why == "") || !strings.Contains(d.Why, left) {
				t.Errorf("%s: left alone because %q, want %q", a.want[i].diff, d.Why, left)
			}
		}
	}
}

// line is a diff as scripts write it.
func line(d modules.Diff, address, subject string) string {
	half := "now"
	if d.Boot {
		half = "boot"
	}
	if address != subject {
		return half + " " + d.Attr + " of " + address
	}
	return half + " " + d.Attr
}

// mustBeNamed proves that what destroys something is blocked, and does nothing, until its address is named.
func (o *operator) mustBeNamed(t *testing.T, stages []*layers.Stage, shown layers.Report, what string) {
	t.Helper()
	said := false
	for _, out := range shown.Outcomes() {
		if len(out.Change.Destroys) == 0 {
			continue
		}
		said = said || strings.Contains(strings.Join(out.Change.Destroys, "\n"), what)
		if out.State != layers.Blocked || !strings.Contains(out.Reason, "--destroy") {
			t.Errorf("%s destroys %q and is %s: %s", out.Item.Address, out.Change.Destroys, out.State, out.Reason)
		}
	}
	if !said {
		t.Errorf("nothing destroys %q:\n%s", what, text(shown))
	}
	before := o.snapshot(t)
	o.apply(t, stages, shown, layers.Options{})
	if wrote := before.Diff(o.snapshot(t)); len(wrote) > 0 {
		t.Errorf("it was not named, and yet:\n%s", strings.Join(wrote, "\n"))
	}
}

// inSync fails the test unless a plan has nothing to say.
func (o *operator) inSync(t *testing.T, stages []*layers.Stage, when string) {
	t.Helper()
	rep := o.plan(t, stages, layers.Options{})
	for _, out := range rep.Outcomes() {
		if out.State != layers.InSync {
			t.Errorf("%s is not empty:\n%s", when, text(rep))
			return
		}
	}
}

// text is a plan for a failed test's message.
func text(rep layers.Report) string {
	var b strings.Builder
	for _, o := range rep.Outcomes() {
		if o.State == layers.InSync {
			continue
		}
		fmt.Fprintf(&b, "%s is %s %s %v\n", local(o.Item.Address), o.State, o.Reason, o.Err)
		for _, d := range o.Change.Diffs {
			fmt.Fprintf(&b, "  %s: %q -> %q (%s)\n", line(d, "", ""), d.Got, d.Want, d.Why)
		}
		for _, s := range o.Change.Steps {
			fmt.Fprintf(&b, "  step: %.300s\n", s)
		}
	}
	return b.String()
}

// local is an address without host and layer.
func local(address string) string { return strings.TrimPrefix(address, "a:storage.") }

func addresses(stages []*layers.Stage) map[string]bool {
	out := map[string]bool{}
	for _, st := range stages {
		for _, it := range st.Items {
			out[it.Address] = true
		}
	}
	return out
}
