package discover

import (
	"slices"
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
