package meter

import "time"

// Report is everything that the meter knows, as /report shows it. What is not known is null or left out, never 0.
type Report struct {
	FormatVersion int                `json:"format_version"` // 1
	At            time.Time          `json:"at"`
	Seconds       float64            `json:"seconds"` // since the first shred
	Tip           TipReport          `json:"tip"`
	Paths         []PathReport       `json:"paths"` // in the order of the settings
	Reference     string             `json:"reference"`
	Totals        TotalsReport       `json:"totals"` // of judged slots, since the start
	Slots         []SlotReport       `json:"slots"`  // the latest, ascending; live ones too
	Marks         []ComparisonReport `json:"marks"`
}

// TipReport answers: is the tip a contiguous run of complete slots, from which slot, for how many slots and seconds?
type TipReport struct {
	Known          bool       `json:"known"`               // false: no shred came within the silence, or nothing is judged yet
	Slot           *uint64    `json:"slot"`                // the highest slot of which all is known that will be
	Highest        *uint64    `json:"highest"`             // the slot that the traffic is at
	Age            *float64   `json:"age_seconds"`         // since the latest shred by any path; null: none ever came
	SlotsPerSecond *float64   `json:"slots_per_second"`    // over the last minute; null: not measured
	Contiguous     bool       `json:"contiguous"`          // the run below ends at the tip and is not empty
	Run            *RunReport `json:"run"`                 // null: the tip itself is not complete
	BrokenBy       *Breaker   `json:"broken_by,omitempty"` // what ended the run before
}

// RunReport is a run of complete slots.
type RunReport struct {
	First   uint64  `json:"first_slot"`
	Last    uint64  `json:"last_slot"`
	Slots   uint64  `json:"slots"`   // complete ones
	Skipped uint64  `json:"skipped"` // slots without a block among them
	Seconds float64 `json:"seconds"`
}

// Breaker is a slot that broke a run.
type Breaker struct {
	Slot  uint64 `json:"slot"`
	State string `json:"state"`
}

// PathReport is one path.
type PathReport struct {
	Name      string            `json:"name"`
	Present   bool              `json:"present"`     // a shred came within the silence
	Age       *float64          `json:"age_seconds"` // since the latest shred; null: none ever came
	Packets   uint64            `json:"packets"`
	Shreds    uint64            `json:"shreds"`    // packets that break no rule
	Unique    uint64            `json:"unique"`    // distinct on this path
	Duplicate uint64            `json:"duplicate"` // repeats on this path
	First     uint64            `json:"first"`     // here first, of judged slots
	Only      uint64            `json:"only"`      // here only, of judged slots
	Resigned  uint64            `json:"resigned"`  // with a retransmitter's signature; a staked validator may refuse those
	Late      uint64            `json:"late"`      // of slots judged before
	Stray     uint64            `json:"stray"`     // too far from the tip
	Conflicts uint64            `json:"conflicts"` // contradicting the other shreds of their set
	Complete  uint64            `json:"complete_alone"`
	Refused   map[string]uint64 `json:"refused"` // by rule
	Lead      *LeadReport       `json:"lead"`    // null: the reference itself, or one of the two is absent, or no shred came by both
}

// LeadReport is how much earlier than by the reference path shreds came, in seconds; negative: later. Of the latest 4096 shreds that
// came by both.
type LeadReport struct {
	Samples int     `json:"samples"`
	Min     float64 `json:"min_seconds"`
	P10     float64 `json:"p10_seconds"`
	P50     float64 `json:"p50_seconds"`
	P90     float64 `json:"p90_seconds"`
	Max     float64 `json:"max_seconds"`
}

// TotalsReport are sums over judged slots.
type TotalsReport struct {
	Slots         map[string]uint64 `json:"slots"` // by state
	Sets          map[string]uint64 `json:"sets"`  // by state
	Equivocations uint64            `json:"equivocations"`
	Conflicts     uint64            `json:"conflicts"`
	Strays        uint64            `json:"stray_slots"`
	Evicted       uint64            `json:"evicted_slots"`
}

// SlotReport is one slot.
type SlotReport struct {
	Slot          uint64            `json:"slot"`
	State         string            `json:"state"` // of a live slot "open", as long as it may still become complete
	Complete      bool              `json:"complete"`
	Parent        *uint64           `json:"parent"`
	EndByFlag     *int              `json:"last_index"`
	EndByChain    *int              `json:"last_index_by_chain"`
	Sets          map[string]uint32 `json:"sets"`
	Data          uint32            `json:"data"`
	Code          uint32            `json:"code"`
	Equivocations uint32            `json:"equivocations,omitempty"`
	Conflicts     uint64            `json:"conflicts,omitempty"`
	CompleteAfter *float64          `json:"complete_after_seconds"`
	Age           *float64          `json:"age_seconds"` // since its first shred; null: none came
	SetList       []SetReport       `json:"set_list,omitempty"`
}

// SetReport is one FEC set of a live slot.
type SetReport struct {
	Index int      `json:"fec_set_index"`
	Data  int      `json:"data"`
	Code  int      `json:"code"`
	State string   `json:"state"`
	Roots []string `json:"merkle_roots"` // more than one: the leader equivocates
}

// ComparisonReport is a mark with what was measured before and after it.
type ComparisonReport struct {
	Name   string       `json:"name"`
	At     time.Time    `json:"at"`
	Before WindowReport `json:"before"`
	After  WindowReport `json:"after"`
}

// WindowReport is one side of a mark. Rates are over the watched seconds, shares over the slots that have a block.
type WindowReport struct {
	Seconds        float64            `json:"seconds"`
	Settled        bool               `json:"settled"`  // false: it still grows, or some slots are not judged yet
	Complete       *float64           `json:"complete"` // the share of slots that are complete; null: no slot was judged
	SlotsPerSecond *float64           `json:"slots_per_second"`
	Slots          map[string]uint64  `json:"slots"`
	Sets           map[string]uint64  `json:"sets"`
	Paths          []WindowPathReport `json:"paths"`
}

// WindowPathReport is one path on one side of a mark.
type WindowPathReport struct {
	Name          string   `json:"name"`
	PerSecond     float64  `json:"shreds_per_second"` // distinct ones
	Unique        uint64   `json:"unique"`
	Duplicate     uint64   `json:"duplicate"`
	First         uint64   `json:"first"`
	Only          uint64   `json:"only"`
	CompleteAlone uint64   `json:"complete_alone"`
	Lead          *float64 `json:"mean_lead_seconds"` // null: no shred came by both
}
