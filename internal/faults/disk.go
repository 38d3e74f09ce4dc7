package faults

import (
	"maps"
	"path/filepath"
)

// disk is what a power cut leaves in the worst case that POSIX allows: nothing lasts but what was synced, each thing that
// was not may have lasted all the same, and in any order. A file's content lasts by an fsync of the file, its name by one
// of the folder.
type disk struct {
	names   map[string]int // by path: the inode; what lasts
	data    map[int]string // by inode: what lasts
	now     map[string]int
	written map[int]string
	folders map[int]bool
	pending []naming // not synced
}

// naming is a change of a folder: from goes, to is that inode.
type naming struct {
	from, to string
	inode    int
}

// PowerCuts plays acts on a disk that holds the files of start, cuts the power after each of them (and before the first),
// and gives all that may then be there: the number of acts done, and the content by path.
func PowerCuts(start map[string]string, acts []Act, found func(done int, files map[string]string)) {
	d := &disk{names: map[string]int{}, data: map[int]string{}, now: map[string]int{}, written: map[int]string{}, folders: map[int]bool{}}
	for path, content := range start {
		n := len(d.data) + 1
		d.names[path], d.now[path], d.data[n], d.written[n] = n, n, content, content
	}
	d.outcomes(func(files map[string]string) { found(0, files) })
	for i, a := range acts {
		d.do(a)
		d.outcomes(func(files map[string]string) { found(i+1, files) })
	}
}

func (d *disk) do(a Act) {
	switch a.Kind {
	case Create, Mkdir:
		if _, there := d.now[a.Path]; !there {
			n := len(d.written) + 1
			d.written[n], d.now[a.Path], d.folders[n] = "", n, a.Kind == Mkdir
			d.pending = append(d.pending, naming{to: a.Path, inode: n})
		}
	case Write:
		d.written[d.now[a.Path]] += a.Data
	case Cut:
		d.written[d.now[a.Path]] = ""
	case Rename:
		n := d.now[a.Path]
		delete(d.now, a.Path)
		d.now[a.To] = n
		d.pending = append(d.pending, naming{a.Path, a.To, n})
	case Unlink:
		delete(d.now, a.Path)
		d.pending = append(d.pending, naming{from: a.Path})
	case Sync:
		d.sync(a.Path)
	}
}

func (d *disk) sync(path string) {
	if n, known := d.now[path]; known && !d.folders[n] {
		d.data[n] = d.written[n]
		return
	}
	var rest []naming
	for _, p := range d.pending {
		if filepath.Dir(p.from+p.to) == path || filepath.Dir(p.to) == path {
			p.apply(d.names)
		} else {
			rest = append(rest, p)
		}
	}
	d.pending = rest
}

func (n naming) apply(names map[string]int) {
	if n.from != "" {
		delete(names, n.from)
	}
	if n.to != "" {
		names[n.to] = n.inode
	}
}

// outcomes gives each subset of the pending changes of names, with four fates of the content that was not synced.
func (d *disk) outcomes(found func(map[string]string)) {
	for set := range 1 << len(d.pending) {
		names := maps.Clone(d.names)
		for i, p := range d.pending {
			if set>>i&1 == 1 {
				p.apply(names)
			}
		}
		for fate := range 4 {
			files := map[string]string{}
			for path, n := range names {
				if !d.folders[n] && d.reached(path, names) {
					files[path] = content(d.data[n], d.written[n], fate)
				}
			}
			found(files)
		}
	}
}

// reached tells whether the folders above a file that were made since the start have lasted.
func (d *disk) reached(path string, names map[string]int) bool {
	for up := filepath.Dir(path); up != "/"; up = filepath.Dir(up) {
		if _, made := d.now[up]; made && names[up] == 0 {
			return false
		}
	}
	return true
}

// content is what of a file is there: what was synced, half of the rest, zeros in its place, or all.
func content(synced, written string, fate int) string {
	switch {
	case synced == written || fate == 0:
		return synced
	case fate == 1:
		return written[:len(written)/2]
	case fate == 2:
		return string(make([]byte, len(written)))
	}
	return written
}
