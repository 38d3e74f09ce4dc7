package layers

import (
	"fmt"
	"time"

	"bisc/internal/host"
)

// judge turns what was observed into what may be done: holds, gates, unnamed destruction and the order written. It
// changes states and reasons only.
func judge(rep *HostReport, opts Options) {
	now := time.Now()
	for i := range rep.Outcomes {
		hold(&rep.Outcomes[i], rep.Holds, now)
		consent(&rep.Outcomes[i], opts)
	}
	pending := pendingLayers(rep.Outcomes)
	judgeInvariants(rep.Outcomes, opts, pending)
	for i := range rep.Outcomes {
		gate(&rep.Outcomes[i], rep.Outcomes)
	}
	order(rep.Outcomes)
}

// hold marks a drifted item that a hold covers.
func hold(o *Outcome, holds []Hold, now time.Time) {
	if o.State != Drifted || o.Item.Invariant {
		return
	}
	for _, h := range holds {
		if h.Covers(o.Item.Address, now) {
			o.State, o.Reason = Held, "held by "+h.String()
			return
		}
	}
}

// consent blocks an item whose destruction was not named.
func consent(o *Outcome, opts Options) {
	if o.State != Drifted || len(o.Change.Destroys) == 0 || opts.Destroy[o.Item.Address] {
		return
	}
	o.State = Blocked
	o.Reason = "it destroys something: name it to permit that: --destroy " + host.Quote(o.Item.Address)
}

// Pending tells whether a round would do steps for the outcome.
func (o Outcome) Pending() bool { return o.State == Drifted && len(o.Change.Steps) > 0 }

// pendingLayers tells which stages have something to do.
func pendingLayers(outcomes []Outcome) map[*Stage]bool {
	pending := map[*Stage]bool{}
	for _, o := range outcomes {
		if o.Pending() {
			pending[o.Stage] = true
		}
	}
	return pending
}

// judgeInvariants decides, of each invariant that does not hold, whether it is worth trying: it is judged again in its
// place when something before it will change; else it blocks. One that could not be observed blocks in any case.
func judgeInvariants(outcomes []Outcome, opts Options, pending map[*Stage]bool) {
	for i := range outcomes {
		o := &outcomes[i]
		if !o.Item.Invariant || o.State == InSync {
			continue
		}
		if o.State == Unknown {
			continue // --override passes what fails, never what is not known
		}
		if because, ok := opts.Override[o.Item.Address]; ok {
			o.State, o.Reason = Held, "overridden: "+because
			continue
		}
		if changesBefore(outcomes[:i], pending) {
			o.Reason = "does not hold yet; it is judged again after the changes before it"
			continue
		}
		o.State, o.Reason = Blocked, "does not hold, and nothing in this round mends it"
	}
}

// changesBefore tells whether any item observed before, in this stage or a lower one, has steps to do.
func changesBefore(before []Outcome, pending map[*Stage]bool) bool {
	for _, o := range before {
		if o.Pending() && pending[o.Stage] {
			return true
		}
	}
	return false
}

// gate blocks a pending item whose layer assumes a layer with an invariant that will not hold.
func gate(o *Outcome, all []Outcome) {
	if !o.Pending() {
		return
	}
	for _, inv := range all {
		if !inv.Item.Invariant || inv.Stage == o.Stage || !gates(inv.Stage, o.Stage) {
			continue
		}
		switch inv.State {
		case Blocked:
			o.State, o.Reason = Blocked, "gate: "+inv.Item.Address+" does not hold"
			return
		case Unknown:
			o.State, o.Reason = Blocked, "gate: "+inv.Item.Address+" could not be observed, and unknown refuses"
			return
		}
	}
}

// gates tells whether the invariants of one stage gate the other.
func gates(below, st *Stage) bool {
	if below.Host != st.Host || below.Name != below.Layer.String() {
		return false
	}
	for _, l := range st.assumed() {
		if l == below.Layer {
			return true
		}
	}
	return false
}

// order stops a stage at the first item that will not get done: what is written after it may build on it. A held item
// does not: it is as somebody wants it.
func order(outcomes []Outcome) {
	stopped := map[*Stage]*Outcome{}
	for i := range outcomes {
		o := &outcomes[i]
		if at := stopped[o.Stage]; at != nil {
			if o.Pending() {
				o.State, o.Reason = NotReached, fmt.Sprintf("it comes after %s, which is %s", at.Item.Address, at.State)
			}
			continue
		}
		if o.State == Blocked || o.State == Unknown {
			stopped[o.Stage] = o
		}
	}
}
