package meter

import (
	"bytes"
	"hash/crc32"
	"math/bits"

	"bisc/relaybin/shred"
)

// maxVersions is how many contradicting versions of one set are kept; more are counted as conflicts.
const maxVersions = 4

// version is one FEC set as one Merkle root has it. A set has a second version where its leader equivocates, or where a damaged shred
// pretends so: only a version whose root two different shreds agree on counts as the leader's.
type version struct {
	next      *version // of the same set
	signature [64]byte // the leader's, the same in every shred of a version
	root      shred.Root
	chained   shred.Root // the root of the set before, as the leader wrote it
	confirmed bool
	set       int // FEC set index / 32
	any       uint64
	doubt     doubt

	seen []uint64 // a path: which of the 64 shreds it brought
	at   []int32  // a path and shred: when, in microseconds of the slot's time
	sums [shred.SetTotal]uint32
}

// doubt is the shred whose root was not that of the version's first shred: one of the two is damaged, and a third will tell which.
type doubt struct {
	there bool
	root  shred.Root
	path  int
	leaf  int
	at    int32
	sum   uint32
}

func (v *version) data() int { return bits.OnesCount32(uint32(v.any)) }
func (v *version) code() int { return bits.OnesCount32(uint32(v.any >> 32)) }
func (v *version) good() bool {
	return bits.OnesCount64(v.any) >= shred.SetData
}

// content is a checksum of what every copy of a shred has in common: all but the leader's signature, which tells the version, and the
// retransmitter's, which differs from copy to copy.
func (m *Meter) content(payload []byte) uint32 {
	return crc32.Checksum(payload[64:m.header.Variant.RetransmitterOffset()], m.sums)
}

// versionFor returns the version that the shred belongs to and the checksum of its content; nil where it contradicts the version that
// it claims to be of. The leader's signature decides, which costs nothing; the root is computed for the first shred of a version,
// for the second to confirm it, and where something does not agree.
func (m *Meter) versionFor(s *slot, path int, at int64, payload []byte) (*version, uint32) {
	h := &m.header
	set := int(h.FECSet / shred.SetData)
	sum := m.content(payload)
	count := 0
	for v := s.set(set); v != nil; v = v.next {
		if bytes.Equal(v.signature[:], payload[:64]) {
			if !m.agrees(s, v, payload, doubt{true, shred.Root{}, path, leaf(h), s.micros(at), sum}) {
				return nil, 0
			}
			return v, sum
		}
		count++
	}
	root, ok := shred.MerkleRoot(payload, h)
	if !ok {
		return nil, 0
	}
	for v := s.set(set); v != nil; v = v.next {
		if v.root == root { // one of two signatures is damaged; what the most shreds have will prevail
			copy(v.signature[:], payload)
			s.conflicts++
			return v, sum
		}
	}
	if count >= maxVersions {
		return nil, 0
	}
	v := m.newVersion()
	if v == nil {
		return nil, 0
	}
	copy(v.signature[:], payload)
	v.root, v.chained, v.set = root, shred.ChainedRoot(payload, h), set
	s.put(v)
	m.link(s, v)
	return v, sum
}

// agrees confirms a version's root by a second shred of it, once. Where they differ a third decides: the root that two have stays.
func (m *Meter) agrees(s *slot, v *version, payload []byte, this doubt) bool {
	if v.confirmed || v.any == 0 || v.any&(1<<this.leaf) != 0 {
		return true
	}
	root, ok := shred.MerkleRoot(payload, &m.header)
	if !ok {
		return false
	}
	if root == v.root {
		v.confirmed = true
		return true
	}
	second := v.doubt
	if !second.there || second.root != root || second.leaf == this.leaf {
		this.root = root
		v.doubt = this
		return false
	}
	v.root, v.chained = root, shred.ChainedRoot(payload, &m.header) // the first shred was the damaged one
	v.confirmed, v.any = true, 1<<second.leaf
	clear(v.seen)
	v.seen[second.path] = 1 << second.leaf
	v.at[second.path*shred.SetTotal+second.leaf] = second.at
	v.sums[second.leaf] = second.sum
	s.conflicts++
	m.link(s, v)
	return true
}

// prevails decides between two contents of one shred of a version: the one whose root is the version's. True when the newcomer's is.
func (m *Meter) prevails(v *version, payload []byte, sum uint32) bool {
	root, ok := shred.MerkleRoot(payload, &m.header)
	if !ok || root != v.root {
		return false
	}
	v.sums[leaf(&m.header)] = sum
	return true
}

// newVersion takes a version from the pool; when all are in use, the slot farthest from the tip is closed for it.
func (m *Meter) newVersion() *version {
	if len(m.spare) == 0 && m.versions >= m.config.MaxSets {
		m.evict()
	}
	if n := len(m.spare); n > 0 {
		v := m.spare[n-1]
		m.spare = m.spare[:n-1]
		seen, at := v.seen, v.at
		clear(seen)
		*v = version{seen: seen, at: at}
		return v
	}
	if m.versions >= m.config.MaxSets {
		return nil
	}
	m.versions++
	return &version{seen: make([]uint64, len(m.paths)), at: make([]int32, len(m.paths)*shred.SetTotal)}
}
