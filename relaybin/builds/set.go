package builds

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"runtime"
)

// Tree is a folder of bisc's source that has programs for hosts in it, each in cmd/NAME, and is embedded with its builds.
type Tree struct {
	Name      string   // the folder, below bisc's source: relaybin
	Platforms []string // that its programs are built for
}

// Trees are those that there are. relaybin's daemons run on switches too, hostbin's programs on validator hosts alone.
func Trees() []Tree {
	return []Tree{{"relaybin", Platforms()}, {"hostbin", []string{"linux/amd64", "linux/arm64"}}}
}

// Set is the builds of one tree, as it was embedded: dist/, and the source that stands beside it.
type Set struct {
	Tree    string // its name
	Files   fs.FS
	Missing error // where there are no builds
	Command string
}

// Built is one embedded program for one platform.
type Built struct {
	Binary
	Set Set
}

// All lists what is embedded, by name and platform. Set.Missing where there is nothing.
func (s Set) All() ([]Built, error) {
	m, err := ReadManifest(s.Files, "dist")
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(m.Binaries) == 0 {
		return nil, s.Missing
	}
	if err != nil {
		return nil, fmt.Errorf("%w: run `%s` and build bisc again", err, s.Command)
	}
	out := make([]Built, len(m.Binaries))
	for i, b := range m.Binaries {
		out[i] = Built{b, s}
	}
	return out, nil
}

// For gives the program that suits a machine (as uname -m names it) best, or the one for a platform where that is not empty;
// in any case one that the machine can run, by the header of the very file that would be pushed.
func (s Set) For(name, machine, platform string) (Built, error) {
	all, err := s.All()
	if err != nil {
		return Built{}, err
	}
	return Choose(all, name, machine, platform)
}

// Choose is Set.For among builds.
func Choose(all []Built, name, machine, platform string) (Built, error) {
	if platform == "" {
		var err error
		if platform, err = PlatformOf(machine); err != nil {
			return Built{}, err
		}
	}
	command := "make build"
	for _, b := range all {
		command = b.Set.Command
		if b.Name != name || b.Platform != platform {
			continue
		}
		target, err := b.Header()
		if err != nil {
			return Built{}, err
		}
		if why := target.Runs(machine); why != "" {
			return Built{}, fmt.Errorf("%s for %s: %s", name, platform, why)
		}
		return b, nil
	}
	return Built{}, fmt.Errorf("there is no %s for %s among the builds: `bisc relay list` shows them, `%s` makes them", name, platform, command)
}

// Open gives the program's bytes.
func (b Built) Open() (io.ReadCloser, error) {
	f, err := b.Set.Files.Open(path.Join("dist", b.File))
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

// Header reads what the program itself says of its machine, which is what a kernel goes by.
func (b Built) Header() (Target, error) {
	r, err := b.Open()
	if err != nil {
		return Target{}, err
	}
	defer r.Close()
	head := make([]byte, 64)
	if _, err := io.ReadFull(r, head); err != nil {
		return Target{}, fmt.Errorf("read the build of %s for %s: %w", b.Name, b.Platform, err)
	}
	return ReadTarget(head)
}

// Stale says in what a build differs from the source that this bisc was compiled with: its own source, the toolchain, or a
// module of others. Empty where it differs in nothing.
func (b Built) Stale() (string, error) { return b.StaleFor(runtime.Version(), ModulesOfThis()) }
