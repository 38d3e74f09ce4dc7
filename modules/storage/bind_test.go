package storage

import (
	"strings"
	"testing"
)

func aBind() *Bind {
	return &Bind{Target: "/srv/kind/solana", Source: "/srv/solana", Recursive: true, Propagation: []string{"rslave", "rshared"}, wanted: meet(nil)}
}

const unbound = "1 0 8:1 / shared:1\n2 1 7:0 /srv/solana shared:2\n3 2 7:1 /srv/solana/ramdisk shared:3"

func TestBind(t *testing.T) {
	start := "do systemctl start -- srv-kind-solana.mount | no validator lives | mounted below as shown | mounted below as shown"
	for _, c := range []struct {
		situation, table string
		change           func(b *Bind, s *bindSeen)
		want             []string
	}{
		{"in sync", slave, nil, nil},
		{"not bound", unbound, nil, []string{"now source: (none) -> /srv/solana", start}},
		{"another folder is bound", unbound + "\n4 1 7:0 /srv/kind/solana shared:4 root=/other", nil, []string{"now source: xfs /dev/x[/other] (7:0) -> /srv/solana",
			"do umount -- /srv/kind/solana | no validator lives | mounted below as shown | mount not in use | stops nothing else", start, "destroys*"}},
		{"a plain rbind: a peer (incident 13)", shared, nil, []string{"now propagation: /srv/kind/solana: in the source's peer group -> slave,shared",
			"now propagation: /srv/kind/solana/ramdisk: in the source's peer group -> slave,shared",
			"do mount --make-slave -- /srv/kind/solana", "do mount --make-shared -- /srv/kind/solana",
			"do mount --make-slave -- /srv/kind/solana/ramdisk", "do mount --make-shared -- /srv/kind/solana/ramdisk"}},
		{"only slave: docker would refuse it as shared (incident 11)", strings.ReplaceAll(strings.ReplaceAll(slave, "shared:4 ", ""), "shared:5 ", ""), nil,
			[]string{"now propagation: /srv/kind/solana: slave -> slave,shared", "now propagation: /srv/kind/solana/ramdisk: slave -> slave,shared", "do*", "do*", "do*", "do*"}},
		{"private (incident 11)", strings.ReplaceAll(strings.ReplaceAll(slave, "shared:4 master:2", ""), "shared:5 master:3", ""), nil,
			[]string{"left propagation: /srv/kind/solana: private -> slave,shared (it has left*", "left propagation: /srv/kind/solana/ramdisk: private*"}},
		{"the source is private", "1 0 8:1 /\n2 1 7:0 /srv/solana\n4 1 7:0 /srv/kind/solana shared:4", nil, []string{"left propagation: /srv/kind/solana: shared -> slave,shared (/srv/solana is private*"}},
		{"the bind lacks the ramdisk (incident 10)", strings.Join(strings.Split(slave, "\n")[:4], "\n"), nil, []string{"now recursive: /srv/kind/solana/ramdisk: (none) -> xfs /dev/x (7:1)",
			"do mount --bind -- /srv/solana/ramdisk /srv/kind/solana/ramdisk | no validator lives | mounted below as shown | mounted below as shown",
			"do mount --make-slave -- /srv/kind/solana/ramdisk", "do mount --make-shared -- /srv/kind/solana/ramdisk"}},
		{"another device below the bind", strings.Replace(slave, "5 4 7:1", "5 4 7:9", 1), nil, []string{"left recursive: /srv/kind/solana/ramdisk: xfs /dev/x (7:9) -> xfs /dev/x (7:1)*"}},
		{"more below the bind than below the source", slave + "\n6 4 7:9 /srv/kind/solana/more", nil, []string{"left recursive: /srv/kind/solana/more: xfs /dev/x (7:9) -> (none)*"}},
		{"more below the bind, and wanted", slave + "\n6 4 7:9 /srv/kind/solana/more", func(b *Bind, s *bindSeen) { b.wanted.points = []string{"/srv/kind/solana/more"} }, nil},
		{"not recursive: what is below does not matter", slave + "\n6 4 7:9 /srv/kind/solana/more", func(b *Bind, s *bindSeen) {
			b.Recursive, b.Propagation = false, nil
			s.pointSeen = rightPoint(b.point(), s.table)
		}, nil},
		{"covered by a ZFS mount of the folder above (incident 10)", slave + "\n9 1 0:40 /srv/kind type=zfs", func(b *Bind, s *bindSeen) {
			b.Requires = []string{"zfs-mount.service"}
			s.pointSeen = rightPoint(b.point(), s.table)
		}, []string{"now covered by: zfs /dev/x (0:40) at /srv/kind -> (nothing)", "do mount -o X-mount.mkdir -- /srv/kind/solana | no validator lives | mounted below as shown"}},
		{"covered at the mount point", slave + "\n9 4 0:40 /srv/kind/solana type=tmpfs", nil, []string{"now covered by: tmpfs /dev/x (0:40) -> (nothing)", "do umount*", "destroys*"}},
		{"the source is not mounted yet", "1 0 8:1 /", func(b *Bind, s *bindSeen) { b.wanted.points = []string{"/srv/solana"} }, []string{"left source: (none) -> /srv/solana (it waits for /srv/solana, which is not mounted yet)"}},
		{"the ramdisk below it is not mounted yet", "1 0 8:1 /\n2 1 7:0 /srv/solana", func(b *Bind, s *bindSeen) { b.wanted.points = []string{"/srv/solana", "/srv/solana/ramdisk"} },
			[]string{"left source: (none) -> /srv/solana (it waits for /srv/solana/ramdisk, which is not mounted yet)"}},
		{"bound, and the source is gone", "1 0 8:1 /\n4 1 7:0 /srv/kind/solana", func(b *Bind, s *bindSeen) { b.wanted.points = []string{"/srv/solana"} }, []string{"left source: (none) -> /srv/solana*"}},
		{"there is no such folder", "1 0 8:1 /", func(b *Bind, s *bindSeen) { s.noSource = true }, []string{"left source: (none) -> /srv/solana (the folder is not there yet)"}},
		{"absent", slave, func(b *Bind, s *bindSeen) { b.Absent = true }, []string{"now mounted: xfs /dev/x (7:0) -> (none)", "boot fstab*",
			"do umount --recursive -- /srv/kind/solana | no validator lives | mounted below as shown | stops nothing else", "do edit*", "do systemctl daemon-reload", "destroys the bind*"}},
		{"absent, and a peer: nothing may go back to the source", shared, func(b *Bind, s *bindSeen) { b.Absent = true }, []string{"now mounted*", "boot fstab*",
			"do mount --make-rslave -- /srv/kind/solana | no validator*", "do umount --recursive*", "do edit*", "do systemctl daemon-reload", "destroys*"}},
		{"absent already", unbound, func(b *Bind, s *bindSeen) { b.Absent = true; s.fstab = nil }, nil},
	} {
		b := aBind()
		s := bindSeen{pointSeen: rightPoint(b.point(), table(t, c.table))}
		if c.change != nil {
			c.change(b, &s)
		}
		for i := range s.fstab {
			s.fstab[i].Raw = s.fstab[i].String()
		}
		wants(t, c.situation, b.decide(s), c.want...)
	}
}

func TestSpreadWanted(t *testing.T) {
	for _, c := range []struct {
		words       string
		here, below string
	}{
		{"rslave rshared", "slave,shared", "slave,shared"},
		{"rshared rslave", "slave", "slave"},
		{"rslave", "slave", "slave"},
		{"slave shared", "slave,shared", ""},
		{"rprivate", "private", "private"},
		{"private shared", "shared", ""},
		{"shared", "in the source's peer group", ""},
		{"rslave shared", "slave,shared", "slave"},
	} {
		for _, below := range []bool{false, true} {
			want := c.here
			if below {
				want = c.below
			}
			s, any := spreadWanted(strings.Fields(c.words), below)
			if got := s.String(); any != (want != "") || any && got != want {
				t.Errorf("%s, below %v: %s, want %s", c.words, below, got, want)
			}
		}
	}
}

func TestBindFaults(t *testing.T) {
	for _, c := range []struct {
		b    Bind
		want string
	}{
		{*aBind(), ""},
		{Bind{Target: "/a/b", Source: "/a"}, "source: source and target lie within each other"},
		{Bind{Target: "/a", Source: "/a"}, "source: source and target lie within each other"},
		{Bind{Target: "/a", Source: "/b", Propagation: []string{"runbindable"}}, "propagation: runbindable is not one of shared, slave, private, rshared, rslave, rprivate"},
		{Bind{Target: "/a", Source: "b"}, `source: "b" is not an absolute path`},
	} {
		if got := faultsOf(t, &c.b); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
