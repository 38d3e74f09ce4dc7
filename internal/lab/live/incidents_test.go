package live

import (
	"slices"
	"strings"
	"testing"

	"bisc/internal/lab"
	"bisc/layers"
)

// The incidents 9 to 16 of the system that bisc replaces, each in its situation. Each test also shows what happens without the
// protection, by hand or with the check that was used then, so that it is seen to be able to fail.

// validatorStorage is a validator's storage as the real plan has it, in small.
const validatorStorage = `
  zvol "tank/solana" {
    size   = "1GiB"
    sparse = true
  }
  filesystem "/dev/zvol/tank/solana" {
    type = "xfs"
  }
  mount "/srv/solana" {
    source   = "/dev/zvol/tank/solana"
    fstype   = "xfs"
    requires = ["zfs-mount.service", "zfs-volume-wait.service"]
  }
  ramdisk "/dev/ram0" {
    size = "400MiB"
  }
  mount "/srv/solana/ramdisk" {
    source  = "/dev/ram0"
    fstype  = "xfs"
    options = ["noatime", "nodiratime"]
  }
  directory "/srv/solana/ramdisk/accounts" {
    owner      = 1000
    group      = 1000
    mode       = "0755"
    must_be_on = "/srv/solana/ramdisk"
  }
  bind "/srv/kind/solana" {
    source      = "/srv/solana"
    recursive   = true
    propagation = ["rslave", "rshared"]
    requires    = ["srv-solana-ramdisk.mount"]
  }
`

// prepared is a host with the storage in force.
func prepared(t *testing.T, more ...func(*lab.HostOptions)) (*operator, []*layers.Stage) {
	t.Helper()
	o := oneHost(t, program(t), more...)
	o.sh(t, "systemctl is-system-running --wait >/dev/null || true") // docker writes while it starts
	stages := o.load(t, validatorStorage)
	o.must(t, stages, layers.Options{})
	return o, stages
}

// must applies, and fails the test unless everything is in sync after it.
func (o *operator) must(t *testing.T, stages []*layers.Stage, opts layers.Options) {
	t.Helper()
	if left := bad(o.apply(t, stages, o.plan(t, stages, opts), opts)); len(left) > 0 {
		t.Fatalf("apply:\n%s", strings.Join(left, "\n"))
	}
	o.inSync(t, stages, "the plan after the apply")
}

// shows fails the test unless the plan shows exactly these diffs, as "HALF DIFF of ADDRESS".
func (o *operator) shows(t *testing.T, stages []*layers.Stage, want ...string) layers.Report {
	t.Helper()
	rep := o.plan(t, stages, layers.Options{})
	var got []string
	for _, out := range rep.Outcomes() {
		for _, d := range out.Change.Diffs {
			got = append(got, line(d, local(out.Item.Address), ""))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("plan shows\n  %s\nwant\n  %s\n%s", strings.Join(got, "\n  "), strings.Join(want, "\n  "), text(rep))
	}
	return rep
}

// 9: "/srv/solana was ZFS for an unknown time: fstab zvol mount covered by ZFS /srv". A check of the type sees nothing where
// what covers is of the same type.
func TestIncident09TheVolumeIsCovered(t *testing.T) {
	t.Parallel()
	o, stages := prepared(t)
	o.sh(t, `zfs create -s -V 1G tank/srv
		mkfs.xfs -q /dev/zvol/tank/srv
		mount /dev/zvol/tank/srv /srv
		mkdir -p /srv/solana/ramdisk/accounts /srv/kind/solana
		chown 1000:1000 /srv/solana/ramdisk/accounts`)
	if got := o.sh(t, "df --output=fstype /srv/solana | tail -1; grep -c /srv/solana /etc/fstab"); got != "xfs\n3" {
		t.Errorf("the checks of then say %q: they must pass, else this is not the incident", got)
	}
	o.shows(t, stages, "now covered by of mount[/srv/solana]", "now covered by of mount[/srv/solana/ramdisk]",
		"now must_be_on of directory[/srv/solana/ramdisk/accounts]", "now source of bind[/srv/kind/solana]")
	o.must(t, stages, layers.Options{})
	if got := o.sh(t, "df --output=source /srv/solana /srv/solana/ramdisk | tail -2"); got != "/dev/zd0\n/dev/ram0" {
		t.Errorf("mounted after the repair: %q", got)
	}
}

// node starts a process that stands for the kind node: it has mounts of its own, which receive what the host mounts later
// where propagation lets them.
const node = `systemd-run -q --unit lab-node --property=Type=exec unshare --mount --propagation slave sleep infinity
	pid=$(systemctl show -p MainPID --value lab-node)
	while [ "$(readlink /proc/$pid/ns/mnt)" = "$(readlink /proc/1/ns/mnt)" ]; do sleep 0.02; done
	`

// inNode gives the device that the node sees at the ramdisk's place.
const inNode = `awk '$5 == "/srv/kind/solana/ramdisk" {print $3}' /proc/$(systemctl show -p MainPID --value lab-node)/mountinfo`

// 10: "rbind covered / not visible in the node: propagation None; ZFS overlay".
func TestIncident10WhatIsMountedLaterIsSeenInTheNode(t *testing.T) {
	t.Parallel()
	o, stages := prepared(t)
	o.sh(t, node)
	o.sh(t, "umount /srv/solana/ramdisk")
	if got := o.sh(t, inNode); got != "" {
		t.Errorf("the node still sees %s after the ramdisk was unmounted", got)
	}
	o.must(t, stages, layers.Options{})
	want := o.sh(t, "mountpoint -d /srv/solana/ramdisk")
	if got := o.sh(t, inNode); got != want {
		t.Errorf("the node sees device %q, want the ramdisk %s", got, want)
	}
	// Without propagation the node keeps seeing the folder below, and the plan says so.
	o.sh(t, `mount --make-rprivate /srv/kind/solana
		umount /srv/kind/solana/ramdisk
		umount /srv/solana/ramdisk
		mount /srv/solana/ramdisk`)
	if got := o.sh(t, "mountpoint -q /srv/kind/solana/ramdisk || echo none"); got != "none" {
		t.Errorf("a private bind has received %q", got)
	}
	rep := o.plan(t, stages, layers.Options{})
	if got := text(rep); !strings.Contains(got, "now propagation") || !strings.Contains(got, "now recursive") {
		t.Errorf("the plan does not name the lost propagation and the missing mount:\n%s", got)
	}
}

// 11: `docker start: "not a shared or slave mount": private mounts`.
func TestIncident11DockerTakesTheBind(t *testing.T) {
	t.Parallel()
	o, stages := prepared(t, func(h *lab.HostOptions) { h.Docker = true })
	o.sh(t, `systemctl start docker
		cp /usr/lib/bisc-lab/standin /tmp/zfs
		tar -C /tmp -c zfs | docker import - lab:1 >/dev/null`)
	const run = "docker run --rm -v /srv/kind/solana:/mnt:rslave lab:1 /zfs version"
	o.sh(t, run)
	o.sh(t, "mount --make-rprivate /srv/kind/solana")
	if out, err := o.host.Shell(t.Context(), run); err == nil || !strings.Contains(err.Error(), "not a shared or slave mount") {
		t.Errorf("docker took a private mount: %s, %v", out, err)
	}
	rep := o.plan(t, stages, layers.Options{})
	if !strings.Contains(text(rep), "bind[/srv/kind/solana] is drifted") || !strings.Contains(text(rep), "now propagation") {
		t.Errorf("the plan does not name the propagation:\n%s", text(rep))
	}
	o.sh(t, "umount -R /srv/kind/solana")
	o.must(t, stages, layers.Options{})
	o.sh(t, run)
}

// 13: "ramdisk unmounted by stale-mount cleanup; accounts on zvol: shared peer group".
func TestIncident13UnmountingTheBindDoesNotReachTheSource(t *testing.T) {
	t.Parallel()
	o, stages := prepared(t)
	o.sh(t, "umount /srv/kind/solana/ramdisk")
	if got := o.sh(t, "findmnt -no SOURCE /srv/solana/ramdisk"); got != "/dev/ram0" {
		t.Errorf("unmounting through the bind has reached the source: %q", got)
	}
	o.must(t, stages, layers.Options{})

	// As it was: a bind that is a peer of its source.
	o.sh(t, `umount -R /srv/kind/solana
		mount --rbind /srv/solana /srv/kind/solana
		umount /srv/kind/solana/ramdisk`)
	if out, err := o.host.Shell(t.Context(), "findmnt -no SOURCE /srv/solana/ramdisk"); err == nil {
		t.Errorf("the peer's unmounting did not propagate (%s): this is not the incident", out)
	}
	o.sh(t, "mkdir -p /srv/solana/ramdisk/accounts; chown 1000:1000 /srv/solana/ramdisk/accounts")
	if got := o.sh(t, "df --output=fstype /srv/solana/ramdisk | tail -1"); got != "xfs" {
		t.Errorf("the check of then says %q: it must pass, else this is not the incident", got)
	}
	rep := o.plan(t, stages, layers.Options{})
	for _, want := range []string{"mount[/srv/solana/ramdisk]", "directory[/srv/solana/ramdisk/accounts]", "bind[/srv/kind/solana]"} {
		want += " is drifted"
		if !strings.Contains(text(rep), want) {
			t.Errorf("the plan lacks %q:\n%s", want, text(rep))
		}
	}
}
