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
		{"too small", mounted, "size=524288k", nil, []string{"now size: 512MiB -> 1GiB", "do mount --options-mode ignore -o remount,size=1G,rw,suid,dev,exec,relatime,diratime -- /t"}},
		{"too small, and its flags stay", mounted + " options=rw,nosuid,nodev,relatime", "size=524288k", func(f *Tmpfs, s *tmpfsSeen) {
			f.Options = []string{"nosuid", "nodev"}
			s.pointSeen.fstab = []Line{f.point().line}
		}, []string{"now size: 512MiB -> 1GiB", "do mount --options-mode ignore -o remount,size=1G,rw,nosuid,nodev,exec,relatime,diratime -- /t"}},
		{"the kernel's half", mounted, "rw", nil, []string{"now size: half of the memory -> 1GiB", "do mount*"}},
		{"nosuid is wanted", mounted, "size=1G", func(f *Tmpfs, s *tmpfsSeen) {
			f.Options = []string{"nosuid"}
			s.pointSeen.fstab = []Line{f.point().line}
		},
			[]string{"now options: rw -> rw,nosuid", "do mount --options-mode ignore -o remount,bind,rw,nosuid,dev,exec,relatime,diratime -- /t"}},
		{"another owner and mode", mounted, "size=1G", func(f *Tmpfs, s *tmpfsSeen) { s.at.UID, s.at.Mode = 0, 0o1777 },
			[]string{"now owner: 0 -> 1000", "now mode: 1777 -> 0755", "do chown --no-dereference 1000 -- /t", "do chmod 0755 -- /t"}},
		{"not mounted", "1 0 8:1 /", "", nil, []string{"now source: (none) -> tmpfs", "do systemctl start -- t.mount | no validator lives | mounted below as shown"}},
		{"waits for the mount above", "1 0 8:1 /", "", func(f *Tmpfs, s *tmpfsSeen) { f.wanted.points = []string{"/"}; s.table = table(t, "2 1 8:1 /x") }, []string{"left source: (none) -> tmpfs (it waits for /*"}},
		{"XFS in its place", "1 0 8:1 /\n2 1 7:0 /t", "", nil, []string{"now source: xfs /dev/x (7:0) -> tmpfs", "do umount*", "do systemctl start*", "destroys*"}},
		{"stacked twice", mounted + "\n3 2 0:51 /t type=tmpfs", "", nil, []string{"left covered by: tmpfs*"}},
		{"covered by another", mounted + "\n3 2 7:0 /t", "", nil, []string{"now covered by: xfs*", "do umount*", "destroys*"}},
		{"covered from above", mounted + "\n3 1 7:0 /", "", nil, []string{"left covered by: xfs /dev/x (7:0) at / -> (nothing) (what is in the tmpfs*"}},
		{"absent", mounted, "", func(f *Tmpfs, s *tmpfsSeen) { f.Absent = true }, []string{"now mounted*", "boot fstab*", "do umount*", "do edit*", "do systemctl*",
			"destroys the mount of tmpfs /dev/x (0:50) at /t, with all that is in it"}},
	} {
		f := &Tmpfs{Target: "/t", Size: 1 << 30, Owner: modules.ID{Set: true, N: 1000}, Mode: 0o755, wanted: meet(nil)}
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
	f := &Tmpfs{Target: "/t", Size: 1 << 40, Owner: modules.ID{Set: true, N: 1000}, Group: modules.ID{Set: true}, Mode: 0o755, Options: []string{"noexec"}, BootCritical: true}
	if got := f.point().line.String(); got != "tmpfs /t tmpfs size=1T,noexec,uid=1000,gid=0,mode=0755 0 0" {
		t.Error(got)
	}
	if got := faultsOf(t, &Tmpfs{Target: "/t", Size: 5000, Options: []string{"mode=1"}}); !strings.Contains(got, "multiple of 4KiB") || !strings.Contains(got, "mode are attributes") {
		t.Error(got)
	}
}
