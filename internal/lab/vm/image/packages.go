package image

import "bisc/internal/lab/rootfs"

// machinePrograms are what the machine needs to build and to run virtual machines.
var machinePrograms = []rootfs.Program{
	{Name: "qemu-system-x86_64", Package: "qemu-system-x86"},
	{Name: "qemu-img", Package: "qemu-utils"},
	{Name: "mmdebstrap", Package: "mmdebstrap"},
	{Name: "unshare", Package: "util-linux"},
	{Name: "mkfs.ext4", Package: "e2fsprogs"},
	{Name: "depmod", Package: "kmod"},
	{Name: "cpio", Package: "cpio"},
	{Name: "zstd", Package: "zstd"},
	{Name: "xz", Package: "xz-utils"},
	{Name: "strip", Package: "binutils"},
}

// guestPackages are what a virtual machine has beyond a test host: ZFS (contrib), a busybox for the initial RAM disk, and
// AppArmor's parser, without which docker starts no container on a kernel that has AppArmor, as Debian's.
var guestPackages = []string{"zfsutils-linux", "busybox-static", "apparmor"}
