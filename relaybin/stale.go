package relaybin

import (
	"fmt"
	"io/fs"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"

	"bisc/relaybin/builds"
)

// Stale says in what a build differs from the source that this bisc was compiled with: its own source, the toolchain, or a
// module of others. Empty where it differs in nothing.
func (b Binary) Stale() (string, error) { return b.stale(runtime.Version(), modulesOfThis()) }

func (b Binary) stale(toolchain string, modules map[string]string) (string, error) {
	for _, dir := range b.Dirs {
		if _, err := fs.Stat(b.tree, dir); err != nil {
			return fmt.Sprintf("it was made of relaybin/%s, which is no longer there", dir), nil
		}
	}
	source, err := builds.SourceDigest(b.tree, b.Dirs)
	switch {
	case err != nil:
		return "", err
	case source != b.Source:
		return fmt.Sprintf("it was made of other source (%.12s) than this bisc (%.12s)", b.Source, source), nil
	case b.Go != toolchain:
		return fmt.Sprintf("it was made with %s, this bisc with %s", b.Go, toolchain), nil
	}
	for _, path := range slices.Sorted(maps.Keys(b.Modules)) {
		version := b.Modules[path]
		if ours, known := modules[path]; known && ours != version { // what only a daemon imports is not in bisc
			return fmt.Sprintf("it was made with %s %s, this bisc with %s", path, version, ours), nil
		}
	}
	return "", nil
}

// modulesOfThis are the modules that the running program was made of, with their versions.
func modulesOfThis() map[string]string {
	out := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			out[d.Path] = d.Version
		}
	}
	return out
}
