package lab

import (
	"strings"
	"testing"
)

// storage makes what a validator host has: a volume and a ramdisk with XFS, bound as a tree, and what brings it back
// after a boot.
const storage = `
zfs create -s -V 1G tank/solana
mkfs.xfs -q /dev/zvol/tank/solana
modprobe brd rd_nr=1 rd_size=409600
mkfs.xfs -q /dev/ram0
mkdir -p /srv/solana /srv/kind/solana
mount /dev/zvol/tank/solana /srv/solana
mkdir /srv/solana/ramdisk
mount /dev/ram0 /srv/solana/ramdisk
mount --rbind /srv/solana /srv/kind/solana
echo kept >/srv/solana/file
cat >/etc/fstab <<EOF
/dev/zvol/tank/solana /srv/solana xfs defaults,nofail,x-systemd.requires=zfs-volume-wait.service 0 0
/dev/ram0 /srv/solana/ramdisk xfs noatime,nofail,x-systemd.requires=mkfs-ramdisk.service 0 0
/srv/solana /srv/kind/solana none rbind,nofail,x-systemd.requires=srv-solana-ramdisk.mount 0 0
EOF
cat >/etc/systemd/system/mkfs-ramdisk.service <<EOF
[Unit]
DefaultDependencies=no
After=systemd-modules-load.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/sbin/mkfs.xfs -q -f /dev/ram0
EOF
echo brd >/etc/modules-load.d/brd.conf
echo options brd rd_nr=1 rd_size=409600 >/etc/modprobe.d/brd.conf
`

// tree lists the mounts under /srv with their types and devices.
const tree = `awk '$2 ~ "^/srv/" {print $2, $3, $1}' /proc/mounts | sort`

const wantTree = `/srv/kind/solana xfs /dev/zd0
/srv/kind/solana/ramdisk xfs /dev/ram0
/srv/solana xfs /dev/zd0
/srv/solana/ramdisk xfs /dev/ram0`

func TestStorage(t *testing.T) {
	l := ForTest(t, Options{Hosts: []HostOptions{{Name: "a", Pools: []Pool{{Name: "tank", Size: 1 << 40}}}}})
	h := l.Host("a")
	shell := func(script string) string {
		t.Helper()
		out, err := h.Shell(t.Context(), script)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	shell(storage)
	if got := shell(tree); got != wantTree {
		t.Errorf("mounts:\n%s\nwant:\n%s", got, wantTree)
	}
	for _, c := range []struct{ script, says string }{
		{"zfs destroy tank/solana", "cannot destroy 'tank/solana': dataset is busy"},
		{"modprobe -r brd", "Module brd is in use"},
		{"rmmod brd", "Module brd is in use"},
		{"exec 3</dev/ram0; umount -l /srv/kind/solana/ramdisk; rmmod brd", "Module brd is in use"},
	} {
		if _, err := h.Shell(t.Context(), c.script); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.script, err, c.says)
		}
	}
	if err := h.Reboot(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := ssh(t, h, "ops", "sudo systemctl is-system-running --wait"); got != "running" {
		t.Errorf("after the reboot the host is %s: %s", got, shell("systemctl --failed --no-legend"))
	}
	if got := shell(tree); got != wantTree {
		t.Errorf("mounts after the reboot:\n%s\nwant:\n%s", got, wantTree)
	}
	if got := shell("cat /srv/kind/solana/file; ls /srv/kind/solana/ramdisk"); got != "kept" {
		t.Errorf("after the reboot the volume has %q, want its file, and the ramdisk nothing", got)
	}
	shell(`umount -R /srv/kind/solana; umount -R /srv/solana; rmmod brd; ! test -e /dev/ram0; zfs set volsize=2G tank/solana
		test "$(blockdev --getsize64 /dev/zvol/tank/solana)" = 2147483648; zfs destroy -r tank/solana; ! test -e /dev/zd0`)
}

func TestZFSAnswers(t *testing.T) {
	h := ForTest(t, Options{Hosts: []HostOptions{{Name: "a", Pools: []Pool{{Name: "tank", Size: 1 << 40}}}}}).Host("a")
	for _, c := range []struct{ script, says string }{
		{"zpool list -H -p -o name,size,health tank", "tank\t1099511627776\tONLINE"},
		{"zpool list nope", "cannot open 'nope': no such pool"},
		{"zpool status -x", "all pools are healthy"},
		{"zfs list -H -p -o name,volsize tank/v", "cannot open 'tank/v': dataset does not exist"},
		{"zfs create -V 10M tank/a/v", "cannot create 'tank/a/v': parent does not exist"},
		{"zfs create -V 2T tank/v", "cannot create 'tank/v': out of space"},
		{"zfs create -b 8K -o bisc:protect=yes -V 10M tank/v && zfs get -H -p -o property,value,source volsize,volblocksize,bisc:protect,compression tank/v",
			"volsize\t10485760\tlocal\nvolblocksize\t8192\t-\nbisc:protect\tyes\tlocal\ncompression\ton\tdefault"},
		{"zfs create -V 10M tank/v", "cannot create 'tank/v': dataset already exists"},
		{"zfs set volsize=10M1 tank/v", "cannot set property for 'tank/v'"},
		{"zfs set volblocksize=16K tank/v", "cannot set property for 'tank/v': 'volblocksize' is readonly"},
		{"zfs create -p -o mountpoint=/data -o compression=lz4 tank/x/y && touch /data/f && findmnt -no TARGET /data && zfs get -H mounted,mountpoint tank/x/y",
			"/data\ntank/x/y\tmounted\tyes\t-\ntank/x/y\tmountpoint\t/data\tlocal"},
		{"zfs create tank/x/y/z && zfs get -H -o value,source compression,mountpoint tank/x/y/z", "lz4\tinherited from tank/x/y\n/data/z\tinherited from tank/x/y"},
		{"zfs list -H -r -t volume -o name,used,refer tank", "tank/v\t10.3M\t24K"},
		{"zfs destroy tank/x", "cannot destroy 'tank/x': filesystem has children\nuse '-r' to destroy the following datasets:\ntank/x/y"},
		{"zfs inherit bisc:protect tank/v && zfs get -H bisc:protect tank/v", "tank/v\tbisc:protect\t-\t-"},
		{"zfs destroy -r tank/x && zfs list -H -o name", "tank\ntank/v"},
		{"zfs get -H nope tank", "bad property list: invalid property 'nope'"},
	} {
		out, err := h.Shell(t.Context(), c.script)
		got := strings.TrimSpace(string(out))
		if err != nil {
			got = err.Error()
		}
		if err == nil && got != c.says || !strings.Contains(got, c.says) {
			t.Errorf("%s:\n%s\nwant:\n%s", c.script, got, c.says)
		}
	}
}
