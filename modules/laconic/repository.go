package laconic

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"bisc/internal/host"
)

// repository is what git says of a folder.
type repository struct {
	there   bool
	ground  string // where there is none: none, empty, other
	user    string // as whom git was run
	head    string // 40 hex digits; empty before the first commit
	branch  string // empty: detached
	remote  string // origin's URL
	has     bool   // the commit asked for
	changed []string
	large   string // bytes of untracked files, where they are too many for a patch
	patch   []byte
}

// readRepository asks git as user (empty: whose the folder is). The error tells a host without git, or without such a user.
func readRepository(ctx context.Context, h host.Reader, user, path, commit string) (repository, error) {
	argv := host.GitState.Argv(user, path, commit)
	out, err := h.Query(ctx, argv...)
	if err != nil {
		return repository{}, fmt.Errorf("the repository %s: %w", path, err)
	}
	if out.Exit != 0 {
		return repository{}, fmt.Errorf("the repository %s: %w", path, &host.ExitError{Argv: []string{"git"}, Exit: out.Exit, Stderr: out.Stderr})
	}
	return parseRepository(out.Stdout)
}

func parseRepository(text []byte) (repository, error) {
	var r repository
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
		word, value, _ := strings.Cut(string(line), " ")
		switch word {
		case "none", "empty", "other":
			r.ground = word
			return r, nil
		case "user":
			r.there, r.user = true, value
		case "head":
			r.head = value
		case "branch":
			r.branch = value
		case "remote":
			r.remote = value
		case "has":
			r.has = true
		case "changed":
			r.changed = append(r.changed, value)
		case "large":
			r.large = value
		case "patch":
			r.patch, text = text, nil
		default:
			return r, fmt.Errorf("what is told of the repository is not understood: %q", line)
		}
	}
	if !r.there {
		return r, fmt.Errorf("nothing is told of the repository")
	}
	if len(r.changed) > 0 && r.large == "" && len(r.patch) == 0 {
		return r, fmt.Errorf("git tells of changed files (%s) and makes no patch of them", r.files())
	}
	return r, nil
}

// digest is the SHA-256 of the patch, that of no bytes where there is none.
func (r repository) digest() string { return host.ContentDigest(append([]byte{}, r.patch...)) }

// files names a few of the changed files.
func (r repository) files() string {
	const most = 4
	if len(r.changed) <= most {
		return strings.Join(r.changed, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(r.changed[:most], ", "), len(r.changed)-most)
}
