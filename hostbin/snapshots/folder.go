package snapshots

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// File is a file of a folder of snapshots.
type File struct {
	Name     string    `json:"name"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	// Open: some process has it open, in whatever mount namespace.
	Open bool `json:"open,omitempty"`
}

// Partial is the name under which we download a file: a dot in front, which agave takes for nothing of its own.
func Partial(name string) string { return "." + name + ".part" }

const controlSuffix = ".aria2" // of the file beside a download that aria2c has not finished

// partial tells whether a name is that of a download or a writing that was not finished.
func partial(name string) bool {
	return strings.HasSuffix(name, controlSuffix) || strings.HasPrefix(name, ".") && (strings.HasSuffix(name, ".part") || strings.HasSuffix(name, ".part.json")) ||
		strings.HasPrefix(name, "tmp-snapshot-") || strings.HasPrefix(name, "tmp-incremental-snapshot-")
}

// Usable gives the archives of a folder that may be whole: an empty one is none, nor one with a control file of aria2c beside
// it, which has its final name and length long before its bytes.
func Usable(files []File) []Archive {
	var out []Archive
	for _, f := range files {
		a, ok := Parse(f.Name)
		unfinished := slices.ContainsFunc(files, func(o File) bool { return o.Name == f.Name+controlSuffix })
		if ok && f.Size > 0 && !unfinished {
			out = append(out, a)
		}
	}
	return out
}

// Fate is what becomes of a file, and why.
type Fate struct {
	File
	Why string `json:"why"`
}

// Pruned is what pruning a folder comes to.
type Pruned struct {
	Kept  *Pair  `json:"kept"` // nil: there is no pair, and nothing goes
	Goes  []Fate `json:"goes"`
	Stays []Fate `json:"stays"`
}

// Prune decides what of a folder may go: all archives but the newest pair, and what was left of downloads. Where no archive is
// usable nothing goes. Nor does what is newer than the pair that stays, what changed less than age ago (somebody may still
// write it), and what a process has open.
func Prune(files []File, now time.Time, age time.Duration) Pruned {
	var p Pruned
	pairs := Pairs(Usable(files))
	if len(pairs) > 0 {
		p.Kept = &pairs[0]
	}
	for _, f := range files {
		why, goes := p.fate(f)
		switch {
		case why == "":
			continue
		case goes && f.Open:
			why, goes = why+", but a process has it open", false
		case goes && now.Sub(f.Modified) < age:
			why, goes = fmt.Sprintf("%s, but it changed less than %s ago: somebody may still write it", why, shortTime(age)), false
		}
		if goes {
			p.Goes = append(p.Goes, Fate{f, why})
		} else {
			p.Stays = append(p.Stays, Fate{f, why})
		}
	}
	slices.SortFunc(p.Goes, func(a, b Fate) int { return cmp.Compare(a.Name, b.Name) })
	return p
}

// fate judges one file by the pair that stays; no reason: it is none of ours.
func (p Pruned) fate(f File) (why string, goes bool) {
	a, ok := Parse(f.Name)
	switch {
	case !ok && !partial(f.Name):
		return "", false
	case p.Kept == nil:
		return "there is no usable pair: nothing goes", false
	case !ok:
		return "was left of a download or a writing", true
	case a == p.Kept.Full, p.Kept.Incremental != nil && a == *p.Kept.Incremental:
		return "of the newest usable pair", false
	case a.Slot > p.Kept.Slot():
		return fmt.Sprintf("newer than the pair that stays (slot %d)", p.Kept.Slot()), false
	case a.Incremental() && a.Base != p.Kept.Full.Slot:
		return fmt.Sprintf("fits only the full %d", a.Base), true
	}
	return "older than the pair that stays", true
}
