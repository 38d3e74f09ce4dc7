// Package shredtest makes genuine shreds for tests and generators: FEC sets whose Reed-Solomon code, Merkle tree, chained roots and
// leader signatures are what a validator checks. It needs no data of anybody else.
package shredtest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"bisc/relaybin/shred"

	"github.com/klauspost/reedsolomon"
)

const proof = 6

// Block describes a block to be made. The zero value with a Slot is one set of 64 shreds on top of the slot before.
type Block struct {
	Slot     uint64
	Parent   uint64 // 0: the slot before
	Version  uint16 // shred version; 0: 50093, mainnet's
	Sets     int    // FEC sets; 0: 1
	Resigned int    // how many of the last sets are resigned
	Chain    shred.Root
	Seed     uint64 // of the block's bytes: two seeds make an equivocation
	Unsigned bool   // leave the leader's signature zero: signing is most of the time that making a set takes
}

// Leader is the key that signs every block here.
func Leader() ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("bisc-shredtest/leader"))
	return ed25519.NewKeyFromSeed(seed[:])
}

// Make makes the block's shreds, set after set, in each 32 data and then 32 code shreds, and the last set's Merkle root, which the
// next block chains to. It panics where the block cannot be: it is for tests.
func Make(b Block) ([][]byte, shred.Root) {
	b = b.defaults()
	random := rand.New(rand.NewPCG(b.Seed, b.Slot))
	chain := b.Chain
	var all [][]byte
	for set := range b.Sets {
		shreds := b.set(set, chain, random)
		chain = seal(shreds, !b.Unsigned)
		all = append(all, shreds...)
	}
	return all, chain
}

// Chain makes n blocks, each on top of the one before, from b on; b's Slot, Parent and Chain are the first one's.
func Chain(b Block, n int) [][][]byte {
	var blocks [][][]byte
	for range n {
		shreds, root := Make(b)
		blocks = append(blocks, shreds)
		b.Slot, b.Parent, b.Chain = b.Slot+1, b.Slot, root
	}
	return blocks
}

func (b Block) defaults() Block {
	if b.Sets == 0 {
		b.Sets = 1
	}
	if b.Version == 0 {
		b.Version = 50093
	}
	if b.Parent == 0 && b.Slot > 0 {
		b.Parent = b.Slot - 1
	}
	return b
}

// set makes one set's shreds without proof and signature.
func (b Block) set(set int, chain shred.Root, random *rand.Rand) [][]byte {
	data, code := shred.Variant(0x90|proof), shred.Variant(0x60|proof)
	if set >= b.Sets-b.Resigned {
		data, code = 0xb0|proof, 0x70|proof
	}
	shreds := make([][]byte, shred.SetTotal)
	pieces := make([][]byte, shred.SetTotal)
	for i := range shreds {
		v := data
		if i >= shred.SetData {
			v = code
		}
		p := make([]byte, v.Size())
		b.head(p, v, set, i%shred.SetData)
		copy(p[v.ChainedRootOffset():], chain[:])
		if v.Kind() == shred.Data {
			fill(p[88:v.ChainedRootOffset()], random)
		}
		if v.Resigned() {
			fill(p[v.RetransmitterOffset():], random)
		}
		from, to := v.ErasureShard()
		shreds[i], pieces[i] = p, p[from:to]
	}
	encoder, err := reedsolomon.New(shred.SetData, shred.SetCode)
	if err == nil {
		err = encoder.Encode(pieces)
	}
	if err != nil {
		panic(fmt.Sprintf("making a set: %v", err))
	}
	return shreds
}

func (b Block) head(p []byte, v shred.Variant, set, place int) {
	p[64] = byte(v)
	binary.LittleEndian.PutUint64(p[65:], b.Slot)
	binary.LittleEndian.PutUint32(p[73:], uint32(set*shred.SetData+place))
	binary.LittleEndian.PutUint16(p[77:], b.Version)
	binary.LittleEndian.PutUint32(p[79:], uint32(set*shred.SetData))
	if v.Kind() == shred.Code {
		binary.LittleEndian.PutUint16(p[83:], shred.SetData)
		binary.LittleEndian.PutUint16(p[85:], shred.SetCode)
		binary.LittleEndian.PutUint16(p[87:], uint16(place))
		return
	}
	binary.LittleEndian.PutUint16(p[83:], uint16(b.Slot-b.Parent))
	binary.LittleEndian.PutUint16(p[86:], uint16(v.ChainedRootOffset()))
	p[85] = byte(set % 64)
	if place == shred.SetData-1 {
		p[85] |= shred.FlagDataComplete
		if set == b.Sets-1 {
			p[85] |= shred.FlagLast
		}
	}
}

func fill(p []byte, random *rand.Rand) {
	for len(p) >= 8 {
		binary.LittleEndian.PutUint64(p, random.Uint64())
		p = p[8:]
	}
	for i := range p {
		p[i] = byte(random.Uint32())
	}
}
