package discover

import (
	"slices"
	"strconv"
	"strings"

	"bisc/modules"
)

// tmpfs takes size, owner and mode out of the options. What of its root folder somebody has changed since it was mounted
// is written as it is now: that a reboot undoes it is a difference.
func (g *ground) tmpfs(p point, others []string) *Block {
	b := newBlock("storage", "tmpfs", p.target)
	var rest []string
	given := map[string]string{}
	for _, o := range others {
		if k, v, _ := strings.Cut(o, "="); slices.Contains([]string{"size", "uid", "gid", "mode"}, k) {
			given[k] = v
		} else {
			rest = append(rest, o)
		}
	}
	var size modules.Bytes
	if given["size"] == "" || size.UnmarshalText([]byte(strings.ToUpper(given["size"]))) != nil {
		size = sizeNow(p)
		b.fault("its fstab line gives no size in bytes: it is a share of the memory")
	}
	b.set("size", size.String())
	g.tmpfsRoot(b, p, given)
	if len(rest) > 0 {
		b.set("options", rest)
	}
	return b
}

func (g *ground) tmpfsRoot(b *Block, p point, given map[string]string) {
	at, mounted := g.owner[p.target]
	for _, id := range []struct {
		option, attr string
		now          uint32
	}{{"uid", "owner", at.uid}, {"gid", "group", at.gid}} {
		n, err := strconv.ParseUint(given[id.option], 10, 32)
		switch {
		case err == nil:
			b.set(id.attr, Number(n))
		case mounted && id.now != 0:
			b.set(id.attr, Number(id.now))
			b.fault("the %s of its root folder was set by hand: a reboot gives it to 0", id.attr)
		}
	}
	n, err := strconv.ParseUint(given["mode"], 8, 32)
	switch {
	case err == nil && n != 0o1777:
		b.set("mode", modules.Mode(n).String())
	case err != nil && mounted && at.mode != 0o1777:
		b.set("mode", modules.Mode(at.mode).String())
		b.fault("the mode of its root folder was set by hand: a reboot makes it 1777 again")
	}
}

// sizeNow is the size that the kernel tells, in KiB.
func sizeNow(p point) (size modules.Bytes) {
	if p.now == nil {
		return 0
	}
	for _, o := range p.now.Super {
		if v, ok := strings.CutPrefix(o, "size="); ok {
			_ = size.UnmarshalText([]byte(strings.ToUpper(v))) // then it stays 0, and validate says so
		}
	}
	return size
}
