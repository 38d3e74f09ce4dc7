// Package snapshots says what there is to know of a validator's snapshots without asking anybody: what the archives' names
// say, which full and which incremental make a pair, how far a pair is behind, which source of a cluster is taken and why the
// others are not, and which files of a folder may go. What asks and moves bytes is in the packages beside it.
package snapshots

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// Archive is what an archive's name says (agave: snapshots/src/paths.rs).
type Archive struct {
	// Base is the slot of the full snapshot that an incremental needs: that one and no other. Zero in a full.
	Base uint64 `json:"base,omitempty"`
	Slot uint64 `json:"slot"`
	Hash string `json:"hash"`
	// Format is the name's end: tar.zst, tar.lz4 (agave since 3.0 reads only those two), tar.bz2, tar.gz, tar.
	Format string `json:"format"`
}

var (
	fullForm        = regexp.MustCompile(`^snapshot-([0-9]{1,19})-([A-Za-z0-9]{1,64})\.(tar(?:\.[a-z0-9]{1,4})?)$`)
	incrementalForm = regexp.MustCompile(`^incremental-snapshot-([0-9]{1,19})-([0-9]{1,19})-([A-Za-z0-9]{1,64})\.(tar(?:\.[a-z0-9]{1,4})?)$`)
)

// Parse reads an archive's name, without its folder. What aria2c leaves beside a partial download (NAME.aria2), our own
// partial files and everything else are none.
func Parse(name string) (Archive, bool) {
	if m := fullForm.FindStringSubmatch(name); m != nil {
		slot, err := strconv.ParseUint(m[1], 10, 64)
		return Archive{Slot: slot, Hash: m[2], Format: m[3]}, err == nil && slot > 0
	}
	if m := incrementalForm.FindStringSubmatch(name); m != nil {
		base, err := strconv.ParseUint(m[1], 10, 64)
		slot, err2 := strconv.ParseUint(m[2], 10, 64)
		return Archive{Base: base, Slot: slot, Hash: m[3], Format: m[4]}, err == nil && err2 == nil && base > 0 && slot > base
	}
	return Archive{}, false
}

// Incremental tells whether it needs a full.
func (a Archive) Incremental() bool { return a.Base != 0 }

// Name is the file's name.
func (a Archive) Name() string {
	if a.Incremental() {
		return fmt.Sprintf("incremental-snapshot-%d-%d-%s.%s", a.Base, a.Slot, a.Hash, a.Format)
	}
	return fmt.Sprintf("snapshot-%d-%s.%s", a.Slot, a.Hash, a.Format)
}

// Pair is what a validator starts from: a full, and the newest incremental that fits it where there is one.
type Pair struct {
	Full        Archive  `json:"full"`
	Incremental *Archive `json:"incremental,omitempty"`
}

// Slot is where a validator that starts from the pair begins: the pair's freshness. Never the full's alone: with agave's
// defaults a full is up to 100,000 slots old, and its incremental 200.
func (p Pair) Slot() uint64 {
	if p.Incremental != nil {
		return p.Incremental.Slot
	}
	return p.Full.Slot
}

// String reads "full 100 + incremental 250", or "full 100 alone".
func (p Pair) String() string {
	if p.Incremental != nil {
		return fmt.Sprintf("full %d + incremental %d", p.Full.Slot, p.Incremental.Slot)
	}
	return fmt.Sprintf("full %d alone", p.Full.Slot)
}

// Pairs gives the best pair of each full, the newest pair first; of two with the same slot that of the newer full, which is
// the smaller incremental. Incrementals whose full is not there are in none.
func Pairs(archives []Archive) []Pair {
	var out []Pair
	for _, full := range archives {
		if full.Incremental() {
			continue
		}
		p := Pair{Full: full}
		for _, inc := range archives {
			if inc.Base == full.Slot && (p.Incremental == nil || inc.Slot > p.Incremental.Slot) {
				p.Incremental = &inc
			}
		}
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b Pair) int {
		return cmp.Or(cmp.Compare(b.Slot(), a.Slot()), cmp.Compare(b.Full.Slot, a.Full.Slot))
	})
	return out
}

// Behind is how many slots a slot is behind the cluster's; zero where it is ahead, as the newest often are of a finalized slot.
func Behind(slot, tip uint64) uint64 {
	if slot >= tip {
		return 0
	}
	return tip - slot
}
