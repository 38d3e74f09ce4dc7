package storage

import (
	"context"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// BindKind is a folder that appears at a second place.
var BindKind = modules.Kind{
	Name: "bind", Label: "the mount point", Platform: host.Linux, Layer: "storage",
	Doc: "A folder that appears at a second place (mount --bind, --rbind), now and after boot. It is known by the device and the folder within it; where it is " +
		"recursive, every mount below the source must appear below the target from the same device. Propagation is applied in the order written, after the bind: " +
		"[\"rslave\", \"rshared\"] lets mounts of the source appear at the target and lets nothing go back, so that unmounting below the target never " +
		"unmounts the source's, and containers may still be given the target with rslave. It is bound only while no validator lives: one may write into the plain folder. One fstab line says all of it (mount(8) applies the flags one after the other).",
	Checks: []string{
		"now: the visible mount at the path has the device and the folder of the source; each mount below the source is below the target too, and nothing else is",
		"now: peer group and master of the bind, and of each mount below it where the propagation is recursive",
		"after boot: exactly one fstab line, and it says this; the unit that systemd made of it requires and follows the units named",
	},
	Losses: []modules.Loss{
		{What: "another mount at the mount point, or on a mount below it", When: "something else is mounted or stacked there",
			Guards: []string{"no validator lives", "mounted below as shown", "mount not in use", "stops nothing else"}},
		{What: "the bind and the mounts below it, not those of the source", When: "absent = true",
			Guards: []string{"no validator lives", "mounted below as shown", "stops nothing else"}},
		{What: "sight of what was written into the plain folder", When: "it, or a mount below it, is not there and is mounted",
			Guards: []string{"no validator lives", "mounted below as shown"}},
	},
	Example: `bind "/srv/kind/solana" {
  source      = "/srv/solana"
  recursive   = true
  propagation = ["rslave", "rshared"]
  requires    = ["srv-solana-ramdisk.mount"]
}`,
	New: func(label string) modules.Resource { return &Bind{Target: label} },
}

// Bind makes Source appear at Target.
type Bind struct {
	Target       string
	Source       string   `hcl:"source" doc:"the folder that is to appear"`
	Recursive    bool     `hcl:"recursive,optional" default:"false" doc:"with the mounts below it (rbind)"`
	Propagation  []string `hcl:"propagation,optional" doc:"shared, slave, private, or with r before it for the mounts below too; applied in this order after the bind"`
	Requires     []string `hcl:"requires,optional" doc:"units without which it is not mounted at boot, and after which it is (x-systemd.requires=)"`
	BootCritical bool     `hcl:"boot_critical,optional" default:"false" doc:"whether the boot waits for it and fails without it; false writes nofail"`
	Absent       bool     `hcl:"absent,optional" default:"false" doc:"no fstab line, and not mounted"`

	wanted wanted
}

// Meet learns the other wanted mount points. Where another block is about the same one, as an invariant is, what this one
// leaves open is as the other says.
func (b *Bind) Meet(all []modules.Resource) {
	b.wanted = meet(all)
	for _, r := range all {
		o, ok := r.(*Bind)
		if !ok || o == b || o.Target != b.Target || o.Absent {
			continue
		}
		if len(b.Requires) == 0 {
			b.Requires = o.Requires
		}
		if len(b.Propagation) == 0 {
			b.Propagation = o.Propagation
		}
		b.Recursive, b.BootCritical = b.Recursive || o.Recursive, b.BootCritical || o.BootCritical
	}
}

// MountPoint is the target, or empty where it is to be absent.
func (b *Bind) MountPoint() string {
	if b.Absent {
		return ""
	}
	return b.Target
}

// Owns is the fstab line.
func (b *Bind) Owns() []string { return []string{"fstab:" + b.Target} }

func (b *Bind) requirements() []string { return b.Requires }

// Validate checks what can be known without a host.
func (b *Bind) Validate() error {
	errs := []error{cleanPath("", b.Target), cleanPath("source", b.Source), unitNames("requires", b.Requires),
		unless(within(b.Target, b.Source) || within(b.Source, b.Target), "source", "source and target lie within each other")}
	for _, p := range b.Propagation {
		errs = append(errs, unless(!isPropagation(p) || strings.HasSuffix(p, "unbindable"), "propagation",
			p+" is not one of shared, slave, private, rshared, rslave, rprivate"))
	}
	return faults(errs...)
}

func (b *Bind) point() point {
	how := "bind"
	if b.Recursive {
		how = "rbind"
	}
	options := lineOptions(append([]string{how}, b.Propagation...), b.BootCritical, b.Requires)
	return point{absent: b.Absent, line: Line{Source: b.Source, Target: b.Target, Type: "none", Options: options}}
}

// bindSeen is what was observed.
type bindSeen struct {
	pointSeen
	noSource bool
	uses     []string         // of the mount that is to go, where one is
	covers   map[int][]string // uses of the mounts that cover one below the bind, by mount id
}

// Plan observes the point and the source in one wave; who uses a wrong mount is asked only where there is one.
func (b *Bind) Plan(ctx context.Context, h host.Reader) (c modules.Change, err error) {
	var s bindSeen
	s.pointSeen, err = b.point().observe(ctx, h, func(ctx context.Context) (err error) {
		_, s.noSource, err = statPath(ctx, h, b.Source)
		return err
	})
	if err != nil {
		return c, err
	}
	v, mounted, _ := s.table.At(b.Target)
	switch {
	case !mounted || b.Absent:
	case !b.is(v, s.table):
		if s.uses, err = s.leaving(ctx, h, b.wanted, v); err != nil {
			return c, err
		}
	default:
		s.covers = map[int][]string{}
		for _, over := range b.covers(s.table) {
			if s.covers[over.ID], err = s.leaving(ctx, h, b.wanted, over); err != nil {
				return c, err
			}
		}
	}
	return b.decide(s), nil
}

// is tells whether a mount shows the source: the same folder of the same file system.
func (b *Bind) is(v Mounted, t Table) bool {
	on, err := t.Visible(b.Source)
	return err == nil && v.Dev == on.Dev && v.Root == on.inside(b.Source)
}

// decide is the whole sense of the kind.
func (b *Bind) decide(s bindSeen) (c modules.Change) {
	c.Settle = mountSettle
	if b.Absent {
		b.remove(&c, s)
		b.point().persist(&c, s.pointSeen)
		return c
	}
	zfsOrder(&c, b.wanted, s.table, b.Target, b.Requires)
	b.point().persist(&c, s.pointSeen)
	v, mounted, _ := s.table.At(b.Target)
	is := func(m Mounted) bool { return b.is(m, s.table) }
	hidden := slices.ContainsFunc(s.table.Hidden(b.Target), is)
	switch {
	case b.waits(&c, s, mounted && is(v)):
	case mounted && is(v):
		b.below(&c, s)
		b.propagation(&c, s.table)
	case mounted:
		b.replace(&c, s, v, hidden)
	case hidden:
		uncover(&c, b.wanted, s.table, b.Target)
	default:
		c.Differ("source", s.none(), b.Source)
		b.start(&c, s)
	}
	return c
}

// waits refuses to bind what is not complete: the source, and the wanted mounts at, above and below it. A bind made too
// early shows the folder that the mount is about to cover.
func (b *Bind) waits(c *modules.Change, s bindSeen, bound bool) bool {
	got := s.none()
	if bound {
		got = "bound"
	}
	for _, p := range b.wanted.points {
		needed := within(b.Source, p) || b.Recursive && within(p, b.Source) && !bound
		if why := s.table.lacks(p); why != "" && needed && p != b.Target {
			c.Refuse("source", got, b.Source, why)
			return true
		}
	}
	if why := b.wanted.waits(s.table, b.Target); why != "" {
		c.Refuse("source", got, b.Source, why)
		return true
	}
	if s.noSource {
		c.Refuse("source", got, b.Source, "the folder is not there yet")
	}
	return s.noSource
}

func (b *Bind) start(c *modules.Change, s bindSeen) {
	if on, err := s.table.Visible(b.Source); err == nil {
		s.pointSeen.start(c, b.Target, host.StandsOn(on.Target, on.Dev))
	}
}

// replace takes away what is mounted in the bind's place, and binds where the bind is not beneath.
func (b *Bind) replace(c *modules.Change, s bindSeen, v Mounted, hidden bool) {
	attr, want := "source", b.Source
	if hidden {
		attr, want = "covered by", "(nothing)"
	}
	u := unmounting{table: s.table, mount: v, uses: s.uses, devices: s.devices, wanted: b.wanted, last: len(s.table.Hidden(b.Target)) == 0}
	if u.remove(c, attr, want) && !hidden {
		b.start(c, s)
	}
}

// remove unmounts the bind with all below it. Where it is a peer of the source it is made a slave first: else the unmounting
// of what is below would propagate back. Where it is none it is left as it is, so that the copies in the namespaces of
// systemd's services go with it; private, it would leave them behind, and the device in use. Files that are open through
// it make umount(8) refuse.
func (b *Bind) remove(c *modules.Change, s bindSeen) {
	v, mounted, _ := s.table.At(b.Target)
	if !mounted {
		return
	}
	if with := b.wanted.shared(s.table.GoesWith(v), b.Target); len(with) > 0 || v.Type == "zfs" && v.Root == "/" {
		c.Refuse("mounted", v.String(), "(none)", "it is no bind of its own, or unmounting it would propagate to a wanted mount: "+strings.Join(with, ", "))
		return
	}
	var units []string
	for _, m := range s.table.Below(b.Target) {
		units = append(units, MountUnit(m.Target))
	}
	// systemd may for a moment go on to know what an earlier try has unmounted below the bind.
	for _, m := range s.table.Below(b.Source) {
		if unit := MountUnit(b.Target + strings.TrimPrefix(m.Target, strings.TrimSuffix(b.Source, "/"))); !slices.Contains(units, unit) {
			units = append(units, unit)
		}
	}
	c.Differ("mounted", v.String(), "(none)")
	guards := []host.Guard{host.ValidatorStopped(), host.StandsOn(v.Target, v.Dev), host.StopsOnly(MountUnit(b.Target), units...)}
	if b.peers(s.table) {
		c.Do(host.Script{Argv: []string{"mount", "--make-rslave", "--", b.Target}, Guards: guards})
	}
	c.Do(host.Script{Argv: []string{"umount", "--recursive", "--", b.Target}, Guards: guards})
	c.Destroy("the bind of " + v.String() + " at " + b.Target)
}
