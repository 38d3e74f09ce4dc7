package host

import (
	"context"
	"fmt"
	"io/fs"
	"regexp"
)

// FileDigest asks a host for the SHA-256 (hex) of a file: a program is too large to be fetched for each look. A file that is not
// there is fs.ErrNotExist.
func FileDigest(ctx context.Context, r Reader, name string) (string, error) {
	argv := []string{"sha256sum", "--", name}
	out, err := r.Query(ctx, argv...)
	if err != nil {
		return "", fmt.Errorf("digest of %s: %w", name, err)
	}
	if out.Exit != 0 {
		if _, there, statErr := StatIfThere(ctx, r, name); statErr == nil && !there {
			return "", fmt.Errorf("digest of %s: %w", name, fs.ErrNotExist)
		}
		return "", fmt.Errorf("digest of %s: %w", name, &ExitError{Argv: argv, Exit: out.Exit, Stderr: out.Stderr})
	}
	// The line begins with a backslash where the name has one.
	m := regexp.MustCompile(`^\\?([0-9a-f]{64})  `).FindSubmatch(out.Stdout)
	if m == nil {
		return "", fmt.Errorf("digest of %s: sha256sum says %.80q", name, out.Stdout)
	}
	return string(m[1]), nil
}

// ShortDigest is a digest (hex) as a person compares it.
func ShortDigest(digest string) string { return "sha256:" + digest[:min(12, len(digest))] }
