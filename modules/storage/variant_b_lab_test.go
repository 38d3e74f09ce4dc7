package storage_test

import (
	"slices"
	"strings"
	"testing"

	"bisc/internal/lab"
	"bisc/modules"
	"bisc/modules/storage"
)

func number(n uint32) modules.ID { return modules.ID{Set: true, N: n} }

func dataset(name, mountpoint string) *storage.ZFSDataset {
	d := storage.ZFSDatasetKind.New(name).(*storage.ZFSDataset)
	d.Mountpoint = mountpoint
	return d
}

func zvol(name string, size modules.Bytes) *storage.Zvol {
	z := storage.ZvolKind.New(name).(*storage.Zvol)
	z.Size, z.Sparse = size, true
	return z
}

func filesystem(device, fstype string) *storage.Filesystem {
	f := storage.FilesystemKind.New(device).(*storage.Filesystem)
	f.Type = fstype
	return f
}

func mount(target, source string, requires ...string) *storage.Mount {
	m := storage.MountKind.New(target).(*storage.Mount)
	m.Source, m.FSType, m.Requires = source, "xfs", requires
	return m
}

const volume = "/dev/zvol/tank/DATA/volumes/solana"

// variantB is what the seeds ask for: the volume with XFS, the ramdisk with XFS in it, and both bound into kind's tree.
func variantB() []modules.Resource {
	ram := storage.RamdiskKind.New("/dev/ram0").(*storage.Ramdisk)
	ram.Size = 400 << 20
	ramMount := mount("/srv/solana/ramdisk", "/dev/ram0")
	ramMount.Options = []string{"noatime", "nodiratime"}
	bind := storage.BindKind.New("/srv/kind/solana").(*storage.Bind)
	bind.Source, bind.Recursive, bind.Propagation, bind.Requires = "/srv/solana", true, []string{"rslave", "rshared"}, []string{"srv-solana-ramdisk.mount"}
	accounts := storage.DirectoryKind.New("/srv/solana/ramdisk/accounts").(*storage.Directory)
	accounts.Owner, accounts.Group, accounts.Mode, accounts.MustBeOn = number(1000), number(1000), 0o755, "/srv/solana/ramdisk"
	return []modules.Resource{
		storage.ZpoolKind.New("tank"), dataset("tank/DATA", "none"), dataset("tank/DATA/volumes", "none"), zvol("tank/DATA/volumes/solana", 1<<30),
		filesystem(volume, "xfs"), mount("/srv/solana", volume, "zfs-mount.service", "zfs-volume-wait.service"),
		ram, ramMount, bind, accounts,
	}
}

func pool(name string) lab.HostOptions {
	return lab.HostOptions{Name: name, Pools: []lab.Pool{{Name: "tank", Size: 1 << 40}}}
}

// TestVariantB takes a fresh host to variant B, breaks it by hand in the ways in which production broke, and reboots it.
func TestVariantB(t *testing.T) {
	b := newBench(t, pool("b"), variantB()...)
	if left := b.apply(); len(left) > 0 {
		t.Fatalf("apply left:\n%s\nsteps:\n%s", strings.Join(left, "\n"), strings.Join(b.host.steps, "\n"))
	}
	b.clean("after apply")
	b.shell("echo kept >/srv/solana/file")

	for _, c := range []struct {
		situation, script string
		want, destroy     []string
	}{
		{"the ramdisk is unmounted", "umount /srv/solana/ramdisk", []string{"mount ramdisk now source", "directory accounts now must_be_on!"}, nil},
		{"a mount of a folder above covers all (incident 9)", "mount -t tmpfs over /srv", []string{"mount solana now covered by", "mount ramdisk now covered by!", "bind solana now source!", "directory accounts now must_be_on!"}, nil},
		{"and is taken away", "umount -R /srv/kind/solana; umount -R /srv/solana; umount /srv", nil, nil},
		{"something is mounted over the ramdisk", "mount -t tmpfs over /srv/solana/ramdisk", []string{"mount ramdisk now covered by", "directory accounts now must_be_on!"}, []string{"mount ramdisk"}},
		{"a plain rbind, in the source's peer group (incident 13)", "umount -R /srv/kind/solana; mount --rbind /srv/solana /srv/kind/solana", []string{"bind solana now propagation", "bind solana now propagation"}, nil},
		{"the bind lacks the ramdisk (incident 10)", "umount /srv/kind/solana/ramdisk", []string{"bind solana now recursive"}, nil},
		{"the bind is gone", "umount -R /srv/kind/solana", []string{"bind solana now source"}, nil},
		{"access times are kept", "mount --options-mode ignore -o remount,bind,relatime,diratime /srv/solana/ramdisk", []string{"mount ramdisk now options"}, nil},
		{"read-only", "mount -o remount,bind,ro /srv/solana", []string{"mount solana now options"}, nil},
		{"fstab options are lost (incident 14)", `sed -i 's|^/srv/solana .*|/srv/solana /srv/kind/solana none rbind 0 0|' /etc/fstab; systemctl daemon-reload`,
			[]string{"bind solana boot options", "bind solana boot requires", "bind solana boot boot_critical"}, nil},
		{"an fstab line is gone, unnoticed by systemd", `sed -i '\|^/dev/ram0|d' /etc/fstab`, []string{"mount ramdisk boot fstab"}, nil},
		{"an fstab line is there twice", `echo "/dev/ram0 /srv/solana/ramdisk ext4 defaults 0 0" >>/etc/fstab`, []string{"mount ramdisk boot fstab"}, nil},
		{"fstab is right and systemd has not read it", `cp /etc/fstab /tmp/f; sed -i 's/,x-systemd.requires=zfs-mount.service//' /etc/fstab; systemctl daemon-reload; cp /tmp/f /etc/fstab`,
			[]string{"mount solana boot requires"}, nil},
		{"and it is unmounted", `cp /etc/fstab /tmp/f; sed -i 's/noatime/atime/' /etc/fstab; systemctl daemon-reload; sleep 0.1; cp /tmp/f /etc/fstab; umount /srv/solana/ramdisk`,
			[]string{"mount ramdisk now source", "directory accounts now must_be_on!"}, nil},
		{"the owner is root", "chown 0:0 /srv/solana/ramdisk/accounts; chmod 700 /srv/solana/ramdisk/accounts",
			[]string{"directory accounts now owner", "directory accounts now group", "directory accounts now mode"}, nil},
		{"the folder is gone", "rmdir /srv/solana/ramdisk/accounts", []string{"directory accounts now type"}, nil},
		{"the module's options are gone", "rm /etc/modprobe.d/bisc-brd.conf; echo >/etc/modules-load.d/bisc-brd.conf", []string{"ramdisk ram0 boot size", "ramdisk ram0 boot load"}, nil},
		{"the unit is edited", "sed -i s/exec/echo/ /etc/systemd/system/format-ramdisk.service", []string{"ramdisk ram0 boot unit"}, nil},
		{"the unit is disabled", "systemctl disable format-ramdisk.service", []string{"ramdisk ram0 boot enabled"}, nil},
		{"the volume's protection is off", "zfs set bisc:protect=off tank/DATA/volumes/solana", []string{"zvol solana now protect"}, nil},
		{"space is reserved", "zfs set refreservation=auto tank/DATA/volumes/solana", []string{"zvol solana now sparse"}, nil},
	} {
		b.breaks(c.situation, c.script, c.want, c.destroy...)
	}
	if b.shell("cat /srv/solana/file") != "kept" {
		t.Error("the volume's content is gone")
	}
	testReboot(t, b)
}

// again runs what the unit runs, as a boot would that finds the ramdisk populated.
const again = `umount /srv/solana/ramdisk || true
sed 's/RefuseManualStop=yes//' /etc/systemd/system/format-ramdisk.service >/run/systemd/system/again.service
systemctl daemon-reload
systemctl restart again.service 2>&1`

func testReboot(t *testing.T, b *bench) {
	if err := b.host.Reboot(t.Context()); err != nil {
		t.Fatal(err)
	}
	if state := b.shell("systemctl is-system-running --wait || systemctl --failed --no-legend"); state != "running" {
		t.Errorf("after the reboot: %s", state)
	}
	if got, want := b.attrs(), []string{"directory accounts now type"}; !slices.Equal(got, want) {
		t.Errorf("after the reboot the plan is %q, want %q: only what lies on the ramdisk is to be made again\n%s", got, want, strings.Join(b.plan(), "\n"))
	}
	if b.shell("cat /srv/solana/file") != "kept" {
		t.Error("the volume's content did not outlive the boot")
	}
	before := b.shell("blkid -p -s UUID -o value /dev/ram0")
	if out := b.shell("systemctl restart format-ramdisk.service 2>&1 || echo refused"); !strings.Contains(out, "refused") {
		t.Errorf("the unit may be restarted by hand, and the mount with it: %s", out)
	}
	b.shell(again)
	if after := b.shell("blkid -p -s UUID -o value /dev/ram0"); after != before {
		t.Errorf("starting the unit by hand has wiped the ramdisk: %s is %s", before, after)
	}
	b.shell("wipefs -q -a -t xfs /dev/ram0; echo foreign | dd of=/dev/ram0 bs=1 seek=4096 status=none")
	if out := b.shell(again + " || echo refused"); !strings.Contains(out, "refused") {
		t.Errorf("the unit formats what holds unknown bytes: %s", out)
	}
}
