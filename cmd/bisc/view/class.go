package view

import "bisc/layers"

// class is what an item amounts to for a reader: its state, in the light of the verb and of what can be done.
type class int

const (
	inSync class = iota
	willChange
	willDestroy
	differs // and bisc leaves it
	changed
	held
	blocked
	broken  // an invariant that does not hold
	waiting // an invariant that is judged again after the changes before it
	unknown
	notReached
	failed
	stale
)

// mark is how a class looks in the first column: a sign, and a colour that says nothing the sign does not.
type mark struct {
	sign, colour string
}

// ANSI colours.
const (
	red, green, yellow, magenta, cyan, dim = "31", "32", "33", "35", "36", "2"
)

func (c class) mark() mark {
	switch c {
	case willChange:
		return mark{"~", yellow}
	case willDestroy:
		return mark{"-", red}
	case differs:
		return mark{"*", yellow}
	case changed:
		return mark{"+", green}
	case held:
		return mark{"h", cyan}
	case blocked, broken, stale:
		return mark{"!", red}
	case unknown:
		return mark{"?", magenta}
	case failed:
		return mark{"x", red}
	case waiting, notReached:
		return mark{".", dim}
	}
	return mark{"=", dim}
}

// Legend explains the marks, a line each.
func Legend() string {
	return `~ differs; apply changes it
- differs; the change destroys what the lines below it say
* differs, and bisc leaves it: the line below says why
+ changed, and seen to be as wanted
= in sync (shown with -v)
h differs, and is left alone on purpose: a hold, an accepted drift, or an invariant that was overridden
! blocked, stale, or an invariant that does not hold
? unknown: it could not be observed
. not reached; or an invariant that is judged again after the changes before it
x failed
`
}

// Reading tells whether a verb only looks: then nothing is blocked or waited for, it only differs.
func Reading(verb string) bool { return verb == "check" || verb == "drift" || verb == "status" }

// classOf judges an item. A reading verb has no use for what apply would be stopped by.
func classOf(verb string, it Item) class {
	reading := Reading(verb)
	switch it.State {
	case layers.InSync.String():
		if len(it.Left) > 0 {
			return differs
		}
		return inSync
	case layers.Changed.String():
		return changed
	case layers.Held.String():
		return held
	case layers.Unknown.String():
		return unknown
	case layers.Failed.String():
		return failed
	case layers.Stale.String():
		return stale
	case layers.Blocked.String():
		return blockedClass(it, reading)
	case layers.NotReached.String():
		if reading {
			return pendingClass(it)
		}
		return notReached
	}
	if !it.Invariant {
		return pendingClass(it)
	}
	if reading {
		return broken
	}
	return waiting
}

// classOfOutcome is classOf without a document: only what decides a class is carried over.
func classOfOutcome(verb string, o layers.Outcome) class {
	return classOf(verb, Item{State: o.State.String(), Invariant: o.Item.Invariant, Destroys: o.Change.Destroys,
		Left: make([]Diff, len(o.Left)), Steps: make([]Step, len(o.Change.Steps))})
}

func blockedClass(it Item, reading bool) class {
	switch {
	case it.Invariant:
		return broken
	case reading:
		return pendingClass(it)
	}
	return blocked
}

func pendingClass(it Item) class {
	switch {
	case len(it.Steps) == 0:
		return differs
	case len(it.Destroys) > 0:
		return willDestroy
	}
	return willChange
}
