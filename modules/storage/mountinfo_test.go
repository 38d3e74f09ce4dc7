package storage

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bisc/internal/host"
	"bisc/modules"
)

func TestParseMounts(t *testing.T) {
	got, err := ParseMounts([]byte("36 35 98:0 /a\\040b /mnt\\0402 rw,noatime shared:7 master:1 propagate_from:2 - ext4 /dev/a\\134b rw,errors=continue\n" +
		"40 36 0:51 / /mnt\\0402/x rw - tmpfs  rw\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := Table{
		{ID: 36, Parent: 35, Dev: host.DeviceID{Major: 98}, Root: "/a b", Target: "/mnt 2", Options: []string{"rw", "noatime"}, Shared: 7, Master: 1,
			Type: "ext4", Source: `/dev/a\b`, Super: []string{"rw", "errors=continue"}},
		{ID: 40, Parent: 36, Dev: host.DeviceID{Minor: 51}, Root: "/", Target: "/mnt 2/x", Options: []string{"rw"}, Type: "tmpfs", Super: []string{"rw"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "\n", "36 35 98:0 / /mnt rw", "x 35 98:0 / / rw - a b c", "1 y 98:0 / / rw - a b c", "1 2 98 / / rw - a b c", "1 2 a:b / / rw - a b c"} {
		if _, err := ParseMounts([]byte(bad)); err == nil {
			t.Errorf("%q is no mount table", bad)
		}
	}
}

// table writes a mount table short: a line "ID PARENT DEV TARGET [shared:N] [master:N] [root=R] [type=T]" a mount.
func table(t testing.TB, text string) Table {
	t.Helper()
	var out Table
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		root, fstype, optional, options := "/", "xfs", "", "rw,relatime"
		for _, w := range f[4:] {
			switch k, v, _ := strings.Cut(w, "="); k {
			case "root":
				root = v
			case "type":
				fstype = v
			case "options":
				options = v
			default:
				optional += " " + w
			}
		}
		m, err := parseMounted(strings.Join(f[:3], " ") + " " + root + " " + f[3] + " " + options + optional + " - " + fstype + " /dev/x rw,size=4k")
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

func TestVisible(t *testing.T) {
	for _, c := range []struct {
		situation, table, path string
		want                   int // the mount's id
	}{
		{"a folder of the root", "1 0 8:1 /", "/srv", 1},
		{"a mount", "1 0 8:1 /\n2 1 8:2 /srv", "/srv", 2},
		{"a folder below a mount", "1 0 8:1 /\n2 1 8:2 /srv", "/srv/a/b", 2},
		{"a name that only begins alike", "1 0 8:1 /\n2 1 8:2 /srv", "/srv2", 1},
		{"stacked", "1 0 8:1 /\n2 1 8:2 /srv\n3 2 8:3 /srv", "/srv", 3},
		{"moved over a newer one: the visible one is listed first", "1 0 8:1 /\n3 2 8:3 /srv\n2 1 8:2 /srv", "/srv", 3},
		{"covered by a mount of the folder above", "1 0 8:1 /\n2 1 8:2 /srv/solana\n3 1 0:40 /srv", "/srv/solana", 3},
		{"mounted once more on top of the cover", "1 0 8:1 /\n2 1 8:2 /srv/solana\n3 1 0:40 /srv\n4 3 8:2 /srv/solana", "/srv/solana", 4},
		{"the root is stacked", "1 0 8:1 /\n2 1 8:2 /\n3 2 8:3 /srv", "/srv", 3},
		{"the root's parent is itself", "1 1 8:1 /\n2 1 8:2 /srv", "/srv", 2},
		{"the root's parent is outside of the namespace", "553 200 8:1 /\n2 553 8:2 /srv", "/srv", 2},
	} {
		got, err := table(t, c.table).Visible(c.path)
		if err != nil || got.ID != c.want {
			t.Errorf("%s: got mount %d (%v), want %d", c.situation, got.ID, err, c.want)
		}
	}
	if _, err := table(t, "1 0 8:1 /mnt").Visible("/mnt"); err == nil {
		t.Error("a table without a root tells nothing")
	}
	if got, err := table(t, "1 0 8:1 /\n2 3 8:1 /srv\n3 2 8:1 /srv").Visible("/srv"); err != nil || got.ID != 1 {
		t.Errorf("mounts that name each other hang in the air: got %d, %v", got.ID, err)
	}
}

// shared is a bind that is in the source's peer group, as mount --rbind leaves it under systemd.
const shared = `1 0 8:1 / shared:1
2 1 7:0 /srv/solana shared:2
3 2 7:1 /srv/solana/ramdisk shared:3
4 1 7:0 /srv/kind/solana shared:2
5 4 7:1 /srv/kind/solana/ramdisk shared:3`

// slave is the same after make-rslave and make-rshared.
const slave = `1 0 8:1 / shared:1
2 1 7:0 /srv/solana shared:2
3 2 7:1 /srv/solana/ramdisk shared:3
4 1 7:0 /srv/kind/solana shared:4 master:2
5 4 7:1 /srv/kind/solana/ramdisk shared:5 master:3`

func TestGoesWith(t *testing.T) {
	for _, c := range []struct {
		situation, table, unmounted string
		want                        []string
	}{
		{"a peer: unmounting below the bind unmounts the source's", shared, "/srv/kind/solana/ramdisk", []string{"/srv/solana/ramdisk"}},
		{"a peer: and the other way", shared, "/srv/solana/ramdisk", []string{"/srv/kind/solana/ramdisk"}},
		{"a slave: nothing goes back", slave, "/srv/kind/solana/ramdisk", nil},
		{"a slave: it follows its master", slave, "/srv/solana/ramdisk", []string{"/srv/kind/solana/ramdisk"}},
		{"the bind itself stands on a folder without peers", shared, "/srv/kind/solana", nil},
		{"a bind of a folder, not of the whole", "1 0 8:1 / shared:1\n2 1 7:0 /a shared:2\n3 1 7:0 /b shared:2 root=/sub\n4 3 7:1 /b/x shared:3\n5 2 7:1 /a/sub/x shared:3", "/b/x", []string{"/a/sub/x"}},
		{"what is outside of the bound folder does not go", "1 0 8:1 / shared:1\n2 1 7:0 /a shared:2\n3 1 7:0 /b shared:2 root=/sub\n4 2 7:1 /a/x shared:3", "/a/x", nil},
		{"a private parent", "1 0 8:1 /\n2 1 7:0 /a\n3 2 7:1 /a/x", "/a/x", nil},
	} {
		tab := table(t, c.table)
		m, ok, err := tab.At(c.unmounted)
		if err != nil || !ok {
			t.Fatalf("%s: %v", c.situation, err)
		}
		if diff := cmp.Diff(c.want, tab.GoesWith(m)); diff != "" {
			t.Errorf("%s: %s", c.situation, diff)
		}
	}
}

func TestBelow(t *testing.T) {
	var got []string
	for _, m := range table(t, slave+"\n6 1 0:9 /srv/solana2\n7 3 0:9 /srv/solana/ramdisk type=tmpfs").Below("/srv/solana") {
		got = append(got, m.Target+" "+m.Type)
	}
	if diff := cmp.Diff([]string{"/srv/solana/ramdisk tmpfs"}, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzMounts(f *testing.F) {
	f.Add([]byte("36 35 98:0 / /mnt\\040 rw shared:1 - ext4 /dev/a rw\n"), "/mnt ")
	f.Add([]byte("1 1 0:1 / / rw - x y z\n2 1 0:1 / / rw - x y z\n3 2 0:1 / / rw - x y z"), "/")
	f.Fuzz(func(t *testing.T, content []byte, name string) {
		tab, err := ParseMounts(content)
		if err != nil {
			return
		}
		if m, err := tab.Visible(name); err == nil {
			tab.GoesWith(m)
			tab.Below(m.Target)
			tab.Hidden(m.Target)
		}
		for _, m := range tab {
			if got := Unescape(escape(m.Target)); got != m.Target {
				t.Errorf("%q was escaped to %q and came back as %q", m.Target, escape(m.Target), got)
			}
		}
	})
}

// What newer kernels and mount(8) show beside what was written must be no difference, else every plan would have one.
func TestFlagsOfNewerKernels(t *testing.T) {
	for _, c := range []struct {
		written, shown, super string
		want                  []string
	}{
		{"defaults", "rw,relatime", "rw,attr2,inode64,logbufs=8,logbsize=32k,noquota", nil},
		{"defaults", "rw,relatime", "rw,inode64,logbufs=8,logbsize=256k,sunit=512,swidth=512,usrquota", nil},
		{"noatime", "rw,noatime", "rw,inode64,logbufs=8,logbsize=32k,noquota", nil},
		{"noatime", "rw,noatime,relatime", "rw,lazytime", nil},
		{"noatime,inode64,logbufs=8,logbsize=256k,lazytime", "rw,noatime", "rw,lazytime,inode64", nil},
		{"atime,norelatime", "rw,relatime", "rw", nil},
		{"strictatime", "rw", "rw", nil},
		{"relatime", "rw,relatime,idmapped", "rw", nil},
		{"defaults", "rw,nosymfollow,relatime", "rw", nil},
		{"nosymfollow", "rw,nosymfollow,relatime", "rw", nil},
		{"user,exec", "rw,nosuid,nodev,relatime", "rw", nil},
		{"group", "rw,nosuid,nodev,relatime", "rw", nil},
		{"nosymfollow", "rw,relatime", "rw", []string{"now options: rw -> rw,nosymfollow",
			"do mount --options-mode ignore -o remount,bind,rw,suid,dev,exec,relatime,diratime,nosymfollow -- /srv"}},
		{"noatime", "rw,nosymfollow,relatime", "rw", []string{"now options: rw,nosymfollow -> rw,noatime,nosymfollow",
			"do mount --options-mode ignore -o remount,bind,rw,suid,dev,exec,noatime,diratime,nosymfollow -- /srv"}},
		{"relatime", "rw,noatime", "rw", []string{"now options: rw,noatime -> rw", "do mount*"}},
	} {
		var change modules.Change
		remount(&change, Mounted{Target: "/srv", Options: strings.Split(c.shown, ","), Super: strings.Split(c.super, ",")}, strings.Split(c.written, ","))
		wants(t, c.written+" shown as "+c.shown, change, c.want...)
	}
}
