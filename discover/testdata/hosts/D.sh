# Variant D: zvol straight under kind, a tmpfs for the accounts; the units are gone.
rm -f /etc/systemd/system/format-ramdisk.service /etc/systemd/system/ramdisk-accounts.service
echo "/dev/zvol/biscayne/DATA/volumes/solana /srv/kind/solana xfs defaults,nofail,x-systemd.requires=zfs-mount.service 0 0" >>/etc/fstab
echo "tmpfs /srv/kind/solana/ramdisk tmpfs nodev,nosuid,noexec,nodiratime,size=64M,nofail,x-systemd.requires=srv-kind-solana.mount 0 0" >>/etc/fstab
systemctl daemon-reload
mount /srv/kind/solana
mkdir -p /srv/kind/solana/ledger /srv/kind/solana/snapshots /srv/kind/solana/log /srv/kind/solana/ramdisk
mount /srv/kind/solana/ramdisk
mkdir -m 0755 /srv/kind/solana/ramdisk/accounts
chown -R solana:solana /srv/kind/solana/ledger /srv/kind/solana/snapshots /srv/kind/solana/log /srv/kind/solana/ramdisk/accounts
mount --make-shared /srv/kind/solana
