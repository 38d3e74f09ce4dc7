package hold

import (
	"errors"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules"
)

var run = modules.Run{ID: "r1", Who: "alice@desk", Started: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)}

// TestHold sets, knows again and clears a hold, and leaves those of others alone.
func TestHold(t *testing.T) {
	others := host.Hold{Match: "units.*", Who: "bob", Because: "mine", Since: run.Started}
	set := host.Hold{Name: "stop", Match: "agave.*", Who: run.Who, Because: "down", Since: run.Started.Truncate(time.Second), Run: "r1"}
	changed := func(f func(*host.Hold)) host.Hold { h := set; f(&h); return h }
	for _, tt := range []struct {
		name   string
		absent bool
		holds  []host.Hold
		diff   bool
		want   []host.Hold
	}{
		{"set on a host without holds", false, nil, true, []host.Hold{set}},
		{"set beside another's", false, []host.Hold{others}, true, []host.Hold{others, set}},
		{"there already, of an earlier run", false, []host.Hold{changed(func(h *host.Hold) { h.Run, h.Who = "r0", "bob" })}, false, nil},
		{"there with another pattern", false, []host.Hold{changed(func(h *host.Hold) { h.Match = "x" }), others}, true, []host.Hold{others, set}},
		{"there for another reason", false, []host.Hold{changed(func(h *host.Hold) { h.Because = "x" })}, true, []host.Hold{set}},
		{"there, with an end", false, []host.Hold{changed(func(h *host.Hold) { h.Until = run.Started })}, true, []host.Hold{set}},
		{"another of the same pattern is not it", false, []host.Hold{changed(func(h *host.Hold) { h.Name = "" })}, true, []host.Hold{changed(func(h *host.Hold) { h.Name = "" }), set}},
		{"clear", true, []host.Hold{others, set}, true, []host.Hold{others}},
		{"cleared already", true, []host.Hold{others}, false, nil},
	} {
		h := &Hold{Name: "stop", Match: "agave.*", Because: "down", Absent: tt.absent}
		c, list := h.decide(tt.holds, run)
		if c.InSync() == tt.diff {
			t.Errorf("%s: %+v", tt.name, c.Diffs)
		}
		if tt.diff {
			if len(list) != len(tt.want) {
				t.Errorf("%s: %+v", tt.name, list)
				continue
			}
			for i := range list {
				if list[i] != tt.want[i] {
					t.Errorf("%s: %+v, want %+v", tt.name, list[i], tt.want[i])
				}
			}
		}
	}
}

// TestHoldOnAHost writes the list, finds it again, and never writes over one that it could not read.
func TestHoldOnAHost(t *testing.T) {
	f := hosttest.New("h")
	f.Missing[host.HoldsFile(f)] = true
	ctx := modules.WithRun(t.Context(), run)
	h := &Hold{Name: "stop", Match: "agave.*", Because: "down"}
	c, err := h.Plan(ctx, f)
	if err != nil || len(c.Steps) != 2 {
		t.Fatal(c, err)
	}
	for _, s := range c.Steps {
		if err := f.Do(ctx, s); err != nil {
			t.Fatal(err)
		}
	}
	if c, err = h.Plan(ctx, f); err != nil || !c.InSync() || !strings.Contains(f.Wrote(host.HoldsFile(f)), `"name": "stop"`) {
		t.Errorf("%+v, %v\n%s", c, err, f.Wrote(host.HoldsFile(f)))
	}
	h.Absent = true
	if c, err = h.Plan(ctx, f); err != nil || len(c.Diffs) != 1 {
		t.Errorf("%+v, %v", c, err)
	}
	f.Files[host.HoldsFile(f)] = "{"
	if c, err := h.Plan(ctx, f); err == nil || len(c.Steps) > 0 {
		t.Errorf("what is no list is written over: %+v, %v", c, err)
	}
	f.Errors["read "+host.HoldsFile(f)] = errors.New("sick")
	if c, err := h.Plan(ctx, f); err == nil || len(c.Steps) > 0 {
		t.Errorf("what cannot be read is written over: %+v, %v", c, err)
	}
}

// TestValidate wants what a reader at night needs.
func TestValidate(t *testing.T) {
	for _, h := range []*Hold{{Name: "x", Match: "a"}, {Name: "x", Because: "b"}, {Name: "x", Absent: true}} {
		if h.Validate() == nil {
			t.Errorf("%+v passes", h)
		}
	}
	set := &Hold{Name: "x", Match: "a", Because: "b"}
	cleared := &Hold{Name: "x", Match: "a", Absent: true}
	if set.Validate() != nil || cleared.Validate() != nil || set.Interim() == "" || cleared.Interim() != "" || set.HoldName() != "x" || len(set.Owns()) != 1 {
		t.Error("a good one does not pass")
	}
}
