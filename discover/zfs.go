package discover

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"bisc/modules"
)

// zfsSeen is what zpool and zfs tell; empty texts are a host without ZFS.
type zfsSeen struct{ pools, list, local string }

func (r *reader) askZFS(z *zfsSeen) []question {
	return []question{
		r.program(&z.pools, "zfs pools", "zpool", "list", "-Hp", "-o", "name,health"),
		r.program(&z.list, "zfs datasets", "zfs", "list", "-Hp", "-t", "filesystem,volume", "-o", strings.Join(zfsColumns(), ",")),
		r.program(&z.local, "zfs properties", "zfs", "get", "-Hp", "-s", "local,received", "-t", "filesystem,volume", "-o", "name,property,value", "all"),
	}
}

func zfsColumns() []string {
	return []string{"name", "type", "mountpoint", "canmount", "mounted", "quota", "volsize", "volblocksize", "refreservation", "bisc:protect"}
}

// dataset is a file system or volume of ZFS.
type dataset struct {
	name  string
	is    map[string]string // zfsColumns
	local map[string]string // properties that were set on it
}

func (d dataset) volume() bool { return d.is["type"] == "volume" }

// at is where it is mounted, empty where it is not.
func (d dataset) at() string {
	if d.is["mounted"] == "yes" && strings.HasPrefix(d.is["mountpoint"], "/") {
		return d.is["mountpoint"]
	}
	return ""
}

func (d dataset) device() string { return "/dev/zvol/" + d.name }

// parse gives pools by name with their health, and datasets by name.
func (z zfsSeen) parse() (pools map[string]string, all []dataset, err error) {
	pools, of := map[string]string{}, map[string]int{}
	for line := range strings.Lines(z.pools) {
		if w := words(line); len(w) == 2 {
			pools[w[0]] = w[1]
		}
	}
	for line := range strings.Lines(z.list) {
		w := words(line)
		if len(w) != len(zfsColumns()) {
			return nil, nil, fmt.Errorf("zfs list: %w: %q", ErrStrange, line)
		}
		d := dataset{name: w[0], is: map[string]string{}, local: map[string]string{}}
		for i, c := range zfsColumns() {
			d.is[c] = w[i]
		}
		of[d.name] = len(all)
		all = append(all, d)
	}
	for line := range strings.Lines(z.local) {
		if w := words(line); len(w) == 3 {
			if i, known := of[w[0]]; known {
				all[i].local[w[1]] = w[2]
			}
		}
	}
	return pools, all, nil
}

// foreign are datasets that a program makes and unmakes by itself.
func (d dataset) foreign() bool {
	for _, p := range strings.Split(d.name, "/") {
		if p == "docker" || p == "containerd" || p == "lxd" || p == "incus" {
			return true
		}
	}
	return strings.HasPrefix(d.is["mountpoint"], "/var/lib/docker") || strings.HasPrefix(d.is["mountpoint"], "/var/lib/containerd")
}

// zfsBlocks are the pools, then the datasets in the order of their names, which is that in which they are made.
func zfsBlocks(pools map[string]string, all []dataset) (blocks []*Block, out []Remark) {
	for _, name := range slices.Sorted(maps.Keys(pools)) {
		b := newBlock("storage", "zpool", name)
		if health := pools[name]; health != "ONLINE" {
			b.fault("the pool is %s", health)
		}
		blocks = append(blocks, b)
	}
	for _, d := range all {
		switch {
		case d.foreign():
			out = append(out, Remark{Outside, "dataset", d.name, "a program makes and unmakes it by itself"})
		case d.volume():
			blocks = append(blocks, d.zvol())
		default:
			blocks = append(blocks, d.filesystem())
		}
	}
	return blocks, out
}

func (d dataset) zvol() *Block {
	b := newBlock("storage", "zvol", d.name)
	b.set("size", sizeText(d.is["volsize"]))
	b.set("volblocksize", sizeText(d.is["volblocksize"]))
	if d.is["refreservation"] == "0" || d.is["refreservation"] == "none" {
		b.set("sparse", true)
	}
	d.protect(b)
	return b
}

func (d dataset) filesystem() *Block {
	b := newBlock("storage", "zfs_dataset", d.name)
	if at, own := d.local["mountpoint"]; own {
		b.set("mountpoint", at)
	}
	if can, own := d.local["canmount"]; own {
		b.set("canmount", can)
	}
	if q := d.is["quota"]; q != "0" && q != "-" && q != "none" {
		b.set("quota", sizeText(q))
	}
	kept := map[string]string{}
	for name, value := range d.local {
		if !slices.Contains([]string{"mountpoint", "canmount", "quota", "bisc:protect", "version", "utf8only", "normalization", "casesensitivity"}, name) && !strings.Contains(name, ":") {
			kept[name] = value
		}
	}
	if len(kept) > 0 {
		b.set("properties", kept)
	}
	d.protect(b)
	return b
}

// protect writes what is: that nothing protects it is how the host was made, and no fault of it.
func (d dataset) protect(b *Block) {
	if d.is["bisc:protect"] == "on" {
		return
	}
	if d.volume() {
		b.note("protect = true would set bisc:protect=on: then nothing of bisc destroys it")
	}
	b.set("protect", false)
}

// sizeText is a number of bytes as a person writes it.
func sizeText(bytes string) string {
	n, err := strconv.ParseInt(bytes, 10, 64)
	if err != nil {
		return bytes
	}
	return modules.Bytes(n).String()
}

// datasetAt is the mounted dataset in which a path lies, empty for none.
func datasetAt(all []dataset, name string) string {
	best := ""
	for _, d := range all {
		if at := d.at(); at != "" && within(name, at) && len(at) > len(best) {
			best = at
		}
	}
	return best
}
