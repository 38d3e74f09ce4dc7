package fetch

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"bisc/hostbin/snapshots"
)

// Look says what pruning a folder comes to. Nothing goes while a fetch is at work in it.
func Look(dir string, age time.Duration) (snapshots.Pruned, error) {
	open, err := OpenFiles()
	if err != nil {
		return snapshots.Pruned{}, fmt.Errorf("which files are in use is not known: %w", err)
	}
	files, err := Files(dir, open)
	if err != nil {
		return snapshots.Pruned{}, err
	}
	return snapshots.Prune(files, time.Now(), age), nil
}

// Prune removes these files, which were shown, where each of them may still go by what the folder is now; else nothing. None
// named: all that may go.
func Prune(dir string, age time.Duration, only []string) (snapshots.Pruned, error) {
	held, err := lock(dir)
	if err != nil {
		return snapshots.Pruned{}, err
	}
	defer held.Close()
	p, err := Look(dir, age)
	if err != nil {
		return p, err
	}
	for _, name := range only {
		if !slices.ContainsFunc(p.Goes, func(f snapshots.Fate) bool { return f.Name == name }) {
			return p, fmt.Errorf("%s may not go any more, or is not there: nothing is removed; look again", filepath.Join(dir, name))
		}
	}
	if len(only) > 0 {
		p.Goes = slices.DeleteFunc(p.Goes, func(f snapshots.Fate) bool { return !slices.Contains(only, f.Name) })
	}
	for i, f := range p.Goes {
		if err := drop(filepath.Join(dir, f.Name)); err != nil {
			p.Goes = p.Goes[:i]
			return p, err
		}
	}
	return p, syncFolder(dir)
}
