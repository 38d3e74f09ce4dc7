package storage_test

import (
	"errors"
	"testing"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/storage"
)

// TestFaultF25_AnotherDevice: a name that resolves to another device, another file system of the same type, a mount that is
// covered and a bind that is private are all found; and a destructive step that was planned before refuses.
func TestFaultF25_AnotherDevice(t *testing.T) {
	const a, other = "/dev/zvol/tank/a", "/dev/zvol/tank/b"
	bind := storage.BindKind.New("/srv/kind").(*storage.Bind)
	bind.Source, bind.Propagation = "/srv/a", []string{"rslave", "rshared"}
	plan := []modules.Resource{zvol("tank/a", 400<<20), filesystem(a, "xfs"), mount("/srv/a", a), bind}
	b := newBench(t, pool("i"), plan...)
	b.shell("zfs create -s -V 400M tank/b; mkfs.xfs -q " + other)
	if left := b.apply(); len(left) > 0 {
		t.Fatal(left)
	}
	const back = "umount -R /srv/kind || true; umount -R /srv/a; mount " + a + " /srv/a"
	for _, c := range []struct{ situation, script, finds, undo string }{
		{"the name resolves to another device", "mv " + a + " " + a + ".away; ln -s $(readlink -f " + other + ") " + a, "mount a now source", "rm " + a + "; mv " + a + ".away " + a},
		{"another file system of the same type", "umount -R /srv/kind; umount /srv/a; mount " + other + " /srv/a", "mount a now source", back},
		{"covered by another", "mount " + other + " /srv/a", "mount a now covered by", "umount /srv/a"},
		{"the bind is private", "mount --make-rprivate /srv/kind", "bind kind now propagation", "umount -R /srv/kind"},
	} {
		b.shell(c.script)
		if found := b.attrs(); !has(found, c.finds) {
			t.Errorf("%s: found %q", c.situation, found)
		}
		b.shell(c.undo)
		if left := b.apply("bind kind", "mount a"); len(left) > 0 {
			t.Fatalf("%s, undone: %q", c.situation, left)
		}
	}
	refusals(t, b, a, other)
}

// refusals plans destructive steps, changes what the name stands for, and wants each to refuse.
func refusals(t *testing.T, b *bench, a, other string) {
	t.Helper()
	gone := mount("/srv/a", a)
	gone.Absent = true
	wipe := filesystem(a, "ext4")
	wipe.Wipe = true
	for _, c := range []struct {
		situation string
		resource  modules.Resource
		before    string // the plan
		between   string // plan and act
		guard     string
	}{
		{"unmount, and another is mounted by then", gone, "umount -R /srv/kind", "umount /srv/a; mount " + other + " /srv/a", "mounted below as shown"},
		{"unmount, and it is covered by then", gone, "umount /srv/a; mount " + a + " /srv/a", "mount -t tmpfs x /srv/a", "mounted below as shown"},
		{"wipe, and the name is another device's by then", wipe, "umount /srv/a; umount /srv/a", "rm " + a + "; ln -s $(readlink -f " + other + ") " + a, "device as shown"},
	} {
		b.shell(c.before)
		change, err := c.resource.Plan(t.Context(), b.host)
		if err != nil || len(change.Steps) == 0 {
			t.Fatalf("%s: %+v %v", c.situation, change, err)
		}
		b.shell(c.between)
		before := b.shell("blkid -p -o export " + other + "; cat /proc/self/mountinfo")
		for _, s := range change.Steps {
			if err = b.host.Do(t.Context(), s); err != nil {
				break
			}
		}
		var refused *host.GuardError
		if !errors.As(err, &refused) || refused.Guard != c.guard {
			t.Errorf("%s: %v, want the refusal of %q", c.situation, err, c.guard)
		}
		if after := b.shell("blkid -p -o export " + other + "; cat /proc/self/mountinfo"); after != before {
			t.Errorf("%s: something has changed:\n%s\n--\n%s", c.situation, before, after)
		}
	}
}
