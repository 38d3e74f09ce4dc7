package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// Stat is what a host knows of a path. Symbolic links are followed, and Link keeps the target where the path's own last
// element is one.
type Stat struct {
	// Type is one of the Type constants; Dangling when the path is a link to nothing.
	Type FileType
	// Link is the target of the link that the path itself is, else empty.
	Link string
	// Mode holds the permission bits and setuid, setgid, sticky as in chmod(1): 0o7777.
	Mode     uint32
	UID, GID uint32
	Size     int64
	// Dev is the device of the file system that holds the path; Rdev the device that the path is (block and char).
	Dev, Rdev DeviceID
	Inode     uint64
	// MountID is the id, in /proc/self/mountinfo, of the mount that is visible at the path.
	MountID int
	ModTime time.Time
}

// DeviceID is a device number.
type DeviceID struct{ Major, Minor uint32 }

// String is the form of /proc/self/mountinfo: major:minor in decimal.
func (d DeviceID) String() string { return fmt.Sprintf("%d:%d", d.Major, d.Minor) }

// FileType is a kind of file, named as stat(1) and find(1) do.
type FileType string

// The types of file.
const (
	Regular   FileType = "file"
	Directory FileType = "directory"
	Block     FileType = "block"
	Char      FileType = "char"
	Fifo      FileType = "fifo"
	Socket    FileType = "socket"
	Dangling  FileType = "dangling"
)

// Perm is Mode as Go's permission bits, without setuid, setgid and sticky.
func (s Stat) Perm() fs.FileMode { return fs.FileMode(s.Mode & 0o777) }

// StatIfThere is Stat for what may not be there: that is an answer, and no error.
func StatIfThere(ctx context.Context, r Reader, name string) (st Stat, there bool, err error) {
	st, err = r.Stat(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return Stat{}, false, nil
	}
	if err != nil {
		return Stat{}, false, fmt.Errorf("stat %s: %w", name, err)
	}
	return st, true, nil
}
