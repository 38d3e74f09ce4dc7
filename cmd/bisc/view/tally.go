package view

import (
	"fmt"
	"strings"

	"bisc/layers"
)

// DriftStates are what drift says of an item, in the order of a summary.
func DriftStates() []string {
	return []string{"in_sync", "drifted", "not_applied", "broken", "accepted", "held", "unknown"}
}

// DriftTally is a round of drift in numbers: what was put right by nobody (drifted), and what was never applied, apart.
type DriftTally struct {
	rows []driftRow
}

// driftRow is an item.
type driftRow struct{ host, layer, kind, address, state string }

// Tally counts a report. known tells whether an item was in sync under this plan, covers whether its difference was
// accepted.
func Tally(rep layers.Report, known func(address, digest string) bool, covers func(layers.Outcome) bool) DriftTally {
	var t DriftTally
	for _, h := range rep {
		for _, o := range h.Outcomes {
			layer := ""
			if o.Stage != nil {
				layer = o.Stage.Name
			}
			t.rows = append(t.rows, driftRow{h.Host, layer, o.Item.Kind, o.Item.Address, driftState(o, known, covers)})
		}
	}
	return t
}

func driftState(o layers.Outcome, known func(address, digest string) bool, covers func(layers.Outcome) bool) string {
	switch c := classOfOutcome("drift", o); {
	case covers(o):
		return "accepted"
	case c == inSync || c == changed:
		return "in_sync"
	case c == held:
		return "held"
	case c == unknown || c == failed || c == notReached || c == waiting:
		return "unknown"
	case c == broken:
		return "broken"
	case known(o.Item.Address, o.Item.Digest):
		return "drifted"
	}
	return "not_applied"
}

// Counts gives the numbers by state; what is none is left out.
func (t DriftTally) Counts() map[string]int {
	out := map[string]int{}
	for _, r := range t.rows {
		out[r.state]++
	}
	return out
}

// Sentence sums up what is not in sync, each kind apart; nothing where all is.
func (t DriftTally) Sentence() string {
	n := t.Counts()
	var words []string
	add := func(state, text string) {
		if n[state] > 0 {
			words = append(words, fmt.Sprintf("%d %s", n[state], text))
		}
	}
	add("drifted", "drifted from what was in sync")
	add("not_applied", "never applied")
	add("broken", plural(n["broken"], "invariant broken", "invariants broken"))
	add("accepted", "accepted")
	add("held", "held")
	add("unknown", "unknown")
	if len(words) == 0 {
		return ""
	}
	return "drift: " + strings.Join(words, ", ") + "\n"
}
