package rootfs

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// Program is a program that the machine needs, and the package that has it.
type Program struct{ Name, Package string }

// missing returns the packages that the machine lacks.
func missing(programs []Program) []string {
	var pkgs []string
	for _, p := range programs {
		if _, err := exec.LookPath(p.Name); err != nil {
			pkgs = append(pkgs, p.Package)
		}
	}
	return pkgs
}

// Install installs what the machine lacks. policy-rc.d is not needed: none of these packages has a service
// that starts on a machine without systemd, and on one with systemd they are wanted.
func Install(ctx context.Context, say *Steps, programs []Program) error {
	pkgs := missing(programs)
	if len(pkgs) == 0 {
		return nil
	}
	say.Step("apt-get update")
	if err := say.Run(ctx, "apt-get", "-q", "update"); err != nil {
		return fmt.Errorf("apt-get update: %w", err)
	}
	say.Step("installing %s on this machine", strings.Join(pkgs, " "))
	args := append([]string{"-q", "-y", "--no-install-recommends", "install"}, pkgs...)
	// Not stopped halfway: dpkg would leave the machine with packages half installed.
	if err := say.Run(context.WithoutCancel(ctx), "apt-get", args...); err != nil {
		return fmt.Errorf("install %s: %w", strings.Join(pkgs, " "), err)
	}
	return nil
}
