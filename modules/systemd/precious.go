package systemd

import (
	"slices"

	sd "github.com/coreos/go-systemd/v22/unit"

	"bisc/modules"
)

// precious gives those of the units whose stop could hurt a validator that lives: docker and containerd, in which it
// runs, and the mounts that the plan wants.
func precious(units, wantedMounts []string) []string {
	var out []string
	for _, u := range units {
		if docker(u) || slices.Contains(wantedMounts, u) {
			out = append(out, u)
		}
	}
	return out
}

// docker tells whether the unit is docker, its socket, or containerd: bisc restarts none of them for a debt.
func docker(unit string) bool {
	return unit == "docker.service" || unit == "docker.socket" || unit == "containerd.service"
}

// wantedMounts is the mount units of all resources that have a mount point.
func wantedMounts(all []modules.Resource) []string {
	var out []string
	for _, r := range all {
		if m, ok := r.(modules.Mounter); ok && m.MountPoint() != "" {
			out = append(out, sd.UnitNamePathEscape(m.MountPoint())+".mount")
		}
	}
	return out
}
