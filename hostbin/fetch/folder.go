package fetch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"bisc/hostbin/snapshots"
)

// Files lists a folder. open, where not nil, tells which files some process has open (see OpenFiles).
func Files(dir string, open map[FileID]bool) ([]snapshots.File, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("look into the folder of snapshots: %w", err)
	}
	var out []snapshots.File
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // it went meanwhile
		}
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() {
			continue // a link is none of ours, nor is a folder
		}
		out = append(out, snapshots.File{Name: e.Name(), Size: info.Size(), Modified: info.ModTime(), Open: open[idOf(info)]})
	}
	return out, nil
}

// FileID tells a file from every other, in whatever mount namespace it is looked at.
type FileID struct{ Dev, Inode uint64 }

func idOf(info fs.FileInfo) FileID {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return FileID{}
	}
	return FileID{st.Dev, st.Ino}
}

// OpenFiles are all files that any process but this one has open. It has to be root to see them all.
func OpenFiles() (map[FileID]bool, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("only root sees which files other processes have open")
	}
	procs, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	out := map[FileID]bool{}
	for _, p := range procs {
		if strings.Trim(p.Name(), "0123456789") != "" || p.Name() == fmt.Sprint(os.Getpid()) {
			continue
		}
		fds, err := os.ReadDir("/proc/" + p.Name() + "/fd")
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // it ended meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("the open files of process %s: %w", p.Name(), err)
		}
		for _, fd := range fds {
			link := "/proc/" + p.Name() + "/fd/" + fd.Name()
			if to, err := os.Readlink(link); err != nil || !strings.HasPrefix(to, "/") {
				continue // sockets, pipes; to stat what a dead network file system holds would hang
			} else if !strings.Contains(filepath.Base(to), "snapshot-") {
				continue
			}
			if info, err := os.Stat(link); err == nil {
				out[idOf(info)] = true
			}
		}
	}
	return out, nil
}

// free is how many bytes a folder's file system has for root.
func free(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("the space free in %s: %w", dir, err)
	}
	return int64(st.Bavail) * st.Bsize, nil
}

// lock keeps a second fetch out of the folder, until the process ends.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, ".bisc-snapshot.lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("another fetch is at work in %s (its lock is held): wait for it, or look at it with bisc status", dir)
	}
	return f, nil
}

// syncFolder makes names durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// settle gives a whole file its final name: durable, readable, owned as its folder is.
func settle(temp, name string) error {
	f, err := os.OpenFile(temp, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	dir, err := os.Stat(filepath.Dir(name))
	if err == nil {
		if st, ok := dir.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
			err = f.Chown(int(st.Uid), int(st.Gid))
		}
	}
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("finish %s: %w", name, err)
	}
	if err := os.Rename(temp, name); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(name))
}

// drop removes files that may be gone already.
func drop(names ...string) error {
	var errs []error
	for _, n := range names {
		if err := os.Remove(n); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
