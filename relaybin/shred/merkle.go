package shred

import "crypto/sha256"

// Root is a Merkle root: one for all 64 shreds of a FEC set, and what the leader signs.
type Root [rootSize]byte

// The prefixes of Agave's Merkle tree (ledger/src/shred/merkle_tree.rs).
const (
	leafPrefix = "\x00SOLANA_MERKLE_SHREDS_LEAF"
	nodePrefix = "\x01SOLANA_MERKLE_SHREDS_NODE"
)

// MerkleRoot computes the root of the FEC set that the shred belongs to, from this one shred: hash of the leaf, then of each node on
// the way up its proof. h is what Parse made of payload. False where the proof does not reach the top of a tree that has the
// shred's leaf. It costs about a microsecond and does not allocate. A root says nothing about who made the set.
func MerkleRoot(payload []byte, h *Header) (Root, bool) {
	leaf := uint64(h.Place())
	if h.Kind() == Code {
		leaf += uint64(h.NumData)
	}
	if leaf>>h.Variant.Proof() != 0 {
		return Root{}, false
	}
	at := h.Variant.ProofOffset()
	var text [len(leafPrefix) + CodeSize]byte
	copy(text[:], leafPrefix)
	n := copy(text[len(leafPrefix):], payload[signatureSize:at])
	root := sha256.Sum256(text[:len(leafPrefix)+n])
	for proof := payload[at:h.Variant.RetransmitterOffset()]; len(proof) > 0; proof = proof[proofEntry:] {
		if leaf&1 == 0 {
			root = node(root[:proofEntry], proof[:proofEntry])
		} else {
			root = node(proof[:proofEntry], root[:proofEntry])
		}
		leaf >>= 1
	}
	return root, true
}

func node(left, right []byte) [rootSize]byte {
	var text [len(nodePrefix) + 2*proofEntry]byte
	copy(text[:], nodePrefix)
	copy(text[len(nodePrefix):], left)
	copy(text[len(nodePrefix)+proofEntry:], right)
	return sha256.Sum256(text[:])
}

// ChainedRoot is the root of the FEC set before this one as the leader wrote it into the shred: in the first set of a slot, that of
// the last set of the parent slot. h is what Parse made of payload.
func ChainedRoot(payload []byte, h *Header) (r Root) {
	copy(r[:], payload[h.Variant.ChainedRootOffset():])
	return r
}

// Signature is the leader's signature over the Merkle root, a view of payload.
func Signature(payload []byte) []byte { return payload[:signatureSize] }

// RetransmitterSignature is the signature of the node that sent a resigned shred on, a view of payload; nil for all others. It is
// covered by neither the leader's signature nor the proof, so copies of one shred differ in it.
func RetransmitterSignature(payload []byte, h *Header) []byte {
	if !h.Variant.Resigned() {
		return nil
	}
	return payload[h.Variant.RetransmitterOffset():h.Variant.Size()]
}
