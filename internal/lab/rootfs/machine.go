package rootfs

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// missing returns the packages that the machine lacks.
func missing() []string {
	var pkgs []string
	for _, p := range machinePackages {
		if _, err := exec.LookPath(p.program); err != nil {
			pkgs = append(pkgs, p.pkg)
		}
	}
	return pkgs
}

// installMissing installs what the machine lacks. policy-rc.d is not needed: none of these packages has a service
// that starts on a machine without systemd, and on one with systemd they are wanted.
func installMissing(ctx context.Context, say *steps) error {
	pkgs := missing()
	if len(pkgs) == 0 {
		return nil
	}
	say.step("apt-get update")
	if err := say.run(ctx, "apt-get", "-q", "update"); err != nil {
		return fmt.Errorf("apt-get update: %w", err)
	}
	say.step("installing %s on this machine", strings.Join(pkgs, " "))
	args := append([]string{"-q", "-y", "--no-install-recommends", "install"}, pkgs...)
	// Not stopped halfway: dpkg would leave the machine with packages half installed.
	if err := say.run(context.WithoutCancel(ctx), "apt-get", args...); err != nil {
		return fmt.Errorf("install %s: %w", strings.Join(pkgs, " "), err)
	}
	return nil
}
