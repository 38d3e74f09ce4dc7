# What biscayne had before its playbooks ran (biscayne.md 2.1): datasets, the zvol with XFS, the ramdisk's module, accounts.
zfs create -o mountpoint=none biscayne/DATA
zfs create biscayne/DATA/volumes
zfs create -o mountpoint=/srv -o overlay=on biscayne/DATA/srv
zfs create -o mountpoint=/srv/kind biscayne/DATA/srv/kind
zfs create -V 1G biscayne/DATA/volumes/solana
mkfs.xfs -q /dev/zvol/biscayne/DATA/volumes/solana
echo 'options brd rd_nr=1 rd_size=524288' >/etc/modprobe.d/brd.conf
echo brd >/etc/modules-load.d/brd.conf
modprobe brd
id -u solana >/dev/null 2>&1 || useradd -u 20029 -m -s /bin/bash solana
mkdir -p /srv/solana /srv/kind/solana
