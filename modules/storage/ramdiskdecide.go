package storage

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/confd"
)

// decide is the whole sense of the kind: first what the next boot will do, then the device as it is.
func (r *Ramdisk) decide(s ramdiskSeen) (c modules.Change) {
	c.Settle = mountSettle
	if r.Absent {
		r.goes(&c, s)
		return c
	}
	r.spoilt(&c, s)
	r.persist(&c, s)
	r.live(&c, s)
	return c
}

// spoilt shows what other files of modprobe.d make of brd at the next boot.
func (r *Ramdisk) spoilt(c *modules.Change, s ramdiskSeen) {
	for _, line := range confd.Spoilers(s.conf, "brd", r.brd(), brdOptions) {
		attr, want := "load", "brd loaded at boot"
		if line.Options {
			attr, want = "size", brdOptions+" as written by bisc"
		}
		c.Diffs = append(c.Diffs, modules.Diff{Attr: attr, Got: line.Line, Want: want, Boot: true, Why: line.Why})
	}
}

func (r *Ramdisk) persist(c *modules.Change, s ramdiskSeen) {
	wrote := false
	for i, f := range r.files() {
		put := host.Put{Path: f.path, Content: []byte(f.content), Mode: 0o644, Was: host.Absent}
		got := "(none)"
		if old := s.files[i]; old != nil {
			if *old == f.content {
				continue
			}
			sum := sha256.Sum256([]byte(*old))
			put.Was, got = hex.EncodeToString(sum[:]), f.path+" says something else"
		}
		c.DifferBoot(f.attr, got, f.path+" as written by bisc")
		c.Do(put)
		wrote = wrote || f.attr == "unit"
	}
	switch u := s.unit; {
	case wrote:
	case u.LoadState == "masked":
		c.Diffs = append(c.Diffs, modules.Diff{Attr: "unit", Got: r.Unit + " is masked", Want: "loaded", Boot: true, Why: "somebody masked it: systemctl unmask " + r.Unit})
		return
	case u.NeedReload || u.LoadState != "loaded":
		c.DifferBoot("unit", "systemd has not read "+r.unitPath(), "loaded")
		wrote = true
	}
	if wrote {
		c.Do(daemonReload())
	}
	if c.DifferBoot("enabled", enabled(s.unit), "enabled") {
		c.Do(host.Script{Argv: []string{"systemctl", "enable", "--", r.Unit}})
	}
}

func enabled(u unitSeen) string {
	if u.UnitFileState == "" {
		return "(none)"
	}
	return u.UnitFileState
}

// live compares the device. The module's size is fixed when it loads; to load it anew would take the mounted ramdisk away.
func (r *Ramdisk) live(c *modules.Change, s ramdiskSeen) {
	switch {
	case s.missing && s.module:
		c.Refuse("device", "(none)", r.Device, "brd is loaded and has made no "+r.Device+": its options hold from the next load, at boot")
	case s.missing:
		c.Differ("device", "(none)", r.Device)
		c.Do(host.Script{Argv: []string{"modprobe", "brd"}}, r.format()) // the guard proves that it comes up blank
	case s.device.Type != host.Block:
		c.Refuse("device", string(s.device.Type), "block", "it is not a block device")
	default:
		if got := modules.Bytes(s.content.size); got != r.Size {
			c.Refuse("size", got.String(), r.Size.String(), "the size is fixed when brd loads: it takes effect at the next boot")
		}
		r.liveContent(c, s)
	}
}

func (r *Ramdisk) liveContent(c *modules.Change, s ramdiskSeen) {
	switch row := s.content.row(); {
	case row == holdsFileSystem && s.content.tags["TYPE"] == r.FSType:
	case row == holdsNothing:
		c.Differ("fstype", "(blank)", r.FSType)
		c.Do(r.format())
	default:
		c.Refuse("fstype", s.content.String(), r.FSType, fmt.Sprintf("%s holds something else; the next boot makes it anew", r.Device))
	}
}

func (r *Ramdisk) format() host.Step {
	return host.Script{Argv: mkfs(r.FSType, "", r.Options, r.Device, false), Limit: mkfsLimit,
		Guards: []host.Guard{host.ValidatorStopped(), host.Unused(r.Device), host.Blank(r.Device)}}
}
