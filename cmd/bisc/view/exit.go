package view

import (
	"context"
	"errors"
	"slices"

	"bisc/internal/host"
	"bisc/layers"
)

// Exit statuses, the same for all verbs.
const (
	ExitOK          = 0 // in sync, applied, healthy, or held
	ExitFailed      = 1 // bisc failed or was misused
	ExitPending     = 2 // changes are pending
	ExitDrift       = 3 // drift, or an invariant does not hold (check, drift)
	ExitBlocked     = 4 // a guard, a gate, a lock, or destruction that was not named
	ExitUnreachable = 5 // a host could not be reached
	ExitStale       = 6 // the plan is stale, expired, used or altered
	ExitUnknown     = 7 // something could not be observed
	ExitAccepted    = 8 // everything that differs is held, overridden or accepted (check, drift)
)

// precedence decides when several hold, strongest first.
func precedence() []int {
	return []int{ExitFailed, ExitStale, ExitBlocked, ExitUnreachable, ExitUnknown, ExitDrift, ExitPending, ExitAccepted, ExitOK}
}

// ExitTable explains the exit statuses, a line each.
func ExitTable() string {
	return `0  in sync, applied, healthy, or held
1  bisc failed or was misused
2  changes are pending (plan, apply; drift: changes that were never applied)
3  drift, or an invariant does not hold (check, drift)
4  blocked: a guard, a gate, another run's lock, or destruction that was not named
5  a host could not be reached
6  the plan is stale, expired, used or altered
7  something could not be observed
8  everything that differs is held, overridden or accepted (check, drift)
When several hold: 1, 6, 4, 5, 7, 3, 2, 8. --format nagios exits as Nagios wants it.
`
}

// Worst is the status that counts when several hold.
func Worst(statuses ...int) int {
	for _, p := range precedence() {
		if slices.Contains(statuses, p) {
			return p
		}
	}
	return ExitOK
}

// Of is the exit status of a report. The verb drift asks wasInSync whether an item, by its address and the digest of
// what is wanted, was in sync before: then it drifted, else its change was never applied. It may be nil for other verbs.
func Of(verb string, rep layers.Report, wasInSync func(address, digest string) bool) int {
	status := ExitOK
	for _, h := range rep {
		if h.Err != nil {
			status = Worst(status, OfError(h.Err))
		}
		if !tells(h) {
			continue
		}
		for _, o := range h.Outcomes {
			status = Worst(status, ofItem(verb, o, wasInSync))
		}
	}
	return status
}

func ofItem(verb string, o layers.Outcome, wasInSync func(address, digest string) bool) int {
	switch classOfOutcome(verb, o) {
	case failed:
		if errors.As(o.Err, new(*host.ConfirmedError)) { // it is in force, and what is left to do the next apply does
			return ExitPending
		}
		return ExitFailed
	case stale:
		return ExitStale
	case unknown:
		return ExitUnknown
	case blocked:
		return ExitBlocked
	case waiting, notReached:
		return ExitPending
	case broken:
		if Reading(verb) {
			return ExitDrift
		}
		return ExitBlocked
	case held:
		if Reading(verb) && (verb != "check" || o.Item.Invariant) {
			return ExitAccepted
		}
	case willChange, willDestroy, differs:
		return ofDifference(verb, o, wasInSync)
	case changed:
		if len(o.Left) > 0 {
			return ExitPending
		}
	}
	return ExitOK
}

// ofDifference is the status of a resource that is not as wanted, when nothing worse is to be said of it. Only
// invariants decide a check.
func ofDifference(verb string, o layers.Outcome, wasInSync func(address, digest string) bool) int {
	switch {
	case verb == "check":
		return ExitOK
	case verb == "drift" && wasInSync != nil && wasInSync(o.Item.Address, o.Item.Digest):
		return ExitDrift
	}
	return ExitPending
}

// OfError is the exit status of an error outside a report, or of a host's; nil is ExitOK. Of joined errors the strongest
// counts, but one that has no status of its own is a failure only if none has.
func OfError(err error) int {
	if err == nil {
		return ExitOK
	}
	var locked *host.LockedError
	var guard *host.GuardError
	is := func(targets ...error) bool {
		return slices.ContainsFunc(targets, func(t error) bool { return errors.Is(err, t) })
	}
	switch {
	case is(layers.ErrStale, layers.ErrExpired, layers.ErrAltered, layers.ErrUsed, layers.ErrUnsigned, host.ErrAnother):
		return ExitStale
	case errors.As(err, &locked), errors.As(err, &guard), is(host.ErrFenced, layers.ErrConsent):
		return ExitBlocked
	case is(host.ErrUnreachable, host.ErrLost):
		return ExitUnreachable
	case is(host.ErrStuck, context.DeadlineExceeded, host.ErrNoProbes):
		return ExitUnknown
	case is(layers.ErrNotApproved):
		return ExitPending
	}
	return ExitFailed
}
