package storage

import (
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/modules"
)

func aMount() *Mount {
	return &Mount{Target: "/srv/solana", Source: "/dev/zd0", FSType: "xfs", Options: []string{"defaults"}, Requires: []string{"zfs-mount.service"}}
}

// rightPoint is a point whose fstab line and unit are as wanted.
func rightPoint(p point, t Table) pointSeen {
	return pointSeen{table: t, fstab: []Line{p.line}, required: []unitSeen{{Name: "zfs-mount.service", LoadState: "loaded"}},
		unit: unitSeen{Name: MountUnit(p.line.Target), LoadState: "loaded", FragmentPath: "/run/systemd/generator/x.mount",
			Requires: p.line.Requires(), After: p.line.Requires()}}
}

func TestMount(t *testing.T) {
	const gone = "no validator lives | mounted below as shown | mount not in use"
	zd0 := host.Stat{Type: host.Block, Rdev: host.DeviceID{Major: 7}}
	for _, c := range []struct {
		situation, table string
		change           func(m *Mount, s *mountSeen)
		want             []string
	}{
		{"in sync", "1 0 8:1 /\n2 1 7:0 /srv/solana", nil, nil},
		{"not mounted", "1 0 8:1 /", nil, []string{"now source: (none) -> /dev/zd0", "do systemctl start -- srv-solana.mount | no validator lives | mounted below as shown"}},
		{"XFS of another device (incident 9)", "1 0 8:1 /\n2 1 7:1 /srv/solana", nil, []string{"now source: xfs /dev/x (7:1) -> /dev/zd0",
			"do umount -- /srv/solana | " + gone + " | stops nothing else", "do systemctl start -- srv-solana.mount | no validator lives | mounted below as shown", "destroys the mount of xfs /dev/x (7:1) at /srv/solana"}},
		{"a folder of the right device, not its root", "1 0 8:1 /\n2 1 7:0 /srv/solana root=/sub", nil, []string{"now source: xfs /dev/x[/sub] (7:0) -> /dev/zd0",
			"do umount*", "do systemctl*", "destroys*"}},
		{"covered by a ZFS mount of the folder above (incident 9)", "1 0 8:1 /\n2 1 7:0 /srv/solana\n3 1 0:40 /srv type=zfs", nil,
			[]string{"now covered by: zfs /dev/x (0:40) at /srv -> (nothing)", "do mount -o X-mount.mkdir -- /srv/solana | no validator lives | mounted below as shown"}},
		{"covered at the mount point", "1 0 8:1 /\n2 1 7:0 /srv/solana\n3 2 0:40 /srv/solana type=tmpfs", nil, []string{"now covered by: tmpfs /dev/x (0:40) -> (nothing)",
			"do umount -- /srv/solana | " + gone, "destroys the mount of tmpfs /dev/x (0:40) at /srv/solana, with all that is in it"}},
		{"covered, and the cover is in use", "1 0 8:1 /\n2 1 7:0 /srv/solana\n3 2 0:40 /srv/solana type=tmpfs", func(m *Mount, s *mountSeen) { s.uses = []string{"open 0:40 9 /srv/solana/f"} },
			[]string{"left covered by: tmpfs /dev/x (0:40) -> (nothing) (it is in use: open 0:40 9 /srv/solana/f)"}},
		{"moved over a newer one: the right one is visible and listed first", "1 0 8:1 /\n3 2 7:0 /srv/solana\n2 1 7:1 /srv/solana", nil, nil},
		{"the device is not there", "1 0 8:1 /", func(m *Mount, s *mountSeen) { s.noSource = true }, []string{"left source: (none) -> /dev/zd0 (the device is not there yet)"}},
		{"the device is not there and something is mounted", "1 0 8:1 /\n2 1 7:0 /srv/solana", func(m *Mount, s *mountSeen) { s.noSource = true }, []string{"left source: xfs /dev/x (7:0) -> /dev/zd0*"}},
		{"the source is a file", "1 0 8:1 /", func(m *Mount, s *mountSeen) { s.source.Type = host.Regular }, []string{"left source: file -> /dev/zd0 (it is not a block device)"}},
		{"read-only mount", "1 0 8:1 /\n2 1 7:0 /srv/solana options=ro,relatime", nil, []string{"now options: ro -> rw",
			"do mount --options-mode ignore -o remount,bind,rw,suid,dev,exec,relatime,diratime -- /srv/solana"}},
		{"noatime is wanted", "1 0 8:1 /\n2 1 7:0 /srv/solana", func(m *Mount, s *mountSeen) {
			m.Options = []string{"noatime"}
			s.pointSeen = rightPoint(m.point(), s.table)
		}, []string{"now options: rw -> rw,noatime", "do mount --options-mode ignore -o remount,bind,rw,suid,dev,exec,noatime,diratime -- /srv/solana"}},
		{"another type than the plan makes (incident 12)", "1 0 8:1 /\n2 1 7:0 /srv/solana", func(m *Mount, s *mountSeen) { m.wanted.devices["/dev/zd0"] = madeBy{fstype: "ext4"} },
			[]string{"left fstype: ext4 -> xfs*"}},
		{"ZFS below and nothing orders it (incident 9, at the next boot)", "1 0 8:1 /\n3 1 0:40 /srv type=zfs\n2 3 7:0 /srv/solana", func(m *Mount, s *mountSeen) {
			m.Requires = []string{"a.service"}
			s.pointSeen = rightPoint(m.point(), s.table)
		}, []string{"left requires: nothing orders it after zfs-mount.service -> zfs-mount.service*"}},
		{"systemd has an older unit", "1 0 8:1 /\n2 1 7:0 /srv/solana", func(m *Mount, s *mountSeen) { s.unit.After = nil },
			[]string{"boot requires: the unit lacks zfs-mount.service -> zfs-mount.service", "do systemctl daemon-reload"}},
		{"systemd does not know it", "1 0 8:1 /\n2 1 7:0 /srv/solana", func(m *Mount, s *mountSeen) { s.unit.FragmentPath = "" }, []string{"boot unit: srv-solana.mount is not known to systemd -> made of the fstab line", "do systemctl daemon-reload"}},
		{"a unit file overrides it", "1 0 8:1 /\n2 1 7:0 /srv/solana", func(m *Mount, s *mountSeen) { s.unit.FragmentPath = "/etc/systemd/system/srv-solana.mount" },
			[]string{"left unit: /etc/systemd/system/srv-solana.mount -> made of the fstab line (this unit file overrides the fstab line: remove it)"}},
		{"it is masked", "1 0 8:1 /\n2 1 7:0 /srv/solana", func(m *Mount, s *mountSeen) { s.unit.LoadState = "masked" }, []string{"left unit: srv-solana.mount is masked*"}},
		{"what it requires is not there", "1 0 8:1 /\n2 1 7:0 /srv/solana", func(m *Mount, s *mountSeen) { s.required[0].LoadState = "not-found" }, []string{"left requires: zfs-mount.service is not-found -> zfs-mount.service*"}},
		{"the unit is older and it must be mounted", "1 0 8:1 /", func(m *Mount, s *mountSeen) { s.unit.NeedReload = true }, []string{"now source: (none) -> /dev/zd0", "do systemctl daemon-reload", "do systemctl start*"}},
		{"a wanted mount above is missing", "1 0 8:1 /", func(m *Mount, s *mountSeen) { m.wanted.points = []string{"/srv", "/srv/solana"} }, []string{"left source: (none) -> /dev/zd0 (it waits for /srv, which is not mounted yet)"}},
		{"unmounting would go on to a wanted mount (incident 13)", shared + "\n", func(m *Mount, s *mountSeen) {
			m.Target, m.Source, s.source.Rdev.Minor = "/srv/kind/solana/ramdisk", "/dev/zd9", 9
			m.wanted.points = []string{"/srv/solana/ramdisk"}
			s.pointSeen = rightPoint(m.point(), s.table)
		}, []string{"left source: xfs /dev/x (7:1) -> /dev/zd9 (unmounting it would propagate to /srv/solana/ramdisk, which is wanted: the two share a peer group)"}},
		{"absent", "1 0 8:1 /\n2 1 7:0 /srv/solana", func(m *Mount, s *mountSeen) { m.Absent = true }, []string{"now mounted: xfs /dev/x (7:0) -> (none)", "boot fstab: /*",
			"do umount -- /srv/solana | " + gone + " | stops nothing else", "do edit /etc/fstab*", "do systemctl daemon-reload", "destroys*"}},
		{"absent, and in use: the line stays as long as the mount", "1 0 8:1 /\n2 1 7:0 /srv/solana", func(m *Mount, s *mountSeen) { m.Absent = true; s.uses = []string{"open x"} }, []string{"left mounted: xfs*"}},
		{"absent, and ZFS", "1 0 8:1 /\n2 1 0:7 /srv/solana type=zfs", func(m *Mount, s *mountSeen) { m.Absent = true }, []string{"left mounted: zfs*"}},
	} {
		m := aMount()
		m.wanted = meet(nil)
		tab := table(t, c.table)
		s := mountSeen{pointSeen: rightPoint(m.point(), tab), source: zd0}
		if c.change != nil {
			c.change(m, &s)
		}
		for i := range s.fstab {
			s.fstab[i].Raw = s.fstab[i].String()
		}
		wants(t, c.situation, m.decide(s), c.want...)
	}
}

func TestMountMeets(t *testing.T) {
	ram := &Ramdisk{Device: "/dev/ram0", FSType: "xfs", Unit: "f.service"}
	m := &Mount{Target: "/r", Source: "/dev/ram0", FSType: "xfs", Options: []string{"noatime"}, Requires: []string{"a.service"}}
	invariant := &Mount{Target: "/r", Source: "/dev/ram0", FSType: "xfs", Options: []string{"defaults"}}
	all := []modules.Resource{ram, m, invariant}
	for _, r := range all {
		r.(modules.Neighbour).Meet(all)
	}
	const want = "/dev/ram0 /r xfs noatime,nofail,x-systemd.requires=a.service,x-systemd.requires=f.service 0 0"
	if got := m.point().line.String(); got != want {
		t.Errorf("the mount of a ramdisk requires its unit: %s, want %s", got, want)
	}
	if got := invariant.point().line.String(); got != want {
		t.Errorf("an invariant that leaves options open takes the mount's: %s, want %s", got, want)
	}
	if !strings.Contains(ram.unitText(), "Before=r.mount local-fs.target\n") {
		t.Errorf("the unit that formats comes before the mount:\n%s", ram.unitText())
	}
}

func TestOrderedAfter(t *testing.T) {
	data := &Mount{Target: "/srv/solana", Source: "/dev/zd0", Requires: []string{"zfs-mount.service"}}
	ram := &Mount{Target: "/srv/solana/ramdisk", Source: "/dev/ram0"}
	bind := &Bind{Target: "/srv/kind/solana", Source: "/srv/solana", Requires: []string{"srv-solana-ramdisk.mount"}}
	w := meet([]modules.Resource{data, ram, bind})
	if !w.orderedAfter(bind.Target, bind.Requires, "zfs-mount.service") {
		t.Error("the bind is after the ramdisk's mount, that below the volume's, and that after zfs-mount.service")
	}
	data.Requires = nil
	if w = meet([]modules.Resource{data, ram, bind}); w.orderedAfter(bind.Target, bind.Requires, "zfs-mount.service") {
		t.Error("nothing orders the bind after zfs-mount.service")
	}
	bind.Requires = []string{"srv-kind-solana.mount"} // itself
	if w = meet([]modules.Resource{bind}); w.orderedAfter(bind.Target, bind.Requires, "zfs-mount.service") {
		t.Error("a circle orders nothing")
	}
}

func TestMountFaults(t *testing.T) {
	for _, c := range []struct {
		m    Mount
		want string
	}{
		{*aMount(), ""},
		{Mount{Target: "srv", Source: "/dev/a", FSType: "xfs"}, `"srv" is not an absolute path`},
		{Mount{Target: "/srv/", Source: "/dev/a", FSType: "xfs"}, `write "/srv"`},
		{Mount{Target: "/a\nb", Source: "/dev/a", FSType: "xfs"}, "control character"},
		{Mount{Target: "/a", Source: "UUID=1", FSType: "xfs"}, "write the device's path"},
		{Mount{Target: "/a", Source: "/dev/a", FSType: "btrfs"}, "btrfs is not mounted from a device"},
		{Mount{Target: "/a", Source: "/dev/a", FSType: "-t x"}, "is not a word"},
		{Mount{Target: "/a", Source: "/dev/a", FSType: "xfs", Options: []string{"nofail", "a,b", "x-systemd.requires=a", "rbind", "rshared"}},
			"boot_critical = true; options: \"a,b\" is not one option: write each option as an element of its own; options: write the unit into requires"},
		{Mount{Target: "/a", Source: "/dev/a", FSType: "xfs", Requires: []string{"zfs-mount", "x@.service", "/a.service", "a b.service"}}, `"zfs-mount" is not the name of a unit`},
	} {
		if got := faultsOf(t, &c.m); got != c.want && (c.want == "" || !strings.Contains(got, c.want)) {
			t.Errorf("%+v: got %q, want %q", c.m, got, c.want)
		}
	}
}
