package storage

import (
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/modules/confd"
)

func TestRamdisk(t *testing.T) {
	right := func(r *Ramdisk) ramdiskSeen {
		s := ramdiskSeen{device: host.Stat{Type: host.Block}, module: true, content: contentOf(0, "TYPE=xfs UUID=u USAGE=filesystem", "first"),
			unit: unitSeen{LoadState: "loaded", UnitFileState: "enabled"}}
		for _, f := range r.files() {
			s.files = append(s.files, &f.content)
		}
		return s
	}
	other := "other"
	const format = "do mkfs.xfs /dev/ram0 | no validator lives | device unused | device blank"
	for _, c := range []struct {
		situation string
		change    func(r *Ramdisk, s *ramdiskSeen)
		want      []string
	}{
		{"in sync", nil, nil},
		{"nothing is there", func(r *Ramdisk, s *ramdiskSeen) {
			s.files, s.missing, s.module, s.unit = []*string{nil, nil, nil}, true, false, unitSeen{LoadState: "not-found"}
		}, []string{"boot size: (none)*", "boot load: (none)*", "boot unit: (none)*", "boot enabled: (none) -> enabled", "now device: (none) -> /dev/ram0",
			"do put /etc/modprobe.d/bisc-brd.conf*", "do put /etc/modules-load.d/bisc-brd.conf*", "do put /etc/systemd/system/f.service*", "do systemctl daemon-reload",
			"do systemctl enable -- f.service", "do modprobe brd", format}},
		{"another size: now left alone, after boot written", func(r *Ramdisk, s *ramdiskSeen) { s.files[0] = &other; s.content.size = 2 << 30 },
			[]string{"boot size: /etc/modprobe.d/bisc-brd.conf says something else*", "left size: 2GiB -> 1GiB (the size is fixed when brd loads*", "do put /etc/modprobe.d/bisc-brd.conf*"}},
		{"other files of modprobe.d have their say", func(r *Ramdisk, s *ramdiskSeen) {
			s.conf = []confd.File{{Path: "/etc/modprobe.d/a.conf", Lines: []string{"options brd rd_size=0x100000 rd_nr=1", "options brd max_part=4"}},
				{Path: brdOptions, Lines: []string{"options brd rd_size=1"}},
				{Path: "/usr/lib/modprobe.d/z.conf", Lines: []string{"options brd rd_nr=16", "blacklist brd", "install brd /bin/false"}}}
		}, []string{"left size: options brd rd_nr=16 -> /etc/modprobe.d/bisc-brd.conf as written by bisc (/usr/lib/modprobe.d/z.conf sets an option otherwise: remove it there)",
			"left load: blacklist brd -> brd loaded at boot (/usr/lib/modprobe.d/z.conf keeps it from being loaded at boot: remove the line there)",
			"left load: install brd /bin/false -> brd loaded at boot (/usr/lib/modprobe.d/z.conf runs a command in place of loading it: remove the line there)"}},
		{"loaded, and no such device", func(r *Ramdisk, s *ramdiskSeen) { s.missing = true }, []string{"left device: (none) -> /dev/ram0 (brd is loaded*"}},
		{"blank", func(r *Ramdisk, s *ramdiskSeen) { s.content = contentOf(2, "") }, []string{"now fstype: (blank) -> xfs", format}},
		{"ext4 (incident 12)", func(r *Ramdisk, s *ramdiskSeen) { s.content = contentOf(0, "TYPE=ext4 USAGE=filesystem", "first") }, []string{"left fstype: TYPE=ext4 -> xfs*"}},
		{"unknown bytes", func(r *Ramdisk, s *ramdiskSeen) { s.content = contentOf(2, "", "first") }, []string{"left fstype: unknown bytes in its first MiB -> xfs*"}},
		{"a file of that name", func(r *Ramdisk, s *ramdiskSeen) { s.device.Type = host.Regular }, []string{"left device: file -> block*"}},
		{"the unit is edited", func(r *Ramdisk, s *ramdiskSeen) { s.files[2] = &other }, []string{"boot unit*", "do put /etc/systemd/system/f.service*", "do systemctl daemon-reload"}},
		{"systemd has not read the unit", func(r *Ramdisk, s *ramdiskSeen) { s.unit.NeedReload = true }, []string{"boot unit: systemd has not read*", "do systemctl daemon-reload"}},
		{"the unit is disabled", func(r *Ramdisk, s *ramdiskSeen) { s.unit.UnitFileState = "disabled" }, []string{"boot enabled: disabled -> enabled", "do systemctl enable -- f.service"}},
		{"the unit is masked", func(r *Ramdisk, s *ramdiskSeen) { s.unit.LoadState = "masked" }, []string{"left unit: f.service is masked*"}},
	} {
		r := &Ramdisk{Device: "/dev/ram0", Size: 1 << 30, FSType: "xfs", Unit: "f.service"}
		s := right(r)
		if c.change != nil {
			c.change(r, &s)
		}
		wants(t, c.situation, r.decide(s), c.want...)
	}
	testRamdiskGoes(t)
	r := &Ramdisk{Device: "/dev/ram0", Size: 600 << 30, FSType: "xfs", Unit: "f.service", Options: []string{"-m", `a"b%c$d\e`}}
	if got := r.files()[0].content; got != "# kept by bisc (ramdisk /dev/ram0)\noptions brd rd_nr=1 rd_size=629145600\n" {
		t.Errorf("the size is in KiB: %s", got)
	}
	if got := r.unitText(); !strings.Contains(got, `"mkfs.xfs" "-m" "a\"b%%c$$d\\e" "/dev/ram0"`+"\n") {
		t.Errorf("an argument with what systemd reads:\n%s", got)
	}
	for line := range strings.Lines(r.unitText()) {
		if l := strings.TrimLeft(line, " \t"); strings.HasPrefix(l, ";") || strings.HasPrefix(l, "#") {
			t.Errorf("systemd drops a line that begins so, be it in the middle of a command: %q", line)
		}
	}
	if got := faultsOf(t, &Ramdisk{Device: "/dev/ram1", Size: 4097, FSType: "zfs", Unit: "x"}); strings.Count(got, ";") != 4 {
		t.Errorf("five faults: %q", got)
	}
}

func testRamdiskGoes(t *testing.T) {
	t.Helper()
	full, unit := "x", unitSeen{LoadState: "loaded", UnitFileState: "enabled", ActiveState: "active"}
	const unload = "do modprobe -r brd | no validator lives | device unused"
	const stop = "do systemctl stop -- f.service | stops nothing else"
	for _, c := range []struct {
		situation string
		seen      ramdiskSeen
		want      []string
	}{
		{"gone", ramdiskSeen{files: []*string{nil, nil, nil}, missing: true, unit: unitSeen{LoadState: "not-found", ActiveState: "inactive"}}, nil},
		{"all is there", ramdiskSeen{files: []*string{&full, &full, &full}, module: true, unit: unit}, []string{
			"now device: /dev/ram0 -> (none)", "boot enabled: enabled -> (none)", "boot size: /etc/modprobe.d/bisc-brd.conf -> (none)",
			"boot load: /etc/modules-load.d/bisc-brd.conf -> (none)", "boot unit: /etc/systemd/system/f.service -> (none)", "now active: active -> inactive", unload,
			"do systemctl disable -- f.service", "do remove /etc/modprobe.d/bisc-brd.conf  [guards: file unchanged]", "do remove /etc/modules-load.d/bisc-brd.conf  [guards: file unchanged]",
			"do remove /etc/systemd/system/f.service  [guards: file unchanged]", "do systemctl daemon-reload", stop,
			"destroys the ramdisk /dev/ram0, with all that is in it", "destroys the file /etc/modprobe.d/bisc-brd.conf", "destroys the file /etc/modules-load.d/bisc-brd.conf", "destroys the file /etc/systemd/system/f.service"}},
		{"cut off before the unit was stopped", ramdiskSeen{files: []*string{nil, nil, nil}, missing: true, unit: unitSeen{LoadState: "not-found", ActiveState: "active"}},
			[]string{"now active: active -> inactive", stop}},
		{"somebody has masked the unit", ramdiskSeen{files: []*string{nil, nil, &full}, missing: true, unit: unitSeen{LoadState: "masked", UnitFileState: "masked", ActiveState: "inactive"}}, nil},
	} {
		wants(t, c.situation, (&Ramdisk{Device: "/dev/ram0", Unit: "f.service", Absent: true}).decide(c.seen), c.want...)
	}
	if got := faultsOf(t, &Ramdisk{Device: "/dev/ram0", FSType: "xfs", Unit: "f.service", Absent: true}); got != "" {
		t.Errorf("absent, without a size: %q", got)
	}
}
