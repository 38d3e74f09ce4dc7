package supervise

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// layer is a folder that lies between the shared root file system and what the host itself writes: names, keys,
// stand-ins. The upper layer then holds nothing but the host's own writing.
type layer struct {
	dir   string
	under string // the root file system, whose folders' modes and owners are repeated: the topmost layer's count
}

func (l layer) folders(name string) error {
	path := ""
	for _, part := range strings.Split(filepath.Dir(name), "/") {
		path = filepath.Join(path, part)
		dir := filepath.Join(l.dir, path)
		if err := os.Mkdir(dir, 0o755); os.IsExist(err) {
			continue
		} else if err != nil {
			return err
		}
		info, err := os.Stat(filepath.Join(l.under, path))
		if err != nil {
			continue // a folder that only this layer has
		}
		owner := info.Sys().(*syscall.Stat_t)
		if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
			return err
		}
		if err := os.Chmod(dir, info.Mode()); err != nil {
			return err
		}
	}
	return nil
}

// file writes one file; name is relative to the host's root.
func (l layer) file(name string, mode os.FileMode, text string) error {
	if err := l.folders(name); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.WriteFile(filepath.Join(l.dir, name), []byte(text), mode)
}

func (l layer) link(name, target string) error {
	if err := l.folders(name); err != nil {
		return fmt.Errorf("link %s: %w", name, err)
	}
	return os.Symlink(target, filepath.Join(l.dir, name))
}

// copy puts a program of the root file system at another place.
func (l layer) copy(from, to string) error {
	text, err := os.ReadFile(filepath.Join(l.under, from))
	if err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	return l.file(to, 0o755, string(text))
}

// names gives the host its name, its machine id and the names of the others.
func (l layer) names(name, hosts string) error {
	var id [16]byte
	rand.Read(id[:])
	for _, f := range []struct{ name, text string }{
		{"etc/hostname", name + "\n"},
		{"etc/machine-id", hex.EncodeToString(id[:]) + "\n"},
		{"etc/hosts", "127.0.0.1 localhost\n127.0.1.1 " + name + "\n" + hosts},
	} {
		if err := l.file(f.name, 0o644, f.text); err != nil {
			return err
		}
	}
	return os.Chmod(filepath.Join(l.dir, "etc/machine-id"), 0o444)
}

// docker has docker and containerd start at boot, as the packages would.
func (l layer) docker() error {
	for _, unit := range []string{"multi-user.target.wants/docker.service", "multi-user.target.wants/containerd.service", "sockets.target.wants/docker.socket"} {
		if err := l.link("etc/systemd/system/"+unit, "/lib/systemd/system/"+filepath.Base(unit)); err != nil {
			return err
		}
	}
	return nil
}
