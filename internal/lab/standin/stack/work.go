package stack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// work is a repository in the making. The first error stays.
type work struct {
	ctx     context.Context
	dir     string
	commits int
	err     error
}

func (w *work) init() {
	w.err = os.MkdirAll(w.dir, 0o755)
	w.git("init", "-q", "-b", Main)
}

// git runs git as nobody in particular, at a time that follows from the commits: ids are the same each time.
func (w *work) git(args ...string) string {
	if w.err != nil {
		return ""
	}
	cmd := exec.CommandContext(w.ctx, "git", append([]string{"-C", w.dir}, args...)...)
	date := fmt.Sprintf("@%d +0000", 1_773_000_000+60*w.commits)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=lab", "GIT_AUTHOR_EMAIL=lab@example.org",
		"GIT_COMMITTER_NAME=lab", "GIT_COMMITTER_EMAIL=lab@example.org", "GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date)
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.err = fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes files and returns the commit's id.
func (w *work) commit(files map[string]string, message string) string {
	for name, text := range files {
		path := filepath.Join(w.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil && w.err == nil {
			w.err = err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil && w.err == nil {
			w.err = err
		}
	}
	w.commits++
	w.git("add", "-A")
	w.git("commit", "-q", "-m", message)
	return w.git("rev-parse", "HEAD")
}
