package shred

// Limits says what a Filter refuses beyond what cannot be a shred at all.
type Limits struct {
	Version uint16 // the cluster's shred version; 0: any
	Below   uint64 // how far below the tip a slot may be; 0: any
	Above   uint64 // how far above the tip a slot may be; 0: any
	Off     bool   // let everything pass: the way out when an upgrade brings a variant that this build does not know
}

// Filter decides what a relay forwards. It enforces only what is safe without a validator's state: Short, BadVariant, BadVersion,
// SlotHigh and SlotLow; everything else it lets pass. It is for one goroutine and does not allocate.
type Filter struct {
	limits Limits
	tip    Tip
	header Header
}

// NewFilter returns a filter that has seen nothing yet.
func NewFilter(l Limits) *Filter { return &Filter{limits: l} }

// Check returns OK where payload may be forwarded, else the rule that it breaks. The slot window stands around the Tip of everything
// that passed the other rules, so it is open until the tip is known, one stray slot does not move it, and it follows by itself
// when the cluster has moved on while nothing came.
func (f *Filter) Check(payload []byte) Rule {
	if f.limits.Off {
		return OK
	}
	h := &f.header
	if r := Parse(payload, h); r != OK {
		return r
	}
	if f.limits.Version != 0 && h.Version != f.limits.Version {
		return BadVersion
	}
	if f.limits.Below == 0 && f.limits.Above == 0 {
		return OK
	}
	f.tip.See(h.Slot)
	tip, known := f.tip.Slot()
	if !known {
		return OK
	}
	if f.limits.Above != 0 && h.Slot > tip && h.Slot-tip > f.limits.Above {
		return SlotHigh
	}
	if f.limits.Below != 0 && h.Slot < tip && tip-h.Slot > f.limits.Below {
		return SlotLow
	}
	return OK
}

// Header is what the last Check parsed: defined where it returned OK, BadVersion, SlotHigh or SlotLow and the filter is not off.
func (f *Filter) Header() *Header { return &f.header }

// Tip is the tip that the slot window stands around; false until it is known, and always false without a window.
func (f *Filter) Tip() (uint64, bool) { return f.tip.Slot() }
