# configure.sh ROOT PUBLICKEY : what every host has, once, in the root file system that all hosts share.
unset TMPDIR
root=$1 key=$(cat "$2")

# People. ops is who bisc logs in as; pw's sudo wants a password; nosudo may not.
for user in ops pw nosudo; do
	case $user in ops) uid=1000 ;; pw) uid=1001 ;; nosudo) uid=1002 ;; esac
	chroot "$root" useradd --create-home --shell /bin/bash --uid $uid --password '*' $user
done
echo pw:lab | chroot "$root" chpasswd
chroot "$root" useradd --create-home --shell /bin/bash --uid 20029 --password '*' solana
echo 'ops ALL=(ALL:ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/ops"
echo 'pw ALL=(ALL:ALL) ALL' >"$root/etc/sudoers.d/pw"
chmod 440 "$root/etc/sudoers.d/ops" "$root/etc/sudoers.d/pw"
for home in root home/ops home/pw home/nosudo; do
	mkdir -p "$root/$home/.ssh"
	echo "$key" >"$root/$home/.ssh/authorized_keys"
	chmod 700 "$root/$home/.ssh"
	chmod 600 "$root/$home/.ssh/authorized_keys"
done
for user in ops pw nosudo; do chroot "$root" chown -R $user:$user /home/$user/.ssh; done

# sshd. Each host makes its own keys.
rm -f "$root"/etc/ssh/ssh_host_*
cat >"$root/etc/ssh/sshd_config.d/lab.conf" <<EOF
UseDNS no
PermitRootLogin prohibit-password
MaxSessions 100
MaxStartups 200:30:400
EOF

# systemd. The journal goes with the boot: 60 hosts' journals have no place in memory.
mkdir -p "$root/etc/systemd/journald.conf.d"
printf '[Journal]\nStorage=volatile\n' >"$root/etc/systemd/journald.conf.d/lab.conf"
chroot "$root" systemctl --quiet enable ssh.service netfilter-persistent.service
chroot "$root" systemctl --quiet disable docker.service docker.socket containerd.service unattended-upgrades.service \
	firewalld.service nftables.service
# What cannot work in a container, and what would wake up by itself in the middle of a test.
for unit in systemd-remount-fs.service systemd-networkd.service systemd-networkd.socket \
	systemd-networkd-wait-online.service systemd-timesyncd.service systemd-pstore.service systemd-resolved.service \
	systemd-udev-settle.service networking.service ifupdown-pre.service getty@tty1.service console-getty.service \
	keyboard-setup.service console-setup.service apparmor.service rsyslog.service cron.service exim4.service \
	apt-daily.timer apt-daily-upgrade.timer apt-daily.service apt-daily-upgrade.service \
	e2scrub_all.timer e2scrub_reap.service fstrim.timer dpkg-db-backup.timer man-db.timer logrotate.timer \
	systemd-tmpfiles-clean.timer; do
	ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

# mmdebstrap leaves the machine's own resolver here; a host has none.
rm -f "$root/etc/resolv.conf"
: >"$root/etc/resolv.conf"
: >"$root/etc/machine-id"
: >"$root/etc/fstab"
rm -f "$root/usr/sbin/policy-rc.d" "$root/var/lib/dbus/machine-id"
rm -rf "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
