package storage

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bisc/internal/host"
	"bisc/modules"
)

// covered is variant B with a cover over /srv/solana, which propagation has put over the bind as well.
const covered = slave + `
6 2 0:40 /srv/solana shared:6 type=tmpfs
7 4 0:40 /srv/kind/solana shared:7 master:6 type=tmpfs`

// variantBWanted is what variant B wants; the device of /srv/solana is 7:0.
func variantBWanted() wanted {
	return meet([]modules.Resource{
		&Mount{Target: "/srv/solana", Source: "/dev/zd0", FSType: "xfs"}, &Mount{Target: "/srv/solana/ramdisk", Source: "/dev/ram0", FSType: "xfs"},
		&Bind{Target: "/srv/kind/solana", Source: "/srv/solana", Recursive: true},
	})
}

// TestCover is about what goes with a cover when it is unmounted: it may go when all of that is the cover's own copies.
func TestCover(t *testing.T) {
	zd0 := map[string]host.DeviceID{"/srv/kind/solana": {Major: 7}}
	const wantedToo = "unmounting it would propagate to /srv/kind/solana, which is wanted: the two share a peer group"
	for _, c := range []struct {
		situation, table, at string
		devices              map[string]host.DeviceID
		want                 string // why it stays
	}{
		{"its copy covers the bind", covered, "/srv/solana", zd0, ""},
		{"the device wanted at the bind is not known", covered, "/srv/solana", nil, wantedToo},
		{"the copy is what is wanted there", covered, "/srv/solana", map[string]host.DeviceID{"/srv/kind/solana": {Major: 0, Minor: 40}}, wantedToo},
		{"the copy stands on nothing: it is all that is mounted there",
			"1 0 8:1 / shared:1\n2 1 7:0 /srv/solana shared:2\n4 1 7:0 /srv/kind shared:4 master:2 root=/\n6 2 0:40 /srv/solana shared:6\n7 4 0:40 /srv/kind shared:7", "/srv/solana", zd0, ""},
		{"another file system stands on the copy", covered + "\n8 7 0:41 /srv/kind/solana type=tmpfs", "/srv/solana", zd0, "mounts stand on it: /srv/kind/solana"},
		{"something is mounted in the copy", covered + "\n8 7 0:41 /srv/kind/solana/x type=tmpfs", "/srv/solana", zd0, "mounts stand on it: /srv/kind/solana/x"},
		{"what goes is not the cover's copy", strings.Replace(covered, "7 4 0:40", "7 4 0:41", 1), "/srv/solana", zd0, wantedToo},
		{"what goes shows another folder of the cover", covered + " root=/sub", "/srv/solana", zd0, wantedToo},
		{"what goes is a wanted mount (incident 13)", shared, "/srv/kind/solana/ramdisk", map[string]host.DeviceID{"/srv/solana/ramdisk": {Major: 7, Minor: 1}},
			"unmounting it would propagate to /srv/solana/ramdisk, which is wanted: the two share a peer group"},
	} {
		tab := table(t, c.table)
		m, ok, err := tab.At(c.at)
		if err != nil || !ok {
			t.Fatalf("%s: %v", c.situation, err)
		}
		u := unmounting{table: tab, mount: m, wanted: variantBWanted(), devices: c.devices}
		if got := u.why(); got != c.want {
			t.Errorf("%s: it stays because %q, want %q", c.situation, got, c.want)
		}
	}
}

// TestCoverTaken is the change of the block whose mount point is covered, and what the blocks below it make of the cover.
func TestCoverTaken(t *testing.T) {
	tab := table(t, covered)
	w := variantBWanted()
	seen := func(m *Mount) mountSeen {
		return mountSeen{pointSeen: rightPoint(m.point(), tab), source: host.Stat{Type: host.Block, Rdev: host.DeviceID{Major: 7}}}
	}
	top := &Mount{Target: "/srv/solana", Source: "/dev/zd0", FSType: "xfs", Options: []string{"defaults"}, wanted: w}
	s := seen(top)
	s.devices = map[string]host.DeviceID{"/srv/kind/solana": {Major: 7}}
	want := []string{"now covered by: tmpfs /dev/x (0:40) -> (nothing)", "do umount -- /srv/solana | no validator lives | mounted below as shown | mount not in use",
		"destroys the mount of tmpfs /dev/x (0:40) at /srv/solana and /srv/kind/solana, with all that is in it"}
	if diff := cmp.Diff(want, brief(top.decide(s))); diff != "" {
		t.Error("the covered mount: " + diff)
	}
	below := &Mount{Target: "/srv/solana/ramdisk", Source: "/dev/ram0", FSType: "xfs", Options: []string{"defaults"}, wanted: w}
	s = seen(below)
	s.source.Rdev.Minor = 1
	want = []string{"left covered by: tmpfs /dev/x (0:40) at /srv/solana -> (nothing) (it waits for /srv/solana, which another mount covers)"}
	if diff := cmp.Diff(want, brief(below.decide(s))); diff != "" {
		t.Error("the mount below the cover: " + diff)
	}
	tab = table(t, strings.Replace(covered, "3 2 7:1 /srv/solana/ramdisk shared:3\n", "", 1))
	s = seen(below)
	want = []string{"left source: (none) -> /dev/ram0 (it waits for /srv/solana, which another mount covers)"}
	if diff := cmp.Diff(want, brief(below.decide(s))); diff != "" {
		t.Error("a mount that would come to lie on the cover: " + diff)
	}
	b := &Bind{Target: "/srv/kind/solana", Source: "/srv/solana", Recursive: true, wanted: w}
	want = []string{"left source: bound -> /srv/solana (it waits for /srv/solana, which another mount covers)"}
	if diff := cmp.Diff(want, brief(b.decide(bindSeen{pointSeen: rightPoint(b.point(), table(t, covered))}))); diff != "" {
		t.Error("the bind of the covered mount: " + diff)
	}
}

// TestCoverBelowBind is a mount over one that the bind brought: the source's own is not covered.
func TestCoverBelowBind(t *testing.T) {
	b := &Bind{Target: "/srv/kind/solana", Source: "/srv/solana", Recursive: true, Propagation: []string{"rslave", "rshared"}, wanted: variantBWanted()}
	b.wanted.requires["/srv/kind/solana"] = nil
	for _, c := range []struct {
		situation, table string
		uses             []string
		want             []string
	}{
		{"covered", slave + "\n6 5 0:40 /srv/kind/solana/ramdisk type=tmpfs", nil, []string{"now recursive: /srv/kind/solana/ramdisk: tmpfs /dev/x (0:40) -> xfs /dev/x (7:1)",
			"do umount -- /srv/kind/solana/ramdisk | no validator lives | mounted below as shown | mount not in use",
			"destroys the mount of tmpfs /dev/x (0:40) at /srv/kind/solana/ramdisk, with all that is in it"}},
		{"covered, and the cover is in use", slave + "\n6 5 0:40 /srv/kind/solana/ramdisk type=tmpfs", []string{"open 0:40 9 /x"},
			[]string{"left recursive: /srv/kind/solana/ramdisk: tmpfs /dev/x (0:40) -> xfs /dev/x (7:1) (it is in use: open 0:40 9 /x)"}},
		{"another file system in the place of the right one", strings.Replace(slave, "5 4 7:1", "5 4 0:40", 1), nil,
			[]string{"left recursive: /srv/kind/solana/ramdisk: xfs /dev/x (0:40) -> xfs /dev/x (7:1) (another file system is mounted there than at /srv/solana/ramdisk)"}},
		{"the cover came from the source", slave + "\n6 3 0:40 /srv/solana/ramdisk type=tmpfs shared:6\n7 5 0:40 /srv/kind/solana/ramdisk type=tmpfs shared:7 master:6", nil, nil},
	} {
		s := bindSeen{pointSeen: rightPoint(b.point(), table(t, c.table)), covers: map[int][]string{6: c.uses}}
		if diff := cmp.Diff(c.want, brief(b.decide(s))); diff != "" {
			t.Errorf("%s: %s", c.situation, diff)
		}
	}
}

// TestCoveredDataset is a mount over a dataset's mount point, as zfs and the mount table tell of it on a host with ZFS, and
// in the lab, where a dataset is a bind of a folder.
func TestCoveredDataset(t *testing.T) {
	d := &ZFSDataset{Dataset: "p/srv", Mountpoint: "/srv", wanted: wanted{points: []string{"/srv"}}}
	const taken = "now covered by: tmpfs /dev/x (0:50) -> (nothing)"
	for _, c := range []struct{ situation, table, want string }{
		{"nothing covers it", "1 0 8:1 /\n2 1 0:40 /srv type=zfs source=p/srv", ""},
		{"a tmpfs over it", "1 0 8:1 /\n2 1 0:40 /srv type=zfs source=p/srv\n3 2 0:50 /srv type=tmpfs", taken},
		{"and another beneath it, which ZFS does not name", "1 0 8:1 /\n4 1 0:41 /srv type=tmpfs\n2 4 0:40 /srv type=zfs source=p/srv\n3 2 0:50 /srv type=tmpfs", taken},
		{"two over it: which is the dataset's is told by name, and the upper one goes first", "1 0 8:1 /\n2 1 0:40 /srv type=zfs source=p/srv\n4 2 0:41 /srv type=tmpfs\n3 4 0:50 /srv type=tmpfs",
			"left covered by: tmpfs /dev/x (0:50) at /srv -> (nothing) (it is mounted and another mount covers it, which is not at its own mount point: that one must go first)"},
		{"another dataset over it", "1 0 8:1 /\n2 1 0:40 /srv type=zfs source=p/srv\n3 2 0:51 /srv type=zfs source=p/other", "left covered by: zfs p/other (0:51) -> (nothing) (bisc does not unmount zfs at /srv)"},
		{"the folder above is covered", "1 0 8:1 /\n5 1 0:60 /srv type=zfs source=p/srv\n3 1 0:50 / type=tmpfs",
			"left covered by: tmpfs /dev/x (0:50) at / -> (nothing) (it is mounted and another mount covers it, which is not at its own mount point: that one must go first)"},
		{"in the lab", "1 0 8:1 /\n2 1 0:40 /srv type=overlay root=/data\n3 2 0:50 /srv type=tmpfs", taken},
		{"in the lab, two over it", "1 0 8:1 /\n2 1 0:40 /srv type=overlay root=/data\n4 2 0:41 /srv type=tmpfs\n3 4 0:50 /srv type=tmpfs",
			"left covered by: tmpfs /dev/x (0:50) at /srv -> (nothing) (it is mounted and another mount covers it, which is not at its own mount point: that one must go first)"},
	} {
		tab := table(t, strings.ReplaceAll(c.table, " source=p/srv", ""))
		for i, l := range strings.Split(c.table, "\n") {
			if _, source, ok := strings.Cut(l, "source="); ok {
				tab[i].Source = source
			}
		}
		s := datasetSeen{pointSeen: pointSeen{table: tab}, zfs: zfsSeen{value: map[string]string{"mounted": "yes", "mountpoint": "/srv", "canmount": "on"}}}
		var change modules.Change
		d.mounted(&change, s)
		got := ""
		if lines := brief(change); len(lines) > 0 {
			got = lines[0]
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.situation, got, c.want)
		}
		if strings.HasPrefix(c.want, "now") != (len(change.Destroys) == 1) {
			t.Errorf("%s: destroys %q", c.situation, change.Destroys)
		}
	}
}

func TestNone(t *testing.T) {
	s := pointSeen{required: []unitSeen{{Name: "a.service", ActiveState: "active"}, {Name: "zfs-volume-wait.service", ActiveState: "failed"}}, unit: unitSeen{Name: "srv.mount", ActiveState: "failed"}}
	if got, want := s.none(), "(none), failed: zfs-volume-wait.service, srv.mount"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (pointSeen{}).none(); got != "(none)" {
		t.Errorf("got %q", got)
	}
}
