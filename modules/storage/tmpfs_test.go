package storage

import (
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/modules"
)

func TestTmpfs(t *testing.T) {
	const mounted = "1 0 8:1 /\n2 1 0:50 /t type=tmpfs"
	for _, c := range []struct {
		situation, table, super string
		change                  func(f *Tmpfs, s *tmpfsSeen)
		want                    []string
	}{
		{"in sync", mounted, "size=1048576k", nil, nil},
		{"too small", mounted, "size=524288k", nil, []string{"now size: 512MiB -> 1GiB", "do mount --options-mode ignore -o remount,size=1G -- /t"}},
		{"the kernel's half", mounted, "rw", nil, []string{"now size: half of the memory -> 1GiB", "do mount*"}},
		{"nosuid is wanted", mounted, "size=1G", func(f *Tmpfs, s *tmpfsSeen) {
			f.Options = []string{"nosuid"}
			s.pointSeen.fstab = []Line{f.point().line}
		},
			[]string{"now options: rw -> rw,nosuid", "do mount --options-mode ignore -o remount,bind,rw,nosuid,dev,exec,relatime,diratime -- /t"}},
		{"another owner and mode", mounted, "size=1G", func(f *Tmpfs, s *tmpfsSeen) { s.at.UID, s.at.Mode = 0, 0o1777 },
			[]string{"now owner: 0 -> 1000", "now mode: 1777 -> 0755", "do chown --no-dereference 1000 -- /t", "do chmod 0755 -- /t"}},
		{"not mounted", "1 0 8:1 /", "", nil, []string{"now source: (none) -> tmpfs", "do systemctl start -- t.mount | mounted below as shown"}},
		{"waits for the mount above", "1 0 8:1 /", "", func(f *Tmpfs, s *tmpfsSeen) { f.wanted.points = []string{"/"}; s.table = table(t, "2 1 8:1 /x") }, []string{"left source: (none) -> tmpfs (it waits for /*"}},
		{"XFS in its place", "1 0 8:1 /\n2 1 7:0 /t", "", nil, []string{"now source: xfs /dev/x (7:0) -> tmpfs", "do umount*", "do systemctl start*", "destroys*"}},
		{"stacked twice", mounted + "\n3 2 0:51 /t type=tmpfs", "", nil, []string{"left covered by: tmpfs*"}},
		{"covered by another", mounted + "\n3 2 7:0 /t", "", nil, []string{"now covered by: xfs*", "do umount*", "destroys*"}},
		{"covered from above", mounted + "\n3 1 7:0 /", "", nil, []string{"left covered by: xfs /dev/x (7:0) at / -> (nothing) (what is in the tmpfs*"}},
		{"absent", mounted, "", func(f *Tmpfs, s *tmpfsSeen) { f.Absent = true }, []string{"now mounted*", "boot fstab*", "do umount*", "do edit*", "do systemctl*",
			"destroys the mount of tmpfs /dev/x (0:50) at /t, with all that is in it"}},
	} {
		f := &Tmpfs{Target: "/t", Size: 1 << 30, Owner: ID{true, 1000}, Mode: 0o755, wanted: meet(nil)}
		tab := table(t, c.table)
		if c.super != "" {
			tab[1].Super = []string{"rw", c.super}
		}
		s := tmpfsSeen{pointSeen: rightPoint(f.point(), tab)}
		s.at = host.Stat{Type: host.Directory, UID: 1000, Mode: 0o755}
		if c.change != nil {
			c.change(f, &s)
		}
		for i := range s.fstab {
			s.fstab[i].Raw = s.fstab[i].String()
		}
		wants(t, c.situation, f.decide(s), c.want...)
	}
	f := &Tmpfs{Target: "/t", Size: 1 << 40, Owner: ID{true, 1000}, Group: ID{true, 0}, Mode: 0o755, Options: []string{"noexec"}, BootCritical: true}
	if got := f.point().line.String(); got != "tmpfs /t tmpfs size=1T,noexec,uid=1000,gid=0,mode=0755 0 0" {
		t.Error(got)
	}
	if got := faultsOf(t, &Tmpfs{Target: "/t", Size: 5000, Options: []string{"mode=1"}}); !strings.Contains(got, "multiple of 4KiB") || !strings.Contains(got, "mode are attributes") {
		t.Error(got)
	}
}

func TestID(t *testing.T) {
	var id ID
	if err := id.UnmarshalText([]byte("1000")); err != nil || id != (ID{true, 1000}) {
		t.Error(id, err)
	}
	for _, bad := range []string{"solana", "", "-1", "1.5", "4294967296"} {
		if err := id.UnmarshalText([]byte(bad)); err == nil || !strings.Contains(err.Error(), "names are refused") {
			t.Errorf("%q (incident 16): %v", bad, err)
		}
	}
}

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
		{"the device is gone", onRam, func(d *Directory, s *directorySeen) { d.MustBeOn = "/dev/ram0"; s.lost = true }, []string{"left must_be_on: * (the device /dev/ram0 is not there)"}},
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
		d := &Directory{Path: "/srv/solana/ramdisk/accounts", Owner: ID{true, 1000}, Group: ID{true, 1000}, Mode: 0o755, MustBeOn: "/srv/solana/ramdisk"}
		s := directorySeen{table: table(t, c.table), at: folder}
		if c.change != nil {
			c.change(d, &s)
		}
		want := c.want
		if len(want) == 1 && strings.Contains(want[0], ": * (") {
			want = []string{strings.SplitAfter(want[0], ": *")[0]}
		}
		wants(t, c.situation, d.decide(s), want...)
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
