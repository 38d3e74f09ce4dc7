# prepare.sh runs as root on the host: what plans/noop and peers/noop.yml want, so that neither finds anything to do.
mkdir -p /srv/bench/many
for n in $(seq 0 9); do mkdir -p /srv/bench/folder-$n; done
for n in $(seq 0 19); do echo "/srv/bench/file-$n: one line that is the same for every tool" >/srv/bench/file-$n; done
for n in $(seq 0 4); do
	groupadd -g 700$n bench-$n
	useradd -u 700$n -g 700$n -d /srv/bench/home-bench-$n -M -s /bin/sh bench-$n
	touch /srv/bench/made-$n
done
printf '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' >/etc/systemd/system/bench@.service
systemctl daemon-reload
for n in $(seq 0 9); do systemctl -q enable --now bench@$n.service; done
