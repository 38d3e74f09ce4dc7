package rootfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// keepUnused is how long a build that this checkout has no use for is kept, for other checkouts of the project on the machine.
const keepUnused = 24 * time.Hour

// Hold notes that a build of the cache is used now, and keeps Prune away from it until release, or until this process ends. A build that
// is not there is fs.ErrNotExist.
func Hold(dir string) (release func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("hold a build of the lab's cache: %w", err)
	}
	now := time.Now()
	err = errors.Join(unix.Flock(int(f.Fd()), unix.LOCK_SH), os.Chtimes(dir, now, now)) // by its name: it may have gone while we waited
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("hold a build of the lab's cache: %w", err)
	}
	return func() { f.Close() }, nil
}

// Prune removes the builds of a kind but the current one: those that were interrupted, and those that nobody holds and nobody has used
// for a day. A build's name is its kind, a hyphen and a digest. The caller holds the lock under which builds of the kind are made.
func Prune(current string) error {
	kind := filepath.Base(current)
	kind = kind[:strings.LastIndex(kind, "-")]
	all, err := filepath.Glob(filepath.Join(filepath.Dir(current), kind+"-*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, dir := range all {
		if dir != current {
			errs = append(errs, prune(dir))
		}
	}
	return errors.Join(errs...)
}

// Building is between a build's name and the rest of the name of the folder that it is made in.
const Building = ".building-"

func prune(dir string) error {
	f, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if time.Since(info.ModTime()) < keepUnused && !strings.Contains(filepath.Base(dir), Building) {
		return nil
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil // somebody holds it
	}
	return os.RemoveAll(dir)
}
