package builds

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// SourceDigest is a SHA-256 (hex) over the files that stand in the folders, names and contents: whatever the go command
// could make a program of. Tests, and what the go command and embed leave out (names with a dot or an underscore in front),
// do not count; nor do folders within: those that matter are listed themselves.
func SourceDigest(tree fs.FS, dirs []string) (string, error) {
	sum := sha256.New()
	for _, dir := range slices.Sorted(slices.Values(dirs)) {
		entries, err := fs.ReadDir(tree, dir)
		if err != nil {
			return "", fmt.Errorf("digest of the programs' source: %w", err)
		}
		for _, e := range entries {
			if e.IsDir() || !counts(e.Name()) {
				continue
			}
			text, err := fs.ReadFile(tree, path.Join(dir, e.Name()))
			if err != nil {
				return "", fmt.Errorf("digest of the programs' source: %w", err)
			}
			fmt.Fprintf(sum, "%q %d\n", path.Join(dir, e.Name()), len(text))
			sum.Write(text)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func counts(name string) bool {
	return !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "_") && !strings.HasSuffix(name, "_test.go")
}
