package biscayne_test

import (
	"strings"
	"testing"
)

// breakage is something done by hand to a host that was all that the plan says.
type breakage struct {
	situation, script string
	// says is the invariants that do not hold then, each with words of what check says of it: "the accounts are on the
	// ramdisk: source: (none)".
	says []string
	// destroys is the address whose destruction repairs it, where it takes one; undo is what a person does first, where bisc
	// leaves it.
	destroys, undo string
}

// breaks does each breakage, wants check to name it, and wants the host to be as before after the repair.
func (b *bench) breaks(all []breakage) {
	for _, c := range all {
		ok := b.Run(c.situation, func(t *testing.T) {
			b := b.on(t)
			b.sh(c.script)
			b.names(c.says)
			if c.undo != "" {
				b.sh(c.undo)
			}
			if c.destroys != "" {
				if out := b.bisc(4, "apply", "--auto-approve"); !strings.Contains(out, "--destroy '"+c.destroys+"'") {
					t.Errorf("apply does not say what would permit the repair:\n%s", out)
				}
				b.destroying(c.destroys)
			}
			b.apply()
			b.green("repaired")
			b.mounts(places[b.variant])
		})
		if !ok {
			return // the next would begin on a broken host
		}
	}
}

// names wants check to fail with exactly these invariants.
func (b *bench) names(says []string) {
	b.Helper()
	out := b.bisc(3, "check")
	for _, s := range says {
		invariant, words, _ := strings.Cut(s, ": ")
		b.says(out, `invariant["`+invariant+`"]`, words)
	}
	if got := strings.Count(out, "  ! "); got != len(says) {
		b.Errorf("%d invariants do not hold, want %d:\n%s", got, len(says), out)
	}
}

const (
	data     = "the data is XFS on its own device: "
	accounts = "the accounts are on the ramdisk: "
	node     = "the kind node sees the same file systems: "
	reload   = "; systemctl daemon-reload"
)

// TestBroken breaks variant B in each way that its invariants of the storage can see (biscayne.md 2.2, 8.2).
func TestBroken(t *testing.T) {
	b := newBench(t, "B")
	b.apply()
	b.sh("echo kept >/srv/solana/ledger/file; zfs create -s -V 400M biscayne/other; mkfs.xfs -q /dev/zvol/biscayne/other; mkdir -p /srv/backups")
	b.breaks([]breakage{
		{situation: "the ramdisk is unmounted, and the path is a folder on XFS still (incident 13)", script: "umount /srv/solana/ramdisk", says: []string{accounts + "source: (none)"}},
		{situation: "XFS of another device (incident 9)", script: "umount -R /srv/kind/solana /srv/solana; mount /dev/zvol/biscayne/other /srv/solana",
			says:     []string{data + "source: xfs /dev/zd16", accounts + "source: (none)", node + "source: (none)"},
			destroys: "biscayne:storage.mount[/srv/solana]"},
		{situation: "ext4 on the ramdisk (incident 12)", script: "umount /srv/solana/ramdisk; mkfs.ext4 -q -F /dev/ram0; mount /dev/ram0 /srv/solana/ramdisk",
			says: []string{"the ramdisk is made at boot: fstype: TYPE=ext4", accounts + "fstype: ext4, want xfs"}, undo: "umount /srv/solana/ramdisk; dd if=/dev/zero of=/dev/ram0 bs=1M status=none conv=fsync || true"},
		{situation: "the data is covered", script: "mount -t tmpfs cover /srv/solana",
			says:     []string{data + "covered by: tmpfs cover", accounts + "covered by: tmpfs cover", node + "source: bound"},
			destroys: "biscayne:storage.mount[/srv/solana]"},
		{situation: "the folder above is covered", script: "mount -t tmpfs cover /srv",
			says:     []string{data + "covered by: tmpfs cover", accounts + "covered by: tmpfs cover", node + "source: (none)"},
			destroys: "biscayne:storage.zfs_dataset[biscayne/DATA/srv]"},
		{situation: "the ramdisk is covered, and its twin by propagation", script: "mount -t tmpfs cover /srv/solana/ramdisk",
			says: []string{accounts + "covered by: tmpfs cover"}, destroys: "biscayne:storage.mount[/srv/solana/ramdisk]"},
		{situation: "the bind is covered", script: "mount -t tmpfs cover /srv/kind/solana", says: []string{node + "covered by: tmpfs cover"}, destroys: "biscayne:storage.bind[/srv/kind/solana]"},
		{situation: "the ramdisk is covered below the bind only", script: "mount -t tmpfs cover /srv/kind/solana/ramdisk",
			says: []string{node + "recursive: /srv/kind/solana/ramdisk: tmpfs cover"}, destroys: "biscayne:storage.bind[/srv/kind/solana]"},
		{situation: "another folder is bound", script: "umount -R /srv/kind/solana; mount --bind /srv/backups /srv/kind/solana", says: []string{node + "source: overlay"},
			undo: "umount /srv/kind/solana"}, // its file system is the root's: in use, whoever uses it
		{situation: "the bind lacks the ramdisk (incident 10)", script: "umount /srv/kind/solana/ramdisk", says: []string{node + "recursive: /srv/kind/solana/ramdisk: (none)"}},
		{situation: "the bind is gone", script: "umount -R /srv/kind/solana", says: []string{node + "source: (none)"}},
		{situation: "the bind is private (incident 11)", script: "mount --make-rprivate /srv/kind/solana", says: []string{node + "propagation: /srv/kind/solana: private"},
			undo: "umount -R /srv/kind/solana"},
		{situation: "the bind is in the source's peer group (incident 13)", script: "umount -R /srv/kind/solana; mount --rbind /srv/solana /srv/kind/solana",
			says: []string{node + "propagation: /srv/kind/solana: in the source's peer group"}},
		{situation: "fstab's line of the ramdisk is lost", script: `sed -i '\|^/dev/ram0|d' /etc/fstab` + reload, says: []string{accounts + "fstab: (none)"}},
		{situation: "fstab's line of the data is there twice", script: `grep /srv/solana.xfs /etc/fstab >/tmp/line; cat /tmp/line >>/etc/fstab`, says: []string{data + "fstab: 2 lines"}},
		{situation: "fstab's options are lost (incident 14)", script: `sed -i 's|^/srv/solana .*|/srv/solana /srv/kind/solana none rbind 0 0|' /etc/fstab` + reload,
			says: []string{node + "options: rbind, want rbind,rslave,rshared"}},
		{situation: "nothing orders the data after ZFS (incident 9)", script: `sed -i 's/,x-systemd.requires=zfs-mount.service//' /etc/fstab` + reload,
			says: []string{data + "requires: zfs-volume-wait.service", node + "requires: srv-solana-ramdisk.mount"}},
		{situation: "the module's options are lost", script: "rm /etc/modprobe.d/bisc-brd.conf", says: []string{"the ramdisk is made at boot: size: "}},
		{situation: "the unit of the ramdisk is another", script: "sed -i s/exec/echo/ /etc/systemd/system/format-ramdisk.service" + reload,
			says: []string{"the ramdisk is made at boot: unit: "}},
	})
	if got := b.sh("cat /srv/solana/ledger/file"); got != "kept" {
		t.Errorf("the ledger holds %q", got)
	}
}

// TestCoverLosesNothing takes a cover away from above all of variant B's mounts: they are the same mounts afterwards, with
// what is in them. A cover that is in use stays, and so does any while a validator may live.
func TestCoverLosesNothing(t *testing.T) {
	b := newBench(t, "B")
	b.apply()
	b.sh("echo kept >/srv/solana/ramdisk/accounts/file")
	const mounts = `sed -n 's|^\([0-9]* [0-9]* [0-9:]* [^ ]* /srv[^ ]*\) .*|\1|p' /proc/self/mountinfo`
	before := b.sh(mounts)
	const address = "biscayne:storage.mount[/srv/solana]"
	b.sh("mount -t tmpfs cover /srv/solana; echo x >/srv/solana/file; sleep 1000 </srv/kind/solana/file >/dev/null 2>&1 &")
	b.says(b.bisc(4, "plan", "--destroy", address), "it is in use: open", "/srv/kind/solana/file")
	b.sh("killall sleep; cp /bin/sleep /root/agave-validator; /root/agave-validator 1000 >/dev/null 2>&1 &")
	covered := b.sh(mounts)
	b.says(b.bisc(4, "apply", "--auto-approve", "--target", "biscayne:storage.mount[/srv/solana/ramdisk]", "--target", address), "it waits for /srv/solana, which another mount covers")
	plan := b.bisc(2, "plan", "--destroy", address)
	_, digest, _ := strings.Cut(plan, "digest ")
	b.bisc(4, "apply", "--destroy", address, "--approve", strings.TrimSpace(digest))
	if now := b.sh(mounts); now != covered {
		t.Errorf("while a validator lives the mounts were\n%s\nand are\n%s", covered, now)
	}
	b.sh("killall agave-validator; sleep 0.2")
	b.destroying(address)
	if now := b.sh(mounts); now != before {
		t.Errorf("before the cover the mounts were\n%s\nand are now\n%s", before, now)
	}
	if got := b.sh("cat /srv/kind/solana/ramdisk/accounts/file"); got != "kept" {
		t.Errorf("the accounts hold %q", got)
	}
	b.green("uncovered")
}

// brokenElsewhere is what the other variants have and B has not.
var brokenElsewhere = map[string][]breakage{
	"C": {
		{situation: "the node's data is unmounted", script: "umount -R /srv/kind/solana", says: []string{"the kind node sees the data's device: source: (none)", "the kind node sees the ramdisk: source: (none)"}},
		{situation: "the node's ramdisk is covered", script: "mount -t tmpfs cover /srv/kind/solana/ramdisk", says: []string{"the kind node sees the ramdisk: covered by: tmpfs cover"},
			destroys: "biscayne:storage.mount[/srv/kind/solana/ramdisk]"},
	},
	"D": {
		{situation: "the tmpfs is unmounted", script: "umount /srv/kind/solana/ramdisk", says: []string{"the accounts are on the tmpfs: source: (none)"}},
		{situation: "the tmpfs is smaller", script: "mount -o remount,size=32m /srv/kind/solana/ramdisk", says: []string{"the accounts are on the tmpfs: size: 32MiB"}},
		{situation: "the data is covered", script: "mount -t ramfs cover /srv/kind/solana", says: []string{data + "covered by: ramfs cover", "the accounts are on the tmpfs: covered by: ramfs cover"},
			destroys: "biscayne:storage.mount[/srv/kind/solana]"},
	},
	"E": {
		{situation: "the ZFS that is loaded is older than its programs", script: `rm /usr/local/sbin/zfs; cat >/usr/local/sbin/zfs <<'END'
#!/bin/sh
[ "$*" = version ] || exec /usr/sbin/zfs "$@"
printf 'zfs-2.2.9-1\nzfs-kmod-2.2.7-1\n'
END
chmod 755 /usr/local/sbin/zfs`, says: []string{"this ZFS may hold the data: condition: "}, undo: "ln -sf /usr/lib/bisc-lab/standin /usr/local/sbin/zfs"},
		{situation: "the dataset is unmounted", script: "umount /srv/kind/solana/ramdisk; zfs unmount biscayne/DATA/srv/kind/solana",
			says: []string{"the data is on its dataset: mounted: no", "the accounts are on the tmpfs: source: (none)"}},
		{situation: "the dataset is covered", script: "mount -t tmpfs cover /srv/kind/solana", says: []string{"the data is on its dataset: covered by: tmpfs cover", "the accounts are on the tmpfs: covered by: tmpfs cover"},
			destroys: "biscayne:storage.zfs_dataset[biscayne/DATA/srv/kind/solana]"},
		{situation: "the dataset's place is another", script: "umount /srv/kind/solana/ramdisk; zfs set mountpoint=/srv/elsewhere biscayne/DATA/srv/kind/solana",
			says: []string{"the data is on its dataset: mountpoint: /srv/elsewhere", "the accounts are on the tmpfs: source: (none)"},
			undo: "zfs set mountpoint=/srv/kind/solana biscayne/DATA/srv/kind/solana"}, // in the lab every dataset is on the root's device, which is in use
	},
}
