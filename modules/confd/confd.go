// Package confd reads configuration folders that exist in several places (sysctl.d, modprobe.d), as systemd and kmod do.
package confd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"bisc/internal/host"
)

// File is a file of such a folder.
type File struct {
	Path  string
	Lines []string // without comments and empty lines
}

// folders is where such folders are looked for: a name in a former one hides the same name in the later ones.
func folders(name string) []string {
	return []string{"/etc/" + name, "/run/" + name, "/usr/local/lib/" + name, "/usr/lib/" + name, "/lib/" + name}
}

// Read reads a configuration folder: every *.conf, hidden names left out, in the order of the names without their folder,
// so that what comes later wins.
func Read(ctx context.Context, h host.Reader, name string) ([]File, error) {
	places := folders(name)
	found := make([][]string, len(places))
	questions := make([]func(context.Context) error, len(places))
	for i, folder := range places {
		questions[i] = func(ctx context.Context) (err error) {
			if found[i], err = h.Glob(ctx, folder+"/*.conf"); err != nil {
				return fmt.Errorf("list %s: %w", folder, err)
			}
			return nil
		}
	}
	if err := host.Ask(ctx, questions...); err != nil {
		return nil, err
	}
	return readAll(ctx, h, visible(slices.Concat(found...)))
}

// visible leaves out the names that a former folder hides, and sorts.
func visible(paths []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, p := range paths {
		if base := path.Base(p); !seen[base] {
			seen[base] = true
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Compare(path.Base(a), path.Base(b)) })
	return out
}

// readAll reads the files. A link to nothing counts as empty, as its readers take it.
func readAll(ctx context.Context, h host.Reader, paths []string) ([]File, error) {
	out := make([]File, len(paths))
	questions := make([]func(context.Context) error, len(paths))
	for i, p := range paths {
		out[i].Path = p
		questions[i] = func(ctx context.Context) error {
			content, err := h.ReadFile(ctx, p)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("read %s: %w", p, err)
			}
			out[i].Lines = linesOf(string(content))
			return nil
		}
	}
	return out, host.Ask(ctx, questions...)
}

func linesOf(content string) []string {
	var out []string
	for line := range strings.Lines(content) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' && line[0] != ';' {
			out = append(out, line)
		}
	}
	return out
}
