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

// guestPackages are what a virtual machine has beyond a test host: ZFS (contrib) and a busybox for the initial RAM disk and
// for containers.
var guestPackages = []string{"zfsutils-linux", "busybox-static", "iputils-ping"}
