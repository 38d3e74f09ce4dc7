// Package slot is the time of the lab's cluster: which slot it has at a moment.
package slot

import "time"

// Clock is a cluster whose slots have come at one rate since a moment. The stand-in validator and the lab's cluster agree on it
// without asking each other, as both compute it.
type Clock struct {
	Slot uint64    `json:"slot"` // at At
	At   time.Time `json:"at"`
	Rate float64   `json:"rate"` // slots a second
}

// Default is mainnet's pace since its slots last 200 ms (solana.md 1), from a number that is easily told from others.
func Default() Clock {
	return Clock{Slot: 400_000_000, At: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Rate: 5}
}

// Or is this clock, or the other where this one is not set.
func (c Clock) Or(other Clock) Clock {
	if c.At.IsZero() {
		return other
	}
	return c
}

// Tip is the cluster's newest slot at a moment.
func (c Clock) Tip(t time.Time) uint64 {
	passed := int64(t.Sub(c.At).Seconds() * c.Rate)
	if passed < 0 && uint64(-passed) > c.Slot {
		return 0
	}
	return uint64(int64(c.Slot) + passed)
}

// When is the moment at which a slot begins.
func (c Clock) When(slot uint64) time.Time {
	ahead := float64(int64(slot) - int64(c.Slot))
	return c.At.Add(time.Duration(ahead / c.Rate * float64(time.Second)))
}
