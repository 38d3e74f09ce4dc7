package layers

import (
	"fmt"
	"slices"
	"time"

	"bisc/internal/host"
	"bisc/modules"
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

// hold marks a drifted item that a hold covers. An invariant that is held is no drift, and opens nothing: see judgeInvariants. A runbook does not go round what somebody holds: it is blocked by it, unless the
// hold is one of those that it sets and clears itself.
func hold(o *Outcome, holds []Hold, now time.Time) {
	if o.State != Drifted || o.Item.Invariant && o.Stage.OfRunbook() {
		return
	}
	for _, h := range holds {
		switch {
		case h.Name != "" && slices.Contains(o.Stage.Releases, h.Name):
		case h.Covers(o.Item.Address, now) && !o.Stage.OfRunbook():
			o.State, o.Reason = Held, "held by "+h.String()
			return
		case o.Stage.OfRunbook() && (h.Covers(o.Item.Address, now) || o.Item.Same != "" && h.Covers(o.Item.Same, now)):
			o.State, o.Reason = Blocked, fmt.Sprintf("held by %s: bisc hold release %s first", h, o.Stage.Host)
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
	o.Reason = consentReason(o.Item)
}

func consentReason(it Item) string {
	return "it destroys something: name it to permit that: --destroy " + host.Quote(it.Address)
}

// Unnamed tells whether nothing stands before the outcome but that nobody has named what it destroys.
func (o Outcome) Unnamed() bool { return o.State == Blocked && o.Reason == consentReason(o.Item) }

// Pending tells whether a round would do steps for the outcome, or wait for what is under way.
func (o Outcome) Pending() bool {
	return o.State == Drifted && (len(o.Change.Steps) > 0 || o.Awaited())
}

// Awaited tells whether there is nothing to do for the outcome but to wait: what is wanted is under way on the host already.
func (o Outcome) Awaited() bool {
	return o.State == Drifted && !o.Item.Invariant && len(o.Change.Steps) == 0 && o.Change.Settle > 0 && o.Change.Ended == "" && o.Change.Mendable()
}

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
		if !o.Item.Invariant || o.State == InSync || o.State == Held {
			continue
		}
		if o.State == Unknown {
			continue // --override passes what fails, never what is not known
		}
		if because, ok := opts.Override[o.Item.Address]; ok && NoOverride(o.Item) == "" {
			o.State, o.Reason, o.Passed = Held, "overridden: "+because, true
			continue
		}
		if changesBefore(outcomes[:i], pending) {
			o.Reason = "does not hold yet; it is judged again after the changes before it"
			continue
		}
		o.State, o.Reason = Blocked, "does not hold, and nothing in this round mends it"
	}
}

// NoOverride says why an invariant is passed by no --override; empty where it may be.
func NoOverride(i Item) string {
	if u, ok := i.Resource.(modules.Unpassable); ok {
		return u.NoOverride()
	}
	return ""
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
		switch {
		case inv.State == Blocked, inv.shut():
			o.State, o.Reason = Blocked, "gate: "+inv.Item.Address+" does not hold"
			return
		case inv.State == Unknown:
			o.State, o.Reason = Blocked, "gate: "+inv.Item.Address+" could not be observed, and unknown refuses"
			return
		}
	}
}

// shut tells whether an invariant is not reported, since a hold covers it, and does not hold all the same.
func (o Outcome) shut() bool { return o.Item.Invariant && o.State == Held && !o.Passed }

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
		if o.State == Blocked || o.State == Unknown || o.shut() {
			stopped[o.Stage] = o
		}
	}
}
