package storage_test

import (
	"strings"
	"testing"

	"bisc/internal/lab"
	"bisc/modules"
	"bisc/modules/storage"
)

func variantB() []modules.Resource {
	zvol := storage.ZvolKind.New("tank/DATA/volumes/solana").(*storage.Zvol)
	zvol.Size, zvol.Sparse = 1<<30, true
	up := storage.ZFSDatasetKind.New("tank/DATA").(*storage.ZFSDataset)
	up.Mountpoint = "none"
	up2 := storage.ZFSDatasetKind.New("tank/DATA/volumes").(*storage.ZFSDataset)
	up2.Mountpoint = "none"
	fs := storage.FilesystemKind.New("/dev/zvol/tank/DATA/volumes/solana").(*storage.Filesystem)
	fs.Type = "xfs"
	data := storage.MountKind.New("/srv/solana").(*storage.Mount)
	data.Source, data.FSType, data.Requires = "/dev/zvol/tank/DATA/volumes/solana", "xfs", []string{"zfs-mount.service", "zfs-volume-wait.service"}
	ram := storage.RamdiskKind.New("/dev/ram0").(*storage.Ramdisk)
	ram.Size = 400 << 20
	ramMount := storage.MountKind.New("/srv/solana/ramdisk").(*storage.Mount)
	ramMount.Source, ramMount.FSType, ramMount.Options = "/dev/ram0", "xfs", []string{"noatime", "nodiratime"}
	bind := storage.BindKind.New("/srv/kind/solana").(*storage.Bind)
	bind.Source, bind.Recursive, bind.Propagation, bind.Requires = "/srv/solana", true, []string{"rslave", "rshared"}, []string{"srv-solana-ramdisk.mount"}
	accounts := storage.DirectoryKind.New("/srv/solana/ramdisk/accounts").(*storage.Directory)
	accounts.Owner, accounts.Group, accounts.Mode, accounts.MustBeOn = storage.ID{Set: true, N: 1000}, storage.ID{Set: true, N: 1000}, 0o755, "/srv/solana/ramdisk"
	return []modules.Resource{storage.ZpoolKind.New("tank"), up, up2, zvol, fs, data, ram, ramMount, bind, accounts}
}

func TestVariantB(t *testing.T) {
	b := newBench(t, lab.HostOptions{Name: "b", Pools: []lab.Pool{{Name: "tank", Size: 1 << 40}}}, variantB()...)
	t.Logf("plan on a fresh host:\n%s", strings.Join(b.plan(), "\n"))
	if left := b.apply(); len(left) > 0 {
		t.Fatalf("apply left:\n%s\nsteps:\n%s", strings.Join(left, "\n"), strings.Join(b.host.steps, "\n"))
	}
	t.Logf("steps:\n%s", strings.Join(b.host.steps, "\n"))
	b.clean("after apply")
	t.Log(b.shell("cat /etc/fstab; grep /srv /proc/self/mountinfo"))
	if err := b.host.Reboot(t.Context()); err != nil {
		t.Fatal(err)
	}
	if state := b.shell("systemctl is-system-running --wait || systemctl --failed --no-legend"); state != "running" {
		t.Errorf("after the reboot: %s", state)
	}
	t.Log(b.shell("grep /srv /proc/self/mountinfo; systemctl status format-ramdisk.service"))
	t.Logf("after boot:\n%s", strings.Join(b.plan(), "\n"))
}
