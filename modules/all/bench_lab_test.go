package all

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/lab"
	"bisc/internal/lab/reached"
	"bisc/layers"
	"bisc/modules"
)

// bench is a real host, reached over SSH as ops with sudo, and a plan on it.
type bench struct{ *reached.Bench }

func newBench(t *testing.T, opts lab.HostOptions) *bench {
	t.Helper()
	return &bench{reached.New(t, lab.ForTest(t, lab.Options{Hosts: []lab.HostOptions{opts}}).Host(opts.Name))}
}

// stage is a plan of resources; the first is the one that is looked at, the others are its neighbours.
func stage(t *testing.T, name string, resources ...modules.Resource) *layers.Stage {
	t.Helper()
	st := &layers.Stage{Layer: layers.Units, Name: "units", Host: name, Assumes: []layers.Layer{}}
	for i, r := range resources {
		if v, ok := r.(modules.Validator); ok {
			if err := v.Validate(); err != nil {
				t.Fatalf("resource %d: %v", i, err)
			}
		}
		if n, ok := r.(modules.Neighbour); ok {
			n.Meet(resources)
		}
		st.Items = append(st.Items, layers.Item{Address: fmt.Sprint(i), Resource: r})
	}
	return st
}

// plan gives what differs, as "boot enabled" a diff, with "?" before one that no step mends.
func (b *bench) plan(t *testing.T, st *layers.Stage) []string {
	t.Helper()
	h, err := b.Reader(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	rep := layers.Observe(t.Context(), host.NewMemo(h), []*layers.Stage{st}, layers.Options{})
	if rep.Err != nil {
		t.Fatal(rep.Err)
	}
	for _, o := range rep.Outcomes {
		if o.Err != nil {
			t.Fatalf("unknown: %v", o.Err)
		}
		for _, d := range o.Change.Diffs {
			out = append(out, brief(d))
			t.Logf("  %s: %s -> %s  %s", brief(d), d.Got, d.Want, d.Why)
		}
	}
	return out
}

func brief(d modules.Diff) string {
	half, why := "now ", ""
	if d.Boot {
		half = "boot "
	}
	if d.Why != "" {
		why = "?"
	}
	return why + half + d.Attr
}

// apply climbs, with every destruction permitted, and fails where something is left that could be mended.
func (b *bench) apply(t *testing.T, st *layers.Stage) {
	t.Helper()
	destroy := map[string]bool{}
	for _, it := range st.Items {
		destroy[it.Address] = true
	}
	rep, err := layers.Climb{
		Stages: []*layers.Stage{st}, Hosts: b,
		Acting:  layers.Acting{Options: layers.Options{Destroy: destroy}, Record: layers.NoRecord{}},
		Approve: func(int, layers.Report) (bool, error) { return true, nil },
	}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.Release(t)
	for _, h := range rep {
		if h.Err != nil {
			t.Fatal(h.Err)
		}
	}
	for _, o := range rep.Outcomes() {
		if o.State != layers.InSync && o.State != layers.Changed || o.Err != nil {
			t.Errorf("after apply %s is %s %s: %v", o.Item.Address, o.State, o.Reason, o.Err)
		}
	}
}

func (b *bench) shell(t *testing.T, script string) {
	t.Helper()
	if out, err := b.Lab.Shell(t.Context(), script); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

// damage is something done by hand, and what a plan must say of it: exactly these attributes and halves.
type damage struct {
	name, script string
	want         []string
}

// holds brings the resources onto the host, and then, for each damage: the plan names exactly what was damaged, and
// writes nothing; apply repairs it; the next plan is empty.
func (b *bench) holds(t *testing.T, resources []modules.Resource, damages ...damage) {
	t.Helper()
	st := stage(t, b.Lab.Name, resources...)
	b.apply(t, st)
	b.empty(t, st, "after the first apply")
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			b.shell(t, d.script)
			before, err := b.Lab.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := b.plan(t, st); !slices.Equal(got, d.want) {
				t.Errorf("the plan says %q, want %q", got, d.want)
			}
			after, err := b.Lab.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := before.Diff(after); len(diff) > 0 {
				t.Errorf("the plan wrote:\n%s", strings.Join(diff, "\n"))
			}
			b.apply(t, st)
			b.empty(t, st, "after the repair")
		})
	}
}

func (b *bench) empty(t *testing.T, st *layers.Stage, when string) {
	t.Helper()
	if left := b.plan(t, st); len(left) > 0 {
		t.Errorf("%s the plan is not empty: %q", when, left)
	}
}
