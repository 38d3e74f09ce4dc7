package layers

import "slices"

// Options narrow and permit.
type Options struct {
	// Select tells which items are meant; nil means all. Invariants that gate a selected item are observed all the same.
	Select func(Item, *Stage) bool
	// Destroy holds the addresses whose destruction the operator named.
	Destroy map[string]bool
	// Override holds invariants that the operator passes although they fail, with the reason.
	Override map[string]string
	// Key is under which digests of steps are made wherever they are shown or kept.
	Key []byte
	// NoProbes leaves the unless of commands unasked: they are unknown then.
	NoProbes bool

	others *others // those that invariants are observed on with from; nil where only one host is looked at
}

// chosen lists the items to observe: those selected, every invariant of their stages, and the invariants of the layers
// that their stages assume.
func (o Options) chosen(stages []*Stage) []place {
	acting := map[*Stage]bool{}
	for _, st := range stages {
		for _, it := range st.Items {
			if o.selects(it, st) {
				acting[st] = true
			}
		}
	}
	needed := func(st *Stage) bool {
		for a := range acting {
			if a == st || slices.Contains(a.assumed(), st.Layer) && st.Name == st.Layer.String() {
				return true
			}
		}
		return false
	}
	var out []place
	for _, st := range stages {
		gates := needed(st)
		for _, it := range st.Items {
			if acting[st] && o.selects(it, st) || it.Invariant && gates {
				out = append(out, place{st, it})
			}
		}
	}
	return out
}

func (o Options) selects(it Item, st *Stage) bool { return o.Select == nil || o.Select(it, st) }

// assumed is the layers whose invariants gate the stage.
func (s *Stage) assumed() []Layer {
	if s.Assumes != nil {
		return s.Assumes
	}
	var below []Layer
	for l := Storage; l < s.Layer; l++ {
		below = append(below, l)
	}
	return below
}

// GatedBy tells whether the invariants of a layer's stage gate this one.
func (s *Stage) GatedBy(below *Stage) bool { return gates(below, s) }
