package fetch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"bisc/hostbin/snapshots"
)

// Install moves the newest pair of one folder into another of the same file system, the full first, so that whatever ends it
// leaves something that a validator starts from. It is for when the validator is stopped: whoever calls it proves that.
func Install(from, into string) (snapshots.Pair, error) {
	held, err := lock(from)
	if err != nil {
		return snapshots.Pair{}, err
	}
	defer held.Close()
	files, err := Files(from, nil)
	if err != nil {
		return snapshots.Pair{}, err
	}
	pairs := snapshots.Pairs(snapshots.Usable(files))
	if len(pairs) == 0 {
		return snapshots.Pair{}, fmt.Errorf("there is no snapshot in %s", from)
	}
	names := []string{pairs[0].Full.Name()}
	if pairs[0].Incremental != nil {
		names = append(names, pairs[0].Incremental.Name())
	}
	for _, name := range names {
		if err := move(filepath.Join(from, name), filepath.Join(into, name)); err != nil {
			return snapshots.Pair{}, err
		}
	}
	return pairs[0], errors.Join(syncFolder(into), syncFolder(from))
}

// move renames. Two names of one file are made one: rename(2) leaves both.
func move(from, to string) error {
	a, err := os.Stat(from)
	if err != nil {
		return err
	}
	b, err := os.Stat(to)
	if err == nil && os.SameFile(a, b) {
		return os.Remove(from)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err = os.Rename(from, to)
	if errors.Is(err, unix.EXDEV) {
		return fmt.Errorf("%s and %s are on two file systems: nothing is moved: 100 GB would have to be copied", filepath.Dir(from), filepath.Dir(to))
	}
	return err
}
