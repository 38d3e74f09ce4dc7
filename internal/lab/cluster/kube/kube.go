// Package kube builds, once a machine, the programs of the lab's clusters from internal/lab/onekube: a module of its own,
// whose 200 requirements stay out of bisc's.
package kube

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"bisc/internal/lab/rootfs"
)

// Programs are what is built.
var programs = []string{"onekube", "fakelet", "kindnode"}

// flags are the build's. Without the versions Kubernetes calls itself v0.0.0.
var flags = []string{"-trimpath", "-ldflags", "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 -X k8s.io/component-base/version.gitMajor=1" +
	" -X k8s.io/component-base/version.gitMinor=36 -X k8s.io/client-go/pkg/version.gitVersion=v1.36.3"}

// Setup builds the programs if the cache has none of this source, and removes the builds of other sources that nothing uses any more.
func Setup(ctx context.Context, progress io.Writer) error {
	dir, release, err := Ensure(ctx, progress)
	if err != nil {
		return err
	}
	defer release()
	unlock, err := rootfs.Lock(ctx, lock(), rootfs.NewSteps(progress))
	if err != nil {
		return err
	}
	defer unlock()
	if err := rootfs.Prune(dir); err != nil {
		return fmt.Errorf("remove old builds of the clusters' programs: %w", err)
	}
	return nil
}

// lock is held by who builds or removes builds.
func lock() string { return filepath.Join(rootfs.Cache, "kube.lock") }

// Ensure builds the programs if the cache has none of this source, and returns their folder, which stays until release. On a machine
// whose go cache is empty that computes for ten minutes; then half a minute a change, and nothing without one. A second caller waits for
// the first. What is built at once goes nicely: tests wait for few things, and for this late.
func Ensure(ctx context.Context, progress io.Writer) (dir string, release func(), err error) {
	source, err := sourceDir(ctx)
	if err != nil {
		return "", nil, fmt.Errorf("set the clusters' programs up: %w", err)
	}
	key, err := keyOf(source)
	if err != nil {
		return "", nil, fmt.Errorf("set the clusters' programs up: %w", err)
	}
	dir = filepath.Join(rootfs.Cache, "kube-"+key)
	if release, err = rootfs.Hold(dir); err == nil && whole(dir) {
		return dir, release, nil
	}
	if os.Geteuid() != 0 {
		return "", nil, rootfs.ErrNotRoot
	}
	if err := os.MkdirAll(rootfs.Cache, 0o755); err != nil {
		return "", nil, fmt.Errorf("make the lab's cache: %w", err)
	}
	say := rootfs.NewSteps(progress)
	unlock, err := rootfs.Lock(ctx, lock(), say)
	if err != nil {
		return "", nil, err
	}
	defer unlock()
	if !whole(dir) { // else it was built while we waited
		if err := build(ctx, say, source, dir); err != nil {
			return "", nil, fmt.Errorf("build the clusters' programs: %w", err)
		}
		say.Step("done")
	}
	release, err = rootfs.Hold(dir)
	return dir, release, err
}

// build compiles into a folder of its own and renames that at the end.
func build(ctx context.Context, say *rootfs.Steps, source, dir string) error {
	old, _ := filepath.Glob(filepath.Join(rootfs.Cache, "kubebuild-*"))
	for _, left := range old { // an interrupted build's; the lock is ours
		os.RemoveAll(left)
	}
	work, err := os.MkdirTemp(rootfs.Cache, "kubebuild-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	say.Step("building Kubernetes for the test clusters (up to ten minutes, once a machine)")
	args := append([]string{"-C", source, "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "nice", "go", "build", "-o", work + "/"}, flags...)
	if err := say.Run(ctx, "env", append(args, "./...")...); err != nil {
		return err
	}
	if err := os.Chmod(work, 0o755); err != nil {
		return err
	}
	return os.Rename(work, dir)
}

func whole(dir string) bool {
	for _, name := range programs {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

// sourceDir finds the module in the repository that the working folder is in.
func sourceDir(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "bisc").Output()
	if err != nil {
		return "", fmt.Errorf("find bisc's source from the working folder (go list -m bisc): %w", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "internal/lab/onekube")
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		return "", errors.New("bisc's source has no internal/lab/onekube")
	}
	return dir, nil
}

// keyOf is named by all that goes into the build: the sources, the flags, the compiler.
func keyOf(source string) (string, error) {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s %q %q\n", runtime.Version(), flags, programs)
	err := filepath.WalkDir(source, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		fmt.Fprintf(sum, "%s %d\n%s", strings.TrimPrefix(path, source), len(text), text)
		return err
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sum.Sum(nil)[:8]), nil
}
