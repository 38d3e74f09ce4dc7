package rootfs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Promtool is the reader of Prometheus' rules: the machine's own, or the lab's. It is empty before the lab was set up.
func Promtool() string {
	if own, err := exec.LookPath("promtool"); err == nil {
		return own
	}
	if _, err := os.Stat(promtoolIn(Cache)); err == nil {
		return promtoolIn(Cache)
	}
	return ""
}

func promtoolIn(cache string) string { return filepath.Join(cache, "promtool") }

// ensurePromtool takes promtool out of Debian's package prometheus into the cache. The package is not installed: it would
// start a server on a machine with systemd.
func ensurePromtool(ctx context.Context, cache string, say *Steps) error {
	work, err := os.MkdirTemp(cache, "promtool-")
	if err != nil {
		return fmt.Errorf("fetch promtool: %w", err)
	}
	defer os.RemoveAll(work)
	say.Step("fetching promtool")
	// apt's own user may not write there, and apt would warn; nothing is installed, so the download needs no sandbox.
	download := []string{"-C", work, "apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "prometheus"}
	if err := say.Run(ctx, "env", download...); err != nil {
		if err := say.Run(ctx, "apt-get", "-q", "update"); err != nil { // a machine whose lists are empty or old
			return fmt.Errorf("apt-get update: %w", err)
		}
		if err := say.Run(ctx, "env", download...); err != nil {
			return fmt.Errorf("apt-get download prometheus: %w", err)
		}
	}
	packages, err := filepath.Glob(filepath.Join(work, "prometheus_*.deb"))
	if err != nil || len(packages) != 1 {
		return fmt.Errorf("apt-get download prometheus left %d packages (%w)", len(packages), err)
	}
	if err := say.Run(ctx, "dpkg-deb", "--extract", packages[0], filepath.Join(work, "x")); err != nil {
		return fmt.Errorf("unpack %s: %w", filepath.Base(packages[0]), err)
	}
	return os.Rename(filepath.Join(work, "x/usr/bin/promtool"), promtoolIn(cache)) // whole or not at all
}
