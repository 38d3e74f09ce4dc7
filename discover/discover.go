package discover

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/facts"
	"bisc/modules/systemd"
)

// Found is what was found on a host.
type Found struct {
	Host    string
	OS      string // as os-release names it
	Machine string // its machine id
	Shape   Shape
	Blocks  []*Block
	Remarks []Remark
	// Variants is how a plan that was given compares, nil where none was.
	Variants *Variants
}

// Unknown tells whether anything could not be read.
func (f *Found) Unknown() bool {
	return slices.ContainsFunc(f.Remarks, func(r Remark) bool { return r.State == Unknown }) ||
		slices.ContainsFunc(f.Blocks, func(b *Block) bool { return b.Unknown != "" })
}

// Differing gives the blocks of which the first plan shows differences.
func (f *Found) Differing() (out []*Block) {
	for _, b := range f.Blocks {
		if len(b.Differs) > 0 {
			out = append(out, b)
		}
	}
	return out
}

// everything is all answers of the host.
type everything struct {
	os       facts.OS
	machine  string
	mounts   mountsSeen
	zfs      zfsSeen
	ramdisk  ramdiskSeen
	accounts accountsSeen
	packages string
	runtime  runtimeSeen
	daemon   string
	paths    [][]string
	kept     []string // the containers' files
	states   map[string]systemd.State
}

// Read asks a host everything and makes blocks and remarks of it. An error is that the host is gone; what it did not tell is
// among the remarks.
func Read(ctx context.Context, h host.Reader) (*Found, error) {
	r := &reader{Reader: h}
	var e everything
	if err := r.wave(ctx, e.first(r)...); err != nil {
		return nil, err
	}
	var own locals
	var containers []container
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) {
			own, err = r.readLocals(ctx, slices.Concat(e.paths...))
			return err
		},
		func(ctx context.Context) (err error) {
			containers, err = r.readContainers(ctx, e.daemon, e.kept)
			return err
		})
	if err != nil {
		return nil, err
	}
	g, pools := e.ground(r)
	units, foreign := own.units()
	listeners := parseSockets(e.runtime.sockets)
	var programs []localFile
	err = host.Ask(ctx,
		func(ctx context.Context) (err error) { e.states, err = r.second(ctx, g, units, listeners); return err },
		func(ctx context.Context) (err error) { programs, err = r.programs(ctx, units); return err })
	if err != nil {
		return nil, err
	}
	for name, s := range e.states {
		g.units[name] = s.Load == "loaded"
	}
	own.files = append(own.files, programs...)

	f := &Found{Host: h.Name(), OS: e.os.Pretty, Machine: e.machine}
	f.storage(g, pools, e.ramdisk, units, own)
	folders, err := r.folders(ctx, f.Blocks, f.Shape)
	if err != nil {
		return nil, err
	}
	f.Blocks = append(f.Blocks, folders...)
	f.units(e, units, foreign, own, containers)
	f.runtime(e, own, containers, listeners)
	f.Remarks = append(f.Remarks, r.unknown...)
	slices.SortStableFunc(f.Remarks, byName)
	return f, nil
}

// ground is what the first answers say of the storage.
func (e *everything) ground(r *reader) (*ground, map[string]string) {
	table, points, err := e.mounts.parse()
	if err != nil {
		r.lost("mounts", "/proc/self/mountinfo", err)
	}
	pools, datasets, err := e.zfs.parse()
	if err != nil {
		r.lost("zfs datasets", "zfs list", err)
	}
	return &ground{table: table, points: points, datasets: datasets, units: map[string]bool{}}, pools
}

// first is what can be asked without knowing anything.
func (e *everything) first(r *reader) (asks []question) {
	asks = append(asks, question{"system", "os-release", func(ctx context.Context) error {
		known, err := facts.Read(ctx, r, "os", "machine_id")
		if err == nil {
			e.os, _ = known["os"].(facts.OS)
			e.machine, _ = known["machine_id"].(string)
		}
		return err
	}}, r.askPackages(&e.packages), r.optional(&e.daemon, "containers", "/etc/docker/daemon.json"), r.paths(&e.kept, "containers", containersIn(dockerRoot)))
	asks = append(asks, r.askMounts(&e.mounts)...)
	asks = append(asks, r.askZFS(&e.zfs)...)
	asks = append(asks, r.askRamdisk(&e.ramdisk)...)
	asks = append(asks, r.askAccounts(&e.accounts)...)
	asks = append(asks, r.askRuntime(&e.runtime)...)
	patterns := configured()
	for _, link := range []string{".wants/*", ".requires/*", ".upholds/*"} {
		patterns = append(patterns, unitFolder+"/*"+link)
	}
	e.paths = make([][]string, len(patterns))
	for i, p := range patterns {
		asks = append(asks, r.paths(&e.paths[i], "files", p))
	}
	return asks
}

// second is what the first answers make worth asking: devices, the state of units, who runs what listens.
func (r *reader) second(ctx context.Context, g *ground, units []unitFile, listeners []listener) (map[string]systemd.State, error) {
	names := []string{"docker.service", "containerd.service", "zfs-mount.service", "zfs-volume-wait.service"}
	for _, u := range units {
		if !strings.Contains(u.name, "@.") && systemd.CheckName(u.name, "service", "socket", "target", "path", "timer", "slice") == nil {
			names = append(names, u.name)
		}
	}
	found := make([]*systemd.State, len(names))
	asks := r.askGroups(listeners)
	for i, n := range names {
		asks = append(asks, question{"unit", n, func(ctx context.Context) error {
			s, err := systemd.Show(ctx, r, n)
			if err == nil {
				found[i] = &s
			}
			return err
		}})
	}
	dev := g.askDevices(r)
	if err := r.wave(ctx, append(asks, dev.asks...)...); err != nil {
		return nil, err
	}
	dev.learn(g)
	states := map[string]systemd.State{}
	for i, n := range names {
		if found[i] != nil {
			states[n] = *found[i]
		}
	}
	return states, nil
}

// storage makes the blocks of the lowest layer, in the order in which a fresh host would be made.
func (f *Found) storage(g *ground, pools map[string]string, ram ramdiskSeen, units []unitFile, own locals) {
	zfs, out := zfsBlocks(pools, g.datasets)
	mounts, left := g.blocks()
	f.Remarks = append(append(f.Remarks, out...), left...)
	f.Blocks = append(f.Blocks, zfs...)
	f.Blocks = append(f.Blocks, g.filesystems(mounts)...)
	b, remark := ram.block(g, units, own.files)
	if remark != nil {
		f.Remarks = append(f.Remarks, *remark)
	}
	if b != nil {
		f.Blocks = append(f.Blocks, b)
	}
	f.Blocks = append(f.Blocks, inOrder(mounts)...)
	f.Shape = shapeOf(f.Blocks)
}

// inOrder puts binds after what they bind, and what lies below a bind after it.
func inOrder(mounts []*Block) []*Block {
	var binds []string
	for _, b := range mounts {
		if b.Kind == "bind" {
			binds = append(binds, b.Label)
		}
	}
	rank := func(b *Block) int {
		switch {
		case b.Kind == "bind":
			return 1
		case slices.ContainsFunc(binds, func(p string) bool { return within(b.Label, p) }):
			return 2
		}
		return 0
	}
	slices.SortStableFunc(mounts, func(a, b *Block) int { return rank(a) - rank(b) })
	return mounts
}

// units makes the blocks of the second layer.
func (f *Found) units(e everything, units []unitFile, foreign []localFile, own locals, containers []container) {
	formats, ramdisk := "", slices.ContainsFunc(f.Blocks, func(b *Block) bool { return b.Kind == "ramdisk" })
	if u, ok := formatter(units); ok && ramdisk {
		formats = u.name
	}
	add := func(blocks []*Block, out []Remark) {
		f.Blocks, f.Remarks = append(f.Blocks, blocks...), append(f.Remarks, out...)
	}
	add(e.accounts.blocks(), nil)
	add(own.fileBlocks(func(l localFile) bool { return ramdisk && brdOnly(l) }))
	add(own.unitBlocks(units, e.states, formats))
	add(own.dropInBlocks())
	add(nil, foreignUnits(foreign))
	var binds []string
	for _, c := range containers {
		binds = append(binds, c.binds()...)
	}
	docker := e.states["docker.service"].Load == "loaded"
	if b := gate(f.Blocks, docker, grounds(f.Blocks, f.Shape, binds)); b != nil {
		f.Blocks = append(f.Blocks, b)
	}
	add(packageBlocks(e.packages, f.Shape), nil)
}

// runtime remarks on what bisc has no kind for.
func (f *Found) runtime(e everything, own locals, containers []container, listeners []listener) {
	for _, c := range containers {
		f.Remarks = append(f.Remarks, c.remark())
	}
	for _, l := range listeners {
		if r, ok := l.remark(own.transients()); ok {
			f.Remarks = append(f.Remarks, r)
		}
	}
	f.Remarks = append(f.Remarks, unsaved(e.runtime.rules, e.runtime.saved, "IPv4")...)
	f.Remarks = append(f.Remarks, unsaved(e.runtime.rules6, e.runtime.saved6, "IPv6")...)
	f.Remarks = append(f.Remarks, swapRemarks(e.runtime.swaps, e.mounts.fstab)...)
	f.Remarks = append(f.Remarks, own.transients()...)
	f.Remarks = append(f.Remarks, own.cronRemarks()...)
}

// programs reads what the units run that is no package's: a script that a unit stands on belongs to it.
func (r *reader) programs(ctx context.Context, units []unitFile) ([]localFile, error) {
	var paths []string
	for _, u := range units {
		for line := range strings.Lines(u.text) {
			name, command, ok := strings.Cut(strings.TrimSpace(line), "=")
			if !ok || !strings.HasPrefix(name, "Exec") {
				continue
			}
			for _, w := range strings.Fields(command) {
				w = strings.TrimLeft(w, "-@:+!\"'")
				w = strings.TrimRight(w, "\"';")
				if within(w, "/usr/local") || within(w, "/opt") || within(w, "/etc") {
					paths = append(paths, path.Clean(w))
				}
			}
		}
	}
	found, err := r.readLocals(ctx, paths)
	return found.files, err
}

// folders are those of the validator, by number of their owner.
func (r *reader) folders(ctx context.Context, blocks []*Block, shape Shape) ([]*Block, error) {
	if shape.Name == "" {
		return nil, nil
	}
	data := dataPath
	if shape.Name == "D" || shape.Name == "E" {
		data = kindPath
	}
	paths := map[string]string{data + "/ledger": data, data + "/snapshots": data, data + "/log": data, data + "/ramdisk/accounts": data + "/ramdisk"}
	names := []string{data + "/ledger", data + "/snapshots", data + "/log", data + "/ramdisk/accounts"}
	stats := make([]*host.Stat, len(names))
	var asks []question
	for i, n := range names {
		asks = append(asks, r.stat(&stats[i], "folder", n))
	}
	if err := r.wave(ctx, asks...); err != nil {
		return nil, err
	}
	var out []*Block
	for i, n := range names {
		st := stats[i]
		if st == nil || st.Type != host.Directory || st.Link != "" {
			continue
		}
		b := newBlock("storage", "directory", n).set("owner", Number(st.UID)).set("group", Number(st.GID)).set("mode", modeText(st.Mode))
		if slices.ContainsFunc(blocks, func(b *Block) bool { return b.Label == paths[n] || b.text("mountpoint") == paths[n] }) {
			b.set("must_be_on", paths[n])
		}
		b.note("the validator's container must run under this number")
		out = append(out, b)
	}
	return out, nil
}

func modeText(mode uint32) string { return modules.Mode(mode).String() }

// String is the variant as a person reads it.
func (s Shape) String() string {
	if s.Name == "" {
		return "none of the known variants of a validator's storage"
	}
	return fmt.Sprintf("variant %s: %s", s.Name, s.What)
}
