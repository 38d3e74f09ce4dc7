#!/usr/bin/env bash
# The main job on a real lab host: plan, apply, check, break, drift, repair, reboot, check. Each command is shown as it
# would be typed. Usage: demo.sh FOLDER [machine], with bisc and bisc-lab in FOLDER; machine is the virtual machine, with
# Debian's kernel and ZFS.
set -euo pipefail
bin=$(realpath "$1")
top=$(realpath "$(dirname "$0")/../../..")
kind=${2:-lab}
case $kind in
  lab) dir=/run/bisc-demo ;;
  machine) dir=/run/bisc-machine ;;
  *) echo "demo: what is $kind?" >&2; exit 2 ;;
esac
state=$(mktemp -d)
export PATH="$bin:$PATH" XDG_STATE_HOME=$state BISC_PLANS=plans/biscayne BISC_INVENTORY=inventory/$kind.hcl
cd "$top"

cleanup() {
  bisc-lab down --dir "$dir" >/dev/null 2>&1 || true
  rm -rf "$state"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

title() { printf '\n── %s\n' "$*"; }

# bisc_exits STATUS ARGS... runs bisc as an operator would and insists on its exit status.
bisc_exits() {
  local want=$1 got=0
  shift
  printf '\n$ bisc %s\n' "$*"
  bisc "$@" || got=$?
  printf '(exit %d)\n' "$got"
  [ "$got" = "$want" ] || { echo "demo: expected exit $want" >&2; exit 1; }
}

# on_host SCRIPT... is somebody's own hands on the host, without bisc.
on_host() {
  printf '\nroot@biscayne# %s\n' "$*"
  ssh -F "$dir/ssh_config" biscayne "sudo sh -c $(printf %q "$*")"
}

if [ "$kind" = machine ]; then
  title 'a virtual machine with Debian'"'"'s kernel, ZFS with an empty pool, the ramdisk module and docker, on this machine'
  bisc-lab machine up --dir "$dir"
  on_host 'uname -r; cat /sys/module/zfs/version; zpool list'
else
  title 'a host with systemd, docker, a pool and a ramdisk module, on this machine'
  bisc-lab up --dir "$dir" --names biscayne --docker --pool biscayne=16G
fi
bisc_exits 0 hosts --explain biscayne
bisc_exits 0 validate

title 'what differs now, and after boot'
bisc_exits 2 plan

title 'make it so: layers storage, units and relay'
bisc_exits 0 apply --auto-approve --until-clean

title 'a second run finds nothing to do'
bisc_exits 0 plan
bisc_exits 0 check

title 'somebody unmounts the ramdisk, and loses options in fstab'
on_host 'umount /srv/solana/ramdisk'
on_host "sed -i 's/nofail,//' /etc/fstab"
bisc_exits 3 drift
bisc_exits 3 check
bisc_exits 0 apply --auto-approve --until-clean

title 'an old program of the relay runs, below a new file; and somebody edits its settings'
on_host 'cd /usr/local/lib/bisc/relay; cp -p shredunwrap right; cp -p shredunwrap old; echo >>old; mv old shredunwrap; systemctl restart bisc-shredunwrap; mv right shredunwrap'
on_host 'echo filter off >>/etc/bisc/relay/shredunwrap.conf'
bisc_exits 3 drift
bisc_exits 0 apply --auto-approve --until-clean
bisc_exits 0 plan

title 'somebody covers a mount with another'
on_host 'mount -t tmpfs cover /srv/solana'
bisc_exits 3 drift
# What lies in the cover is lost when it goes, so it goes only when it is named, and its round approved by digest.
bisc_exits 2 plan --destroy 'biscayne:storage.mount[/srv/solana]'
digest=$({ bisc plan --destroy 'biscayne:storage.mount[/srv/solana]' || true; } | awk '$1 == "digest" { print $2 }')
bisc_exits 0 apply --destroy 'biscayne:storage.mount[/srv/solana]' --approve "$digest"
bisc_exits 0 drift

title 'a reboot: the ramdisk is made anew, everything is back, docker waited for it'
boot() { ssh -F "$dir/ssh_config" -o ConnectTimeout=10 biscayne cat /proc/sys/kernel/random/boot_id 2>/dev/null || true; }
before=$(boot)
on_host 'systemctl reboot' >/dev/null 2>&1 || true
for _ in $(seq 240); do
  now=$(boot)
  [ -n "$now" ] && [ "$now" != "$before" ] && break
  sleep 0.5
done
bisc_exits 0 check --wait 3m
bisc_exits 0 plan --stats

title 'done; the host goes away'
