package storage

import (
	"fmt"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// move changes the mount point. zfs unmounts a mounted dataset for that.
func (d *ZFSDataset) move(c *modules.Change, s datasetSeen) {
	got := s.zfs.value["mountpoint"]
	m, mounted := d.mount(s)
	if !mounted {
		c.Differ("mountpoint", got, d.Mountpoint)
		c.Do(setZFS(d.Dataset, "mountpoint", d.Mountpoint))
		return
	}
	if why := d.stays(s, m); why != "" {
		c.Refuse("mountpoint", got, d.Mountpoint, why)
		return
	}
	c.Differ("mountpoint", got, d.Mountpoint)
	c.Do(setZFS(d.Dataset, "mountpoint", d.Mountpoint, host.ValidatorStopped(), host.MountFree(m.Dev, going(s.table, m)...)))
	c.Destroy("the mount of " + d.Dataset + " at " + got)
}

// stays says why the dataset's mount must stay, empty where it may go.
func (d *ZFSDataset) stays(s datasetSeen, m Mounted) string {
	u := unmounting{table: s.table, mount: m, uses: s.uses, wanted: d.wanted}
	switch {
	case len(d.wanted.shared(s.table.GoesWith(m), m.Target)) > 0:
		return "unmounting it would propagate to a wanted mount"
	case len(u.below()) > 0:
		return "mounts stand on it: " + strings.Join(u.below(), ", ")
	case len(s.uses) > 0:
		return "it is in use: " + strings.Join(s.uses[:min(len(s.uses), 5)], "; ")
	}
	return ""
}

// mounted compares whether the dataset is mounted, and visible.
func (d *ZFSDataset) mounted(c *modules.Change, s datasetSeen) {
	at, can := s.zfs.value["mountpoint"], s.zfs.value["canmount"]
	if d.CanMount != "" {
		can = d.CanMount
	}
	if d.moves(s.zfs) || !strings.HasPrefix(at, "/") || can != "on" {
		return // after a move zfs mounts it by itself, or the next round says that it did not
	}
	if s.zfs.value["mounted"] != "yes" {
		if why := d.wanted.waits(s.table, at); why != "" {
			c.Refuse("mounted", "no", "yes", why)
			return
		}
		c.Differ("mounted", "no", "yes")
		c.Do(host.Script{Argv: []string{"zfs", "mount", d.Dataset}, Guards: []host.Guard{host.ValidatorStopped()}})
		return
	}
	if _, visible := d.mount(s); visible {
		return
	}
	if over, ok := d.cover(s); ok {
		u := unmounting{table: s.table, mount: over, uses: s.uses, devices: s.devices, wanted: d.wanted}
		u.remove(c, "covered by", "(nothing)")
		return
	}
	over, _ := s.table.Visible(at)
	c.Refuse("covered by", fmt.Sprintf("%s at %s", over, over.Target), "(nothing)", "it is mounted and another mount covers it, which is not at its own mount point: that one must go first")
}

// cover gives the one mount that stands on the dataset's, at its mount point. With more than one in between it is not told
// which of them the dataset's is, unless ZFS names it.
func (d *ZFSDataset) cover(s datasetSeen) (Mounted, bool) {
	if s.zfs.value["mounted"] != "yes" {
		return Mounted{}, false
	}
	over, mounted, err := s.table.At(s.zfs.value["mountpoint"])
	own, stacked := s.table.beneath(over)
	if err != nil || !mounted || !stacked {
		return over, false
	}
	named := own.Type == "zfs" && own.Source == d.Dataset
	_, more := s.table.beneath(own)
	return over, named || own.Type != "zfs" && over.Type != "zfs" && !more
}

// destroy refuses while the dataset is protected: to take that off is an act of its own, approved on its own.
func (d *ZFSDataset) destroy(c *modules.Change, s datasetSeen) {
	switch {
	case s.zfs.missing:
		return
	case s.zfs.value["type"] != "filesystem":
		c.Refuse("type", s.zfs.value["type"], "filesystem", "something else has this name")
		return
	case parentOf(d.Dataset) == "":
		c.Refuse("absent", "exists", "true", "a pool is never destroyed")
		return
	case s.zfs.protected():
		c.Refuse("absent", "protected", "true", protectProperty+" is on: apply protect = false, without absent, first")
		return
	}
	guards := []host.Guard{host.ValidatorStopped(), host.Unprotected(d.Dataset)}
	if s.zfs.value["mounted"] == "yes" {
		m, visible := d.mount(s)
		if !visible {
			c.Refuse("absent", "exists", "true", "it is mounted out of sight, so it cannot be told whether it is in use")
			return
		}
		if why := d.stays(s, m); why != "" {
			c.Refuse("absent", "exists", "true", why)
			return
		}
		guards = append(guards, host.MountFree(m.Dev, going(s.table, m)...))
	}
	c.Differ("absent", "exists", "true")
	c.Do(host.Script{Argv: []string{"zfs", "destroy", d.Dataset}, Guards: guards})
	c.Destroy("the dataset " + d.Dataset + " (" + bytesOf(s.zfs.value["used"]).String() + ") and everything in it")
}
