# build.sh WORK CODENAME PACKAGES : mmdebstrap into WORK/root, by way of memory. Runs in a mount namespace of its own.
# dpkg syncs its database at every step: on a tmpfs that is free, and copying the result costs a second.
set -e
work=$1 codename=$2 packages=$3
mkdir "$work/memory" "$work/tmp"
export TMPDIR="$work/tmp" # mmdebstrap leaves files there when it is killed
mount -t tmpfs -o size=3g,mode=755 bisc-lab "$work/memory"
set -- "$work"/machine.list "$work"/machine.sources
for f in "$@"; do [ -s "$f" ] && set -- "$@" "$f"; shift; done
mmdebstrap --variant=apt --mode=root --include="$packages" \
	--dpkgopt=force-unsafe-io \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' \
	--aptopt="$work/apt.conf" \
	--setup-hook='mkdir -p "$1/usr/sbin"; printf "#!/bin/sh\nexit 101\n" >"$1/usr/sbin/policy-rc.d"; chmod 755 "$1/usr/sbin/policy-rc.d"' \
	--customize-hook="sh -e $work/configure.sh \"\$1\" $work/key.pub" \
	"$codename" "$work/memory/root" "$@"
cp -a "$work/memory/root" "$work/root"
umount "$work/memory"
rm -rf "$work/memory" "$work/tmp"
