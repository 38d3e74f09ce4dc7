// Package layers observes stages of resources on hosts, plans rounds, applies what was approved, and reports. It knows
// no HCL and no transport: items come from package plans, hosts as host.Writer.
package layers

import (
	"fmt"
	"time"

	"bisc/modules"
)

// Layer is one of the five; it assumes that those below it are in order. Layers are per host.
type Layer int

// The layers, lowest first.
const (
	Storage Layer = iota + 1
	Units
	Kind
	Agave
	Relay
)

var layerNames = []string{"", "storage", "units", "kind", "agave", "relay"}

// String is the name in the language.
func (l Layer) String() string {
	if l < Storage || l > Relay {
		return fmt.Sprintf("layer(%d)", int(l))
	}
	return layerNames[l]
}

// ParseLayer finds a layer by its name.
func ParseLayer(name string) (Layer, bool) {
	for l := Storage; l <= Relay; l++ {
		if layerNames[l] == name {
			return l, true
		}
	}
	return 0, false
}

// Names lists the layers' names, lowest first.
func Names() []string { return append([]string(nil), layerNames[1:]...) }

// Stage is an ordered list of resources on one host: a layer's body, or one step of a runbook.
type Stage struct {
	Layer Layer
	Name  string // the layer's name, or runbook/stage
	Host  string
	// Assumes is the layers whose invariants gate this stage; nil means all below Layer, empty means none.
	Assumes []Layer
	Items   []Item
	// Because says what a runbook's stage is for, Else what to do where it does not come to its end; for people, and may be empty.
	Because, Else string
	// Releases names the holds that the stage's runbook sets or clears itself: they do not stand in its way.
	Releases []string
}

// OfRunbook tells whether it is a step of a runbook, and no layer's body.
func (s *Stage) OfRunbook() bool { return s.Name != s.Layer.String() }

// Item is a resource in its place.
type Item struct {
	// Address is host:layer.kind["label"], unique in a plan.
	Address string
	// Where is file:line of the block.
	Where    string
	Kind     string
	Resource modules.Resource
	// Invariant: checked, never repaired. It is judged in its place in the stage.
	Invariant bool
	// From is the host that an invariant is observed on where it is not the stage's: the other end of a path. The address stays
	// the stage's, and so does what the invariant gates.
	From string
	// Same is the address of the layers' item about the same thing on the same host, for an item of a runbook: what an operator
	// holds there is held from the runbook too. Empty where there is none.
	Same string
	// Because is why an invariant must hold.
	Because string
	// Digest is a digest of what the plan wants (not of what was observed): it tells whether a resource is still the
	// one that was in sync before.
	Digest string
}

// State is what is known of an item.
type State int

// The states of an item.
const (
	InSync     State = iota
	Drifted          // differs; in a plan: will change where there are steps
	Changed          // steps were done and the host agrees
	Held             // differs, but a hold on the host covers it
	Blocked          // differs, and a guard, gate, invariant or unnamed destruction stands before it
	Unknown          // could not be observed
	NotReached       // not tried: something before it stopped the round
	Failed           // a step failed, or the host did not agree in time
	Stale            // the host is no longer as the plan saw it; nothing was done
)

var stateNames = [...]string{"in sync", "drifted", "changed", "held", "blocked", "unknown", "not reached", "failed", "stale"}

// String is the word used in JSON and in reports.
func (s State) String() string { return stateNames[s] }

// Outcome is what came of an item in one round.
type Outcome struct {
	Stage  *Stage
	Item   Item
	State  State
	Change modules.Change
	// Left is what differs after the round and no step mends.
	Left []modules.Diff
	// Passed is an invariant that fails and was overridden by name: it opens what it gates.
	Passed bool
	// Reason says why it is blocked, held, stale or not reached.
	Reason string
	Err    error
	Took   time.Duration
}

// HostReport is the outcomes of one host in plan order, or why there are none.
type HostReport struct {
	Host     string
	Identity Identity
	Holds    []Hold
	// Err is set when the host could not be reached, locked or identified; then no item was observed.
	Err      error
	Outcomes []Outcome
}

// Report is a round over all hosts, in the order of the plan.
type Report []HostReport

// Outcomes gives those of all hosts, in plan order.
func (r Report) Outcomes() []Outcome {
	var out []Outcome
	for _, h := range r {
		out = append(out, h.Outcomes...)
	}
	return out
}
