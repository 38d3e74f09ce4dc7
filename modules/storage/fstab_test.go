package storage

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bisc/internal/host"
	"bisc/modules"
)

func TestParseFstab(t *testing.T) {
	text := "# /etc/fstab\n\n  # more\nUUID=1 / ext4 errors=remount-ro 0 1\n\t/dev/zvol/a\\040b  /srv/x\\040y/  xfs\tdefaults,nofail,x-systemd.requires=a.service,x-systemd.requires=b.service 0 2  # tail\n" +
		"tmpfs /t tmpfs\nbroken line\n/swap none swap sw"
	want := []Line{
		{Source: "UUID=1", Target: "/", Type: "ext4", Options: []string{"errors=remount-ro"}, Pass: 1, Raw: "UUID=1 / ext4 errors=remount-ro 0 1"},
		{Source: "/dev/zvol/a b", Target: "/srv/x y", Type: "xfs", Pass: 2, Raw: strings.Split(text, "\n")[4],
			Options: []string{"defaults", "nofail", "x-systemd.requires=a.service", "x-systemd.requires=b.service"}},
		{Source: "tmpfs", Target: "/t", Type: "tmpfs", Options: []string{"defaults"}, Raw: "tmpfs /t tmpfs"},
		{Source: "/swap", Target: "none", Type: "swap", Options: []string{"sw"}, Raw: "/swap none swap sw"},
	}
	got := ParseFstab([]byte(text))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a.service", "b.service"}, got[1].Requires()); diff != "" || !got[1].Nofail() || got[0].Nofail() {
		t.Error(diff, got[1].Nofail(), got[0].Nofail())
	}
	if s := got[1].String(); s != `/dev/zvol/a\040b /srv/x\040y xfs defaults,nofail,x-systemd.requires=a.service,x-systemd.requires=b.service 0 2` {
		t.Error(s)
	}
}

// wantedLine is what these tests want.
func wantedLine() Line {
	return Line{Source: "/dev/ram0", Target: "/srv/ram", Type: "xfs", Options: []string{"noatime", "nofail", "x-systemd.requires=f.service"}}
}

const wantedText = "/dev/ram0 /srv/ram xfs noatime,nofail,x-systemd.requires=f.service 0 0"

func TestFstabChange(t *testing.T) {
	for _, c := range []struct {
		situation, fstab string
		want             []string // the diffs
		after            string   // the file, "" where nothing is to change
	}{
		{"as wanted", "# c\n" + wantedText + "\n", nil, ""},
		{"as wanted, in another order and spacing", "/dev/ram0\t/srv/ram  xfs x-systemd.requires=f.service,defaults,nofail,noatime\n", nil, ""},
		{"no line", "# c\nUUID=1 / ext4 defaults 0 1\n", []string{"fstab: (none) -> " + wantedText}, "# c\nUUID=1 / ext4 defaults 0 1\n" + wantedText + "\n"},
		{"commented out", "#" + wantedText + "\n", []string{"fstab: (none) -> " + wantedText}, "#" + wantedText + "\n" + wantedText + "\n"},
		{"options rewritten by Ansible's mount module", "a /b xfs defaults 0 0\n/dev/ram0 /srv/ram xfs noatime 0 0\n# end\n",
			[]string{"requires:  -> f.service", "boot_critical: true -> false"}, "a /b xfs defaults 0 0\n" + wantedText + "\n# end\n"},
		{"another device and type", "/dev/sda1 /srv/ram ext4 noatime,nofail,x-systemd.requires=f.service 0 2\n",
			[]string{"source: /dev/sda1 -> /dev/ram0", "fstype: ext4 -> xfs", "pass: 2 -> 0"}, wantedText + "\n"},
		{"twice, one of them right", "/dev/ram0 /srv/ram ext4 defaults 0 0\n" + wantedText + "\n", []string{"fstab: 2 lines for /srv/ram -> one line"}, wantedText + "\n"},
		{"twice the same", wantedText + "\n" + wantedText + "\n", []string{"fstab: 2 lines for /srv/ram -> one line"}, wantedText + "\n"},
		{"twice, both wrong", "/dev/ram0 /srv/ram ext4 defaults 0 0\nx /y xfs\n/dev/ram0 /srv/ram/ xfs defaults\n", []string{"fstab: 2 lines for /srv/ram -> one line"}, wantedText + "\nx /y xfs\n"},
	} {
		var change modules.Change
		step := point{line: wantedLine()}.fstab(&change, pointSeen{fstab: ParseFstab([]byte(c.fstab))})
		var diffs []string
		for _, d := range change.Diffs {
			diffs = append(diffs, d.Attr+": "+d.Got+" -> "+d.Want)
			if !d.Boot {
				t.Errorf("%s: %s is what the next boot will do", c.situation, d.Attr)
			}
		}
		if diff := cmp.Diff(c.want, diffs); diff != "" {
			t.Errorf("%s: %s", c.situation, diff)
		}
		if step == nil {
			if c.after != "" {
				t.Errorf("%s: no step", c.situation)
			}
			continue
		}
		edit := step.(host.Edit)
		after, err := host.EditLines([]byte(c.fstab), edit.Drop, edit.Add)
		if err != nil || string(after) != c.after {
			t.Errorf("%s: %v, the file is\n%swant\n%s", c.situation, err, after, c.after)
		}
		if len(edit.Verify) == 0 {
			t.Errorf("%s: the edit is not verified", c.situation)
		}
	}
}

func TestOrdered(t *testing.T) {
	for _, c := range []struct {
		a, b []string
		same bool
	}{
		{[]string{"rbind", "rslave", "rshared"}, []string{"rslave", "rshared", "rbind"}, true},
		{[]string{"rbind", "rslave", "rshared"}, []string{"rbind", "rshared", "rslave"}, false}, // mount(8) applies them in the order written
		{[]string{"size=1024G"}, []string{"size=1T"}, true},
		{[]string{"size=1073741824"}, []string{"size=1g"}, true},
		{[]string{"size=50%"}, []string{"size=1T"}, false},
	} {
		if got := ordered(c.a) == ordered(c.b); got != c.same {
			t.Errorf("%v and %v: same is %v", c.a, c.b, got)
		}
	}
}

func FuzzFstab(f *testing.F) {
	f.Add("a /b\\040c xfs defaults 0 0\n# x\n\n  \t\nq")
	f.Fuzz(func(t *testing.T, text string) {
		lines := ParseFstab([]byte(text))
		for _, l := range lines {
			again := ParseFstab([]byte(l.String()))
			if len(again) != 1 {
				continue // a field that is empty once unescaped
			}
			again[0].Raw, l.Raw = "", ""
			if diff := cmp.Diff(l, again[0]); diff != "" {
				t.Errorf("%q came back otherwise: %s", l.String(), diff)
			}
		}
		// Whatever the file: dropping and adding our line leaves all other lines as they were.
		p := point{line: wantedLine()}
		step, ok := p.fstab(&modules.Change{}, pointSeen{fstab: lines}).(host.Edit)
		if !ok {
			return
		}
		after, err := host.EditLines([]byte(text), step.Drop, step.Add)
		if err != nil {
			t.Fatal(err)
		}
		if left := p.fstab(&modules.Change{}, pointSeen{fstab: ParseFstab(after)}); left != nil {
			t.Errorf("after the edit %q still differs: %s", after, left)
		}
	})
}
