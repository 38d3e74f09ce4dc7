package eos

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// program finds bisc-lab: the one given, or one built from this module's source. The build is kept for the next time, one for each
// tree, so that a test pays for it once; go tells whether it is current.
func program(ctx context.Context, given string) (string, error) {
	if given != "" {
		return filepath.Abs(given)
	}
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find this module, to build bisc-lab from it: %w", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a place for bisc-lab: %w", err)
	}
	dir := filepath.Join(cache, "bisc-lab-eos", fmt.Sprintf("%x", sha256.Sum256([]byte(strings.TrimSpace(string(out)))))[:16])
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", err
	}
	defer lock.Close() // and with it the lock goes
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return "", fmt.Errorf("wait for another build of bisc-lab: %w", err)
	}
	path := filepath.Join(dir, "bisc-lab")
	build := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", path, "bisc/internal/lab/cmd/bisc-lab")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build bisc-lab: %w\n%s", err, out)
	}
	return path, nil
}
