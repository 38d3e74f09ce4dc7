package storage

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// Line is a line of /etc/fstab (fstab(5)).
type Line struct {
	Source, Target, Type string
	Options              []string
	Dump, Pass           int
	Raw                  string // as it stands in the file
}

// ParseFstab gives the lines that mount something. Comments, blank lines and lines that mount(8) would ignore as well are
// left out; they stay in the file untouched.
func ParseFstab(content []byte) []Line {
	var out []Line
	for raw := range strings.SplitSeq(string(content), "\n") {
		f := strings.FieldsFunc(raw, func(r rune) bool { return r == ' ' || r == '\t' })
		if len(f) < 3 || strings.HasPrefix(f[0], "#") {
			continue
		}
		l := Line{Source: Unescape(f[0]), Target: Unescape(f[1]), Type: Unescape(f[2]), Options: []string{"defaults"}, Raw: raw}
		if strings.HasPrefix(l.Target, "/") {
			l.Target = path.Clean(l.Target)
		}
		if len(f) > 3 {
			l.Options = strings.Split(Unescape(f[3]), ",")
		}
		if len(f) > 4 {
			l.Dump, _ = strconv.Atoi(f[4])
		}
		if len(f) > 5 {
			l.Pass, _ = strconv.Atoi(f[5])
		}
		out = append(out, l)
	}
	return out
}

// String writes the line.
func (l Line) String() string {
	options := "defaults"
	if len(l.Options) > 0 {
		options = strings.Join(l.Options, ",")
	}
	return strings.Join([]string{escape(l.Source), escape(l.Target), escape(l.Type), escape(options),
		strconv.Itoa(l.Dump), strconv.Itoa(l.Pass)}, " ")
}

const requiresOption = "x-systemd.requires="

// Requires gives the units of x-systemd.requires=, in order.
func (l Line) Requires() []string {
	var out []string
	for _, o := range l.Options {
		if u, ok := strings.CutPrefix(o, requiresOption); ok {
			out = append(out, u)
		}
	}
	return out
}

// Nofail tells whether the boot goes on without this mount.
func (l Line) Nofail() bool { return slices.Contains(l.Options, "nofail") }

// MountOptions gives the options that neither systemd's order nor nofail is, without "defaults", which adds nothing.
func (l Line) MountOptions() []string {
	var out []string
	for _, o := range l.Options {
		if o != "" && o != "nofail" && o != "defaults" && !strings.HasPrefix(o, requiresOption) {
			out = append(out, o)
		}
	}
	return out
}
