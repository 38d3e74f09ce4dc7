package lab

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
)

// Sizes of a shred's packet and of the FEC sets that all shreds belong to: solana.md A.3, A.5.
const (
	DataSize = 1203
	CodeSize = 1228
	setSize  = 64 // shreds: 32 data, 32 code

	headersSize = 83 // the common part
	proofSize   = 6 * 20
	stampSize   = 64
)

// Stamp is what the sender writes into the last 64 bytes of each shred. In a shred that is "resigned" these are the
// retransmitter's signature, which neither Merkle proof nor leader's signature covers, so the shred stays whole.
//
//	0 magic 8 | 8 sequence 8 | 16 sent 8, ns of the monotonic clock | 24 path 4 | 28 nothing | 60 CRC-32C of all before 4
type Stamp struct {
	Sequence uint64
	Sent     int64
	Path     uint32
}

const stampMagic = 0x6273_6372_656c_6179

// castagnoli is the CRC that processors compute themselves.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func (s Stamp) write(shred []byte, table *crc32.Table) {
	at := shred[len(shred)-stampSize:]
	binary.LittleEndian.PutUint64(at, stampMagic)
	binary.LittleEndian.PutUint64(at[8:], s.Sequence)
	binary.LittleEndian.PutUint64(at[16:], uint64(s.Sent))
	binary.LittleEndian.PutUint32(at[24:], s.Path)
	binary.LittleEndian.PutUint32(at[60:], crc32.Checksum(shred[:len(shred)-4], table))
}

// readStamp returns the stamp of a shred that is as it was sent, byte by byte.
func readStamp(shred []byte, table *crc32.Table) (s Stamp, ok bool) {
	if len(shred) != DataSize && len(shred) != CodeSize {
		return s, false
	}
	at := shred[len(shred)-stampSize:]
	if binary.LittleEndian.Uint64(at) != stampMagic || binary.LittleEndian.Uint32(at[60:]) != crc32.Checksum(shred[:len(shred)-4], table) {
		return s, false
	}
	s.Sequence = binary.LittleEndian.Uint64(at[8:])
	s.Sent = int64(binary.LittleEndian.Uint64(at[16:]))
	s.Path = binary.LittleEndian.Uint32(at[24:])
	return s, true
}

// Chain says where in the chain of slots and sets a stream of shreds is.
type Chain struct {
	Slot     uint64 // of the first shred; 0 is 400,000,000
	Version  uint16 // shred version; 0 is 50093
	SlotSets int    // FEC sets in a slot; 0 is 24, about what 7,500 shreds/s in 5 slots/s make
	Merkle   bool   // proofs and chained roots are right; costs about 1 us a shred
}

func (c Chain) filled() Chain {
	if c.Slot == 0 {
		c.Slot = 400_000_000
	}
	if c.Version == 0 {
		c.Version = 50093
	}
	if c.SlotSets == 0 {
		c.SlotSets = 24
	}
	return c
}

// set is the shreds of one FEC set in the order in which they are sent: data and code in turn, so that no two shreds of
// one size follow each other, which is the harder case for a sender that groups by size.
type set struct {
	shreds [setSize][]byte
	root   [32]byte // the Merkle root of the set before
	chain  Chain
	leaf   []byte // for hashing
}

func newSet(chain Chain, packet func(i int) []byte) *set {
	s := &set{chain: chain.filled(), leaf: make([]byte, 0, 2048)}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range s.shreds {
		s.shreds[i] = packet(i)
		for b := range s.shreds[i] {
			s.shreds[i][b] = byte(random.Uint32())
		}
	}
	return s
}

// sizeAt is the size of the shred at a place of a set.
func sizeAt(i int) int {
	if i%2 == 0 {
		return DataSize
	}
	return CodeSize
}

// fill writes the headers of set number n of the stream, and the proofs where they are wanted.
func (s *set) fill(n uint64) {
	sets := uint64(s.chain.SlotSets)
	slot, first := s.chain.Slot+n/sets, uint32(n%sets)*32
	last := n%sets == sets-1
	for i, b := range s.shreds {
		position := uint32(i / 2)
		binary.LittleEndian.PutUint64(b[65:], slot)
		binary.LittleEndian.PutUint32(b[73:], first+position)
		binary.LittleEndian.PutUint16(b[77:], s.chain.Version)
		binary.LittleEndian.PutUint32(b[79:], first)
		if i%2 == 1 {
			b[64] = 0x76
			binary.LittleEndian.PutUint16(b[83:], 32)
			binary.LittleEndian.PutUint16(b[85:], 32)
			binary.LittleEndian.PutUint16(b[87:], uint16(position))
			continue
		}
		b[64] = 0xb6
		binary.LittleEndian.PutUint16(b[83:], 1)
		b[85] = byte(first/32) & 0x3f
		if position == 31 && last {
			b[85] |= 0xc0
		}
		binary.LittleEndian.PutUint16(b[86:], 987)
	}
	if s.chain.Merkle {
		s.prove()
	}
}

// prove writes the chained root and the proofs of all shreds, as solana.md A.6 has them, and one signature for all.
func (s *set) prove() {
	var level [setSize][32]byte
	for i, b := range s.shreds {
		proof := len(b) - stampSize - proofSize
		copy(b[proof-32:], s.root[:])
		s.leaf = append(append(s.leaf[:0], "\x00SOLANA_MERKLE_SHREDS_LEAF"...), b[64:proof]...)
		level[leafOf(i)] = sha256.Sum256(s.leaf)
	}
	for step, width := 0, setSize; width > 1; step, width = step+1, width/2 {
		for i, b := range s.shreds {
			sibling := leafOf(i)>>step ^ 1
			copy(b[len(b)-stampSize-proofSize+20*step:], level[sibling][:20])
		}
		for i := range width / 2 {
			s.leaf = append(append(append(s.leaf[:0], "\x01SOLANA_MERKLE_SHREDS_NODE"...), level[2*i][:20]...), level[2*i+1][:20]...)
			level[i] = sha256.Sum256(s.leaf)
		}
	}
	s.root = level[0]
	for _, b := range s.shreds {
		copy(b[:64], s.root[:]) // no signature, but the same in all shreds of the set and in no other
		copy(b[32:64], s.root[:])
	}
}

// leafOf is a shred's place in the Merkle tree: data first.
func leafOf(i int) int { return i/2 + i%2*32 }
