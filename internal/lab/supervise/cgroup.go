package supervise

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// hierarchies returns the control group trees in which systemd keeps its units: on a machine with the hybrid layout
// systemd's own v1 tree and the unified one beside it, else the unified one.
func hierarchies() []string {
	var trees []string
	for _, name := range []string{"systemd", "unified"} {
		if tree := filepath.Join("/sys/fs/cgroup", name); isTree(tree) {
			trees = append(trees, tree)
		}
	}
	if trees == nil && isTree("/sys/fs/cgroup") {
		trees = []string{"/sys/fs/cgroup"}
	}
	return trees
}

func isTree(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "cgroup.procs"))
	return err == nil
}

// makeCgroups makes a host's control groups, one in each tree. Without one of its own every host would sit in /payload.
func makeCgroups(id, host string) ([]string, error) {
	var groups []string
	for _, tree := range hierarchies() {
		dir := filepath.Join(tree, "bisc-lab", id, host)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("make a control group: %w", err)
		}
		groups = append(groups, dir)
	}
	return groups, nil
}

// removeCgroups removes a lab's control groups, and the folder of all labs with the last of them.
func removeCgroups(id string) error {
	var errs []error
	for _, tree := range hierarchies() {
		all := filepath.Join(tree, "bisc-lab")
		errs = append(errs, retry(func() error { return removeTree(filepath.Join(all, id)) }))
		os.Remove(all) // another lab's may be in it
	}
	return errors.Join(errs...)
}

// removeTree removes a control group and those in it, innermost first. Its files cannot be removed and go with it.
func removeTree(dir string) error {
	var dirs []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	for i := len(dirs) - 1; i >= 0; i-- {
		if err := os.Remove(dirs[i]); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}
