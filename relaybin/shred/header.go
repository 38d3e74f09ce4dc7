package shred

import "encoding/binary"

// Geometry of FEC sets: fixed since SIMD-0317 (mainnet slot 403,920,000). Any 32 of a set's 64 shreds recover it.
const (
	SetData  = 32
	SetCode  = 32
	SetTotal = SetData + SetCode
)

// MaxIndex is the first index no slot of 400 ms may have, for data and for code alike. SIMD-0525 lowers it for shorter slots:
// 28,672 at 350 ms, 24,576 at 300, 20,480 at 250, 16,384 at 200.
const MaxIndex = 32768

// Flags of a data shred: the low six bits are the reference tick.
const (
	FlagDataComplete = 0x40
	FlagLast         = 0xc0
	tickMask         = 0x3f
)

// Header holds every field of a shred's headers. The last three fields belong to code shreds, the three before to data shreds;
// a field of the other kind is 0.
type Header struct {
	Slot    uint64
	Index   uint32
	FECSet  uint32
	Version uint16
	Variant Variant

	Flags        uint8
	ParentOffset uint16
	Size         uint16 // headers and data, in bytes

	NumData   uint16
	NumCoding uint16
	Position  uint16
}

// Parse reads the headers of the shred at the start of payload into h. It returns OK, or Short or BadVariant with h undefined; it
// judges nothing else (see Judge). It neither keeps payload nor allocates.
func Parse(payload []byte, h *Header) Rule {
	if len(payload) < commonHeader {
		return Short
	}
	v := Variant(payload[64])
	if !v.Known() {
		return BadVariant
	}
	if len(payload) < v.Size() {
		return Short
	}
	b := payload[64:codeHeader]
	h.Variant = v
	h.Slot = binary.LittleEndian.Uint64(b[1:])
	h.Index = binary.LittleEndian.Uint32(b[9:])
	h.Version = binary.LittleEndian.Uint16(b[13:])
	h.FECSet = binary.LittleEndian.Uint32(b[15:])
	if v.Kind() == Code {
		h.NumData = binary.LittleEndian.Uint16(b[19:])
		h.NumCoding = binary.LittleEndian.Uint16(b[21:])
		h.Position = binary.LittleEndian.Uint16(b[23:])
		h.ParentOffset, h.Flags, h.Size = 0, 0, 0
		return OK
	}
	h.ParentOffset = binary.LittleEndian.Uint16(b[19:])
	h.Flags = b[21]
	h.Size = binary.LittleEndian.Uint16(b[22:])
	h.NumData, h.NumCoding, h.Position = 0, 0, 0
	return OK
}

// Kind of the shred.
func (h *Header) Kind() Kind { return h.Variant.Kind() }

// Parent is the slot that this data shred's block builds on; it means nothing where ParentOffset > Slot.
func (h *Header) Parent() uint64 { return h.Slot - uint64(h.ParentOffset) }

// Tick is the reference tick of a data shred, 0 to 63; it stops at 63.
func (h *Header) Tick() uint8 { return h.Flags & tickMask }

// DataComplete reports whether an entry batch ends with this data shred.
func (h *Header) DataComplete() bool { return h.Flags&FlagDataComplete != 0 }

// Last reports whether the slot ends with this data shred.
func (h *Header) Last() bool { return h.Flags&FlagLast == FlagLast }

// Place is the shred's place within its set's data or code shreds: 0 to 31 for any shred that Judge finds in order.
func (h *Header) Place() uint32 {
	if h.Kind() == Code {
		return uint32(h.Position)
	}
	return h.Index - h.FECSet
}
