package agave

import (
	_ "embed"
	"fmt"
	"path"
	"time"

	"bisc/hostbin/snapshots"
	"bisc/internal/host"
	"bisc/modules"
)

//go:embed snapshot-move.sh
var moveText string

// moveIn puts the other folder's pair in place. What it replaces is named, and goes last, by the same rule on the host.
func (s *Snapshot) moveIn(seen heldPairs) modules.Change {
	var c modules.Change
	theirs := snapshots.Pairs(snapshots.Usable(seen.from))
	got, fresh := seen.judge()
	ours := snapshots.Pairs(snapshots.Usable(seen.files))
	if len(theirs) == 0 || len(ours) > 0 && ours[0].Slot() >= theirs[0].Slot() {
		if !fresh {
			c.Refuse("pair", got, s.wanted(seen), s.From+" has no newer one: fetch one into it first")
		}
		return c
	}
	next := theirs[0]
	behind := snapshots.Behind(next.Slot(), seen.tip)
	want := fmt.Sprintf("%s of %s, %d slots behind", next, s.From, behind)
	switch {
	case !seen.folder:
		c.Refuse("pair", got, want, s.Path+" is the validator's own: it has to be there")
		return c
	case behind > seen.most:
		c.Refuse("pair", got, s.wanted(seen), fmt.Sprintf("the newest of %s (%s) is %d slots behind: fetch a newer one", s.From, next, behind))
		return c
	}
	c.Differ("pair", got, want)
	c.Do(seen.move...)
	argv := []string{"sh", "-c", moveText, "move snapshots", seen.tool, s.From, s.Path}
	for _, f := range replaced(seen.files, next) {
		c.Destroy(fmt.Sprintf("%s (%s): %s", path.Join(s.Path, f.Name), snapshots.Bytes(f.Size), f.Why))
		argv = append(argv, f.Name)
	}
	c.Do(host.Script{Argv: argv, Guards: []host.Guard{host.ValidatorStopped()}, Limit: 10 * time.Minute})
	return c
}

// replaced is what of a folder goes when a pair has come into it.
func replaced(files []snapshots.File, next snapshots.Pair) []snapshots.Fate {
	after := append([]snapshots.File{}, files...)
	for _, a := range []*snapshots.Archive{&next.Full, next.Incremental} {
		if a != nil {
			after = append(after, snapshots.File{Name: a.Name(), Size: 1})
		}
	}
	var out []snapshots.Fate
	for _, f := range snapshots.Prune(after, time.Now(), 0).Goes {
		if _, ok := snapshots.Parse(f.Name); ok {
			out = append(out, f)
		}
	}
	return out
}
