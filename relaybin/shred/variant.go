package shred

// Kind tells the two kinds of shreds apart.
type Kind uint8

// A block's bytes travel in data shreds; code shreds repair their loss.
const (
	Data Kind = iota
	Code
)

// String is "data" or "code".
func (k Kind) String() string {
	if k == Code {
		return "code"
	}
	return "data"
}

// Sizes in bytes. Max is the largest payload a validator reads (agave PACKET_DATA_SIZE): a code shred and a repair's nonce.
const (
	DataSize  = 1203
	CodeSize  = 1228
	NonceSize = 4
	Max       = CodeSize + NonceSize

	commonHeader  = 83
	dataHeader    = 88
	codeHeader    = 89
	signatureSize = 64
	rootSize      = 32
	proofEntry    = 20
)

// Variant is the byte at offset 64: the high half names kind and form, the low half is the number of Merkle proof entries. Real
// traffic is 0x96, 0x66, 0xb6 and 0x76.
type Variant uint8

// Known reports whether validators take the variant: Merkle, chained, resigned or not. Legacy (0xa5, 0x5a) and unchained
// (0x8n, 0x4n) shreds are refused since mainnet slots 259,200,004 and 354,672,000.
func (v Variant) Known() bool {
	switch v >> 4 {
	case 0x6, 0x7, 0x9, 0xb:
		return true
	}
	return false
}

// Kind of a known variant.
func (v Variant) Kind() Kind {
	if v&0x80 != 0 {
		return Data
	}
	return Code
}

// Resigned reports whether the last 64 bytes are the retransmitter's signature over the same Merkle root.
func (v Variant) Resigned() bool { return v>>4 == 0x7 || v>>4 == 0xb }

// Proof is the number of entries of the Merkle proof; 6 for sets of 32 data and 32 code shreds.
func (v Variant) Proof() int { return int(v & 0xf) }

// Size is the payload's legal size in bytes; what stands behind it is no part of the shred.
func (v Variant) Size() int {
	if v.Kind() == Code {
		return CodeSize
	}
	return DataSize
}

// RetransmitterOffset is where a resigned shred's second signature starts; Size for all others.
func (v Variant) RetransmitterOffset() int {
	if v.Resigned() {
		return v.Size() - signatureSize
	}
	return v.Size()
}

// ProofOffset is where the Merkle proof starts and what the leaf's hash covers ends.
func (v Variant) ProofOffset() int { return v.RetransmitterOffset() - proofEntry*v.Proof() }

// ChainedRootOffset is where the root of the FEC set before this one stands.
func (v Variant) ChainedRootOffset() int { return v.ProofOffset() - rootSize }

// Capacity is how many bytes of the block a data shred of this variant can carry.
func (v Variant) Capacity() int { return v.ChainedRootOffset() - dataHeader }

// ErasureShard is the half-open range of bytes that the Reed-Solomon code covers. Its length is the same for data and code.
func (v Variant) ErasureShard() (from, to int) {
	if v.Kind() == Code {
		return codeHeader, v.ChainedRootOffset()
	}
	return signatureSize, v.ChainedRootOffset()
}
