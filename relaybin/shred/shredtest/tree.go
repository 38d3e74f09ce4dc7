package shredtest

import (
	"crypto/ed25519"
	"crypto/sha256"

	"bisc/relaybin/shred"
)

// seal builds the Merkle tree over a set, bottom up, writes each shred's proof and the leader's signature, and returns the root. It is
// written apart from shred.MerkleRoot, which goes from one leaf upwards, so that each checks the other.
func seal(shreds [][]byte, sign bool) shred.Root {
	level := make([][32]byte, len(shreds))
	for i, p := range shreds {
		v := shred.Variant(p[64])
		level[i] = sha256.Sum256(append([]byte("\x00SOLANA_MERKLE_SHREDS_LEAF"), p[64:v.ProofOffset()]...))
	}
	for depth := 0; len(level) > 1; depth++ {
		for i, p := range shreds {
			at := shred.Variant(p[64]).ProofOffset() + 20*depth
			copy(p[at:at+20], level[(i>>depth)^1][:20])
		}
		above := make([][32]byte, len(level)/2)
		for i := range above {
			text := append([]byte("\x01SOLANA_MERKLE_SHREDS_NODE"), level[2*i][:20]...)
			above[i] = sha256.Sum256(append(text, level[2*i+1][:20]...))
		}
		level = above
	}
	root := shred.Root(level[0])
	if sign {
		signature := ed25519.Sign(Leader(), root[:])
		for _, p := range shreds {
			copy(p, signature)
		}
	}
	return root
}
