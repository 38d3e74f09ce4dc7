package discover

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"bisc/modules/storage"
)

// mountsSeen is what is mounted and what fstab says.
type mountsSeen struct{ info, fstab string }

func (r *reader) askMounts(m *mountsSeen) []question {
	return []question{
		{"mounts", "/proc/self/mountinfo", func(ctx context.Context) error {
			text, err := r.ReadFile(ctx, "/proc/self/mountinfo")
			m.info = string(text)
			return err
		}},
		r.optional(&m.fstab, "mounts", "/etc/fstab"),
	}
}

// point is a place at which something is or should be mounted.
type point struct {
	target string
	lines  []storage.Line // of fstab
	now    *storage.Mounted
}

// ground is the mounts of a host, and what its blocks are made with.
type ground struct {
	table    storage.Table
	points   []point
	datasets []dataset
	// devices gives for a device number the path that lasts: /dev/zvol/... for 230:0.
	devices map[string]string
	numbers map[string]string // the other way, of every path that was looked at
	// units are those that systemd has loaded, of zfs-mount.service and its like.
	units map[string]bool
	// types is the file system on each source, as blkid says.
	types map[string]string
	// owner is the numbers of a mounted tmpfs' root folder, by mount point.
	owner map[string]owned
}

type owned struct {
	uid, gid, mode uint32
}

// parse gives the points that are worth a word, by path: a mount above comes before one below it.
func (m mountsSeen) parse() (storage.Table, []point, error) {
	var table storage.Table
	if m.info != "" {
		var err error
		if table, err = storage.ParseMounts([]byte(m.info)); err != nil {
			return nil, nil, err
		}
	}
	at := map[string]*point{}
	get := func(target string) *point {
		if at[target] == nil {
			at[target] = &point{target: target}
		}
		return at[target]
	}
	for _, l := range storage.ParseFstab([]byte(m.fstab)) {
		if strings.HasPrefix(l.Target, "/") {
			get(l.Target).lines = append(get(l.Target).lines, l)
		}
	}
	for _, v := range table {
		if top, ok, err := table.At(v.Target); err == nil && ok && top.ID == v.ID {
			get(v.Target).now = &v
		}
	}
	var out []point
	for _, p := range at {
		if len(p.lines) > 0 || !p.passing() {
			out = append(out, *p)
		}
	}
	slices.SortFunc(out, func(a, b point) int { return strings.Compare(a.target, b.target) })
	return table, out, nil
}

// passing is a mount that a program makes and takes away by itself: the kernel's own file systems, containers, sessions.
func (p point) passing() bool {
	for _, dir := range []string{"/proc", "/sys", "/dev", "/run", "/var/run", "/snap", "/var/lib/docker", "/var/lib/containerd", "/var/lib/containers", "/var/lib/kubelet", "/var/lib/lxcfs"} {
		if within(p.target, dir) {
			return true
		}
	}
	switch p.now.Type {
	case "overlay", "autofs", "nsfs", "proc", "sysfs", "cgroup", "cgroup2", "devtmpfs", "devpts", "mqueue", "hugetlbfs", "binfmt_misc", "rpc_pipefs", "ramfs", "squashfs":
		return true
	}
	return p.now.Type == "zfs" && p.now.Root == "/"
}

// base is what the installer of the system has made and the boot needs before bisc's mounts: it is left to it.
func base(target string) bool {
	for _, dir := range []string{"/boot", "/var/log", "/var/tmp"} {
		if within(target, dir) {
			return true
		}
	}
	return slices.Contains([]string{"/", "/usr", "/var", "/home", "/tmp"}, target)
}

// blocks makes a block of each point, or says why not.
func (g *ground) blocks() (blocks []*Block, out []Remark) {
	leave := func(p point, state State, why string) {
		out = append(out, Remark{state, "mount", p.target, why})
	}
	for _, p := range g.points {
		l := p.line()
		switch {
		case base(p.target):
			if p.target != "/" && len(p.lines) > 0 {
				leave(p, Outside, "part of the base system, which is left to the installer: "+l.Raw)
			}
		case len(p.lines) == 0 && g.comesAlong(p):
		case len(p.lines) == 0:
			b, why := g.unwritten(p)
			if b == nil {
				leave(p, Ephemeral, why)
				continue
			}
			blocks = append(blocks, b)
		case slices.Contains(l.Options, "noauto"):
			leave(p, Outside, "noauto: it is mounted by hand: "+l.Raw)
		case l.Type == "swap" || l.Target == "none":
		default:
			b, why := g.written(p, l)
			if b == nil {
				leave(p, Outside, why)
				continue
			}
			blocks = append(blocks, b)
		}
	}
	return blocks, out
}

// line is what fstab says of the point: of several lines the one that is mounted, else the first, which is the one that
// systemd takes.
func (p point) line() storage.Line {
	for _, l := range p.lines {
		if p.now != nil && (l.Source == p.now.Source || l.Type == p.now.Type && l.Type == "tmpfs") {
			return l
		}
	}
	if len(p.lines) == 0 {
		return storage.Line{}
	}
	return p.lines[0]
}

// written makes the block of a point that has a line.
func (g *ground) written(p point, l storage.Line) (b *Block, why string) {
	how, others := kindOf(l)
	switch how {
	case "bind", "rbind":
		b = g.bind(p, &l, how == "rbind", others)
	case "tmpfs":
		b = g.tmpfs(p, others)
	case "mount":
		source, ok := sourcePath(l.Source)
		if !ok || l.Type == "auto" || strings.HasPrefix(l.Type, "fuse") || slices.Contains([]string{"nfs", "nfs4", "cifs", "9p", "btrfs", "zfs", "virtiofs"}, l.Type) {
			return nil, "no kind of bisc's mounts " + l.Type + " from " + l.Source
		}
		b = newBlock("storage", "mount", p.target).set("source", source).set("fstype", l.Type)
		if len(others) > 0 {
			b.set("options", others)
		}
	}
	g.order(b, l)
	if l.Pass != 0 && how == "mount" {
		b.set("pass", Number(l.Pass))
	}
	p.faults(b, l, g)
	return b, ""
}

// kindOf tells bind, rbind, tmpfs or mount, and the options that are not systemd's order nor that.
func kindOf(l storage.Line) (how string, others []string) {
	others = without(l.MountOptions(), "auto", "bind", "rbind")
	switch {
	case slices.Contains(l.Options, "rbind"):
		return "rbind", others
	case slices.Contains(l.Options, "bind"):
		return "bind", others
	case l.Type == "tmpfs":
		return "tmpfs", others
	}
	return "mount", others
}

// sourcePath gives a device's path. A tag is the link that udev makes for it, as systemd reads it.
func sourcePath(source string) (string, bool) {
	if name, ok := storage.TagPath(source); ok {
		return name, true
	}
	return source, strings.HasPrefix(source, "/dev/")
}

// order writes the units that come first: those of the line, and zfs-mount.service where ZFS would else mount over it.
func (g *ground) order(b *Block, l storage.Line) {
	requires := l.Requires()
	if on := datasetAt(g.datasets, path.Dir(b.Label)); on != "" && !slices.Contains(requires, "zfs-mount.service") && !g.ordered(b.Label, on, requires) && g.units["zfs-mount.service"] {
		requires = append([]string{"zfs-mount.service"}, requires...)
		b.fault("nothing orders it after zfs-mount.service, which mounts %s and would then cover it", on)
	}
	if len(requires) > 0 {
		b.set("requires", requires)
	}
}

// ordered tells whether a mount follows ZFS by way of another: one above it on the same dataset, or one that it requires.
func (g *ground) ordered(target, dataset string, requires []string) bool {
	for _, p := range g.points {
		if len(p.lines) == 0 || p.target == target || !within(p.target, dataset) || p.target == dataset {
			continue
		}
		if within(target, p.target) || slices.Contains(requires, storage.MountUnit(p.target)) {
			return true // that one gets the order
		}
	}
	return false
}

// faults says what the line and the mount lack.
func (p point) faults(b *Block, l storage.Line, g *ground) {
	if !l.Nofail() {
		b.fault("its fstab line lacks nofail: a device that is late or gone then stops the boot, sshd included. To keep it so write boot_critical = true")
	}
	if len(p.lines) > 1 {
		b.fault("fstab has %d lines for it, of which systemd takes the first", len(p.lines))
	}
	switch hidden := g.table.Hidden(p.target); {
	case p.now == nil && len(hidden) > 0:
		over, _ := g.table.Visible(p.target) // a table that has hidden mounts has a root
		b.fault("it is mounted, and %s at %s covers it: what is written there goes elsewhere", over, over.Target)
	case p.now == nil:
		b.fault("fstab has it, and it is not mounted now")
	case b.Kind == "mount" && !g.same(*p.now, b.text("source")):
		b.fault("%s is mounted there now, not what fstab says", *p.now)
	case b.Kind == "bind" && !g.shows(*p.now, b.text("source")):
		b.fault("%s is mounted there now, not what fstab says", *p.now)
	case b.Kind == "tmpfs" && p.now.Type != "tmpfs":
		b.fault("%s is mounted there now, not a tmpfs", *p.now)
	}
}

// same tells whether a mount is of a device. What is not known of the device is not taken for a difference.
func (g *ground) same(m storage.Mounted, source string) bool {
	known := g.devices[m.Dev.String()]
	return known == "" || known == source || m.Source == source || g.numbers[source] == m.Dev.String()
}

// unwritten makes the block of what is mounted now and has no line.
func (g *ground) unwritten(p point) (b *Block, why string) {
	m := *p.now
	var l storage.Line
	switch {
	case m.Type == "tmpfs":
		b = g.tmpfs(p, append(without(m.Options, "rw", "relatime"), "size="+strconv.FormatInt(int64(sizeNow(p)), 10)))
	case m.Root != "/" || !strings.HasPrefix(m.Source, "/dev/") || strings.HasPrefix(m.Source, "/dev/loop"):
		if from := g.boundFrom(m); from != "" {
			l.Source = from
			b = g.bind(p, &l, len(g.table.Below(m.Target)) > 0, nil)
			break
		}
		return nil, fmt.Sprintf("%s, and fstab has no line for it", m)
	default:
		source := m.Source
		if known := g.devices[m.Dev.String()]; known != "" {
			source = known
		}
		b = newBlock("storage", "mount", p.target).set("source", source).set("fstype", m.Type)
		if options := without(m.Options, "rw", "relatime"); len(options) > 0 {
			b.set("options", options)
		}
	}
	b.passing = true
	b.fault("it is mounted now, and fstab has no line for it: a reboot loses it")
	g.order(b, l)
	return b, ""
}
