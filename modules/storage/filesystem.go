package storage

import (
	"context"
	"slices"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// FilesystemKind is a file system on a device.
var FilesystemKind = modules.Kind{
	Name: "filesystem", Label: "the device, by path", Platform: host.Linux, Layer: "storage",
	Doc: "A file system on a device. What is on the device decides: **blank** (no signature, no partitions, its first and last MiB and 63 places between all zero): it is made, unasked; " +
		"**the same type**: in sync, whatever its age; **another signature, several signatures, partitioned, unknown bytes**: a difference that bisc leaves alone, " +
		"unless wipe = true and the address is named in --destroy; **in use** (mounted in any mount namespace, open, swap, below a device mapper): left alone in any case; " +
		"**could not be read**: unknown, and unknown refuses. The guards ask all of it again in the script that makes the file system, and a wipe only ever hits what was shown. " +
		"mkfs is never forced but for a wipe. On a zvol of 16K blocks mkfs.xfs warns and uses sectors of 512 bytes, which is of no harm.",
	Checks: []string{
		"now: the signature on the device, read past blkid's cache; type and label; before anything is made, the bytes and who uses the device",
		"after boot: the same, since it is on the device (for /dev/ram0 see ramdisk)",
	},
	Losses: []modules.Loss{
		{What: "everything on the device", When: "wipe = true and the device holds something else",
			Guards: []string{"no validator lives", "device unused", "device as shown"}},
		{What: "nothing: a blank device gets a file system", When: "the device is blank",
			Guards: []string{"no validator lives", "device unused", "device blank"}},
	},
	Example: `filesystem "/dev/zvol/biscayne/DATA/volumes/solana" {
  type = "xfs"
}`,
	New: func(label string) modules.Resource { return &Filesystem{Device: label} },
}

// Filesystem is a file system on Device.
type Filesystem struct {
	Device  string
	Type    string   `hcl:"type" doc:"xfs or ext4"`
	Label   string   `hcl:"volume_label,optional" doc:"the file system's own label; unset leaves it"`
	Options []string `hcl:"options,optional" doc:"arguments of mkfs, for when it is made; not compared"`
	Wipe    bool     `hcl:"wipe,optional" default:"false" doc:"what else is on an unused device may be destroyed, once that is named in --destroy"`
}

// Owns is what is on the device.
func (f *Filesystem) Owns() []string { return []string{"device-fs:" + f.Device} }

// Validate checks what can be known without a host.
func (f *Filesystem) Validate() error {
	errs := []error{devicePath("", f.Device), mkfsType("type", f.Type), mkfsOptions("options", f.Options)}
	if limit := map[string]int{"xfs": 12, "ext4": 16}[f.Type]; limit > 0 && (len(f.Label) > limit || strings.ContainsFunc(f.Label, control) || strings.HasPrefix(f.Label, "-")) {
		errs = append(errs, fault("volume_label", "%q is no label: at most %d bytes, no control characters, no dash in front", f.Label, limit))
	}
	return faults(errs...)
}

func mkfsType(attr, t string) error {
	return unless(t != "xfs" && t != "ext4", attr, "it is xfs or ext4")
}

// mkfsOptions keeps out what would force mkfs, and what has an attribute.
func mkfsOptions(attr string, options []string) error {
	var errs []error
	for _, o := range options {
		switch {
		case o == "-f" || o == "-F" || o == "--force":
			errs = append(errs, fault(attr, "mkfs is not forced: wipe = true is how to say that something may be destroyed"))
		case o == "-L":
			errs = append(errs, fault(attr, "the label is an attribute"))
		case o == "" || strings.HasPrefix(o, "/") || strings.ContainsFunc(o, control):
			errs = append(errs, fault(attr, "%q is no argument of mkfs", o))
		}
	}
	return faults(errs...)
}

// mkfs is the argv that makes a file system.
func mkfs(fstype, label string, options []string, device string, force bool) []string {
	argv := []string{"mkfs." + fstype}
	if force {
		argv = append(argv, map[string]string{"xfs": "-f", "ext4": "-F"}[fstype])
	}
	argv = append(argv, options...)
	if label != "" {
		argv = append(argv, "-L", label)
	}
	return append(argv, device)
}

// filesystemSeen is what was observed.
type filesystemSeen struct {
	missing bool
	device  host.Stat
	content content
	uses    []string // asked only where something would be made
}

// Plan looks at the device and what is on it in one wave, and asks who uses it only where something would be made.
func (f *Filesystem) Plan(ctx context.Context, h host.Reader) (c modules.Change, err error) {
	var s filesystemSeen
	var unread error
	err = host.Ask(ctx,
		func(ctx context.Context) (err error) {
			s.device, s.missing, err = statPath(ctx, h, f.Device)
			return err
		},
		func(ctx context.Context) error { s.content, unread = askContent(ctx, h, f.Device); return nil })
	switch {
	case err != nil:
		return c, err
	case s.missing || s.device.Type != host.Block:
		return f.decide(s), nil // that it could not be read follows
	case unread != nil:
		return c, unread
	}
	if !f.same(s.content) {
		if s.uses, err = askUses(ctx, h, s.device.Rdev); err != nil {
			return c, err
		}
	}
	return f.decide(s), nil
}

func (f *Filesystem) same(c content) bool {
	return c.row() == holdsFileSystem && c.tags["TYPE"] == f.Type && (f.Label == "" || c.tags["LABEL"] == f.Label)
}

// mkfsLimit is for a volume of several TiB on slow disks; xfs writes little, ext4 its inode tables.
const mkfsLimit = 10 * time.Minute

// decide is the truth table.
func (f *Filesystem) decide(s filesystemSeen) (c modules.Change) {
	c.Settle = mountSettle
	row := s.content.row()
	switch {
	case s.missing:
		c.Refuse("type", "(no device)", f.Type, "the device is not there yet, and what is on it must be seen first")
	case s.device.Type != host.Block:
		c.Refuse("type", string(s.device.Type), f.Type, "it is not a block device")
	case f.same(s.content):
	case row == hasNoSize:
		c.Refuse("type", string(row), f.Type, "the device has no size")
	case len(s.uses) > 0:
		c.Refuse("type", s.content.String(), f.Type, "it is in use: "+strings.Join(s.uses[:min(len(s.uses), 5)], "; "))
	case row == holdsNothing:
		c.Differ("type", "(blank)", f.Type)
		c.Do(f.make(s, host.Blank(f.Device)))
	case !f.Wipe:
		f.leave(&c, s.content)
	default:
		f.differ(&c, s.content)
		c.Do(f.make(s, host.Holds(f.Device, s.content.raw, itoa(s.content.exit))))
		c.Destroy(s.content.String() + " on " + f.Device + ", and everything in it")
	}
	return c
}

// leave says what is there, and how to have it destroyed.
func (f *Filesystem) leave(c *modules.Change, seen content) {
	before := len(c.Diffs)
	f.differ(c, seen)
	for i := range c.Diffs[before:] {
		c.Diffs[before+i].Why = "bisc formats only what is blank; wipe = true and --destroy would destroy what is there"
	}
}

// differ names the label alone where the type is right.
func (f *Filesystem) differ(c *modules.Change, seen content) {
	if seen.row() == holdsFileSystem && seen.tags["TYPE"] == f.Type {
		c.Differ("volume_label", seen.tags["LABEL"], f.Label)
		return
	}
	c.Differ("type", seen.String(), f.Type)
}

// make makes the file system; what is on the device then replaces the guard of blankness by that of what was shown.
func (f *Filesystem) make(s filesystemSeen, content host.Guard) host.Step {
	return host.Script{Argv: mkfs(f.Type, f.Label, slices.Clone(f.Options), f.Device, s.content.row() != holdsNothing), Limit: mkfsLimit,
		Guards: []host.Guard{host.ValidatorStopped(), host.Unused(f.Device), content}}
}
