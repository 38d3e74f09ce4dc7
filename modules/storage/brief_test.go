package storage

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bisc/internal/host"
	"bisc/modules"
)

// brief writes a change as a list: "now size: 1GiB -> 2GiB", "boot ..", "left ..: WHY" for what is left alone, "do .." and "destroys ..".
func brief(c modules.Change) (out []string) {
	for _, d := range c.Diffs {
		half, why := "now", ""
		if d.Boot {
			half = "boot"
		}
		if d.Why != "" {
			half, why = "left", " ("+d.Why+")"
		}
		out = append(out, fmt.Sprintf("%s %s: %s -> %s%s", half, d.Attr, d.Got, d.Want, why))
	}
	for _, s := range c.Steps {
		first, _, _ := strings.Cut(s.String(), "\n")
		if script, ok := s.(host.Script); ok {
			first = strings.Join(script.Argv, " ")
			for _, g := range script.Guards {
				first += " | " + g.Name
			}
		}
		out = append(out, "do "+first)
	}
	for _, d := range c.Destroys {
		out = append(out, "destroys "+d)
	}
	return out
}

// wants compares a change with a brief list. A line that ends in * is compared up to there.
func wants(t *testing.T, situation string, c modules.Change, want ...string) {
	t.Helper()
	got := brief(c)
	for i := range min(len(got), len(want)) {
		if start, ok := strings.CutSuffix(want[i], "*"); ok && strings.HasPrefix(got[i], start) {
			got[i] = want[i]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s", situation, diff)
	}
}

func faultsOf(t *testing.T, r modules.Validator) string {
	t.Helper()
	if err := r.Validate(); err != nil {
		return strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return ""
}
