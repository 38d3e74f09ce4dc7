package storage_test

import (
	"errors"
	"strings"
	"testing"

	"bisc/internal/host"
)

// TestGuards puts each guard of this layer before a host on which it must hold, refuse, or say that it cannot tell.
func TestGuards(t *testing.T) {
	b := newBench(t, pool("g"))
	b.shell(`
zfs create -s -V 512M tank/blank; zfs create -s -V 512M tank/data; zfs create -s -V 512M tank/held
mkfs.ext4 -q -U 11111111-2222-3333-4444-555555555555 /dev/zvol/tank/data; mkfs.ext4 -q /dev/zvol/tank/held
zfs set bisc:protect=on tank/data
mkdir -p "/m n/free" "/m n/bind" /m/ns
# apart PROPAGATION leaves a mount namespace behind, and returns when it is one.
apart() {
  unshare -m --propagation "$1" sh -c 'exec sleep 1000' >/dev/null 2>&1 &
  until [ "$(cat /proc/$!/comm)" = sleep ]; do sleep 0.05; done
}
mount /dev/zvol/tank/held /m/ns
apart private
umount /m/ns
mkdir -p /m/slave; mount -t tmpfs t /m/slave
apart slave
mkdir -p /m/private; mount -t tmpfs t /m/private
apart private
mkdir -p /m/late; mount -t tmpfs t /m/late
mount -t tmpfs t "/m n/free"; mount --bind "/m n/free" "/m n/bind"
mkdir "/m n/free/x"; mount -t tmpfs t "/m n/free/x"`)
	device := func(path string) host.DeviceID {
		t.Helper()
		d, err := b.host.Stat(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if d.Type == host.Block {
			return d.Rdev
		}
		return d.Dev
	}
	const blank, data, held = "/dev/zvol/tank/blank", "/dev/zvol/tank/data", "/dev/zvol/tank/held"
	signature := strings.Join(strings.Split(b.shell("blkid -p -o export "+data), "\n")[1:], "\n")
	for _, c := range []struct {
		situation string
		guard     host.Guard
		refuses   string // "" where it holds; "?" and the reason where it cannot tell
	}{
		{"blank", host.Blank(blank), ""},
		{"ext4", host.Blank(data), "holds"},
		{"no device", host.Blank("/dev/none"), "?"},
		{"a file", host.Blank("/etc/passwd"), "?"},
		{"as shown", host.Holds(data, signature, "0"), ""},
		{"made anew since", host.Holds(data, strings.Replace(signature, "1111", "2222", 1), "0"), "no longer holds what was shown"},
		{"gone blank since", host.Holds(blank, signature, "0"), "no longer holds what was shown"},
		{"blank as shown", host.Holds(blank, "", "2"), ""},
		{"unused", host.Unused(blank), ""},
		{"mounted in a namespace only", host.Unused(held), "mount"},
		{"no device to be unused", host.Unused("/dev/none"), "?"},
		{"bound elsewhere", host.MountFree(device("/m n/free"), `/m\040n/free`), `/m\040n/bind`},
		{"visible below a bind too", host.MountFree(device("/m n/free/x"), `/m\040n/free/x`), `/m\040n/bind/x`},
		{"visible below a bind too, and that goes with it", host.MountFree(device("/m n/free/x"), `/m\040n/free/x`, `/m\040n/bind/x`), ""},
		{"copied by a namespace that follows", host.MountFree(device("/m/late"), "/m/late"), ""},
		{"copied by a namespace that does not follow", host.MountFree(device("/m/slave"), "/m/slave"), "/m/slave"},
		{"stands", host.StandsOn("/m n/free", device("/m n/free")), ""},
		{"another device stands", host.StandsOn("/m n/free", device("/")), "is mounted at"},
		{"no mount point", host.StandsOn("/m n", device("/")), "not a mountpoint"},
		{"no such path", host.StandsOn("/none", device("/")), "?"},
		{"nothing below", host.NoMountsBelow(`/m\040n/free/x`), ""},
		{"mounts below", host.NoMountsBelow(`/m\040n`), "is mounted below"},
		{"a name that begins alike", host.NoMountsBelow(`/m\040`), ""},
		{"not protected", host.Unprotected("tank/blank"), ""},
		{"protected", host.Unprotected("tank/data"), "is protected"},
		{"no dataset", host.Unprotected("tank/none"), "?"},
	} {
		script := host.Script{Argv: []string{"true"}, Guards: []host.Guard{{Name: "first", Text: "exit 0", Args: []string{"x"}}, c.guard, {Name: "last", Text: "exit 0", Args: []string{"y", "z"}}}}
		err := b.host.Do(t.Context(), script)
		// A service that systemd is just starting has, for a moment, a namespace that does not follow yet: a use, rightly. On a machine
		// that does much else the moment has taken more than four seconds.
		for try := 0; c.refuses == "" && err != nil && try < 150; try++ {
			b.shell("sleep 0.2")
			err = b.host.Do(t.Context(), script)
		}
		var refused *host.GuardError
		why, unknown := strings.CutPrefix(c.refuses, "?")
		switch {
		case c.refuses == "" && err != nil:
			t.Errorf("%s: %v", c.situation, err)
		case c.refuses != "" && !errors.As(err, &refused):
			t.Errorf("%s: %v, want a refusal", c.situation, err)
		case c.refuses != "" && (refused.Unknown != unknown || !strings.Contains(refused.Reason, why) || refused.Guard != c.guard.Name):
			t.Errorf("%s: %+v, want %q", c.situation, refused, c.refuses)
		}
	}
	b.shell("printf x | dd of=" + blank + " bs=1 seek=536870911 conv=notrunc status=none")
	err := b.host.Do(t.Context(), host.Script{Argv: []string{"true"}, Guards: []host.Guard{host.Blank(blank)}})
	if err == nil || !strings.Contains(err.Error(), "last data") {
		t.Errorf("the last byte of the device: %v", err)
	}
}
