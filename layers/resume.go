package layers

import (
	"fmt"
	"slices"
)

// Past is what became of the steps of a plan file in its earlier runs: by address, then by the step's digest.
type Past map[string]map[string]ResultState

// Add takes a step's result. Of a step that was tried more than once the worse counts: what may have happened, happened,
// and what was done once is done, whatever became of it before and after.
func (p Past) Add(address, digest string, state ResultState) {
	if p[address] == nil {
		p[address] = map[string]ResultState{}
	}
	if was, known := p[address][digest]; !known || was == NotDone || state == Done {
		p[address][digest] = state
	}
}

// Resume keeps of a bound host what the plan file's consent still covers after a run that was cut: what was done, and is
// not as wanted again, was undone by somebody; and what destroys is not begun twice, unless it is proved that it never
// was begun. The rest is done as approved.
func (s Saved) Resume(bound HostReport, past Past) HostReport {
	out := bound
	out.Outcomes = slices.Clone(bound.Outcomes)
	at := slices.IndexFunc(s.Hosts, func(sh SavedHost) bool { return sh.Host == bound.Host })
	if at < 0 {
		return out
	}
	for i := range out.Outcomes {
		o := &out.Outcomes[i]
		if !o.Pending() {
			continue
		}
		j := slices.IndexFunc(s.Hosts[at].Items, func(it SavedItem) bool { return it.Address == o.Item.Address })
		if j < 0 {
			continue
		}
		if why := s.Hosts[at].Items[j].spent(past[o.Item.Address]); why != "" {
			o.State, o.Reason = Stale, why
		}
	}
	return out
}

// spent says why the consent to an item is used up; empty where it is not.
func (it SavedItem) spent(past map[string]ResultState) string {
	done := 0
	for _, st := range it.Steps {
		state, begun := past[st.Digest]
		if state == Done {
			done++
		}
		if begun && state != NotDone && len(it.Destroys) > 0 {
			return fmt.Sprintf("it destroys something, and was begun before the run was cut (%s): one consent is for once: plan again", state)
		}
	}
	if done > 0 && done == len(it.Steps) {
		return "it was done before the run was cut, and differs again: plan again"
	}
	return ""
}

// Stale lists the addresses that a plan file's consent does not cover any more.
func (r Report) Stale() []string {
	var out []string
	for _, o := range r.Outcomes() {
		if o.State == Stale {
			out = append(out, o.Item.Address)
		}
	}
	return out
}

// Unaffected leaves out what a stale item may be the ground for: what is written after it in its stage, and what a stage
// that assumes its layer would do. Without goOn everything else is left out too.
func (r Report) Unaffected(goOn bool) Report {
	out := slices.Clone(r)
	for i := range out {
		out[i].Outcomes = slices.Clone(out[i].Outcomes)
		for j := range out[i].Outcomes {
			o := &out[i].Outcomes[j]
			if !o.Pending() {
				continue
			}
			if at := ground(out[i].Outcomes, j); at != "" {
				o.State, o.Reason = NotReached, "it may rest on "+at+", which is stale"
			} else if !goOn {
				o.State, o.Reason = NotReached, "something else of the plan file is stale; --unaffected does what does not rest on it"
			}
		}
	}
	return out
}

// ground finds a stale item that an outcome of the same host may rest on.
func ground(all []Outcome, at int) string {
	for i, s := range all {
		before := s.Stage == all[at].Stage && i < at
		below := s.Stage != all[at].Stage && slices.Contains(all[at].Stage.assumed(), s.Stage.Layer)
		if s.State == Stale && (before || below) {
			return s.Item.Address
		}
	}
	return ""
}
