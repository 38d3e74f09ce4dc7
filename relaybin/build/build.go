package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"bisc/relaybin/builds"
)

// build makes what is not current and writes the list anew, last: a build that is interrupted leaves a list of what was
// there before, and files that it does not name. It gives how many were made.
func build(ctx context.Context, tree, top, out string, names, platforms []string) (made int, err error) {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return 0, err
	}
	unlock, err := lock(filepath.Join(out, ".lock"))
	if err != nil {
		return 0, err
	}
	defer unlock()
	before, err := builds.ReadManifest(os.DirFS(out), ".")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(os.Stderr, "relaybin/build:", err, "(building all of them)")
	}
	tools, err := newToolchain(ctx, top, tree)
	if err != nil {
		return 0, err
	}
	list := builds.Manifest{Flags: flags(), Env: fixed()}
	for _, name := range names {
		for _, platform := range platforms {
			if b, ok := before.Find(name, platform); ok && current(b, before, tools, out) {
				list.Binaries = append(list.Binaries, b)
				continue
			}
			b, err := tools.make(ctx, name, platform, out)
			if err != nil {
				return made, fmt.Errorf("%s for %s: %w", name, platform, err)
			}
			fmt.Printf("%s %s: %d bytes, %d compressed, sha256:%.12s\n", name, platform, b.Size, b.packedSize, b.SHA256)
			list.Binaries = append(list.Binaries, b.Binary)
			made++
		}
	}
	return made, write(out, list)
}

// current tells whether what was built before is what would be built now, and lies there whole.
func current(b builds.Binary, before builds.Manifest, t toolchain, out string) bool {
	if !slices.Equal(before.Flags, flags()) || !slices.Equal(before.Env, fixed()) || b.Go != t.version {
		return false
	}
	for path, version := range b.Modules {
		if t.modules[path] != version {
			return false
		}
	}
	source, err := builds.SourceDigest(os.DirFS(filepath.Join(t.top, t.tree)), b.Dirs)
	if err != nil || source != b.Source {
		return false
	}
	packed, err := os.ReadFile(filepath.Join(out, b.File))
	return err == nil && digest(packed) == b.Packed
}

// write puts the list in place, where it differs, and takes away what it does not name: an embed takes whatever lies there.
func write(out string, list builds.Manifest) error {
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	name := filepath.Join(out, builds.ManifestName)
	if old, err := os.ReadFile(name); err != nil || string(old) != string(text)+"\n" {
		if err := replace(name, append(text, '\n')); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(out)
	if err != nil {
		return err
	}
	named := []string{builds.ManifestName, "README", ".lock"}
	for _, b := range list.Binaries {
		named = append(named, b.File)
	}
	for _, e := range entries {
		if !slices.Contains(named, e.Name()) {
			if err := os.RemoveAll(filepath.Join(out, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// replace writes a file whole or not at all. The temporary name begins with a dot, which embed leaves out.
func replace(name string, text []byte) error {
	temp := filepath.Join(filepath.Dir(name), ".new-"+filepath.Base(name))
	if err := os.WriteFile(temp, text, 0o644); err != nil {
		return err
	}
	return os.Rename(temp, name)
}

// lock keeps two builds of one folder from each other.
func lock(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", name, err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}
