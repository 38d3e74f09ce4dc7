package builds

import (
	"fmt"
	"io/fs"
	"maps"
	"runtime/debug"
	"slices"
)

// StaleFor is Stale for a toolchain and modules.
func (b Built) StaleFor(toolchain string, modules map[string]string) (string, error) {
	for _, dir := range b.Dirs {
		if _, err := fs.Stat(b.Set.Files, dir); err != nil {
			return fmt.Sprintf("it was made of %s/%s, which is no longer there", b.Set.Tree, dir), nil
		}
	}
	source, err := SourceDigest(b.Set.Files, b.Dirs)
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

// ModulesOfThis are the modules that the running program was made of, with their versions.
func ModulesOfThis() map[string]string {
	out := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			out[d.Path] = d.Version
		}
	}
	return out
}
