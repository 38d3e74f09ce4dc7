# Variant C: both devices mounted a second time; the module calls have lost nofail and the order.
data
echo "/dev/zvol/biscayne/DATA/volumes/solana /srv/kind/solana xfs defaults 0 0" >>/etc/fstab
mount /dev/zvol/biscayne/DATA/volumes/solana /srv/kind/solana
echo "/dev/ram0 /srv/kind/solana/ramdisk xfs noatime,nodiratime 0 0" >>/etc/fstab
mount -o noatime,nodiratime /dev/ram0 /srv/kind/solana/ramdisk
mount --make-shared /srv/kind/solana; mount --make-shared /srv/kind/solana/ramdisk
systemctl daemon-reload
