package storage

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// persist adds what differs after the next boot: the fstab line, and the unit that systemd makes of it.
func (p point) persist(c *modules.Change, s pointSeen) {
	if p.absent {
		p.persistAbsence(c, s)
		return
	}
	if edit := p.fstab(c, s); edit != nil {
		c.Do(edit, daemonReload())
		return // what systemd makes of the new line is seen when it has read it
	}
	if p.unit(c, s.unit) {
		c.Do(daemonReload())
	}
	for _, u := range s.required {
		if u.LoadState != "loaded" {
			c.Diffs = append(c.Diffs, modules.Diff{Attr: "requires", Got: u.Name + " is " + u.LoadState, Want: u.Name, Boot: true,
				Why: "the mount would not start: install or unmask the unit, or leave it out of requires"})
		}
	}
}

func (p point) persistAbsence(c *modules.Change, s pointSeen) {
	lines := linesAt(s.fstab, p.line.Target)
	if len(lines) == 0 {
		return
	}
	c.DifferBoot("fstab", raws(lines), "(none)")
	c.Do(host.Edit{Path: fstabPath, Drop: rawsOf(lines), Verify: verifyFstab()}, daemonReload())
}

func linesAt(lines []Line, target string) []Line {
	var out []Line
	for _, l := range lines {
		if l.Target == target {
			out = append(out, l)
		}
	}
	return out
}

func rawsOf(lines []Line) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = l.Raw
	}
	return out
}

func raws(lines []Line) string { return strings.Join(rawsOf(lines), " | ") }

// fstab compares the lines of the mount point with the one wanted and gives the step that leaves exactly that one.
func (p point) fstab(c *modules.Change, s pointSeen) host.Step {
	lines := linesAt(s.fstab, p.line.Target)
	switch {
	case s.noFstab:
		c.DifferBoot("fstab", "(no file)", p.line.String())
		return host.Put{Path: fstabPath, Content: []byte(p.line.String() + "\n"), Mode: 0o644, Was: host.Absent, Verify: verifyFstab()}
	case len(lines) == 0:
		c.DifferBoot("fstab", "(none)", p.line.String())
		return host.Edit{Path: fstabPath, Add: []string{p.line.String()}, Verify: verifyFstab()}
	}
	same := slices.IndexFunc(lines, func(l Line) bool { return !p.compare(nil, l) })
	if len(lines) > 1 {
		c.DifferBoot("fstab", fmt.Sprintf("%d lines for %s", len(lines), p.line.Target), "one line")
		if same >= 0 {
			return host.Edit{Path: fstabPath, Drop: rawsOf(slices.Delete(lines, same, same+1)), Verify: verifyFstab()}
		}
	} else if same >= 0 {
		return nil
	} else {
		p.compare(c, lines[0])
	}
	return host.Edit{Path: fstabPath, Drop: rawsOf(lines), Add: []string{p.line.String()}, Verify: verifyFstab()}
}

// compare tells whether a line differs from the wanted one in what it does, and adds the diffs where c is given. The order
// of options means nothing but for propagation, which mount(8) applies in the order written.
func (p point) compare(c *modules.Change, got Line) bool {
	if c == nil {
		c = &modules.Change{}
	}
	before := len(c.Diffs)
	want := p.line
	c.DifferBoot("source", sourceAs(got.Source, want.Source), want.Source)
	c.DifferBoot("fstype", got.Type, want.Type)
	c.DifferBoot("options", ordered(got.MountOptions()), ordered(want.MountOptions()))
	c.DifferBoot("requires", strings.Join(sorted(got.Requires()), ","), strings.Join(sorted(want.Requires()), ","))
	c.DifferBoot("boot_critical", fmt.Sprint(!got.Nofail()), fmt.Sprint(!want.Nofail()))
	c.DifferBoot("pass", fmt.Sprint(got.Pass), fmt.Sprint(want.Pass))
	return len(c.Diffs) > before
}

// ordered joins options: by name, then propagation as written. Sizes are compared as numbers: 1024G is 1T.
func ordered(options []string) string {
	var rest, propagation []string
	for _, o := range options {
		if n, ok := superSize([]string{o}); ok {
			o = "size=" + kernelSize(n)
		}
		switch {
		case o == "mode=1777": // of a tmpfs: what it is without the word
		case isPropagation(o):
			propagation = append(propagation, o)
		default:
			rest = append(rest, o)
		}
	}
	return strings.Join(append(sorted(rest), propagation...), ",")
}

func sorted(words []string) []string {
	out := slices.Clone(words)
	slices.Sort(out)
	return slices.Compact(out)
}

// unit compares what systemd made of the right fstab line, and tells whether a daemon-reload mends it.
func (p point) unit(c *modules.Change, u unitSeen) (reload bool) {
	lacks := u.lacks(p.line.Requires())
	switch {
	case u.LoadState == "masked":
		c.Diffs = append(c.Diffs, modules.Diff{Attr: "unit", Got: u.Name + " is masked", Want: "made of the fstab line", Boot: true,
			Why: "somebody masked it: systemctl unmask " + u.Name})
	case u.LoadState == "loaded" && u.FragmentPath != "" && !strings.HasPrefix(u.FragmentPath, "/run/systemd/generator"):
		c.Diffs = append(c.Diffs, modules.Diff{Attr: "unit", Got: u.FragmentPath, Want: "made of the fstab line", Boot: true,
			Why: "this unit file overrides the fstab line: remove it"})
	case u.LoadState != "loaded" || u.FragmentPath == "":
		return c.DifferBoot("unit", u.Name+" is not known to systemd", "made of the fstab line")
	case len(lacks) > 0:
		return c.DifferBoot("requires", "the unit lacks "+strings.Join(lacks, ","), strings.Join(p.line.Requires(), ","))
	}
	return false
}

//go:embed verify-fstab.sh
var verifyFstabText string

// verifyFstab refuses a new fstab in which findmnt(8) finds more faults than in the present one. It cannot want none: a
// disk of somebody else that is unplugged is a fault to findmnt, and so is a mount point that lies on what is to be
// mounted first.
func verifyFstab() []string {
	return []string{"sh", "-c", verifyFstabText, "findmnt finds no new fault", "{path}"}
}
