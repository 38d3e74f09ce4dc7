package systemd

import (
	"slices"

	sd "github.com/coreos/go-systemd/v22/unit"

	"bisc/internal/host"
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

// spare is the guard of a stop. A unit that stops alone, and by signals only, is stopped while a validator lives
// elsewhere. One whose stop runs a program may do anything to it (the unit that lets the validator exit at shutdown does
// just that), and of what stops with it nothing is known: these need proof that no validator lives at all.
func spare(s State, closure []string, wantedMounts []string) host.Guard {
	alone := len(closure) == 1 && closure[0] == s.Name && len(precious(closure, wantedMounts)) == 0
	if alone && s.Prop("ExecStop") == "" && s.Prop("ExecStopPost") == "" {
		return host.SparesValidator(s.Name)
	}
	return host.ValidatorStopped()
}
