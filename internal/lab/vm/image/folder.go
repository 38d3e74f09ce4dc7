package image

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"bisc/internal/lab/rootfs"
)

// Folder is a folder of the lab's cache, named by a digest of all that goes into it. Its seal, written last, has the size,
// the times and the digest of each of its files.
type Folder struct {
	path string
	of   string // what it is made of
	seal seal
}

// seal is the file of that name.
type seal struct {
	Of    string
	Files map[string]stamp
}

// stamp is one file as it was sealed. What the kernel notes at each change (inode, size, times) says that nobody has
// touched it since; where that differs, as in a cache that was copied, the digest decides.
type stamp struct {
	Inode          uint64
	Size           int64
	Changed, Wrote int64 // nanoseconds since 1970
	Digest         string
}

// NewFolder names a folder of the cache; kind is the first word of its name.
func NewFolder(kind string, parts ...string) *Folder {
	sum := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(sum, "%d\n%s", len(part), part)
	}
	of := fmt.Sprintf("%x", sum.Sum(nil))
	return &Folder{path: filepath.Join(rootfs.Cache, kind+"-"+of[:16]), of: of}
}

// File is the path of a file in it.
func (f *Folder) File(name string) string { return filepath.Join(f.path, name) }

// Digest is over all files' digests; "" before Sealed or Build.
func (f *Folder) Digest() string {
	text, err := json.Marshal(f.digests())
	if err != nil || len(f.seal.Files) == 0 {
		return ""
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

func (f *Folder) digests() map[string]string {
	all := map[string]string{}
	for name, s := range f.seal.Files {
		all[name] = s.Digest
	}
	return all
}

// Sealed tells whether the folder is there, of this making, whole and unaltered.
func (f *Folder) Sealed(ctx context.Context) bool {
	text, err := os.ReadFile(f.File("seal"))
	if err != nil || json.Unmarshal(text, &f.seal) != nil || f.seal.Of != f.of || len(f.seal.Files) == 0 {
		return false
	}
	for name, sealed := range f.seal.Files {
		now, err := glance(f.File(name))
		if err != nil {
			return false
		}
		now.Digest = sealed.Digest
		if now == sealed {
			continue
		}
		if digest, err := digestOf(ctx, f.File(name)); err != nil || digest != sealed.Digest {
			return false
		}
	}
	return true
}

// Build makes the folder anew, and removes what of its kind nothing uses any more: make fills a folder of its own, of which the files named are kept.
func (f *Folder) Build(make func(work string) error, keep ...string) error {
	if err := errors.Join(os.RemoveAll(f.path), rootfs.Prune(f.path)); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(f.path), filepath.Base(f.path)+rootfs.Building)
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := make(work); err != nil {
		return err
	}
	f.seal = seal{Of: f.of, Files: map[string]stamp{}}
	for _, name := range keep {
		if err := os.Chmod(filepath.Join(work, name), 0o600); err != nil {
			return err
		}
		s, err := glance(filepath.Join(work, name))
		if err != nil {
			return err
		}
		if s.Digest, err = digestOf(context.Background(), filepath.Join(work, name)); err != nil {
			return err
		}
		f.seal.Files[name] = s
	}
	return f.close(work)
}

// close removes what is not kept, writes the seal and gives the folder its name.
func (f *Folder) close(work string) error {
	all, err := os.ReadDir(work)
	if err != nil {
		return err
	}
	for _, e := range all {
		if _, kept := f.seal.Files[e.Name()]; kept {
			continue
		}
		if err := os.RemoveAll(filepath.Join(work, e.Name())); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(f.seal, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(work, "seal"), text, 0o644); err != nil {
		return err
	}
	return os.Rename(work, f.path)
}

func glance(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	stat := info.Sys().(*syscall.Stat_t)
	return stamp{Inode: stat.Ino, Size: stat.Size, Changed: stat.Ctim.Nano(), Wrote: stat.Mtim.Nano()}, nil
}

func digestOf(ctx context.Context, path string) (string, error) {
	in, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer in.Close()
	sum := sha256.New()
	buffer := make([]byte, 1<<20)
	for {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		n, err := in.Read(buffer)
		sum.Write(buffer[:n])
		if err == io.EOF {
			return fmt.Sprintf("%x", sum.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
	}
}
