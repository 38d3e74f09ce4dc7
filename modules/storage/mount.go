package storage

import (
	"context"
	"slices"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// MountKind is a device's file system at a mount point.
var MountKind = modules.Kind{
	Name: "mount", Label: "the mount point", Platform: host.Linux, Layer: "storage",
	Doc: "A device's file system at a mount point, now and after boot. The mount is known by the device number of its source and " +
		"by being visible at the path: a file system of the right type from another device, or a right mount that another covers, is a difference. " +
		"What is mounted wrongly is unmounted only when nothing uses it and no wanted mount would go with it. A mount that hides below a later mount of " +
		"a folder above it is mounted once more, on top. What is missing is mounted only while no validator lives: one may write into the plain folder. A source that a ramdisk makes brings the requirement of the ramdisk's unit with it.",
	Checks: []string{
		"now: the visible mount at the path has the source's major:minor, its root, the type and the flags (ro, nosuid, nodev, noexec, access times); what covers it",
		"after boot: exactly one fstab line, and it says this; the unit that systemd made of it is loaded, requires and follows the units named, and these exist",
		"after boot: a mount point on ZFS is ordered after zfs-mount.service, which would else cover it",
	},
	Losses: []modules.Loss{
		{What: "another mount at the mount point (in a tmpfs: all that is in it)", When: "something else is mounted or stacked there, or absent = true",
			Guards: []string{"no validator lives", "mounted below as shown", "mount not in use", "stops nothing else"}},
		{What: "sight of what was written into the plain folder", When: "it is not mounted, or a mount above covers it, and it is mounted on top",
			Guards: []string{"no validator lives", "mounted below as shown"}},
	},
	Example: `mount "/srv/solana" {
  source   = "/dev/zvol/biscayne/DATA/volumes/solana"
  fstype   = "xfs"
  requires = ["zfs-mount.service", "zfs-volume-wait.service"]
}`,
	New: func(label string) modules.Resource { return &Mount{Target: label, Options: []string{"defaults"}} },
}

// Mount is a device's file system at Target.
type Mount struct {
	Target       string
	Source       string   `hcl:"source" doc:"the device, by path; known by its device number"`
	FSType       string   `hcl:"fstype" doc:"the file system's type"`
	Options      []string `hcl:"options,optional" default:"[\"defaults\"]" doc:"mount options; nofail and x-systemd.requires have attributes of their own"`
	Requires     []string `hcl:"requires,optional" doc:"units without which it is not mounted at boot, and after which it is (x-systemd.requires=)"`
	BootCritical bool     `hcl:"boot_critical,optional" default:"false" doc:"whether the boot waits for it and fails without it; false writes nofail"`
	Pass         int      `hcl:"pass,optional" default:"0" doc:"the order in which fsck looks at it at boot, 0 for never"`
	Absent       bool     `hcl:"absent,optional" default:"false" doc:"no fstab line, and not mounted"`

	wanted wanted
}

// Meet learns the other wanted mount points and the devices that the plan makes. Where another block is about the same
// mount point, as an invariant is, what this one leaves open is as the other says.
func (m *Mount) Meet(all []modules.Resource) {
	m.wanted = meet(all)
	for _, r := range all {
		if o, ok := r.(*Mount); ok && o != m && o.Target == m.Target && !o.Absent {
			m.adopt(o)
		}
	}
}

func (m *Mount) adopt(o *Mount) {
	if len(m.Requires) == 0 {
		m.Requires = o.Requires
	}
	if len(m.Options) == 0 || slices.Equal(m.Options, []string{"defaults"}) {
		m.Options = o.Options
	}
	if m.Pass == 0 {
		m.Pass = o.Pass
	}
	m.BootCritical = m.BootCritical || o.BootCritical
}

// MountPoint is the target, or empty where it is to be absent.
func (m *Mount) MountPoint() string {
	if m.Absent {
		return ""
	}
	return m.Target
}

// Owns is the fstab line.
func (m *Mount) Owns() []string { return []string{"fstab:" + m.Target} }

// Validate checks what can be known without a host.
func (m *Mount) Validate() error {
	return faults(
		cleanPath("", m.Target), devicePath("source", m.Source), oneWord("fstype", m.FSType),
		mountOptions("options", m.Options), unitNames("requires", m.Requires),
		unless(m.FSType == "btrfs" || m.FSType == "zfs" || m.FSType == "none", "fstype",
			m.FSType+" is not mounted from a device with its number: use zfs_dataset, bind or tmpfs"),
	)
}

// requirements gives what is written, and the unit that makes the file system on the source at boot.
func (m *Mount) requirements() []string {
	out := slices.Clone(m.Requires)
	if u := m.wanted.devices[m.Source].unit; u != "" && !slices.Contains(out, u) {
		out = append(out, u)
	}
	return out
}

func (m *Mount) point() point {
	return point{absent: m.Absent, line: Line{Source: m.Source, Target: m.Target, Type: m.FSType, Pass: m.Pass,
		Options: lineOptions(m.Options, m.BootCritical, m.requirements())}}
}

// mountSeen is what was observed.
type mountSeen struct {
	pointSeen
	source   host.Stat
	noSource bool
	uses     []string // of the mount that is to go, where one is
}

// Plan observes the point and the source in one wave; who uses a wrong mount is asked only where there is one.
func (m *Mount) Plan(ctx context.Context, h host.Reader) (c modules.Change, err error) {
	var s mountSeen
	s.pointSeen, err = m.point().observe(ctx, h, func(ctx context.Context) (err error) {
		s.source, s.noSource, err = statPath(ctx, h, m.Source)
		return err
	})
	if err != nil {
		return c, err
	}
	if wrong, ok := m.wrong(s); ok {
		if s.uses, err = s.leaving(ctx, h, m.wanted, wrong); err != nil {
			return c, err
		}
	}
	return m.decide(s), nil
}

// wrong gives the visible mount at the target where it is not the wanted one.
func (m *Mount) wrong(s mountSeen) (Mounted, bool) {
	v, mounted, _ := s.table.At(m.Target)
	return v, mounted && (m.Absent || !s.noSource && !m.is(v, s))
}

// is tells whether a mount is the one wanted: the whole file system of the source's device.
func (m *Mount) is(v Mounted, s mountSeen) bool { return v.Dev == s.source.Rdev && v.Root == "/" }

// mountSettle is for systemd to notice and name what was mounted.
const mountSettle = 10 * time.Second

// decide is the whole sense of the kind.
func (m *Mount) decide(s mountSeen) (c modules.Change) {
	c.Settle = mountSettle
	if !m.Absent {
		m.fitting(&c)
		zfsOrder(&c, m.wanted, s.table, m.Target, m.requirements())
	}
	if m.Absent {
		if v, ok := m.wrong(s); ok {
			u := unmounting{table: s.table, mount: v, uses: s.uses, devices: s.devices, wanted: m.wanted, last: len(s.table.Hidden(m.Target)) == 0}
			if !u.remove(&c, "mounted", "(none)") {
				return c // the line stays as long as the mount does
			}
		}
		m.point().persist(&c, s.pointSeen)
		return c
	}
	m.point().persist(&c, s.pointSeen)
	m.live(&c, s)
	return c
}

// fitting refuses a type that is not the one that the plan makes on the device: one declaration drives both.
func (m *Mount) fitting(c *modules.Change) {
	if made := m.wanted.devices[m.Source].fstype; made != "" && made != m.FSType {
		c.Refuse("fstype", made, m.FSType, "the plan makes "+made+" on "+m.Source+" and mounts "+m.FSType+": make them agree")
	}
}

// live compares the visible mount.
func (m *Mount) live(c *modules.Change, s mountSeen) {
	v, mounted, _ := s.table.At(m.Target)
	hidden := slices.ContainsFunc(s.table.Hidden(m.Target), func(h Mounted) bool { return !s.noSource && m.is(h, s) })
	switch {
	case s.noSource && mounted:
		c.Refuse("source", v.String(), m.Source, "the device is not there, so it cannot be told whether this is it")
	case s.noSource:
		c.Refuse("source", "(none)", m.Source, "the device is not there yet")
	case s.source.Type != host.Block:
		c.Refuse("source", string(s.source.Type), m.Source, "it is not a block device")
	case mounted && m.is(v, s):
		m.mounted(c, v)
	case mounted:
		m.replace(c, s, v, hidden)
	case hidden:
		uncover(c, m.wanted, s.table, m.Target)
	default:
		m.start(c, s)
	}
}

// mounted compares type and flags of the right mount.
func (m *Mount) mounted(c *modules.Change, v Mounted) {
	if v.Type != m.FSType {
		c.Refuse("fstype", v.Type, m.FSType, "this is what is on the device: a mount does not change it")
	}
	remount(c, v, m.Options)
}

// remount compares the flags of a mount and sets them without touching the file system.
func remount(c *modules.Change, v Mounted, options []string) {
	want, got := flagsOf(options), seenFlags(v.Options)
	want.NoSymFollow = want.NoSymFollow || got.NoSymFollow // to take it away needs a word that an older mount(8) lacks
	if !want.ReadOnly && slices.Contains(v.Super, "ro") {
		c.Refuse("options", "the file system is read-only", "rw", "the kernel or somebody made it so: see dmesg")
		return
	}
	if c.Differ("options", got.String(), want.String()) {
		c.Do(host.Script{Argv: []string{"mount", "--options-mode", "ignore", "-o", "remount,bind," + strings.Join(want.words(), ","), "--", v.Target}})
	}
}

// replace takes away what is mounted in the wanted one's place, and mounts the wanted one where it is not beneath.
func (m *Mount) replace(c *modules.Change, s mountSeen, v Mounted, hidden bool) {
	attr, want := "source", m.Source
	if hidden {
		attr, want = "covered by", "(nothing)"
	}
	u := unmounting{table: s.table, mount: v, uses: s.uses, devices: s.devices, wanted: m.wanted, last: len(s.table.Hidden(m.Target)) == 0}
	if u.remove(c, attr, want) && !hidden {
		s.start(c, m.Target)
	}
}

// start mounts what is not mounted, unless a wanted mount below which it lies is not there yet.
func (m *Mount) start(c *modules.Change, s mountSeen) {
	if why := m.wanted.waits(s.table, m.Target); why != "" {
		c.Refuse("source", s.none(), m.Source, why)
		return
	}
	c.Differ("source", s.none(), m.Source)
	s.start(c, m.Target)
}
