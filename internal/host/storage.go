package host

import (
	_ "embed"
	"strconv"
)

//go:embed readings/blank.sh
var blankText string

//go:embed readings/busy.sh
var busyText string

//go:embed guards/blank.sh
var blankGuardText string

//go:embed guards/holds.sh
var holdsText string

//go:embed guards/mount-free.sh
var mountFreeText string

//go:embed guards/stands-on.sh
var standsOnText string

//go:embed guards/no-mounts-below.sh
var noMountsBelowText string

//go:embed guards/zfs-unprotected.sh
var zfsUnprotectedText string

// Blankness tells of a block device "size BYTES", "first zero|data" and "last zero|data" of its first and last MiB, where both
// are zero "middle zero|data" of 63 places between, and "partition NAME" for each that the kernel knows. It exits 3 when the
// device cannot be read.
var Blankness = Reading{Name: "blank", Text: blankText}

// Busy lists the uses of a file system, as Uses does, but for its mounts at some mount points and the copies of them that go
// with them. Its values are major:minor and the mount points as mountinfo writes them. It exits 3 when it could not look. The
// text of Uses is within it, never a value: a Query must not run what it is given.
var Busy = Reading{Name: "busy", Text: "uses_text=" + Quote(usesText) + "\n" + busyText}

// Blank holds when the device holds nothing: no signature, no partitions, zeros in its first and last MiB and in 63 places between.
func Blank(device string) Guard {
	return Guard{Name: "device blank", Text: blankGuardText, Args: []string{blankText, device}}
}

// Holds holds when blkid says of the device what it said when the plan was made: its output without DEVNAME, and its exit
// status. A step that wipes carries it, so that no retry wipes what came after.
func Holds(device, signature, status string) Guard {
	return Guard{Name: "device as shown", Text: holdsText, Args: []string{device, signature, status}}
}

// MountFree holds when nothing uses the file system that is mounted at the targets (as mountinfo writes them) but these
// mounts: that at the first, which is to go, and those that go with it.
func MountFree(device DeviceID, targets ...string) Guard {
	return Guard{Name: "mount not in use", Text: mountFreeText, Args: append([]string{Busy.Text, device.String()}, targets...)}
}

// StandsOn holds when the file system that is visible at the mount point is the device.
func StandsOn(mountPoint string, device DeviceID) Guard {
	return Guard{Name: "mounted below as shown", Text: standsOnText, Args: []string{mountPoint, device.String()}}
}

// NoMountsBelow holds when nothing is mounted below the folder (as mountinfo writes it).
func NoMountsBelow(folder string) Guard {
	return Guard{Name: "no mounts below", Text: noMountsBelowText, Args: []string{folder}}
}

// Unprotected holds when the user property bisc:protect of a zvol or dataset is not on.
func Unprotected(name string) Guard {
	return Guard{Name: "not protected", Text: zfsUnprotectedText, Args: []string{name}}
}

//go:embed guards/folder-is.sh
var folderIsText string

// FolderIs holds when the path is, without a link on its way, the folder that was seen: by device and inode.
func FolderIs(path string, device DeviceID, inode uint64) Guard {
	// The kernel's number of a device as the C library splits it: makedev(3).
	major, minor := uint64(device.Major), uint64(device.Minor)
	number := (major&0xfff)<<8 | (major&^0xfff)<<32 | minor&0xff | (minor&^0xff)<<12
	return Guard{Name: "the folder as shown", Text: folderIsText, Args: []string{path, strconv.FormatUint(number, 10), strconv.FormatUint(inode, 10)}}
}
