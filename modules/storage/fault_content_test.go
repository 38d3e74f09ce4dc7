package storage_test

import (
	"os"
	"strings"
	"testing"
)

// at writes bytes, as printf(1) takes them, at an offset of the device.
func at(offset, bytes string) string {
	return "printf '" + bytes + "' | dd of=% bs=1 seek=$((" + offset + ")) conv=notrunc status=none; "
}

// uberblocks are the magic numbers of a ZFS label, in its order of bytes, as many as blkid wants to see.
func uberblocks() (script string) {
	for _, offset := range []string{"131072", "132096", "133120", "134144", "135168", "136192"} {
		script += at(offset, `\14\261\272\0\0\0\0\0`)
	}
	return script
}

const dosTable = `\200\1\1\0\203\40\40\0\0\10\0\0\0\20\0\0`

// contents is the truth table of F26 as docs/faults.md publishes it: what is on the device, how it is put there, and what the
// plan says of it. None of them may be formatted unasked.
var contents = []struct {
	holds, script, says string
	stays               bool // not even wipe = true and --destroy replace it
}{
	{"xfs, where ext4 is wanted", "mkfs.xfs -q %", "TYPE=xfs", false},
	{"ext4", "mkfs.ext4 -q -L old %", "TYPE=ext4 LABEL=old", false},
	{"btrfs", at("65536+64", "_BHRfS_M"), "TYPE=btrfs", false},
	{"vfat", at("0", `\353\74\220mkfs.fat\0\2\4\4\0\2\0\2\0\200\370\200\0\40\0\10\0`) + at("38", `\51\1\2\3\4NO NAME    FAT16   `) + at("510", `\125\252`), "TYPE=vfat", false},
	{"a GPT", "parted -s % mklabel gpt", "PTTYPE=gpt", false},
	{"a DOS partition table", at("446", dosTable) + at("510", `\125\252`), "PTTYPE=dos", false},
	{"LVM", at("512", `LABELONE\1\0\0\0\0\0\0\0\0\0\0\0\40\0\0\0LVM2 001`), "unknown bytes in its first MiB", false},
	{"a ZFS label", uberblocks(), "TYPE=zfs_member", false},
	{"swap", "mkswap %", "TYPE=swap", false},
	{"LUKS", at("0", `LUKS\272\276\0\1aes`), "TYPE=crypto_LUKS", false},
	{"md", at("4096", `\374\116\53\251\1\0\0\0`) + at("4096+144", `\10\0\0\0\0\0\0\0`), "TYPE=linux_raid_member", false},
	{"unknown bytes at the start", "echo x | dd of=% conv=notrunc status=none", "unknown bytes in its first MiB", false},
	{"unknown bytes in the middle", "echo x | dd of=% bs=1M seek=160 conv=notrunc status=none", "unknown bytes in its middle", false},
	{"unknown bytes at a 64th", "echo x | dd of=% bs=1M seek=5 conv=notrunc status=none", "unknown bytes in its middle", false},
	{"unknown bytes at the end", at("335544300", "x"), "unknown bytes in its last MiB", false},
	{"ext4 that is mounted elsewhere", "mkfs.ext4 -q %; mkdir -p /m; mount % /m", "in use: mount", true},
	{"ext4 that is mounted in another namespace only", "mkfs.ext4 -q %; unshare -m sh -c 'mount % /mnt; exec sleep 1000' >/dev/null 2>&1 & while ! grep -q zd /proc/*/mountinfo; do sleep 0.05; done", "in use: mount", true},
	{"ext4 that is open", "mkfs.ext4 -q %; sh -c 'exec 3<%; exec sleep 1000' >/dev/null 2>&1 & sleep 0.3", "in use: open", true},
}

// TestFaultF26_WhatIsOnTheDevice: whatever is on a real device, only a blank one is formatted unasked; what is there is named;
// what is in use stays even where a wipe is asked for.
func TestFaultF26_WhatIsOnTheDevice(t *testing.T) {
	const dev = "/dev/zvol/tank/v"
	page, err := os.ReadFile("../../docs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, pool("f"))
	b.shell("zfs create -s -V 320M tank/v")
	clean := "umount /m 2>/dev/null || true; pkill -x sleep || true; i=0; until blkdiscard " + dev + "; do i=$((i+1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done" // it is not free before its user has ended
	for _, c := range contents {
		b.shell(clean)
		b.shell(strings.ReplaceAll(c.script, "%", dev))
		fstype := "xfs"
		if strings.HasPrefix(c.holds, "xfs") {
			fstype = "ext4"
		}
		b.want(filesystem(dev, fstype))
		left := b.apply("filesystem v")
		if !has(left, c.says, "->") {
			t.Errorf("%s, unasked: %q", c.holds, left)
		}
		wipe := filesystem(dev, fstype)
		wipe.Wipe = true
		b.want(wipe)
		if left := b.apply(); !has(left, "filesystem v is") && !c.stays {
			t.Errorf("%s, wipe without --destroy: %q", c.holds, left)
		}
		if steps := strings.Join(b.host.steps, "\n"); strings.Contains(steps, "mkfs") {
			t.Errorf("%s: something was made:\n%s", c.holds, steps)
		}
		left = b.apply("filesystem v")
		if c.stays != (len(left) > 0) {
			t.Errorf("%s, wipe with --destroy: left %q", c.holds, left)
		}
		if got := b.shell("blkid -p -s TYPE -o value " + dev + " || true"); c.stays == (got == fstype) {
			t.Errorf("%s: it now holds %q", c.holds, got)
		}
		b.host.steps = nil
		does := "left alone; replaced only by `wipe = true` and `--destroy`"
		if c.stays {
			does = "left alone in any case"
		}
		if row := "| " + c.holds + " | " + c.says + " | " + does + " |\n"; !strings.Contains(string(page), row) {
			t.Errorf("docs/faults.md lacks the row\n%s", row)
		}
	}
	b.shell(clean)
	b.want(filesystem(dev, "xfs"))
	if left := b.apply(); len(left) > 0 {
		t.Errorf("blank: %q", left)
	}
	b.clean("formatted")
}
