package discover

import (
	"context"
	"errors"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/storage"
)

const ram0 = "/dev/ram0"

// ramdiskSeen is the block device in memory, and where its size is written.
type ramdiskSeen struct {
	size   string // blockdev's answer, empty where there is no device
	module bool   // brd is loaded
}

func (r *reader) askRamdisk(s *ramdiskSeen) []question {
	return []question{
		{"ramdisk", ram0, func(ctx context.Context) error {
			if _, err := r.Stat(ctx, ram0); errors.Is(err, fs.ErrNotExist) {
				return nil
			} else if err != nil {
				return err
			}
			out, err := r.Query(ctx, "blockdev", "--getsize64", ram0)
			if err == nil && out.Exit != 0 {
				err = &host.ExitError{Argv: []string{"blockdev"}, Exit: out.Exit, Stderr: out.Stderr}
			}
			s.size = strings.TrimSpace(string(out.Stdout))
			return err
		}},
		{"ramdisk", "/sys/module/brd", func(ctx context.Context) error {
			_, err := r.Stat(ctx, "/sys/module/brd")
			s.module = err == nil
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}},
	}
}

// brdSize is the size in modprobe.d, in KiB there.
var brdSize = regexp.MustCompile(`(?m)^\s*options\s+brd\b.*\brd_size=(\d+)`)

// block is the ramdisk, where the host has one or fstab wants one. Its unit is the one that runs mkfs on it.
func (s ramdiskSeen) block(g *ground, units []unitFile, conf []localFile) (*Block, *Remark) {
	u, made := formatter(units)
	size, persisted := s.bytes(conf)
	switch wanted := g.mounts(ram0); {
	case s.size == "" && !wanted:
		return nil, nil
	case !wanted && !made:
		return nil, &Remark{Outside, "ramdisk", ram0, size.String() + ", and nothing mounts it, now or at boot"}
	case size == 0:
		return nil, &Remark{Unknown, "ramdisk", ram0, "fstab mounts it, it is not there, and no file of modprobe.d says how large it is to be: write a ramdisk block"}
	}
	b := newBlock("storage", "ramdisk", ram0).set("size", size.String())
	if g.fstype(ram0) == "ext4" {
		b.set("fstype", "ext4")
	}
	if made && u.name != "format-ramdisk.service" {
		b.set("unit", u.name)
	}
	switch {
	case !made:
		b.fault("no unit makes a file system on it at boot: the next boot finds it blank, and its mount fails")
	case !strings.Contains(u.text, "kept by bisc"):
		b.fault("%s makes its file system without a look at what is there: started once more while the ramdisk is not mounted, it erases the accounts. bisc's looks first", u.name)
	}
	if persisted == "" {
		b.fault("no file of modprobe.d gives its size: the next boot makes ramdisks of the kernel's default size, or none")
	} else if !strings.HasSuffix(persisted, "/bisc-brd.conf") {
		b.note("its size is in %s; bisc keeps one of its own, bisc-brd.conf, and looks that no other says otherwise", persisted)
	}
	return b, nil
}

// mounts tells whether anything has a device as its source, in fstab or now.
func (g *ground) mounts(device string) bool {
	for _, p := range g.points {
		if p.now != nil && p.now.Source == device || slices.ContainsFunc(p.lines, func(l storage.Line) bool { return l.Source == device }) {
			return true
		}
	}
	return false
}

// fstype is what fstab mounts of a device, since that is what the next boot must make; else what is on it.
func (g *ground) fstype(device string) string {
	for _, p := range g.points {
		for _, l := range p.lines {
			if l.Source == device {
				return l.Type
			}
		}
	}
	return g.types[device]
}

// bytes is the size that the device has, else that of the next boot; persisted is the file that has the latter.
func (s ramdiskSeen) bytes(conf []localFile) (size modules.Bytes, persisted string) {
	if n, err := strconv.ParseInt(s.size, 10, 64); err == nil {
		size = modules.Bytes(n)
	}
	for _, f := range conf {
		m := brdSize.FindStringSubmatch(f.text)
		if !strings.HasPrefix(f.path, "/etc/modprobe.d/") || m == nil {
			continue
		}
		persisted = f.path
		if n, err := strconv.ParseInt(m[1], 10, 64); err == nil && (size == 0 || strings.HasSuffix(f.path, "/bisc-brd.conf")) {
			size = modules.Bytes(n << 10)
		}
	}
	return size, persisted
}

// formatter finds the unit that makes a file system on the ramdisk.
func formatter(units []unitFile) (unitFile, bool) {
	for _, u := range units {
		if strings.Contains(u.text, "mkfs") && strings.Contains(u.text, ram0) && strings.HasSuffix(u.name, ".service") {
			return u, true
		}
	}
	return unitFile{}, false
}

// brdOnly tells a file of which all is the ramdisk's: options of brd, or its loading.
func brdOnly(f localFile) bool {
	if !within(f.path, "/etc/modprobe.d") && !within(f.path, "/etc/modules-load.d") {
		return false
	}
	any := false
	for line := range strings.Lines(f.text) {
		w := strings.Fields(line)
		if len(w) == 0 || strings.HasPrefix(w[0], "#") || strings.HasPrefix(w[0], ";") {
			continue
		}
		if w[0] != "brd" && !(len(w) > 1 && w[0] == "options" && w[1] == "brd") {
			return false
		}
		any = true
	}
	return any
}
