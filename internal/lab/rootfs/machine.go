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

// Install installs what the machine lacks. RUNLEVEL=1 keeps deb-systemd-invoke and invoke-rc.d from starting what a
// package brings as a service: prometheus is here for its promtool.
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
	args := append([]string{"RUNLEVEL=1", "apt-get", "-q", "-y", "--no-install-recommends", "install"}, pkgs...)
	// Not stopped halfway: dpkg would leave the machine with packages half installed.
	if err := say.Run(context.WithoutCancel(ctx), "env", args...); err != nil {
		return fmt.Errorf("install %s: %w", strings.Join(pkgs, " "), err)
	}
	return nil
}
