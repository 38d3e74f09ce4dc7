package box

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// flash is the part of flash that the command line writes itself. (device.Files)
type flash struct{ dir string }

func (f flash) at(name string) string { return filepath.Join(f.dir, filepath.Clean("/"+name)) }

func (f flash) ReadFile(name string) ([]byte, error) { return os.ReadFile(f.at(name)) }

// WriteFile writes beside and renames: a write that fails, as on a full flash, leaves the old text.
func (f flash) WriteFile(name string, data []byte) (err error) {
	at := f.at(name)
	if err := os.MkdirAll(filepath.Dir(at), 0o775); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(at), ".write-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(file.Name())
		}
	}()
	_, err = file.Write(data)
	if err := errors.Join(err, file.Chmod(0o664), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), at)
}

func (f flash) Remove(name string) error { return os.Remove(f.at(name)) }

func (f flash) List(dir string) ([]string, error) {
	entries, err := os.ReadDir(f.at(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".write-") {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, err
}

func (f flash) Space() (total, free int64) {
	var s unix.Statfs_t
	if err := unix.Statfs(f.dir, &s); err != nil {
		return 0, 0
	}
	return int64(s.Blocks) * s.Bsize, int64(s.Bavail) * s.Bsize
}
