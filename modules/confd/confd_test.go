package confd

import (
	"slices"
	"strings"
	"testing"
)

func TestConfOrder(t *testing.T) {
	got := visible([]string{"/etc/sysctl.d/99-b.conf", "/etc/sysctl.d/10-x.conf", "/run/sysctl.d/50-r.conf", "/usr/lib/sysctl.d/10-x.conf", "/usr/lib/sysctl.d/20-u.conf"})
	if want := "/etc/sysctl.d/10-x.conf /usr/lib/sysctl.d/20-u.conf /run/sysctl.d/50-r.conf /etc/sysctl.d/99-b.conf"; strings.Join(got, " ") != want {
		t.Errorf("got %s", got)
	}
}

func TestSameValue(t *testing.T) {
	for _, pair := range [][2]string{{"Y", "1"}, {"n", "0"}, {"0x10", "16"}, {"a,b", "a,b"}} {
		if !SameValue(pair[0], pair[1]) {
			t.Errorf("%s and %s differ", pair[0], pair[1])
		}
	}
	if SameValue("1", "2") || SameValue("a", "A") {
		t.Error("different values are the same")
	}
}

func TestSpoilers(t *testing.T) {
	files := []File{
		{"/etc/modprobe.d/a.conf", []string{"options other rd_size=1", "options brd max_part=1", "options brd rd_size=0x64"}},
		{"/etc/modprobe.d/bisc-brd.conf", []string{"options brd rd_size=1"}},
		{"/lib/modprobe.d/z.conf", []string{"options brd \\", "rd_size=7", "blacklist brd", "install brd /bin/true", "softdep brd pre: x"}},
	}
	got := Spoilers(files, "brd", map[string]string{"rd_size": "100"}, "/etc/modprobe.d/bisc-brd.conf")
	want := []Spoiler{
		{"/lib/modprobe.d/z.conf", "options brd rd_size=7", true, "/lib/modprobe.d/z.conf sets an option otherwise: remove it there"},
		{"/lib/modprobe.d/z.conf", "blacklist brd", false, "/lib/modprobe.d/z.conf keeps it from being loaded at boot: remove the line there"},
		{"/lib/modprobe.d/z.conf", "install brd /bin/true", false, "/lib/modprobe.d/z.conf runs a command in place of loading it: remove the line there"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}
