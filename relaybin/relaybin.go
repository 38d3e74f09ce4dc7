// Package relaybin has the relay daemons in it: static builds for each platform, made by `make relay` (relaybin/build) and
// embedded, with what they were made of. Nothing is fetched when a daemon is installed: what bisc has is what a host gets.
package relaybin

import (
	"compress/gzip"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"bisc/relaybin/builds"
)

// tree is this folder: dist/, the builds, and the source that stands beside them. The source is here so that a bisc can tell
// by itself whether its daemons were made of it; that is a hundredth of what the builds take.
//
//go:embed *
var tree embed.FS

// Command makes the builds.
const Command = "make relay"

// ErrNotBuilt: this bisc was compiled in a tree without builds.
var ErrNotBuilt = errors.New("this bisc has no builds of the relay daemons in it: in bisc's source run `make build`, which makes them (`" + Command + "`) and then bisc")

// Binary is one embedded program for one platform.
type Binary struct {
	builds.Binary
	tree fs.FS
}

// Binaries lists what is embedded, by name and platform. ErrNotBuilt where there is nothing.
func Binaries() ([]Binary, error) { return binaries(tree) }

func binaries(tree fs.FS) ([]Binary, error) {
	m, err := builds.ReadManifest(tree, "dist")
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(m.Binaries) == 0 {
		return nil, ErrNotBuilt
	}
	if err != nil {
		return nil, fmt.Errorf("%w: run `%s` and build bisc again", err, Command)
	}
	out := make([]Binary, len(m.Binaries))
	for i, b := range m.Binaries {
		out[i] = Binary{b, tree}
	}
	return out, nil
}

// For gives the program that suits a machine (as uname -m names it) best, or the one for a platform where that is not empty;
// in any case one that the machine can run, by the header of the very file that would be pushed.
func For(name, machine, platform string) (Binary, error) {
	all, err := Binaries()
	if err != nil {
		return Binary{}, err
	}
	return choose(all, name, machine, platform)
}

func choose(all []Binary, name, machine, platform string) (Binary, error) {
	if platform == "" {
		var err error
		if platform, err = builds.PlatformOf(machine); err != nil {
			return Binary{}, err
		}
	}
	for _, b := range all {
		if b.Name != name || b.Platform != platform {
			continue
		}
		target, err := b.header()
		if err != nil {
			return Binary{}, err
		}
		if why := target.Runs(machine); why != "" {
			return Binary{}, fmt.Errorf("%s for %s: %s", name, platform, why)
		}
		return b, nil
	}
	return Binary{}, fmt.Errorf("there is no %s for %s among the builds: `bisc relay list` shows them, `%s` makes them", name, platform, Command)
}

// Open gives the program's bytes.
func (b Binary) Open() (io.ReadCloser, error) {
	f, err := b.tree.Open("dist/" + b.File)
	if err != nil {
		return nil, fmt.Errorf("open the build of %s for %s: %w", b.Name, b.Platform, err)
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the build of %s for %s: %w", b.Name, b.Platform, err), f.Close())
	}
	return unpacked{z, f}, nil
}

// unpacked closes the packed file too.
type unpacked struct {
	*gzip.Reader
	file io.Closer
}

func (u unpacked) Close() error { return errors.Join(u.Reader.Close(), u.file.Close()) }

// header reads what the program itself says of its machine, which is what a kernel goes by.
func (b Binary) header() (builds.Target, error) {
	r, err := b.Open()
	if err != nil {
		return builds.Target{}, err
	}
	defer r.Close()
	head := make([]byte, 64)
	if _, err := io.ReadFull(r, head); err != nil {
		return builds.Target{}, fmt.Errorf("read the build of %s for %s: %w", b.Name, b.Platform, err)
	}
	return builds.ReadTarget(head)
}

// Names are the daemons that there are, built or not.
func Names() []string { return []string{"shredmirror", "shredunwrap", "shredmeter"} }
