# configure.sh ROOT : what makes a machine of its own of the test hosts' root file system.
root=$1
echo biscayne >"$root/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 biscayne\n' >"$root/etc/hosts"
echo 'LABEL=bisc-root / ext4 defaults,noatime 0 1' >"$root/etc/fstab"
chroot "$root" ssh-keygen -q -t ed25519 -N '' -C biscayne -f /etc/ssh/ssh_host_ed25519_key
cat /proc/sys/kernel/random/uuid | tr -d - >"$root/etc/machine-id"

# One network card, whose addresses QEMU's user networking gives: nothing to negotiate, nothing to wait for. By its name: of the type
# ether are docker's veths too, and what networkd takes for its own it takes out of docker's bridge.
cat >"$root/etc/systemd/network/10-lab.network" <<NETWORK
[Match]
Name=eth0
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
LinkLocalAddressing=no
IPv6AcceptRA=no
NETWORK

# What cannot work in a container works here.
for unit in systemd-remount-fs.service systemd-networkd.service systemd-networkd.socket systemd-udev-settle.service; do
	rm -f "$root/etc/systemd/system/$unit"
done
# The wait for a network with a way out: there is none.
for unit in systemd-networkd-wait-online.service zfs-scrub@.service zfs-scrub.timer; do
	ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
chroot "$root" systemctl --quiet enable systemd-networkd.service docker.service containerd.service

# An emulated processor is slow: udev, docker and the rest keep Debian's own limits all the same.
# The image lab:1, in which a container finds busybox and the host's programs.
image=$(mktemp -d)
mkdir -p "$image/bin" "$image/proc" "$image/dev" "$image/tmp"
cp "$root/bin/busybox" "$image/bin/busybox"
tar -C "$image" -cf "$root/usr/local/share/lab-image.tar" .
rm -rf "$image"
