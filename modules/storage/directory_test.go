package storage

import (
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/modules"
)

func TestDirectory(t *testing.T) {
	const onRam = "1 0 8:1 /\n2 1 7:0 /srv/solana\n3 2 7:1 /srv/solana/ramdisk"
	folder := host.Stat{Type: host.Directory, UID: 1000, GID: 1000, Mode: 0o755}
	for _, c := range []struct {
		situation, table string
		change           func(d *Directory, s *directorySeen)
		want             []string
	}{
		{"in sync", onRam, nil, nil},
		{"owned by the host's solana (incident 16)", onRam, func(d *Directory, s *directorySeen) { s.at.UID, s.at.GID, s.at.Mode = 20029, 20029, 0o4700 },
			[]string{"now owner: 20029 -> 1000", "now group: 20029 -> 1000", "now mode: 4700 -> 0755",
				"do chown --no-dereference 1000:1000 -- /srv/solana/ramdisk/accounts", "do chmod 0755 -- /srv/solana/ramdisk/accounts"}},
		{"missing", onRam, func(d *Directory, s *directorySeen) { s.missing = true }, []string{"now type: (none) -> directory",
			"do install -d -m 0755 -o 1000 -g 1000 -- /srv/solana/ramdisk/accounts | mounted below as shown"}},
		{"the ramdisk is not mounted: accounts would land on the volume (incident 13)", "1 0 8:1 /\n2 1 7:0 /srv/solana", nil,
			[]string{"left must_be_on: xfs /dev/x (7:0) at /srv/solana -> /srv/solana/ramdisk (it would lie elsewhere*"}},
		{"the same, and the folder is missing", "1 0 8:1 /\n2 1 7:0 /srv/solana", func(d *Directory, s *directorySeen) { s.missing = true }, []string{"left must_be_on*"}},
		{"another device is mounted there", "1 0 8:1 /\n2 1 7:0 /srv/solana\n3 2 7:9 /srv/solana/ramdisk", func(d *Directory, s *directorySeen) {
			d.device = "/dev/ram0"
			s.device.Rdev = host.DeviceID{Major: 7, Minor: 1}
		},
			[]string{"left must_be_on: xfs /dev/x (7:9) at /srv/solana/ramdisk -> /srv/solana/ramdisk*"}},
		{"by device", onRam, func(d *Directory, s *directorySeen) {
			d.MustBeOn = "/dev/ram0"
			s.device.Rdev = host.DeviceID{Major: 7, Minor: 1}
		}, nil},
		{"the device is gone", onRam, func(d *Directory, s *directorySeen) { d.MustBeOn = "/dev/ram0"; s.lost = true }, []string{"left must_be_on*"}},
		{"a symbolic link", onRam, func(d *Directory, s *directorySeen) { s.at.Link = "/etc" }, []string{"left type: symbolic link to /etc -> directory*"}},
		{"a link to nothing", onRam, func(d *Directory, s *directorySeen) {
			s.at, s.missing = host.Stat{Type: host.Dangling, Link: "/x"}, true
		}, []string{"left type: symbolic link to /x*"}},
		{"a file", onRam, func(d *Directory, s *directorySeen) { s.at.Type = host.Regular }, []string{"left type: file -> directory*"}},
		{"to be emptied", onRam, func(d *Directory, s *directorySeen) { d.Empty, s.entries = true, []string{"a", "b"} }, []string{"now empty: 2 entries -> true",
			"do find /srv/solana/ramdisk/accounts -xdev -mindepth 1 -delete | no validator lives | no mounts below | mounted below as shown", "destroys the 2 entries of /srv/solana/ramdisk/accounts and all below them"}},
		{"to be emptied, and empty", onRam, func(d *Directory, s *directorySeen) { d.Empty = true }, nil},
		{"not told to be emptied", onRam, func(d *Directory, s *directorySeen) { s.entries = []string{"a"} }, nil},
		{"to be emptied, and a bind of the same device lies below", onRam + "\n4 3 7:1 /srv/solana/ramdisk/accounts/x", func(d *Directory, s *directorySeen) { d.Empty, s.entries = true, []string{"x"} },
			[]string{"left empty: 1 entries -> true (a file system is mounted below: /srv/solana/ramdisk/accounts/x)"}},
		{"absent", onRam, func(d *Directory, s *directorySeen) { d.Absent = true }, []string{"now absent: an empty folder -> true", "do rmdir -- /srv/solana/ramdisk/accounts | no validator lives", "destroys*"}},
		{"absent, with something in it", onRam, func(d *Directory, s *directorySeen) { d.Absent, s.entries = true, []string{"a"} }, []string{"left absent: 1 entries -> true*"}},
		{"absent, and a mount point", onRam + "\n4 3 7:2 /srv/solana/ramdisk/accounts", func(d *Directory, s *directorySeen) { d.Absent = true }, []string{"left absent: a mount point*"}},
		{"absent, and a file", onRam, func(d *Directory, s *directorySeen) { d.Absent, s.at.Type = true, host.Regular }, []string{"left absent: file*"}},
		{"absent already", onRam, func(d *Directory, s *directorySeen) { d.Absent, s.missing = true, true }, nil},
	} {
		d := &Directory{Path: "/srv/solana/ramdisk/accounts", Owner: modules.ID{Set: true, N: 1000}, Group: modules.ID{Set: true, N: 1000}, Mode: 0o755, MustBeOn: "/srv/solana/ramdisk"}
		s := directorySeen{table: table(t, c.table), at: folder}
		if c.change != nil {
			c.change(d, &s)
		}
		wants(t, c.situation, d.decide(s), c.want...)
	}
	for _, c := range []struct {
		d    Directory
		want string
	}{
		{Directory{Path: "/"}, "not bisc's to keep"},
		{Directory{Path: "/a/../b"}, "shortest form"},
		{Directory{Path: "/a", MustBeOn: "/b"}, "does not lie below /b"},
		{Directory{Path: "/a", Empty: true, Absent: true}, "write one of the two"},
	} {
		if got := faultsOf(t, &c.d); !strings.Contains(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.d, got, c.want)
		}
	}
	d := &Directory{Path: "/a"}
	all := []modules.Resource{&Mount{Target: "/srv/solana/ramdisk", Source: "/dev/ram0"}, d}
	d.MustBeOn = "/srv/solana/ramdisk"
	if d.Meet(all); d.mustBeDevice() != "/dev/ram0" {
		t.Error("a folder on a wanted mount must lie on its device")
	}
	if got := literal(`/a[b]*?\`); got != `/a[[]b][*][?]\\` {
		t.Error(got)
	}
}
