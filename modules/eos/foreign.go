package eos

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"bisc/internal/eosconf"
	"bisc/modules"
)

// foreignOf is what belongs to the second manager: what always does, and what the plan's eos_ownership blocks name.
func foreignOf(all []modules.Resource) []string {
	out := slices.Clone(eosconf.DefaultForeign())
	for _, r := range all {
		if o, ok := r.(*Ownership); ok {
			out = append(out, o.Foreign...)
		}
	}
	return out
}

// foreignWhy says why a line that a pattern names is left.
func foreignWhy(pattern string) string {
	return fmt.Sprintf("the list of what is the second manager's (eos_ownership) has %q: that manager writes it anew with each of its own commits, and what is changed there is lost or harms it (incident 40): leave it, or write allow_foreign = true", pattern)
}

// checkForeign finds, before any switch is asked, lines of the plan that are the second manager's.
func checkForeign(patterns []string, r configured) error {
	if r.Foreigner() {
		return nil
	}
	var faults []error
	for _, w := range r.Wants() {
		lines := slices.Concat(w.Lines, w.Without)
		if len(lines) == 0 && len(w.Under) > 0 { // the section itself
			n := len(w.Under) - 1
			w.Under, lines = w.Under[:n:n], w.Under[n:]
		}
		if w.Prefix != "" {
			lines = append(lines, strings.TrimSpace(w.Prefix))
		}
		for _, l := range lines {
			if owner, is := eosconf.Foreign(patterns, w.Under, strings.TrimSpace(l)); is {
				faults = append(faults, fmt.Errorf("%q is not ours: %s", eosconf.Entry{Under: w.Under, Line: strings.TrimSpace(l)}.String(), foreignWhy(owner)))
				break
			}
		}
	}
	return errors.Join(faults...)
}

// foreignTouched finds lines of the second manager's among those that would really come or go: what a section has beside the
// plan's lines is only known here.
func foreignTouched(patterns []string, r configured, p eosconf.Plan) []refusal {
	if r.Foreigner() {
		return nil
	}
	var out []refusal
	for _, e := range slices.Concat(p.Removes, p.Adds) {
		if owner, is := eosconf.Foreign(patterns, e.Under, e.Line); is {
			out = append(out, refusal{"foreign", e.String(), "(changed)", foreignWhy(owner)})
		}
	}
	return out
}
