package biscayne_test

import (
	"os"
	"strings"
	"testing"

	"bisc/internal/lab/vm"
)

// The tests in this file run on the virtual machine: nothing about ZFS, brd, udev or a boot is believed from a stand-in.
// They are no parallel tests, so that one machine runs at a time, beside no other host.

// newMachine resumes one.
func newMachine(t *testing.T, variant string) (*bench, *vm.Machine) {
	t.Helper()
	m := vm.ForTest(t)
	b := &bench{T: t, host: m, dir: t.TempDir(), variant: variant}
	b.desk("machine.hcl")
	return b, m
}

// TestMachineSeeds is the seeds' variant from an empty pool, over a reboot typed by hand with a validator, a slow import of
// the pool, and a reset; last, what covered the data of biscayne.
func TestMachineSeeds(t *testing.T) {
	b, m := newMachine(t, "B")
	steps := []struct {
		name string
		do   func(*bench, *vm.Machine)
	}{
		{"from an empty pool", (*bench).fromNothing},
		{"systemctl reboot under a validator, and a slow import", (*bench).rebootUnderValidator},
		{"reset", (*bench).reset},
		{"zfs mounts a dataset over the data (incident 9)", (*bench).coveredByZFS},
	}
	for _, s := range steps {
		if !t.Run(s.name, func(t *testing.T) { s.do(b.on(t), m) }) {
			return // the next would begin on another machine than it expects
		}
	}
}

// TestMachineVariants are the others. E's data would be on ZFS, which Debian 12's is too old for. Each takes minutes of emulation,
// which make test has not beside the rigs: make test-machine (BISC_MACHINE=all) does them.
func TestMachineVariants(t *testing.T) {
	run := func(variant string, test func(*testing.T)) {
		if os.Getenv("BISC_MACHINE") == "all" {
			t.Run(variant, test)
		}
	}
	run("C", func(t *testing.T) {
		b, _ := newMachine(t, "C")
		b.apply() // what it boots with is B's ramdisk and D's volume; here are the boots that go wrong
		b.sound()
		b.mounts(places["C"])
		b.folders()
		b.mountFails()
		b.modulesMissing()
	})
	run("D", func(t *testing.T) {
		b, m := newMachine(t, "D")
		b.apply()
		b.sh("echo kept >/srv/kind/solana/ledger/kept; sync")
		if err := m.Reset(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.settled()
		b.sound()
		b.mounts(places["D"])
		b.folders()
	})
	run("E", func(t *testing.T) {
		b, _ := newMachine(t, "E")
		const guard = `biscayne:storage.invariant["this ZFS may hold the data"]`
		b.says(b.bisc(4, "apply", "--auto-approve", "--until-clean"), guard)
		if got := b.sh("zfs list -H -o name -r biscayne"); strings.Contains(got, "srv/kind/solana") {
			t.Errorf("the dataset was made on a ZFS that is too old for it: %s", got)
		}
		// An operator who knows better may go on; that is journalled. It shows that the rest of E is right on this ZFS.
		b.bisc(0, "apply", "--auto-approve", "--until-clean", "--override", guard, "--because", "the lab has no validator")
		b.says(b.bisc(3, "check"), "this ZFS may hold the data", "fact.zfs.number = 20111")
		b.reboot()
		b.settled()
		b.names([]string{"this ZFS may hold the data: condition: "})
		b.says(b.bisc(4, "plan"), "biscayne: 37 in sync, 1 invariant broken") // nothing else is left to do
	})
}

// fromNothing makes all, shows that a second run has nothing to do and writes nothing, and that docker takes it.
func (b *bench) fromNothing(_ *vm.Machine) {
	b.apply()
	b.writesNothing("the second plan", func() { b.bisc(0, "plan") })
	b.sound()
	b.mounts(places["B"])
	b.folders()
	b.container()
}

const slowImport = "/etc/systemd/system/zfs-import-cache.service.d/slow.conf"

// rebootUnderValidator types systemctl reboot while a validator lives in a container. Its last record is on the data's own
// disk, written after it was asked and before docker was. The boot after that finds its pool late.
func (b *bench) rebootUnderValidator(_ *vm.Machine) {
	b.install("agave-validator", "/usr/local/bin/agave-validator")
	b.sh(`mkdir -p $(dirname ` + slowImport + `); printf '[Service]\nExecStartPre=/bin/sleep 15\n' >` + slowImport + `
mkdir -p /etc/systemd/system/docker.service.d
printf '[Service]\nExecStop=/bin/sh -c "echo docker stops >>/srv/solana/ledger/order"\n' >/etc/systemd/system/docker.service.d/order.conf
systemctl daemon-reload`)
	b.validator()
	b.reboot()
	if got := b.sh("cat /proc/uptime | cut -d. -f1"); len(got) > 3 {
		b.Errorf("sshd answers %s s after the boot", got)
	}
	b.settled()
	if got := b.sh("cat /srv/solana/ledger/order; rm /srv/solana/ledger/order"); got != "clean exit\ndocker stops" {
		b.Errorf("at the reboot: %q", got)
	}
	docker, imported := b.began("InactiveExitTimestampMonotonic", "docker.service"), b.began("ActiveEnterTimestampMonotonic", "zfs-import-cache.service")
	if docker < imported || imported == 0 {
		b.Errorf("docker began to start at %d, the pool was imported at %d", docker, imported)
	}
	b.sh("systemctl is-active docker; docker rm -f validator >/dev/null; rm " + slowImport + " /etc/systemd/system/docker.service.d/order.conf; systemctl daemon-reload")
	b.sound()
	b.mounts(places["B"])
	b.folders()
}

// reset presses the button: what was synced is there, the ramdisk is made anew, and all is as the plan says.
func (b *bench) reset(m *vm.Machine) {
	b.sh("echo kept >/srv/solana/ledger/kept; sync; echo gone >/srv/solana/ramdisk/accounts/gone; sync")
	if err := m.Reset(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.settled()
	b.sound()
	b.mounts(places["B"])
	if got := b.sh("cat /srv/solana/ledger/kept; ls /srv/solana/ramdisk/accounts"); got != "kept" {
		b.Errorf("after the reset there is %q", got)
	}
}

// mountFails has docker, asked to start, begin with the mounts, of which one fails though its device is there.
func (b *bench) mountFails() {
	b.sh("systemctl stop docker docker.socket; umount /srv/kind/solana/ramdisk /srv/solana/ramdisk; dd if=/dev/zero of=/dev/ram0 bs=1M count=1 status=none; systemctl start docker || true")
	b.refused()
	out := b.bisc(3, "check")
	b.says(out, "the accounts are on the ramdisk", "source: (none), failed: srv-solana-ramdisk.mount")
	b.says(out, "the kind node sees the ramdisk", "source: (none), failed: srv-kind-solana-ramdisk.mount")
	b.says(out, "fstype: unknown bytes in its middle, want xfs") // which bisc leaves: the rest of a file system is on it
	b.sh("mkfs.xfs -q -f /dev/ram0")
	b.apply()
	b.sh("systemctl start docker; docker ps")
	b.sound()
}

// modulesMissing boots without brd and without ZFS: sshd answers, docker stays down, and check names what is not there.
// With the modules back, what was on the volume is there.
func (b *bench) modulesMissing() {
	b.sh("echo kept >/srv/solana/ledger/kept; sync; mkdir /root/away; mv $(modinfo -n zfs) $(modinfo -n brd) /root/away; depmod")
	b.reboot()
	b.settled()
	b.refused()
	out, errs, status := b.types("check")
	b.Logf("check, without the modules: exit %d\n%s%s", status, out, errs)
	if status != 7 { // what cannot be asked, the pool, is not known: neither there nor absent
		b.Errorf("check: exit %d, want 7", status)
	}
	for _, words := range []string{"the pool is healthy", "the data is XFS on its own device", "the ramdisk is made at boot", "the accounts are on the ramdisk"} {
		b.says(out, words)
	}
	b.sh("cd /lib/modules/$(uname -r); mkdir -p extra; mv /root/away/* extra; depmod; systemctl reset-failed; systemctl restart systemd-modules-load zfs-load-module zfs-import-cache zfs-mount zfs-volume-wait")
	b.apply()
	b.sh("systemctl start docker; docker ps")
	b.sound()
	if got := b.sh("cat /srv/solana/ledger/kept"); got != "kept" {
		b.Errorf("the ledger holds %q", got)
	}
}

// coveredByZFS has ZFS do what it did on biscayne. It is named at once, and bisc leaves it: whose dataset that is, it does
// not know.
func (b *bench) coveredByZFS(_ *vm.Machine) {
	b.sh("zfs create -o mountpoint=none biscayne/cover; zfs set mountpoint=/srv/solana overlay=on biscayne/cover")
	b.names([]string{data + "covered by: zfs biscayne/cover", accounts + "covered by: zfs biscayne/cover", node + "source: "})
	b.says(b.bisc(4, "apply", "--auto-approve"), "bisc does not unmount zfs at /srv/solana")
}

// sound is green in short: each command costs some seconds here.
func (b *bench) sound() {
	b.Helper()
	b.bisc(0, "check", "--wait", "3m")
}
