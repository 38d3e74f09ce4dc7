package discover

import "strings"

// The places of the storage of a validator host, the same in all variants (biscayne.md 0.3).
const (
	dataPath = "/srv/solana"
	kindPath = "/srv/kind/solana"
)

// Shape is the variant of storage that a host is in, by what lies where; the name is empty for none.
type Shape struct {
	Name string
	What string
}

// shapeOf tells the variant from the blocks.
func shapeOf(blocks []*Block) Shape {
	at := map[string]*Block{}
	for _, b := range blocks {
		switch b.Kind {
		case "mount", "bind", "tmpfs":
			at[b.Label] = b
		case "zfs_dataset":
			if p := b.text("mountpoint"); p != "" {
				at[p] = b
			}
		}
	}
	is := func(p, kind string) bool { return at[p] != nil && at[p].Kind == kind }
	zvol := func(p string) bool { return is(p, "mount") && strings.HasPrefix(at[p].text("source"), "/dev/zvol/") }
	ram := func(p string) bool { return is(p, "mount") && at[p].text("source") == ram0 }
	switch {
	case zvol(dataPath) && zvol(kindPath) && ram(dataPath+"/ramdisk"):
		return Shape{"C", "zvol and ramdisk mounted a second time, straight under " + kindPath}
	case zvol(kindPath) && is(kindPath+"/ramdisk", "tmpfs"):
		return Shape{"D", "zvol at " + kindPath + ", accounts on a tmpfs"}
	case is(kindPath, "zfs_dataset") && is(kindPath+"/ramdisk", "tmpfs"):
		return Shape{"E", "ZFS dataset at " + kindPath + ", accounts on a tmpfs"}
	case is(kindPath, "bind") && ram(dataPath+"/ramdisk") && zvol(dataPath):
		return Shape{"B", "zvol at " + dataPath + ", accounts on the ramdisk, bound to " + kindPath}
	case is(kindPath, "bind") && ram(dataPath+"/ramdisk") && is(dataPath, "mount"):
		return Shape{"plain", "a disk at " + dataPath + ", accounts on the ramdisk, bound to " + kindPath}
	case ram(dataPath+"/ramdisk") && at[kindPath] == nil:
		return Shape{"A", "accounts on the ramdisk, and nothing at " + kindPath}
	}
	return Shape{}
}
