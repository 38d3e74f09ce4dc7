package biscayne_test

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"bisc/internal/lab"
	"bisc/internal/lab/cluster"
)

// TestMigrateStorage is the way from variant B to D under a validator, with the lab's ZFS.
func TestMigrateStorage(t *testing.T) {
	newMigrating(t).play(act{"migrate-storage", (*house).migrates})
}

// newMigrating is newHouse with the lab's ZFS, in variant B and without peers.
func newMigrating(t *testing.T) *house {
	t.Helper()
	t.Parallel()
	one := lab.HostOptions{Name: "biscayne", Docker: true, Pools: []lab.Pool{{Name: "biscayne", Size: 16 << 30}}}
	l := lab.ForTest(t, lab.Options{Program: filepath.Join(programs, "bisc-lab"), Hosts: []lab.HostOptions{one}})
	h := &house{bench: &bench{T: t, host: l.Host("biscayne"), dir: t.TempDir(), variant: "B"}}
	h.sh("systemctl start docker")
	h.desk("validator.hcl")
	h.build(l.Host("biscayne"), cluster.A)
	return h
}

// migrates takes a house of variant B to D with its validator alive: the volume is the same, and what is on it, and nobody was killed.
// Nothing is left of what it was, and nothing is left to do.
func (h *house) migrates() {
	h.says(h.bisc(4, "run", "migrate-storage", "--auto-approve"), "the variant is D") // the plan is still B's
	h.sound("after a migration that was refused", 1)
	h.sh("dd if=/dev/urandom of=/srv/solana/ledger/kept bs=1M count=8 status=none; echo gone >/srv/solana/ramdisk/accounts/gone; sync")
	const same = `cd "$1"; findmnt -no UUID,SOURCE -T .; stat -c %i ledger snapshots log ledger/kept; sha256sum ledger/kept`
	volume, lives := h.sh(same, "/srv/solana"), h.record()
	h.variant = "D"
	h.runs("migrate-storage")
	h.lives("after migrate-storage")
	if now := h.sh(same, "/srv/kind/solana"); now != volume {
		h.Errorf("the volume was\n%s\nand is\n%s", volume, now)
	}
	if now := h.record(); len(now) < len(lives)+2 || !reflect.DeepEqual(now[:len(lives)], lives) {
		h.Errorf("the validator's record was\n%v\nand is\n%v", lives, now)
	}
	h.mounts(places["D"])
	if left := h.sh(`ls -d /srv/solana/* /sys/module/brd /etc/*/bisc-brd.conf /etc/systemd/system/*ramdisk* 2>/dev/null || true; grep /srv/solana /etc/fstab || true`); left != "" {
		h.Errorf("left of variant B: %s", left)
	}
	h.bisc(0, "plan", "--layer", "storage", "--layer", "units", "--layer", "kind")
}

// TestMigrateStorageHalfWay is a migration that stops with the node down, and a value of the inventory that must be another: the run cannot
// go on, nor one begin anew, and the way out that both name brings the house to the same end.
func TestMigrateStorageHalfWay(t *testing.T) {
	newMigrating(t).play(act{"migrate-storage", (*house).migratesHalfWay})
}

func (h *house) migratesHalfWay() {
	lives := h.record()
	h.variant = "D"
	h.inventory(`tmpfs_size   = "64MiB"`, `tmpfs_size   = "32MiB"`)
	const gate = "/etc/systemd/system/docker.service.d/10-bisc-ground.conf"
	h.sh("mv " + gate + " /root/gate; mkdir " + gate)
	args := []string{"run", "migrate-storage", "--auto-approve"}
	for _, d := range []string{`"the node is down".kind_node[` + aNode + `]`, `"the old places go".bind[/srv/kind/solana]`, `"the old places go".mount[/srv/solana]`,
		`"the old places go".mount[/srv/solana/ramdisk]`, `"the old places go".ramdisk[/dev/ram0]`} {
		args = append(args, "--destroy", "biscayne:migrate-storage/"+d)
	}
	out, errs, status := h.types(args...)
	if status == 0 || !strings.Contains(out, "the new places come") || !strings.Contains(errs, "bisc run after-reboot --set variant=D") {
		h.Fatalf("a migration that cannot write docker's gate: exit %d\n%s%s", status, out, errs)
	}
	h.nodeDown()
	h.sh("rmdir " + gate + "; mv /root/gate " + gate)
	h.inventory(`tmpfs_size   = "32MiB"`, `tmpfs_size   = "64MiB"`)
	if _, errs, status := h.types("run", "--auto-approve", "--resume", "last"); status == 0 || !strings.Contains(errs, "another plan") {
		h.Errorf("taken up under another plan: exit %d\n%s", status, errs)
	}
	h.bisc(7, "run", "migrate-storage", "--auto-approve")
	h.sound("half way", 0)

	h.bisc(0, "apply", "--layer", "storage", "--layer", "units", "--auto-approve", "--until-clean")
	h.runs("after-reboot")
	h.lives("after the way out")
	h.mounts(places["D"])
	if now := h.record(); len(now) < len(lives)+2 || !reflect.DeepEqual(now[:len(lives)], lives) {
		h.Errorf("the validator's record was\n%v\nand is\n%v", lives, now)
	}
	h.bisc(0, "plan", "--layer", "storage", "--layer", "units", "--layer", "kind")
}
