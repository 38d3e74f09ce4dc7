# Variant E: a dataset for the data, a tmpfs for the accounts; the zvol is destroyed.
zfs destroy -r biscayne/DATA/volumes/solana
zfs create -o mountpoint=/srv/kind/solana biscayne/DATA/srv/kind/solana
mkdir -p /srv/kind/solana/ledger /srv/kind/solana/snapshots /srv/kind/solana/log /srv/kind/solana/ramdisk
echo "tmpfs /srv/kind/solana/ramdisk tmpfs nodev,nosuid,noexec,nodiratime,size=64M,nofail,x-systemd.requires=zfs-mount.service 0 0" >>/etc/fstab
systemctl daemon-reload
mount /srv/kind/solana/ramdisk
mkdir -m 0755 /srv/kind/solana/ramdisk/accounts
chown -R solana:solana /srv/kind/solana/ledger /srv/kind/solana/snapshots /srv/kind/solana/log /srv/kind/solana/ramdisk/accounts
