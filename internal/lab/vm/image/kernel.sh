# kernel.sh WORK CODENAME : Debian's kernel and the ZFS modules for it, built by DKMS in a Debian of its own.
# Leaves in WORK: vmlinuz, version, modules.tar (what a virtual machine needs of them, with ZFS). Runs in a mount namespace
# of its own.
set -e
work=$1 codename=$2
mkdir "$work/memory" "$work/tmp"
export TMPDIR="$work/tmp" # mmdebstrap leaves files there when it is killed
mount -t tmpfs -o size=5g,mode=755 bisc-lab "$work/memory"
root="$work/memory/root"
set -- "$work"/machine.list "$work"/machine.sources
for f in "$@"; do [ -s "$f" ] && set -- "$@" "$f"; shift; done
# No debugging information: it is stripped anyway, and making it is a fifth of the compiler's work.
export KCFLAGS=-g0
mmdebstrap --variant=apt --mode=root --include="linux-image-amd64,linux-headers-amd64" \
	--dpkgopt=force-unsafe-io \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' \
	--aptopt="$work/apt.conf" \
	--setup-hook='mkdir -p "$1/usr/sbin"; printf "#!/bin/sh\nexit 101\n" >"$1/usr/sbin/policy-rc.d"; chmod 755 "$1/usr/sbin/policy-rc.d"' \
	--customize-hook='echo "I: building the ZFS modules (5 to 8 minutes of one core)"; chroot "$1" apt-get -q -y --no-install-recommends install zfs-dkms' \
	--skip=cleanup/apt \
	"$codename" "$root" "$@"
version=$(ls "$root/lib/modules")
modules="$root/lib/modules/$version"
for name in spl zfs; do
	[ -f "$modules/updates/dkms/$name.ko" ] || {
		echo "DKMS made no $name.ko for $version; the end of its log:"
		tail -n 20 "$root"/var/lib/dkms/zfs/*/build/make.log || true
		exit 1
	}
done
strip --strip-debug "$modules"/updates/dkms/*.ko
# What no virtual machine has.
drivers="$modules/kernel/drivers"
rm -rf "$modules/build" "$modules/source" "$modules/kernel/sound"
for name in gpu media usb infiniband iio staging isdn bluetooth comedi mtd hid scsi ata mmc nfc leds watchdog firewire \
	platform hwmon tty ssb bcma power video android mfd i2c thunderbolt; do rm -rf "${drivers:?}/$name"; done
for name in ethernet wireless usb can phy wwan hamradio fddi arcnet dsa ieee802154; do rm -rf "$drivers/net/$name"; done
depmod -b "$root" "$version"
tar -C "$root/lib/modules" -cf "$work/modules.tar" "$version"
cp "$root/boot/vmlinuz-$version" "$work/vmlinuz"
echo "$version" >"$work/version"
umount "$work/memory"
rm -rf "$work/memory" "$work/tmp"
