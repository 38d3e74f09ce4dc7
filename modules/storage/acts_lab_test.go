package storage_test

import (
	"slices"
	"strings"
	"testing"

	"bisc/modules/storage"
)

// has tells whether a line holds all the parts.
func has(lines []string, parts ...string) bool {
	return slices.ContainsFunc(lines, func(l string) bool {
		for _, p := range parts {
			if !strings.Contains(l, p) {
				return false
			}
		}
		return true
	})
}

// TestValidatorLives proves that nothing is unmounted, covered or formatted while a process of that name lives.
func TestValidatorLives(t *testing.T) {
	b := newBench(t, pool("v"), variantB()...)
	if left := b.apply(); len(left) > 0 {
		t.Fatal(left)
	}
	b.shell("cp /bin/sleep /tmp/agave-validator; /tmp/agave-validator 1000 >/dev/null 2>&1 & until pgrep -x agave-validator; do sleep 0.05; done")
	for _, c := range []struct{ situation, script, undo, item string }{
		{"covered at the mount point", "mount -t tmpfs x /srv/solana/ramdisk", "umount /srv/solana/ramdisk", "mount ramdisk"},
		{"covered above", "mount -t tmpfs x /srv", "umount /srv", "mount solana"},
		{"the bind lacks the ramdisk", "umount /srv/kind/solana/ramdisk", "mount --bind /srv/solana/ramdisk /srv/kind/solana/ramdisk; mount --make-slave /srv/kind/solana/ramdisk; mount --make-shared /srv/kind/solana/ramdisk", "bind solana"},
	} {
		b.shell(c.script)
		before := b.shell("cat /proc/self/mountinfo")
		left := b.apply(c.item)
		if !has(left, c.item+" is blocked") || !has(left, "no validator lives") {
			t.Errorf("%s: %q", c.situation, left)
		}
		if after := b.shell("cat /proc/self/mountinfo"); after != before {
			t.Errorf("%s: the mounts have changed:\n%s\n--\n%s", c.situation, before, after)
		}
		b.shell(c.undo)
		b.clean("undone: " + c.situation)
	}
}

// TestAbsent takes variant B away again, from the top, and proves that the bind's unmounting leaves the source alone.
func TestAbsent(t *testing.T) {
	b := newBench(t, pool("a"), variantB()...)
	if left := b.apply(); len(left) > 0 {
		t.Fatal(left)
	}
	all := variantB()
	bind := all[8].(*storage.Bind)
	bind.Absent = true
	b.want(all...)
	if left := b.apply(); !has(left, "bind solana is blocked") {
		t.Errorf("not named: %q", left)
	}
	b.shell("(cd /srv/kind/solana && exec sleep 1000) >/dev/null 2>&1 & until pgrep -x sleep; do sleep 0.05; done")
	if left := b.apply("bind solana"); !has(left, "bind solana is failed") || b.shell("ls /srv/solana/ramdisk") != "accounts" {
		t.Errorf("in use: %q", left)
	}
	b.shell("pkill -x sleep; while pgrep -x sleep; do sleep 0.05; done")
	if left := b.apply("bind solana"); len(left) > 0 {
		t.Errorf("the bind: %q", left)
	}
	if got := b.shell("ls /srv/solana/ramdisk; grep -c kind /etc/fstab || true"); got != "accounts\n0" {
		t.Errorf("after the bind is gone: %q", got)
	}

	// A bind made while a service with a mount namespace of its own runs leaves a copy there that follows the source.
	b.shell("systemctl try-restart systemd-logind.service")
	ram, data := all[7].(*storage.Mount), all[5].(*storage.Mount)
	data.Absent = true
	b.want(all[5])
	if left := b.apply("mount solana"); !has(left, "mounts stand on it: /srv/solana/ramdisk") {
		t.Errorf("what carries the ramdisk: %q", left)
	}
	ram.Absent = true
	b.want(all[7])
	b.shell("(cd /srv/solana/ramdisk && exec sleep 1000) >/dev/null 2>&1 & until pgrep -x sleep; do sleep 0.05; done")
	if left := b.apply("mount ramdisk"); !has(left, "it is in use: open") {
		t.Errorf("in use: %q", left)
	}
	b.shell("pkill -x sleep; while pgrep -x sleep; do sleep 0.05; done")
	if left := b.apply("mount ramdisk"); len(left) > 0 {
		t.Errorf("the ramdisk's mount: %q", left)
	}
	b.want(all[5])
	if left := b.apply("mount solana"); len(left) > 0 {
		t.Errorf("the volume's mount: %q", left)
	}
	testZvolAbsent(t, b)
}

func testZvolAbsent(t *testing.T, b *bench) {
	z := zvol("tank/DATA/volumes/solana", 1<<30)
	z.Absent = true
	b.want(z)
	if left := b.apply("zvol solana"); !has(left, "protected -> true") {
		t.Errorf("protected: %q", left)
	}
	z.Absent, z.Protect = false, false
	if left := b.apply(); len(left) > 0 {
		t.Errorf("protection off: %q", left)
	}
	z.Absent = true
	if left := b.apply(); !has(left, "zvol solana is blocked") || b.shell("zfs get -H -o value bisc:protect "+z.Volume) != "off" {
		t.Errorf("unprotected, not named: %q", left)
	}
	b.shell("(exec sleep 1000 <" + volume + ") >/dev/null 2>&1 & until pgrep -x sleep; do sleep 0.05; done")
	if left := b.apply("zvol solana"); !has(left, "device unused") {
		t.Errorf("open: %q", left)
	}
	b.shell("pkill -x sleep; while pgrep -x sleep; do sleep 0.05; done")
	if left := b.apply("zvol solana"); len(left) > 0 {
		t.Errorf("named: %q", left)
	}
	if out := b.shell("zfs list " + z.Volume + " 2>&1 || true"); !strings.Contains(out, "does not exist") {
		t.Error(out)
	}
}
