// Package network has the kinds of what the kernel does with packets: addresses, routes, rules, tunnels, filters.
//
// Their persisted half is one oneshot unit a resource (Boot): no file of netplan, ifupdown or iptables-persistent tells after
// the boot what the kernel has, and docker, firewalld and networkd take away at their restart what they did not put there.
package network

import (
	"context"
	"path"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/systemd"
)

// Boot is the persisted half of a network resource: bisc-net-SLUG.service, a oneshot that remains, and does the resource's
// lines at boot and again after whatever takes their work away.
//
// It has no ExecStop, so that to stop or restart it cuts nothing. Nothing hangs on it (no Requires, BindsTo or Before on
// docker): neither its failure nor its restart stops anything. What fails is tried again by systemd until it is done.
type Boot struct {
	Slug  string // of Slug
	About string // the unit's Description
	// After are units that come first, and are wanted with it.
	After []string
	// Again are units whose start and restart take the work away: docker.service, firewalld.service. The unit is a part of
	// each (a restart runs it again) and is wanted by it (a start after a stop does).
	Again []string
	// Start is done in order, and so that doing it twice is doing it once.
	Start []Line
}

// Line is a command of a unit.
type Line struct {
	Argv []string
	// MayFail: its failure is no news, as when it takes away what is not there.
	MayFail bool
}

// Slug makes the name of a unit of a kind's word and of what tells the resource from others of its kind.
func Slug(words ...string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == ':':
			return r
		}
		return '-'
	}, strings.Join(words, "-"))
}

// Name is the unit's.
func (b Boot) Name() string { return "bisc-net-" + b.Slug + ".service" }

// Path is the unit file's.
func (b Boot) Path() string { return b.unit(false).Path() }

// Owns is what a kind with this unit owns by it.
func (b Boot) Owns() []string { return b.unit(false).Owns() }

// Validate tells whether the unit can be named so.
func (b Boot) Validate() error { return systemd.CheckName(b.Name(), "service") }

func (b Boot) wantedBy() []string { return append([]string{"multi-user.target"}, b.Again...) }

// unit is the unit as the kind `unit` takes it. It waits for the network at boot, where whoever brings it up says when that is.
func (b Boot) unit(absent bool) *systemd.Unit {
	u := &systemd.Unit{Name: b.Name(), Absent: absent}
	if absent {
		return u
	}
	before := slices.Concat([]string{"network-online.target"}, b.After)
	lines := make([]string, len(b.Start))
	for i, l := range b.Start {
		lines[i] = l.text()
	}
	u.Sections = modules.Sections{
		"Unit": {
			"Description": {strings.ReplaceAll(b.About, "%", "%%") + " (kept by bisc)"},
			"After":       {strings.Join(slices.Concat(before, b.Again), " ")},
			"Wants":       {strings.Join(before, " ")},
			// A link that comes late, or a gateway that is not there yet, is waited for however long it takes.
			"StartLimitIntervalSec": {"0"},
		},
		"Service": {
			"Type": {"oneshot"}, "RemainAfterExit": {"yes"}, "ExecStart": lines,
			"TimeoutStartSec": {"60s"}, "Restart": {"on-failure"}, "RestartSec": {"10s"},
		},
		"Install": {"WantedBy": {strings.Join(b.wantedBy(), " ")}},
	}
	if len(b.Again) > 0 {
		u.Sections["Unit"]["PartOf"] = []string{strings.Join(b.Again, " ")}
	}
	return u
}

// text is the line as ExecStart= takes it: systemd.service(5), COMMAND LINES. systemd finds a program by its name alone in
// the folders of its own list.
func (l Line) text() string {
	words := make([]string, len(l.Argv))
	for i, w := range l.Argv {
		words[i] = execWord(w)
		if i == 0 && w != "" && strings.ContainsAny(w[:1], "-@:+!|") { // a prefix, unless quoted
			words[i] = `"` + w + `"`
		}
	}
	text := strings.Join(words, " ")
	if l.MayFail {
		return "-" + text
	}
	return text
}

// execWord keeps systemd from reading more into a word than stands there.
func execWord(w string) string {
	w = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%", "$", "$$", "\n", `\n`).Replace(w)
	if w == "" || w == ";" || strings.ContainsAny(w, " \t'\"\\") {
		return `"` + w + `"`
	}
	return w
}

// Booted is what was seen of a unit, and what is missing.
type Booted struct {
	boot   Boot
	change modules.Change // file, links, what systemd has loaded
	state  systemd.State
	partOf []string   // of the file
	links  []string   // what wants it
	was    [][]string // the words of its lines, as the file stands
	absent bool
}

// Plan compares the unit; absent wants it gone. Join puts the live half to it.
func (b Boot) Plan(ctx context.Context, h host.Reader, absent bool) (Booted, error) {
	out := Booted{boot: b, absent: absent}
	return out, host.Ask(ctx,
		func(ctx context.Context) (err error) { out.change, err = b.unit(absent).Plan(ctx, h); return err },
		func(ctx context.Context) (err error) { out.state, err = systemd.Show(ctx, h, b.Name()); return err },
		func(ctx context.Context) (err error) { out.links, err = systemd.WantedBy(ctx, h, b.Name()); return err },
		func(ctx context.Context) (err error) { out.was, err = askLines(ctx, h, b.Path()); return err },
		func(ctx context.Context) (err error) {
			out.partOf, err = systemd.FileValues(ctx, h, b.Path(), "Unit", "PartOf")
			return err
		},
	)
}

// Join gives the whole change of a resource whose live half is live. Where that has steps, the unit runs after them: that
// proves its lines, and is why they must stand being done twice. What is right already is not done again: a unit that has
// not run since it was put beside a right kernel is in order, since what starts it is the boot.
func (o Booted) Join(live modules.Change) modules.Change {
	c := live
	unit := o.change
	c.Diffs, c.Steps = slices.Clone(live.Diffs), nil
	for _, d := range unit.Diffs {
		c.Diffs = append(c.Diffs, asUnit(d))
	}
	c.Steps = append(c.Steps, unit.Steps...)
	if !o.absent {
		o.again(&c)
		o.failed(&c)
	}
	c.Steps = append(c.Steps, live.Steps...)
	refused := slices.ContainsFunc(unit.Diffs, func(d modules.Diff) bool { return d.Why != "" })
	if !o.absent && !refused && (len(live.Steps) > 0 || o.broken()) {
		c.Do(host.Script{Argv: []string{"systemctl", "restart", "--", o.boot.Name()}, Guards: []host.Guard{host.StopsOnly(o.boot.Name())}})
		c.Cuts = cutsOf(c)
	}
	c.Back.Files = append(c.Back.Files, o.files()...)
	c.Back.Units = append(c.Back.Units, o.boot.Name())
	return c
}

// cutsOf says what a change whose unit runs can cut: what its steps tell, and where they tell nothing, what a unit of this
// package has to do with.
func cutsOf(c modules.Change) string {
	if c.Cuts != "" {
		return c.Cuts
	}
	if what, _ := modules.CutsOff(c.Steps); len(what) > 0 {
		return strings.Join(what, ", ")
	}
	return "the network's configuration"
}

// asUnit names a diff of the unit for what it is to the resource.
func asUnit(d modules.Diff) modules.Diff {
	switch d.Attr {
	case "content", "absent":
		d.Attr = "unit"
	case "mode", "owner", "group", "loaded", "active":
		d.Attr = "unit." + d.Attr
	}
	return d
}

// again compares, for each unit that takes the work away, whether its restart does the lines again.
func (o Booted) again(c *modules.Change) {
	for _, u := range o.boot.Again {
		got := "not done again"
		if slices.Contains(o.partOf, u) && slices.Contains(o.links, u) {
			got = doneAgain
		}
		name, _, _ := strings.Cut(u, ".")
		c.DifferBoot("restart of "+name, got, doneAgain)
	}
}

const doneAgain = "done again"

// broken tells whether the lines did not work when they ran last.
func (o Booted) broken() bool {
	return o.state.Active == "failed" || o.state.Sub == "auto-restart"
}

func (o Booted) failed(c *modules.Change) {
	if o.broken() {
		c.DifferBoot("run", o.state.Active+" ("+o.state.Prop("Result")+", status "+o.state.Prop("ExecMainStatus")+")", "done")
	}
}

// files are what a revert has to put back for the boot to be as before.
func (o Booted) files() []host.UndoFile {
	out := []host.UndoFile{{Path: o.boot.Path()}}
	by := slices.Concat(o.boot.wantedBy(), o.links)
	slices.Sort(by)
	for _, u := range slices.Compact(by) {
		out = append(out, host.UndoFile{Path: path.Join(path.Dir(o.boot.Path()), u+".wants", o.boot.Name())})
	}
	return out
}
