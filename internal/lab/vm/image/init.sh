#!/bin/busybox sh
# The initial RAM disk's /init: the disk's modules, the disk, and on to systemd.
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
for module in $(/bin/busybox cat /m/order); do /bin/busybox insmod /m/$module; done
n=0
while [ ! -b /dev/vda ] && [ $n -lt 500 ]; do
	/bin/busybox usleep 20000
	n=$((n + 1))
done
/bin/busybox mount -t ext4 -o rw,noatime /dev/vda /root || exec /bin/busybox poweroff -f
/bin/busybox umount /proc /sys
/bin/busybox mount --move /dev /root/dev
exec /bin/busybox switch_root /root /sbin/init
