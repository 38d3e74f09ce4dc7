package biscayne_test

import (
	"fmt"
	"strings"
	"testing"
)

// places are the mounts of a variant that biscayne.md 2.2 wants: what must be visible at each, known by its device.
var places = map[string]map[string]string{
	"B": {
		"/srv/solana": "/dev/zvol/biscayne/DATA/volumes/solana", "/srv/solana/ramdisk": "/dev/ram0",
		"/srv/kind/solana": "/dev/zvol/biscayne/DATA/volumes/solana", "/srv/kind/solana/ramdisk": "/dev/ram0",
	},
	"C": {
		"/srv/solana": "/dev/zvol/biscayne/DATA/volumes/solana", "/srv/solana/ramdisk": "/dev/ram0",
		"/srv/kind/solana": "/dev/zvol/biscayne/DATA/volumes/solana", "/srv/kind/solana/ramdisk": "/dev/ram0",
	},
	"D":     {"/srv/kind/solana": "/dev/zvol/biscayne/DATA/volumes/solana", "/srv/kind/solana/ramdisk": "tmpfs"},
	"E":     {"/srv/kind/solana": "dataset", "/srv/kind/solana/ramdisk": "tmpfs"},
	"plain": {"/srv/solana": "/dev/vdb", "/srv/solana/ramdisk": "/dev/ram0", "/srv/kind/solana": "/dev/vdb", "/srv/kind/solana/ramdisk": "/dev/ram0"},
}

// TestVariants takes a fresh host to each variant, and through a reboot.
func TestVariants(t *testing.T) {
	for variant, places := range places {
		t.Run(variant, func(t *testing.T) {
			b := newBench(t, variant)
			b.writesNothing("the first plan", func() { b.bisc(2, "plan") })
			b.apply()
			b.writesNothing("plan, check and drift", func() { b.green("after apply") })
			b.mounts(places)
			b.folders()
			b.container()
			b.reboot()
			b.green("after the reboot")
			b.mounts(places)
			b.folders()
			b.sh("systemctl is-active docker")
			b.breaks(brokenElsewhere[variant])
		})
	}
}

// mounts looks at what is visible at each place, without bisc: the device that the kernel says the path is on.
func (b *bench) mounts(places map[string]string) {
	b.Helper()
	for path, source := range places {
		b.sh(`mountpoint -q "$1"`, path)
		at := b.sh(`stat -c %Hd:%Ld "$1"`, path)
		switch source {
		case "tmpfs":
			if got := b.sh(`stat -f -c '%T %b %S' "$1"`, path); got != "tmpfs 16384 4096" {
				b.Errorf("%s is %s, want a tmpfs of 64 MiB", path, got)
			}
		case "dataset":
			b.sh(`[ "$1" -ef /var/lib/lab-zfs/data/biscayne+DATA+srv+kind+solana ]`, path) // where the stand-in keeps it
		default:
			if want := b.sh(`stat -L -c %Hr:%Lr "$1"`, source); at != want {
				b.Errorf("%s is on %s, want %s, which is %s", path, at, want, source)
			}
			if got := b.sh(`stat -f -c %T "$1"`, path); got != "xfs" {
				b.Errorf("%s is %s, want xfs", path, got)
			}
		}
	}
}

// folders looks at who owns what the validator writes to: the number of its container's user, not the host's solana.
func (b *bench) folders() {
	b.Helper()
	data := "/srv/solana"
	if b.variant == "D" || b.variant == "E" {
		data = "/srv/kind/solana"
	}
	for _, name := range []string{"ledger", "snapshots", "log", "ramdisk/accounts"} {
		if got := b.sh(`stat -c '%u:%g %a %F' "$1"`, data+"/"+name); got != "1000:1000 755 directory" {
			b.Errorf("%s/%s is %s", data, name, got)
		}
	}
}

// image makes the image lab:1, in which a container finds the host's programs.
const image = `mkdir -p /tmp/image/proc /tmp/image/dev; tar -C /tmp/image -c . | docker import - lab:1 >/dev/null`

// programsOf are the options of docker run that go with image.
const programsOf = "-v /bin:/bin:ro -v /lib:/lib:ro -v /lib64:/lib64:ro -v /usr:/usr:ro"

// container proves that docker takes /srv/kind/solana with the propagation that kind asks for, and that a container sees
// there what the host does, by device number, also what is mounted later (incidents 10 and 11).
func (b *bench) container() {
	b.Helper()
	const paths = "/srv/kind/solana /srv/kind/solana/ramdisk"
	b.sh(image)
	inside := b.sh("docker run --rm -v /srv/kind/solana:/srv/kind/solana:rslave " + programsOf + " lab:1 /usr/bin/stat -c %d " + paths)
	if outside := b.sh("stat -c %d " + paths); inside != outside {
		b.Errorf("a container sees the devices %q, the host %q", strings.Fields(inside), strings.Fields(outside))
	}
	b.sh("docker run -d --name later -v /srv/kind/solana:/srv/kind/solana:rslave " + programsOf + " lab:1 /usr/bin/sleep 1000 >/dev/null" +
		fmt.Sprintf("; mkdir %[1]s/later; mount -t tmpfs later %[1]s/later; touch %[1]s/later/seen; docker exec later /usr/bin/test -e %[1]s/later/seen", "/srv/kind/solana") +
		"; docker rm -f later >/dev/null; umount /srv/kind/solana/later; rmdir /srv/kind/solana/later")
}
