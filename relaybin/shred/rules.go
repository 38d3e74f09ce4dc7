package shred

// Rule names a reason to throw a shred away; OK names none. The names are Agave's (should_discard_shred, ledger/src/shred/filter.rs
// of v4.2.1) in the words that the relay's metrics use.
type Rule uint8

// The rules, in the order in which they are applied.
const (
	OK                   Rule = iota
	Short                     // shorter than its variant's size: 1203 data, 1228 code
	BadVariant                // none of 0x6n, 0x7n, 0x9n, 0xbn
	BadVersion                // another cluster's shred version
	SlotHigh                  // above the highest slot that is taken
	SlotLow                   // a rooted slot, or below the lowest that is taken
	IndexHigh                 // index beyond what a slot may hold
	FECIndex                  // index outside its set, or the set does not start at a multiple of 32
	CodeConfig                // a code shred's set is not 32:32, or its position is not its place in the set
	Parent                    // parent offset above the slot, 0 for another slot than 0, or the parent is below the root
	BadFlags                  // 0x80 without 0x40
	DataCompletePosition      // an entry batch ends elsewhere than at the end of a set (SIMD-0337)
	LastPosition              // the slot ends elsewhere than at the end of a set
	BadSize                   // a data shred's size field outside its headers and capacity
	BadProof                  // not 6 proof entries (SIMD-0504, not in force in October 2026)
	ruleCount
)

// Rules is the number of rules, OK included: the length of a table of counters indexed by Rule.
const Rules = int(ruleCount)

// String is the rule's name as metrics and reports show it.
func (r Rule) String() string {
	names := [...]string{"ok", "short", "bad_variant", "version", "slot_high", "slot_low", "index_high", "fec_index", "code_config", "parent",
		"flags", "data_complete_position", "last_position", "size", "proof"}
	if int(r) >= len(names) {
		return "unknown"
	}
	return names[r]
}

// Bounds are what a validator knows and a header alone does not tell. The zero value judges only what the header tells.
type Bounds struct {
	Version  uint16 // the cluster's shred version; 0: any
	Root     uint64 // the highest rooted slot; 0: none is known
	MaxSlot  uint64 // the highest slot that is taken; 0: any
	MaxIndex uint32 // the first index that is too high; 0: MaxIndex
	Proof    bool   // enforce SIMD-0504: 6 proof entries
}

// Judge returns the first rule that the parsed header breaks, as a validator does. A relay counts the verdict and forwards all the
// same: it knows no root, and a rule may change with the validator's next release. What a relay may enforce is in Filter.
func Judge(h *Header, b Bounds) Rule {
	if b.Version != 0 && h.Version != b.Version {
		return BadVersion
	}
	if b.MaxSlot != 0 && h.Slot > b.MaxSlot {
		return SlotHigh
	}
	if b.Root != 0 && h.Slot <= b.Root {
		return SlotLow
	}
	limit := b.MaxIndex
	if limit == 0 {
		limit = MaxIndex
	}
	if h.Index >= limit {
		return IndexHigh
	}
	if h.FECSet%SetData != 0 || h.Index < h.FECSet || h.Index-h.FECSet >= SetData {
		return FECIndex
	}
	if r := judgeKind(h, b); r != OK {
		return r
	}
	if b.Proof && h.Variant.Proof() != 6 {
		return BadProof
	}
	return OK
}

func judgeKind(h *Header, b Bounds) Rule {
	if h.Kind() == Code {
		if h.NumData != SetData || h.NumCoding != SetCode || uint32(h.Position) != h.Index-h.FECSet {
			return CodeConfig
		}
		return OK
	}
	if (h.ParentOffset == 0) != (h.Slot == 0) || uint64(h.ParentOffset) > h.Slot || h.Parent() < b.Root {
		return Parent
	}
	if h.Flags&FlagLast == 0x80 {
		return BadFlags
	}
	end := h.Index-h.FECSet == SetData-1
	if h.Last() && !end {
		return LastPosition
	}
	if h.DataComplete() && !end {
		return DataCompletePosition
	}
	if int(h.Size) < dataHeader || int(h.Size) > h.Variant.ChainedRootOffset() {
		return BadSize
	}
	return OK
}
