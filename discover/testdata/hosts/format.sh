# The two units of variants A, B and C (biscayne.md 2.3), enabled and not started.
cat >/etc/systemd/system/format-ramdisk.service <<'UNIT'
[Unit]
Description=Format /dev/ram0 as XFS for Solana accounts
DefaultDependencies=no
Before=local-fs.target
After=systemd-modules-load.service
ConditionPathExists=/dev/ram0

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/sbin/mkfs.xfs -f /dev/ram0

[Install]
WantedBy=local-fs.target
UNIT
cat >/etc/systemd/system/ramdisk-accounts.service <<'UNIT'
[Unit]
Description=Create Solana accounts directory on ramdisk
After=srv-solana-ramdisk.mount
Requires=srv-solana-ramdisk.mount

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/bash -c 'mkdir -p /srv/solana/ramdisk/accounts && chown solana:solana /srv/solana/ramdisk /srv/solana/ramdisk/accounts'

[Install]
WantedBy=multi-user.target
UNIT
systemctl daemon-reload
systemctl enable -q format-ramdisk.service ramdisk-accounts.service
# The module's state: mounted, which also writes fstab.
data() {
	echo "/dev/zvol/biscayne/DATA/volumes/solana /srv/solana xfs defaults 0 2" >>/etc/fstab
	mount /dev/zvol/biscayne/DATA/volumes/solana /srv/solana
	mkdir -p /srv/solana/ledger /srv/solana/snapshots /srv/solana/log /srv/solana/ramdisk
	mkfs.xfs -q -f /dev/ram0
	echo "/dev/ram0 /srv/solana/ramdisk xfs noatime,nodiratime,nofail,x-systemd.requires=format-ramdisk.service 0 0" >>/etc/fstab
	mount -o noatime,nodiratime /dev/ram0 /srv/solana/ramdisk
	mkdir -p /srv/solana/ramdisk/accounts
	chown solana:solana /srv/solana/ramdisk /srv/solana/ramdisk/accounts /srv/solana/ledger /srv/solana/snapshots /srv/solana/log
}
