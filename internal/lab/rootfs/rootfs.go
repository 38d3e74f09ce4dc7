// Package rootfs builds, once a machine, the Debian root file system that all test hosts share as the lowest layer of
// their overlays, from the machine's own apt sources.
package rootfs

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Cache is where root file systems and the lab's key are kept: outside of the repository, for all checkouts.
const Cache = "/var/cache/bisc-lab"

//go:embed build.sh
var buildScript string

//go:embed configure.sh
var configureScript string

// ErrNotRoot says that hosts need root: they are made of mounts and namespaces.
var ErrNotRoot = errors.New("the lab needs root (mounts, namespaces, device nodes); run it as root")

// Dir returns the root file system's folder, or "" when it has not been built.
func Dir() string {
	public, err := os.ReadFile(KeyFile() + ".pub")
	if err != nil {
		return ""
	}
	release, err := Codename()
	if err != nil {
		return ""
	}
	root := filepath.Join(folder(release, public), "root")
	if _, err := os.Stat(root); err != nil {
		return ""
	}
	return root
}

// folder is named by all that goes into the root file system but the packages' versions.
func folder(release string, public []byte) string {
	sum := sha256.New()
	for _, part := range []string{release, strings.Join(hostPackages, " "), buildScript, configureScript, string(public)} {
		fmt.Fprintf(sum, "%d\n%s", len(part), part)
	}
	return filepath.Join(Cache, fmt.Sprintf("%x", sum.Sum(nil)[:8]))
}

// Codename returns the machine's Debian release.
func Codename() (string, error) {
	text, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", fmt.Errorf("find the Debian release: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_CODENAME="); ok {
			return strings.Trim(name, `"`), nil
		}
	}
	return "", errors.New("find the Debian release: no VERSION_CODENAME in /etc/os-release")
}

// Ensure installs what the machine lacks and builds the root file system if it is not in the cache. A second caller
// waits for the first. A build that is interrupted leaves nothing that a later one would take for whole.
func Ensure(ctx context.Context, progress io.Writer) error {
	if Dir() != "" && len(missing(machinePackages)) == 0 && Promtool() != "" {
		return nil
	}
	if os.Geteuid() != 0 {
		return ErrNotRoot
	}
	if err := os.MkdirAll(Cache, 0o755); err != nil {
		return fmt.Errorf("make the lab's cache: %w", err)
	}
	say := NewSteps(progress)
	unlock, err := Lock(ctx, filepath.Join(Cache, "lock"), say)
	if err != nil {
		return err
	}
	defer unlock()
	if err := Install(ctx, say, machinePackages); err != nil {
		return err
	}
	if Promtool() == "" {
		if err := ensurePromtool(ctx, Cache, say); err != nil {
			return err
		}
	}
	public, err := ensureKey()
	if err != nil {
		return err
	}
	if Dir() != "" { // built while we waited
		return nil
	}
	release, err := Codename()
	if err != nil {
		return err
	}
	if err := build(ctx, release, public, say); err != nil {
		return fmt.Errorf("build the root file system: %w", err)
	}
	say.Step("done")
	return nil
}

// Lock takes a lock file of the cache. It waits for whoever holds it: a build takes a minute, or ten.
func Lock(ctx context.Context, name string, say *Steps) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the lab's cache: %w", err)
	}
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		say.Step("waiting for another set-up on this machine")
	}
	got := make(chan error, 1)
	go func() { got <- unix.Flock(int(f.Fd()), unix.LOCK_EX) }()
	select {
	case err = <-got:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("lock the lab's cache: %w", err)
	}
	return func() { f.Close() }, nil
}

// build makes the root file system in a folder of its own and renames that at the end.
func build(ctx context.Context, release string, public []byte, say *Steps) error {
	sweep()
	work, err := os.MkdirTemp(Cache, "building-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := AptFiles(ctx, work, release); err != nil {
		return err
	}
	for name, text := range map[string]string{"configure.sh": configureScript, "key.pub": string(public)} {
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	say.Step("building the root file system of the test hosts (%d packages, about a minute)", len(hostPackages))
	// In a PID namespace of its own the build ends as a whole when its first process is killed.
	err = say.Run(ctx, "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--", "sh", "-c", buildScript, "build.sh", work, release, strings.Join(hostPackages, ","))
	if err != nil {
		return err
	}
	done := folder(release, public)
	if err := os.Chmod(work, 0o755); err != nil {
		return err
	}
	return os.Rename(work, done)
}

// sweep removes what an interrupted build has left; the caller holds the lock, so nobody is building.
func sweep() {
	old, _ := filepath.Glob(filepath.Join(Cache, "building-*"))
	for _, dir := range old {
		os.RemoveAll(dir)
	}
}
