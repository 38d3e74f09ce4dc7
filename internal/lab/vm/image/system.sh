# system.sh WORK SHARED MODULES PACKAGES VERSION : the disk of a virtual machine: the test hosts' root file system in the folder
# SHARED, with PACKAGES, the kernel's modules of the archive MODULES, and what a machine of its own needs.
# Leaves in WORK: disk.raw, initrd.img, hostkey.pub. Runs in a mount namespace of its own, under a umask of 022.
set -e
umask 022
work=$1 shared=$2 modules=$3 packages=$4
version=$5
mkdir "$work/memory"
mount -t tmpfs -o size=3g,mode=755 bisc-lab "$work/memory"
mkdir "$work/memory/upper" "$work/memory/inner" "$work/memory/root"
root="$work/memory/root"
mount -t overlay -o "lowerdir=$shared,upperdir=$work/memory/upper,workdir=$work/memory/inner" bisc-lab "$root"

# apt of this machine, working in the other: names and proxies are this machine's.
rm -f "$root"/etc/apt/sources.list.d/*
[ ! -s "$work/machine.list" ] || cp "$work/machine.list" "$root/etc/apt/sources.list.d/machine.list"
[ ! -s "$work/machine.sources" ] || cp "$work/machine.sources" "$root/etc/apt/sources.list.d/machine.sources"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
{
	cat "$work/apt.conf"
	printf 'Dir "%s";\nDPkg::Chroot-Directory "%s";\nDir::State::status "%s/var/lib/dpkg/status";\n' "$root" "$root" "$root"
	printf 'APT::Sandbox::User "root";\nDpkg::Options { "--force-unsafe-io"; };\nDpkg::Use-Pty "false";\n'
} >"$work/memory/apt.conf"
export APT_CONFIG="$work/memory/apt.conf" DEBIAN_FRONTEND=noninteractive
echo "I: apt-get update"
apt-get -q update
echo "I: installing $packages"
apt-get -q -y --no-install-recommends install $packages
umount "$root/proc" "$root/dev"
unset APT_CONFIG
rm -rf "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root/usr/sbin/policy-rc.d"

echo "I: configuring"
mkdir -p "$root/lib/modules"
tar -C "$root/lib/modules" -xf "$modules"
sh -e "$work/configure.sh" "$root"
cp "$root/etc/ssh/ssh_host_ed25519_key.pub" "$work/hostkey.pub"

echo "I: making the disk"
truncate -s 4G "$work/disk.raw"
mkfs.ext4 -q -F -L bisc-root -O ^metadata_csum_seed -E lazy_itable_init=0,lazy_journal_init=0 -m 0 -d "$root" "$work/disk.raw"

echo "I: making the initial RAM disk"
init="$work/memory/initrd"
mkdir -p "$init/bin" "$init/proc" "$init/sys" "$init/dev" "$init/root" "$init/m"
cp "$root/bin/busybox" "$init/bin/busybox"
cp "$work/init.sh" "$init/init"
chmod 755 "$init/init"
for module in virtio_pci virtio_blk ext4 crc32c_generic; do
	modprobe -d "$root" -S "$version" --show-depends $module | sed -n 's/^insmod //p'
done | awk '!seen[$1]++ { print $1 }' | while read -r file; do
	cp "$file" "$init/m/"
	basename "$file" >>"$init/m/order"
done
(cd "$init" && find . | cpio -o -H newc --quiet) >"$work/initrd.img"
umount "$root" "$work/memory"
rmdir "$work/memory"
