package reached

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/layers"
	"bisc/modules"
)

// Plan gives the change that a resource sees now, validated first as a plan's are.
func (b *Bench) Plan(t testing.TB, r modules.Resource) modules.Change {
	t.Helper()
	if v, ok := r.(modules.Validator); ok {
		if err := v.Validate(); err != nil {
			t.Fatal(err)
		}
	}
	h, err := b.Reader(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Plan(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Apply climbs with one resource until nothing is left to do, and gives its last outcome. All that it destroys is permitted.
func (b *Bench) Apply(t testing.TB, r modules.Resource) layers.Outcome {
	t.Helper()
	defer b.Release(t)
	st := &layers.Stage{Layer: layers.Kind, Name: "kind", Host: b.Lab.Name, Assumes: []layers.Layer{}, Items: []layers.Item{{Address: "it", Resource: r}}}
	rep, err := layers.Climb{
		Stages: []*layers.Stage{st}, Hosts: b,
		Acting:  layers.Acting{Options: layers.Options{Destroy: map[string]bool{"it": true}}, Record: layers.NoRecord{}},
		Approve: func(int, layers.Report) (bool, error) { return true, nil },
	}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range rep {
		if h.Err != nil {
			t.Fatal(h.Err)
		}
	}
	return rep.Outcomes()[0]
}

// Does wants a resource to have something to do, does it once, step by step, and looks until the host agrees: for a test that holds the
// host's lock from one act to the next. What another has made a moment ago may not be ready to be worked on: that is waited for.
func (b *Bench) Does(t testing.TB, r modules.Resource) {
	t.Helper()
	c := b.Plan(t, r)
	if c.InSync() {
		t.Fatal("there is nothing to do")
	}
	for end := time.Now().Add(time.Minute); len(c.Steps) == 0 && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		c = b.Plan(t, r)
	}
	if len(c.Steps) == 0 {
		t.Fatalf("nothing can be done:\n%s", left(c))
	}
	b.Do(t, c.Steps...)
	b.Settle(t, r)
}

// Do does steps, each of which must succeed.
func (b *Bench) Do(t testing.TB, steps ...host.Step) {
	t.Helper()
	w := b.Hands(t)
	for _, s := range steps {
		if err := w.Do(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// Settle looks until a resource is in sync, for two minutes. An observation that fails meanwhile is one that is not in sync.
func (b *Bench) Settle(t testing.TB, r modules.Resource) {
	t.Helper()
	h, err := b.Reader(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	var c modules.Change
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if c, err = r.Plan(t.Context(), h); err == nil && c.InSync() {
			return
		}
	}
	t.Fatalf("after two minutes the host does not agree: %v\n%s", err, left(c))
}

// left is what differs, a line each, with why nothing is done about it.
func left(c modules.Change) string {
	var lines []string
	for _, d := range c.Diffs {
		lines = append(lines, fmt.Sprintf("%s: %s -> %s  %s", d.Attr, d.Got, d.Want, d.Why))
	}
	return strings.Join(lines, "\n")
}
