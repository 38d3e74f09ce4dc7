package storage

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// ZFSDatasetKind is a ZFS file system.
var ZFSDatasetKind = modules.Kind{
	Name: "zfs_dataset", Label: "the dataset's name, POOL or POOL/PATH", Platform: host.Linux, Layer: "storage",
	Doc: "A ZFS file system, its properties, and that it is mounted. It is made where it is missing and the dataset above it exists. protect is as for zvol. " +
		"A new mountpoint unmounts it from the old one, so that is done only while nothing uses it. It is never destroyed recursively.",
	Checks: []string{
		"now: it exists and is a file system; the properties named, its mount point, canmount and protection; that it is mounted and visible there",
		"after boot: the same, since all of it is in the pool; zfs-mount.service mounts it",
	},
	Losses: []modules.Loss{
		{What: "the dataset and everything in it", When: "absent = true and the dataset is not protected",
			Guards: []string{"no validator lives", "not protected", "mount not in use"}},
		{What: "another mount on top of it (in a tmpfs: all that is in it)", When: "something is mounted over it at its mount point",
			Guards: []string{"no validator lives", "mounted below as shown", "mount not in use"}},
		{What: "its mount at the old mount point", When: "mountpoint differs while it is mounted",
			Guards: []string{"no validator lives", "mount not in use"}},
		{What: "sight of what was written into the plain folder", When: "it is not mounted",
			Guards: []string{"no validator lives"}},
	},
	Example: `zfs_dataset "biscayne/DATA/srv/kind/solana" {
  mountpoint = "/srv/kind/solana"
  properties = {
    recordsize = "128K"
    atime      = "off"
  }
}`,
	New: func(label string) modules.Resource { return &ZFSDataset{Dataset: label, Protect: true} },
}

// ZFSDataset is a ZFS file system.
type ZFSDataset struct {
	Dataset    string
	Mountpoint string            `hcl:"mountpoint,optional" doc:"where it is mounted, or none or legacy; unset leaves it"`
	CanMount   string            `hcl:"canmount,optional" doc:"on, off or noauto; unset leaves it"`
	Quota      modules.Bytes     `hcl:"quota,optional" doc:"what it and all below it may take; unset leaves it"`
	Properties map[string]string `hcl:"properties,optional" doc:"other properties, as zfs(8) names them"`
	Protect    bool              `hcl:"protect,optional" default:"true" doc:"bisc:protect=on on the dataset: nothing of bisc destroys it"`
	Absent     bool              `hcl:"absent,optional" default:"false" doc:"it is destroyed, once it is not protected"`

	wanted wanted
}

// Owns is the dataset.
func (d *ZFSDataset) Owns() []string { return []string{"zfs:" + d.Dataset} }

// Meet learns the other wanted mount points.
func (d *ZFSDataset) Meet(all []modules.Resource) { d.wanted = meet(all) }

// MountPoint is the mount point written, or empty where the dataset is to be absent or is not to be mounted.
func (d *ZFSDataset) MountPoint() string {
	if d.Absent || !strings.HasPrefix(d.Mountpoint, "/") || d.CanMount == "off" || d.CanMount == "noauto" {
		return ""
	}
	return d.Mountpoint
}

// requirements is what mounts datasets at boot.
func (d *ZFSDataset) requirements() []string { return []string{"zfs-mount.service"} }

// Validate checks name and properties.
func (d *ZFSDataset) Validate() error {
	errs := []error{zfsName("", d.Dataset),
		unless(!slices.Contains([]string{"", "on", "off", "noauto"}, d.CanMount), "canmount", "it is on, off or noauto")}
	if d.Mountpoint != "" && d.Mountpoint != "none" && d.Mountpoint != "legacy" {
		errs = append(errs, cleanPath("mountpoint", d.Mountpoint))
	}
	for k, v := range d.Properties {
		switch {
		case k == "mountpoint" || k == "canmount" || k == "quota" || k == protectProperty:
			errs = append(errs, fault("properties", "%s is an attribute of its own", k))
		case oneWord("properties", k) != nil || strings.ContainsAny(k, "=@") || strings.ContainsFunc(v, control):
			errs = append(errs, fault("properties", "%q = %q is no property", k, v))
		}
	}
	return faults(errs...)
}

// properties gives all that is wanted, by name.
func (d *ZFSDataset) properties() map[string]string {
	p := maps.Clone(d.Properties)
	if p == nil {
		p = map[string]string{}
	}
	if d.Mountpoint != "" {
		p["mountpoint"] = d.Mountpoint
	}
	if d.CanMount != "" {
		p["canmount"] = d.CanMount
	}
	if d.Quota != 0 {
		p["quota"] = number(d.Quota)
	}
	return p
}

// datasetSeen is what was observed.
type datasetSeen struct {
	pointSeen // only the mount table and what is asked of a mount that is to go
	zfs       zfsSeen
	parent    zfsSeen
	version   string   // of ZFS, asked where it says what a property means
	uses      []string // of the mount that is to go, its own or one that covers it
}

// Plan observes the dataset, what is above it and the mount table in one wave; who uses the mount is asked only where it
// is to go.
func (d *ZFSDataset) Plan(ctx context.Context, h host.Reader) (c modules.Change, err error) {
	var s datasetSeen
	names := []string{"type", "mounted", "mountpoint", "canmount", "used", protectProperty}
	for _, k := range slices.Sorted(maps.Keys(d.properties())) {
		if !slices.Contains(names, k) {
			names = append(names, k)
		}
	}
	ask := []func(context.Context) error{
		func(ctx context.Context) (err error) { s.zfs, err = askZFS(ctx, h, d.Dataset, names...); return err },
		func(ctx context.Context) (err error) { s.table, err = readTable(ctx, h); return err },
	}
	if d.Properties["xattr"] != "" {
		ask = append(ask, func(ctx context.Context) error {
			text, err := readIfThere(ctx, h, zfsVersion)
			if text != nil {
				s.version = *text
			}
			return err
		})
	}
	if up := parentOf(d.Dataset); up != "" {
		ask = append(ask, func(ctx context.Context) (err error) { s.parent, err = askZFS(ctx, h, up, "type"); return err })
	}
	if err := host.Ask(ctx, ask...); err != nil {
		return c, err
	}
	if m, ok := d.mount(s); ok && (d.Absent || d.moves(s.zfs)) {
		if s.uses, err = busy(ctx, h, s.table, m); err != nil {
			return c, err
		}
	} else if over, ok := d.cover(s); ok {
		if s.uses, err = s.leaving(ctx, h, d.wanted, over); err != nil {
			return c, err
		}
	}
	return d.decide(s), nil
}

// mount gives the dataset's mount where it is visible at its present mount point. A lone mount there is the dataset's when
// zfs says that it is mounted; of several, the table tells by name.
func (d *ZFSDataset) mount(s datasetSeen) (Mounted, bool) {
	at := s.zfs.value["mountpoint"]
	m, ok, err := s.table.At(at)
	if err != nil || !ok || s.zfs.value["mounted"] != "yes" {
		return m, false
	}
	return m, m.Type == "zfs" && m.Source == d.Dataset || m.Type != "zfs" && len(s.table.Hidden(at)) == 0
}

func (d *ZFSDataset) moves(z zfsSeen) bool {
	return d.Mountpoint != "" && !z.missing && z.value["mountpoint"] != d.Mountpoint
}

func (d *ZFSDataset) decide(s datasetSeen) (c modules.Change) {
	c.Settle = mountSettle
	switch {
	case d.Absent:
		d.destroy(&c, s)
	case s.zfs.missing && (s.parent.missing && !d.wanted.datasets[parentOf(d.Dataset)] || parentOf(d.Dataset) == ""):
		c.Refuse("dataset", "(none)", d.Dataset, "what is above it does not exist: make that first; pools are only asserted")
	case s.zfs.missing:
		c.Differ("dataset", "(none)", d.Dataset)
		c.Do(d.create())
	case s.zfs.value["type"] != "filesystem":
		c.Refuse("type", s.zfs.value["type"], "filesystem", "something else has this name")
	default:
		d.compare(&c, s)
		d.mounted(&c, s)
	}
	return c
}

func (d *ZFSDataset) create() host.Step {
	argv := []string{"zfs", "create"}
	if d.Protect {
		argv = append(argv, "-o", protectProperty+"=on")
	}
	p := d.properties()
	for _, k := range slices.Sorted(maps.Keys(p)) {
		argv = append(argv, "-o", k+"="+p[k])
	}
	return host.Script{Argv: append(argv, d.Dataset)}
}

// compare compares the properties. Some are fixed when the dataset is made (zfsprops(7)).
func (d *ZFSDataset) compare(c *modules.Change, s datasetSeen) {
	p := d.properties()
	for _, k := range slices.Sorted(maps.Keys(p)) {
		got := s.zfs.value[k]
		switch {
		case sameProperty(k, got, p[k], s.version):
		case slices.Contains([]string{"casesensitivity", "normalization", "utf8only", "encryption", "volblocksize"}, k):
			c.Refuse(k, got, p[k], "it is fixed when the dataset is made")
		case k == "mountpoint":
			d.move(c, s)
		default:
			c.Differ(k, got, p[k])
			c.Do(setZFS(d.Dataset, k, p[k]))
		}
	}
	if c.Differ("protect", s.zfs.protection(), strconv.FormatBool(d.Protect)) {
		c.Do(setZFS(d.Dataset, protectProperty, onOff(d.Protect)))
	}
}
