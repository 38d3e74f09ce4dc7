package storage

import (
	_ "embed"
	"io"
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"
)

// formatScript makes the file system at boot.
//
//go:embed format-ramdisk.sh
var formatScript string

// unitText is the unit that makes the file system. Before= on the mounts matters although they require it: x-systemd.requires
// orders them after it as well, but a mount that somebody else wrote does not.
func (r *Ramdisk) unitText() string {
	var before []string
	for target, source := range r.wanted.sources {
		if source == r.Device {
			before = append(before, MountUnit(target))
		}
	}
	slices.Sort(before)
	line := append([]string{"/bin/sh", "-c", systemdQuote(formatScript), "format", r.Device, r.FSType}, mkfs(r.FSType, "", r.Options, r.Device, false)...)
	for i, w := range line {
		if i > 2 {
			line[i] = systemdQuote(w)
		}
	}
	opts := []*unit.UnitOption{
		unit.NewUnitOption("Unit", "Description", "Make the file system on "+r.Device+" where it is blank (kept by bisc)"),
		unit.NewUnitOption("Unit", "DefaultDependencies", "no"),
		unit.NewUnitOption("Unit", "After", "systemd-modules-load.service"),
		unit.NewUnitOption("Unit", "Before", strings.Join(append(before, "local-fs.target"), " ")),
		unit.NewUnitOption("Unit", "ConditionPathExists", r.Device),
		// The mounts require the unit, so stopping or restarting it by hand would stop them.
		unit.NewUnitOption("Unit", "RefuseManualStop", "yes"),
		unit.NewUnitOption("Service", "Type", "oneshot"),
		unit.NewUnitOption("Service", "RemainAfterExit", "yes"),
		unit.NewUnitOption("Service", "ExecStart", strings.Join(line, " ")),
		unit.NewUnitOption("Install", "WantedBy", "local-fs.target"),
	}
	text, _ := io.ReadAll(unit.Serialize(opts)) // it reads from memory
	return string(text)
}

// systemdQuote writes a word of ExecStart= (systemd.service(5), COMMAND LINES), in quotes, with $ and % doubled. A newline
// is followed by a line that goes on, so that systemctl cat shows a script as one; comments are left out, since systemd would
// cut a line of the file that begins with #.
func systemdQuote(w string) string {
	var lines []string
	for _, l := range strings.Split(strings.TrimSuffix(w, "\n"), "\n") {
		if !strings.HasPrefix(l, "#") {
			lines = append(lines, strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%", "$", "$$").Replace(l))
		}
	}
	return `"` + strings.Join(lines, "\\n\\\n  ") + `"`
}
