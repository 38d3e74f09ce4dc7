package storage

import (
	"fmt"

	"bisc/internal/host"
	"bisc/modules"
)

// goes takes the ramdisk away: first the device, whose memory no unmount gives back, as brd keeps a page once written until
// the module goes; then what would make it again at boot.
func (r *Ramdisk) goes(c *modules.Change, s ramdiskSeen) {
	if s.module {
		c.Differ("device", r.Device, "(none)")
		c.Destroy(fmt.Sprintf("the ramdisk %s, with all that is in it", r.Device))
		c.Do(host.Script{Argv: []string{"modprobe", "-r", "brd"}, Guards: []host.Guard{host.ValidatorStopped(), host.Unused(r.Device)}})
	}
	if s.unit.LoadState != "masked" && c.DifferBoot("enabled", linked(s.unit), "(none)") {
		c.Do(host.Script{Argv: []string{"systemctl", "disable", "--", r.Unit}})
	}
	reload := s.unit.NeedReload
	for i, f := range r.files() {
		old := s.files[i]
		if old == nil || f.attr == "unit" && s.unit.LoadState == "masked" {
			continue
		}
		c.DifferBoot(f.attr, f.path, "(none)")
		c.Destroy("the file " + f.path)
		c.Do(host.Remove{Path: f.path, Guards: []host.Guard{host.Unchanged(f.path, host.ContentDigest([]byte(*old)))}})
		reload = reload || f.attr == "unit"
	}
	if reload {
		c.Do(daemonReload())
	}
	// The unit refuses to be stopped by hand as long as systemd has its file. It runs no process, but what systemd holds
	// for started could be required again by a mount.
	if c.Differ("active", active(s.unit), "inactive") {
		c.Do(host.Script{Argv: []string{"systemctl", "stop", "--", r.Unit}, Guards: []host.Guard{host.StopsOnly(r.Unit)}})
	}
}

// linked is whether the unit is started at boot; a unit that is not there is not.
func linked(u unitSeen) string {
	if u.UnitFileState == "" || u.UnitFileState == "disabled" {
		return "(none)"
	}
	return u.UnitFileState
}

// active is the unit's state; one whose work has failed runs no more than one that never began.
func active(u unitSeen) string {
	if u.ActiveState == "" || u.ActiveState == "failed" {
		return "inactive"
	}
	return u.ActiveState
}
