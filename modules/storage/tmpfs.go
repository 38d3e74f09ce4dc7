package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// TmpfsKind is a file system in memory.
var TmpfsKind = modules.Kind{
	Name: "tmpfs", Label: "the mount point", Platform: host.Linux, Layer: "storage",
	Doc: "A file system in memory, now and after boot. Another size takes effect at once, by a remount that keeps what is in it; the kernel refuses a size below what is used. What is missing is mounted only while no validator lives: one may write into the plain folder. " +
		"Another tmpfs stacked at the same place is reported and left alone: nothing tells which of the two holds what is wanted.",
	Checks: []string{
		"now: the visible mount at the path is a tmpfs of this size, with these flags, owner, group and mode; what covers it",
		"after boot: exactly one fstab line, and it says this; the unit that systemd made of it requires and follows the units named",
	},
	Losses: []modules.Loss{
		{What: "all that is in the tmpfs, or another mount at the mount point", When: "absent = true, or something else is mounted there",
			Guards: []string{"no validator lives", "mounted below as shown", "mount not in use", "stops nothing else"}},
		{What: "sight of what was written into the plain folder", When: "it is not mounted",
			Guards: []string{"no validator lives", "mounted below as shown"}},
	},
	Example: `tmpfs "/srv/kind/solana/ramdisk" {
  size     = "1024GiB"
  owner    = 1000
  group    = 1000
  options  = ["nodev", "nosuid", "noexec", "nodiratime"]
  requires = ["srv-kind-solana.mount"]
}`,
	New: func(label string) modules.Resource { return &Tmpfs{Target: label, Mode: 0o1777} },
}

// Tmpfs is a file system in memory at Target.
type Tmpfs struct {
	Target       string
	Size         modules.Bytes `hcl:"size" doc:"how much it may hold, a multiple of 4KiB"`
	Owner        modules.ID    `hcl:"owner,optional" doc:"uid of its root folder, a number"`
	Group        modules.ID    `hcl:"group,optional" doc:"gid of its root folder, a number"`
	Mode         modules.Mode  `hcl:"mode,optional" default:"\"1777\"" doc:"mode of its root folder"`
	Options      []string      `hcl:"options,optional" doc:"other mount options"`
	Requires     []string      `hcl:"requires,optional" doc:"units without which it is not mounted at boot, and after which it is (x-systemd.requires=)"`
	BootCritical bool          `hcl:"boot_critical,optional" default:"false" doc:"whether the boot waits for it and fails without it; false writes nofail"`
	Absent       bool          `hcl:"absent,optional" default:"false" doc:"no fstab line, and not mounted"`

	wanted wanted
}

// Meet learns the other wanted mount points.
func (t *Tmpfs) Meet(all []modules.Resource) { t.wanted = meet(all) }

// MountPoint is the target, or empty where it is to be absent.
func (t *Tmpfs) MountPoint() string {
	if t.Absent {
		return ""
	}
	return t.Target
}

// Owns is the fstab line.
func (t *Tmpfs) Owns() []string { return []string{"fstab:" + t.Target} }

func (t *Tmpfs) requirements() []string { return t.Requires }

// Validate checks what can be known without a host.
func (t *Tmpfs) Validate() error {
	own := slices.ContainsFunc(t.Options, func(o string) bool {
		k, _, _ := strings.Cut(o, "=")
		return slices.Contains([]string{"size", "uid", "gid", "mode"}, k)
	})
	return faults(cleanPath("", t.Target), mountOptions("options", t.Options), unitNames("requires", t.Requires),
		unless(t.Size < 4096 || t.Size%4096 != 0, "size", "it must be a multiple of 4KiB: the kernel counts in pages"),
		unless(own, "options", "size, owner, group and mode are attributes"))
}

func (t *Tmpfs) point() point {
	options := append([]string{"size=" + kernelSize(t.Size)}, t.Options...)
	if t.Owner.Set {
		options = append(options, "uid="+t.Owner.String())
	}
	if t.Group.Set {
		options = append(options, "gid="+t.Group.String())
	}
	if t.Mode != 0 {
		options = append(options, "mode="+t.Mode.String())
	}
	return point{absent: t.Absent, line: Line{Source: "tmpfs", Target: t.Target, Type: "tmpfs",
		Options: lineOptions(options, t.BootCritical, t.Requires)}}
}

// kernelSize writes a size as the kernel reads it: 1TiB as 1T.
func kernelSize(b modules.Bytes) string { return strings.TrimSuffix(b.String(), "iB") }

// superSize reads size=1048576k of a tmpfs. The kernel leaves it out where it is half of the memory.
func superSize(super []string) (modules.Bytes, bool) {
	for _, o := range super {
		if v, ok := strings.CutPrefix(o, "size="); ok {
			var b modules.Bytes
			err := b.UnmarshalText([]byte(strings.ToUpper(v)))
			return b, err == nil
		}
	}
	return 0, false
}

// tmpfsSeen is what was observed.
type tmpfsSeen struct {
	pointSeen
	uses []string // of the mount that is to go, where one is
}

// Plan observes the point in one wave; who uses a wrong mount is asked only where there is one.
func (t *Tmpfs) Plan(ctx context.Context, h host.Reader) (c modules.Change, err error) {
	var s tmpfsSeen
	if s.pointSeen, err = t.point().observe(ctx, h); err != nil {
		return c, err
	}
	if v, mounted, _ := s.table.At(t.Target); mounted && (t.Absent || v.Type != "tmpfs") {
		if s.uses, err = s.leaving(ctx, h, t.wanted, v); err != nil {
			return c, err
		}
	}
	return t.decide(s), nil
}

// decide is the whole sense of the kind.
func (t *Tmpfs) decide(s tmpfsSeen) (c modules.Change) {
	c.Settle = mountSettle
	v, mounted, _ := s.table.At(t.Target)
	u := unmounting{table: s.table, mount: v, uses: s.uses, devices: s.devices, wanted: t.wanted, last: len(s.table.Hidden(t.Target)) == 0}
	if t.Absent {
		if mounted && !u.remove(&c, "mounted", "(none)") {
			return c // the line stays as long as the mount does
		}
		t.point().persist(&c, s.pointSeen)
		return c
	}
	zfsOrder(&c, t.wanted, s.table, t.Target, t.Requires)
	t.point().persist(&c, s.pointSeen)
	hidden := slices.ContainsFunc(s.table.Hidden(t.Target), func(h Mounted) bool { return h.Type == "tmpfs" })
	switch {
	case mounted && v.Type == "tmpfs" && hidden:
		c.Refuse("covered by", v.String(), "(nothing)", "two tmpfs are stacked here, and nothing tells which one holds what is wanted")
	case mounted && v.Type == "tmpfs":
		t.mounted(&c, s, v)
	case mounted:
		t.replace(&c, s, u, hidden)
	case hidden:
		over, _ := s.table.Visible(t.Target)
		c.Refuse("covered by", fmt.Sprintf("%s at %s", over, over.Target), "(nothing)", "what is in the tmpfs lies below it: a new one would be empty")
	default:
		t.start(&c, s)
	}
	return c
}

// mounted compares size, flags and owner of the tmpfs that is there.
func (t *Tmpfs) mounted(c *modules.Change, s tmpfsSeen, v Mounted) {
	got := "half of the memory"
	if n, ok := superSize(v.Super); ok {
		got = n.String()
	}
	if c.Differ("size", got, t.Size.String()) {
		// A remount sets every flag that it does not name back to the kernel's default, so those that are there are named.
		kept := strings.Join(seenFlags(v.Options).words(), ",")
		c.Do(host.Script{Argv: []string{"mount", "--options-mode", "ignore", "-o", "remount,size=" + kernelSize(t.Size) + "," + kept, "--", t.Target}})
	}
	remount(c, v, t.Options)
	ownership{t.Owner, t.Group, t.Mode}.compare(c, t.Target, s.at)
}

func (t *Tmpfs) replace(c *modules.Change, s tmpfsSeen, u unmounting, hidden bool) {
	attr, want := "source", "tmpfs"
	if hidden {
		attr, want = "covered by", "(nothing)"
	}
	if u.remove(c, attr, want) && !hidden {
		s.start(c, t.Target)
	}
}

func (t *Tmpfs) start(c *modules.Change, s tmpfsSeen) {
	if why := t.wanted.waits(s.table, t.Target); why != "" {
		c.Refuse("source", s.none(), "tmpfs", why)
		return
	}
	c.Differ("source", s.none(), "tmpfs")
	s.start(c, t.Target)
}
