// Package standin holds the programs in a test host that take the place of what the machine's kernel lacks: zfs, zpool,
// zvol_wait, and modprobe, rmmod and lsmod for the modules brd and zfs. All are the bisc-lab program under other names.
//
// A volume is a loop device behind the node /dev/zdN, with the link /dev/zvol/POOL/NAME; a ramdisk is a zram behind
// /dev/ramN; both are real block devices that mkfs and mount take as they are. A file system dataset is a bind mount of
// a folder under /var/lib/lab-zfs: its type in mountinfo is overlay where ZFS' own would be zfs. As with ZFS and brd,
// /dev is empty after a boot: the units zfs-import-cache, zfs-mount, zfs-volume-wait and systemd-modules-load run these
// programs again, volumes keep their data and ramdisks do not.
//
// What differs from the real ones: a volume's major number is loop's and a ramdisk's is zram's, /sys/block and lsblk
// know them by those names, and there are no snapshots, clones, encryption, delegation or replication. Messages and
// exit statuses are those of OpenZFS 2.2 and kmod 30.
package standin
