package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/confd"
)

// RamdiskKind is a block device in memory.
var RamdiskKind = modules.Kind{
	Name: "ramdisk", Label: "the device: /dev/ram0", Platform: host.Linux, Layer: "storage",
	Doc: "A block device in memory (the kernel's module brd) with a fresh file system after each boot. This one block writes the module's options, has it loaded at boot, " +
		"and writes and enables the unit that makes the file system, before every mount of the plan that has the device as its source; those mounts require it. " +
		"The unit makes a file system only where the device is blank and mounted nowhere, so starting it again, by hand or by accident, wipes nothing. " +
		"The size is fixed when the module loads: another size is written for the next boot, and until then it is a difference that bisc leaves alone. " +
		"Where it is to be absent, the module goes, and with it the memory that an unmount does not give back.",
	Checks: []string{
		"now: the device, its size, the file system on it; that brd is loaded",
		"after boot: /etc/modprobe.d/bisc-brd.conf and /etc/modules-load.d/bisc-brd.conf; the unit's text; that it is enabled and loaded as written",
		"absent = true: none of these files, no such unit, and brd is not loaded",
		"after boot: no other file of modprobe.d blacklists brd, replaces its loading, or sets its size or number otherwise",
	},
	Losses: []modules.Loss{
		{What: "nothing: a blank ramdisk gets a file system", When: "the device is blank",
			Guards: []string{"no validator lives", "device unused", "device blank"}},
		{What: "all that is in the ramdisk; the files that make it at boot", When: "absent = true",
			Guards: []string{"no validator lives", "device unused", "file unchanged", "stops nothing else"}},
	},
	Example: `ramdisk "/dev/ram0" {
  size   = "600GiB"
  fstype = "xfs"
}`,
	New: func(label string) modules.Resource {
		return &Ramdisk{Device: label, FSType: "xfs", Unit: "format-ramdisk.service"}
	},
}

// Ramdisk is the block device in memory, /dev/ram0.
type Ramdisk struct {
	Device  string
	Size    modules.Bytes `hcl:"size,optional" doc:"its size, a multiple of 4KiB; for xfs at least 300MiB; needed unless it is to be absent"`
	FSType  string        `hcl:"fstype,optional" default:"\"xfs\"" doc:"xfs or ext4"`
	Options []string      `hcl:"options,optional" doc:"arguments of mkfs"`
	Unit    string        `hcl:"unit,optional" default:"\"format-ramdisk.service\"" doc:"the name of the unit that makes the file system at boot"`
	Absent  bool          `hcl:"absent,optional" default:"false" doc:"brd is not loaded, and nothing makes a ramdisk at boot"`

	wanted wanted
}

const (
	brdOptions = "/etc/modprobe.d/bisc-brd.conf"
	brdLoad    = "/etc/modules-load.d/bisc-brd.conf"
)

func (r *Ramdisk) unitPath() string { return "/etc/systemd/system/" + r.Unit }

// Owns is brd and all its files, the unit, and what is on the device.
func (r *Ramdisk) Owns() []string {
	return []string{"file:" + brdOptions, "file:" + brdLoad, "modprobe:brd", "unit:" + r.Unit, "file:" + r.unitPath(), "device-fs:" + r.Device}
}

// Meet learns which mounts have the device as their source.
func (r *Ramdisk) Meet(all []modules.Resource) { r.wanted = meet(all) }

// Validate checks what can be known without a host.
func (r *Ramdisk) Validate() error {
	if r.Absent && r.Size == 0 {
		return faults(unless(r.Device != "/dev/ram0", "", "bisc keeps one ramdisk, /dev/ram0"))
	}
	return faults(
		unless(r.Device != "/dev/ram0", "", "bisc keeps one ramdisk, /dev/ram0"),
		unless(r.Size < 1<<20 || r.Size%4096 != 0, "size", "it must be a multiple of 4KiB and no less than 1MiB"),
		// Found on the virtual machine, halfway through an apply: the device was made and could not be formatted.
		unless(r.FSType == "xfs" && r.Size < 300<<20 && !slices.Contains(r.Options, "--unsupported"), "size", "mkfs.xfs makes no file system smaller than 300MiB"),
		mkfsType("fstype", r.FSType), mkfsOptions("options", r.Options), unitNames("unit", []string{r.Unit}),
		unless(!strings.HasSuffix(r.Unit, ".service"), "unit", "it is a service"))
}

// files gives the content of each file that the ramdisk keeps.
func (r *Ramdisk) files() []keptFile {
	const by = "# kept by bisc (ramdisk /dev/ram0)\n"
	o := r.brd()
	return []keptFile{
		{"size", brdOptions, by + "options brd rd_nr=" + o["rd_nr"] + " rd_size=" + o["rd_size"] + "\n"},
		{"load", brdLoad, by + "brd\n"},
		{"unit", r.unitPath(), r.unitText()},
	}
}

// brd is the module's options; it counts in KiB.
func (r *Ramdisk) brd() map[string]string {
	return map[string]string{"rd_nr": "1", "rd_size": strconv.FormatInt(int64(r.Size)>>10, 10)}
}

// keptFile is a file that a kind writes whole.
type keptFile struct{ attr, path, content string }

// ramdiskSeen is what was observed.
type ramdiskSeen struct {
	files   []*string // as they are, nil where there is none
	unit    unitSeen
	device  host.Stat
	missing bool
	module  bool // /sys/module/brd is there
	content content
	conf    []confd.File // all of modprobe.d
}

// Plan observes everything in one wave.
func (r *Ramdisk) Plan(ctx context.Context, h host.Reader) (c modules.Change, err error) {
	files := r.files()
	s := ramdiskSeen{files: make([]*string, len(files))}
	var unread error
	ask := []func(context.Context) error{
		func(ctx context.Context) (err error) { s.unit, err = askUnit(ctx, h, r.Unit); return err },
		func(ctx context.Context) (err error) {
			s.device, s.missing, err = statPath(ctx, h, r.Device)
			return err
		},
		func(ctx context.Context) error { s.content, unread = askContent(ctx, h, r.Device); return nil },
		func(ctx context.Context) error {
			_, missing, err := statPath(ctx, h, "/sys/module/brd")
			s.module = !missing
			return err
		},
	}
	ask = append(ask, func(ctx context.Context) (err error) { s.conf, err = confd.Read(ctx, h, "modprobe.d"); return err })
	for i, f := range files {
		ask = append(ask, func(ctx context.Context) (err error) { s.files[i], err = readIfThere(ctx, h, f.path); return err })
	}
	if err := host.Ask(ctx, ask...); err != nil {
		return c, err
	}
	if unread != nil && !r.Absent && !s.missing && s.device.Type == host.Block {
		return c, unread
	}
	return r.decide(s), nil
}

func readIfThere(ctx context.Context, h host.Reader, name string) (*string, error) {
	b, err := h.ReadFile(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	s := string(b)
	return &s, nil
}
