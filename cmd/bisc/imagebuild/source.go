package imagebuild

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// checkout puts the source at its commit, with the patches, into a folder, and gives git's digest of the tree. The folder holds no
// .git afterwards: history is no input.
func (r Request) checkout(ctx context.Context, folder string) (tree string, err error) {
	g := git{ctx, folder}
	if _, err := g.run("init", "-q", "--initial-branch=none"); err != nil {
		return "", err
	}
	if err := g.fetch(r.Source, r.Commit, 1); err != nil {
		return "", err
	}
	if _, err := g.run("checkout", "-q", "--detach", r.Commit); err != nil {
		return "", err
	}
	for _, p := range r.Patches {
		from := r.PatchSource
		if from == "" {
			from = r.Source
		}
		if err := g.fetch(from, p, 2); err != nil { // its parent too: a patch is what lies between
			return "", err
		}
		if _, err := g.run("cherry-pick", "--no-commit", p); err != nil {
			return "", fmt.Errorf("the patch %s does not fit on %s (make one that does, and name its commit): %w", p, r.Commit, err)
		}
	}
	if tree, err = g.run("write-tree"); err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(folder, ".gitmodules")); err == nil {
		if _, err := g.run("submodule", "update", "-q", "--init", "--recursive"); err != nil {
			return "", err
		}
	}
	return tree, forget(folder)
}

// forget takes what is git's out of a tree, of submodules too.
func forget(folder string) error {
	var found []string
	err := filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == ".git" {
			found = append(found, name)
			if d.IsDir() {
				return fs.SkipDir
			}
		}
		return err
	})
	for _, name := range found {
		err = errors.Join(err, os.RemoveAll(name))
	}
	return err
}

// git runs git in a folder, without the user's and the machine's configuration that could change what is built.
type git struct {
	ctx    context.Context
	folder string
}

func (g git) run(words ...string) (string, error) {
	cmd := exec.CommandContext(g.ctx, "git", append([]string{"-c", "core.autocrlf=false", "-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false"}, words...)...)
	cmd.Dir = g.folder
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_DIR="+filepath.Join(g.folder, ".git"), "GIT_WORK_TREE="+g.folder)
	var said, complaint strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &complaint
	if err := cmd.Run(); err != nil {
		if g.ctx.Err() != nil {
			return "", context.Cause(g.ctx)
		}
		return "", fmt.Errorf("git %s: %w: %s", words[0], err, strings.TrimSpace(complaint.String()))
	}
	return strings.TrimSpace(said.String()), nil
}

// fetch brings a commit by its name, and where a server gives no commit by name, all of the repository.
func (g git) fetch(source, commit string, depth int) error {
	_, err := g.run("fetch", "-q", "--no-tags", fmt.Sprintf("--depth=%d", depth), "--", source, commit)
	if err != nil && g.ctx.Err() == nil {
		if _, all := g.run("fetch", "-q", "--no-tags", "--", source, "+refs/*:refs/bisc/*"); all != nil {
			return fmt.Errorf("fetch %s of %s: %w", commit, source, errors.Join(err, all))
		}
	}
	got, err := g.run("rev-parse", "--verify", "-q", commit+"^{commit}")
	if err != nil || got != commit {
		return fmt.Errorf("%s has no commit %s", source, commit)
	}
	return nil
}
