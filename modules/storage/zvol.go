package storage

import (
	"context"
	"strconv"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// ZvolKind is a block device in a pool.
var ZvolKind = modules.Kind{
	Name: "zvol", Label: "the volume's name, POOL/PATH", Platform: host.Linux, Layer: "storage",
	Doc: "A block device in a ZFS pool. It is made where it is missing, grown where it is smaller (the file system on it is not), and never shrunk. " +
		"protect (on unless you say otherwise) is the user property bisc:protect on the volume itself: it outlives the block in the plan, and while it is on no bisc destroys the volume. " +
		"To destroy one: apply protect = false, then absent = true, naming it in --destroy. The volume must have no snapshots: bisc never destroys recursively. " +
		"The folder above it must exist (zfs_dataset); none is made in passing. mkfs.xfs on a volume of 16K blocks warns and uses sectors of 512 bytes, which is of no harm.",
	Checks: []string{
		"now: it exists and is a volume; its size, block size, reservation and protection; its link below /dev/zvol",
		"after boot: the same, since all of it is in the pool",
	},
	Losses: []modules.Loss{
		{What: "the volume and everything on it", When: "absent = true and the volume is not protected",
			Guards: []string{"no validator lives", "device unused", "not protected"}},
	},
	Example: `zvol "biscayne/DATA/volumes/solana" {
  size   = "4T"
  sparse = true
}`,
	New: func(label string) modules.Resource { return &Zvol{Volume: label, Protect: true} },
}

// Zvol is the block device /dev/zvol/Volume.
type Zvol struct {
	Volume    string
	Size      modules.Bytes `hcl:"size,optional" doc:"its size, a multiple of 128KiB; needed unless it is to be absent"`
	BlockSize modules.Bytes `hcl:"volblocksize,optional" doc:"fixed when it is made; unset takes what ZFS gives and does not look"`
	Sparse    bool          `hcl:"sparse,optional" default:"false" doc:"no space is reserved for it (refreservation=none)"`
	Protect   bool          `hcl:"protect,optional" default:"true" doc:"bisc:protect=on on the volume: nothing of bisc destroys it"`
	Absent    bool          `hcl:"absent,optional" default:"false" doc:"it is destroyed, once it is not protected"`

	wanted wanted
}

// Meet learns which datasets the plan makes.
func (z *Zvol) Meet(all []modules.Resource) { z.wanted = meet(all) }

// Owns is the volume.
func (z *Zvol) Owns() []string { return []string{"zfs:" + z.Volume} }

// Device is the link that udev makes of it.
func (z *Zvol) Device() string { return "/dev/zvol/" + z.Volume }

// zvolGrain is what any block size divides, so that ZFS does not round the size up.
const zvolGrain = 128 << 10

// Validate checks name and sizes.
func (z *Zvol) Validate() error {
	return faults(zfsName("", z.Volume),
		unless(parentOf(z.Volume) == "", "", "a volume's name is POOL/PATH"),
		unless(!z.Absent && z.Size == 0, "size", "it is needed"),
		unless(z.Size%zvolGrain != 0, "size", "it must be a multiple of 128KiB: ZFS would round it up"),
		unless(z.BlockSize != 0 && (z.BlockSize < 512 || z.BlockSize > zvolGrain || z.BlockSize&(z.BlockSize-1) != 0), "volblocksize", "it is a power of two from 512 to 128KiB"))
}

// zvolSeen is what was observed.
type zvolSeen struct {
	zfs      zfsSeen
	parent   zfsSeen
	noDevice bool
}

// Plan observes the volume, what is above it and its device in one wave.
func (z *Zvol) Plan(ctx context.Context, h host.Reader) (c modules.Change, err error) {
	var s zvolSeen
	err = host.Ask(ctx,
		func(ctx context.Context) (err error) {
			s.zfs, err = askZFS(ctx, h, z.Volume, "type", "volsize", "volblocksize", "refreservation", "volmode", protectProperty)
			return err
		},
		func(ctx context.Context) (err error) {
			s.parent, err = askZFS(ctx, h, parentOf(z.Volume), "type")
			return err
		},
		func(ctx context.Context) (err error) { _, s.noDevice, err = statPath(ctx, h, z.Device()); return err })
	if err != nil {
		return c, err
	}
	return z.decide(s), nil
}

// zvolSettle is for udev to make the link.
const zvolSettle = 30 * time.Second

func (z *Zvol) decide(s zvolSeen) (c modules.Change) {
	c.Settle = zvolSettle
	switch {
	case z.Absent:
		z.destroy(&c, s)
	case s.zfs.missing && s.parent.missing && !z.wanted.datasets[parentOf(z.Volume)]:
		c.Refuse("volume", "(none)", z.Volume, parentOf(z.Volume)+" does not exist: it takes a zfs_dataset before this")
	case s.zfs.missing:
		c.Differ("volume", "(none)", z.Volume)
		c.Do(z.create())
	case s.zfs.value["type"] != "volume":
		c.Refuse("type", s.zfs.value["type"], "volume", "something else has this name")
	default:
		z.properties(&c, s.zfs)
		z.linked(&c, s)
	}
	return c
}

// linked has udev make the link anew, by the rules for this kind of device alone: those of other devices may do more than
// name them. With volmode=none the kernel makes no device at all.
func (z *Zvol) linked(c *modules.Change, s zvolSeen) {
	switch {
	case !s.noDevice:
	case s.zfs.value["volmode"] == "none":
		c.Refuse("device", "(none)", z.Device(), "volmode is none, so that the volume has no device: zfs set volmode=default "+z.Volume+", or inherit it")
	default:
		c.Differ("device", "(none)", z.Device())
		c.Do(host.Script{Argv: []string{"udevadm", "trigger", "--action=add", "--subsystem-match=block", "--sysname-match=zd*"}})
	}
}

func (z *Zvol) create() host.Step {
	argv := []string{"zfs", "create"}
	if z.Sparse {
		argv = append(argv, "-s")
	}
	if z.BlockSize != 0 {
		argv = append(argv, "-b", number(z.BlockSize))
	}
	if z.Protect {
		argv = append(argv, "-o", protectProperty+"=on")
	}
	return host.Script{Argv: append(argv, "-V", number(z.Size), z.Volume)}
}

func number(b modules.Bytes) string { return strconv.FormatInt(int64(b), 10) }

func (z *Zvol) properties(c *modules.Change, s zfsSeen) {
	size, reserved, block := bytesOf(s.value["volsize"]), bytesOf(s.value["refreservation"]), bytesOf(s.value["volblocksize"])
	switch {
	case size > z.Size:
		c.Refuse("size", size.String(), z.Size.String(), "a volume is never shrunk: what is on it would be cut off")
	case c.Differ("size", size.String(), z.Size.String()):
		c.Do(setZFS(z.Volume, "volsize", number(z.Size)))
	}
	if z.BlockSize != 0 && block != z.BlockSize {
		c.Refuse("volblocksize", block.String(), z.BlockSize.String(), "it is fixed when the volume is made")
	}
	// A reservation that is not for all of the volume is sparse as well: a write may find no space.
	if sparse := reserved < size; c.Differ("sparse", strconv.FormatBool(sparse), strconv.FormatBool(z.Sparse)) {
		reservation := "auto"
		if z.Sparse {
			reservation = "none"
		}
		c.Do(setZFS(z.Volume, "refreservation", reservation))
	}
	if c.Differ("protect", s.protection(), strconv.FormatBool(z.Protect)) {
		c.Do(setZFS(z.Volume, protectProperty, onOff(z.Protect)))
	}
}

// bytesOf reads a number that zfs get -p gave; none is 0 there.
func bytesOf(s string) modules.Bytes {
	n, _ := strconv.ParseInt(s, 10, 64)
	return modules.Bytes(n)
}

// destroy refuses while the volume is protected: to take that off is an act of its own, approved on its own.
func (z *Zvol) destroy(c *modules.Change, s zvolSeen) {
	switch {
	case s.zfs.missing:
	case s.zfs.value["type"] != "volume":
		c.Refuse("type", s.zfs.value["type"], "volume", "something else has this name")
	case s.zfs.protected():
		c.Refuse("absent", "protected", "true", protectProperty+" is on: apply protect = false, without absent, first")
	case s.noDevice:
		c.Refuse("absent", "exists", "true", "it has no link "+z.Device()+", so it cannot be told whether it is in use")
	default:
		c.Differ("absent", "exists", "true")
		c.Do(host.Script{Argv: []string{"zfs", "destroy", z.Volume},
			Guards: []host.Guard{host.ValidatorStopped(), host.Unprotected(z.Volume), host.Unused(z.Device())}})
		c.Destroy("the volume " + z.Volume + " (" + bytesOf(s.zfs.value["volsize"]).String() + ") and everything on it")
	}
}
