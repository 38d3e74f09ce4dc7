package storage

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// DirectoryKind is a folder, its owner, its mode and what it must lie on.
var DirectoryKind = modules.Kind{
	Name: "directory", Label: "the folder's path", Platform: host.Linux, Layer: "storage",
	Doc: "A folder with an owner and a mode, by number, since the same name has another number in a container. must_be_on names the mount point or the device that it must lie on: " +
		"where that is not mounted the folder is neither made nor taken for good, so that accounts never land on the volume beneath. empty = true empties it, once, " +
		"when it is named in --destroy; it never crosses into what is mounted below. absent = true removes an empty folder.",
	Checks: []string{
		"now: it is a folder and no symbolic link, its owner, group and mode; what it lies on; where told, that it is empty",
		"after boot: the same, since it is on disk; what lies on a ramdisk is made anew by the unit that the plan gives it",
	},
	Losses: []modules.Loss{
		{What: "everything in the folder", When: "empty = true and the folder holds something",
			Guards: []string{"no validator lives", "mounted below as shown", "no mounts below"}},
		{What: "the folder, if it is empty", When: "absent = true", Guards: []string{"no validator lives"}},
	},
	Example: `directory "/srv/solana/ramdisk/accounts" {
  owner      = 1000
  group      = 1000
  mode       = "0755"
  must_be_on = "/srv/solana/ramdisk"
}`,
	New: func(label string) modules.Resource { return &Directory{Path: label} },
}

// Directory is a folder at Path.
type Directory struct {
	Path     string
	Owner    modules.ID   `hcl:"owner,optional" doc:"uid, a number"`
	Group    modules.ID   `hcl:"group,optional" doc:"gid, a number"`
	Mode     modules.Mode `hcl:"mode,optional" doc:"mode; unset leaves it, and a new folder gets 0755"`
	MustBeOn string       `hcl:"must_be_on,optional" doc:"the mount point, or the device, that the folder must lie on"`
	Empty    bool         `hcl:"empty,optional" default:"false" doc:"nothing is in it"`
	Absent   bool         `hcl:"absent,optional" default:"false" doc:"no such folder; only an empty one is removed"`

	device string // that the folder must lie on: must_be_on itself, or the source of the mount that the plan wants there
}

// Meet learns the device of the mount that the folder must lie on: a mount point alone does not tell what is mounted.
func (d *Directory) Meet(all []modules.Resource) { d.device = meet(all).sources[d.MustBeOn] }

func (d *Directory) mustBeDevice() string {
	if d.onDevice() {
		return d.MustBeOn
	}
	return d.device
}

// Owns is the folder.
func (d *Directory) Owns() []string { return []string{"dir:" + d.Path} }

// Validate checks what can be known without a host.
func (d *Directory) Validate() error {
	errs := []error{cleanPath("", d.Path), unless(d.Path == "/", "", "the root folder is not bisc's to keep"),
		unless(d.Absent && d.Empty, "empty", "a folder that is absent is not empty: write one of the two")}
	if d.MustBeOn != "" {
		errs = append(errs, cleanPath("must_be_on", d.MustBeOn),
			unless(!d.onDevice() && !within(d.Path, d.MustBeOn), "must_be_on", "the folder does not lie below "+d.MustBeOn))
	}
	return faults(errs...)
}

func (d *Directory) onDevice() bool { return strings.HasPrefix(d.MustBeOn, "/dev/") }

// directorySeen is what was observed.
type directorySeen struct {
	table   Table
	at      host.Stat
	missing bool
	device  host.Stat // of must_be_on, where that is a device
	lost    bool      // that device is not there
	entries []string
}

// Plan observes everything in one wave.
func (d *Directory) Plan(ctx context.Context, h host.Reader) (c modules.Change, err error) {
	var s directorySeen
	ask := []func(context.Context) error{
		func(ctx context.Context) (err error) { s.table, err = readTable(ctx, h); return err },
		func(ctx context.Context) (err error) { s.at, s.missing, err = statPath(ctx, h, d.Path); return err },
	}
	if device := d.mustBeDevice(); device != "" {
		ask = append(ask, func(ctx context.Context) (err error) {
			s.device, s.lost, err = statPath(ctx, h, device)
			return err
		})
	}
	if d.Empty || d.Absent {
		ask = append(ask, func(ctx context.Context) (err error) { s.entries, err = entries(ctx, h, d.Path); return err })
	}
	if err := host.Ask(ctx, ask...); err != nil {
		return c, err
	}
	return d.decide(s), nil
}

// entries lists what is in a folder, hidden files too.
func entries(ctx context.Context, h host.Reader, dir string) (out []string, err error) {
	patterns := []string{"*", ".[!.]*", "..?*"}
	found := make([][]string, len(patterns))
	var ask []func(context.Context) error
	for i, p := range patterns {
		ask = append(ask, func(ctx context.Context) (err error) {
			found[i], err = h.Glob(ctx, literal(dir)+"/"+p)
			return err
		})
	}
	if err := host.Ask(ctx, ask...); err != nil {
		return nil, fmt.Errorf("listing %s: %w", dir, err)
	}
	for _, f := range found {
		out = append(out, f...)
	}
	return out, nil
}

// literal makes a path a pattern that matches only itself.
func literal(p string) string {
	return strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]", `\`, `\\`).Replace(p)
}

// decide is the whole sense of the kind.
func (d *Directory) decide(s directorySeen) (c modules.Change) {
	switch {
	case d.Absent:
		d.remove(&c, s)
	case s.at.Link != "":
		c.Refuse("type", "symbolic link to "+s.at.Link, "directory", "bisc does not follow links to what it may change: name the folder itself")
	case !s.missing && s.at.Type != host.Directory:
		c.Refuse("type", string(s.at.Type), "directory", "something else has this name: move it away")
	case !d.placed(&c, s):
	case s.missing:
		c.Differ("type", "(none)", "directory")
		c.Do(d.makeStep(s))
	default:
		ownership{d.Owner, d.Group, d.Mode}.compare(&c, d.Path, s.at)
		d.emptied(&c, s)
	}
	return c
}

// placed tells whether the folder lies, or would lie, on what it must.
func (d *Directory) placed(c *modules.Change, s directorySeen) bool {
	on, err := s.table.Visible(d.Path)
	if err != nil {
		c.Refuse("must_be_on", err.Error(), d.MustBeOn, "the mount table has no root")
		return false
	}
	if s.missing {
		on, _ = s.table.Under(d.Path)
	}
	got := fmt.Sprintf("%s at %s", on, on.Target)
	switch {
	case d.MustBeOn == "":
	case s.lost:
		c.Refuse("must_be_on", got, d.MustBeOn, "the device "+d.mustBeDevice()+" is not there")
		return false
	case d.mustBeDevice() != "" && on.Dev != s.device.Rdev, !d.onDevice() && on.Target != d.MustBeOn:
		c.Refuse("must_be_on", got, d.MustBeOn, "it would lie elsewhere: what belongs there must be mounted first")
		return false
	}
	return true
}

func (d *Directory) makeStep(s directorySeen) host.Step {
	mode := d.Mode
	if mode == 0 {
		mode = 0o755
	}
	argv := []string{"install", "-d", "-m", mode.String()}
	if d.Owner.Set {
		argv = append(argv, "-o", d.Owner.String())
	}
	if d.Group.Set {
		argv = append(argv, "-g", d.Group.String())
	}
	step := host.Script{Argv: append(argv, "--", d.Path)}
	if on, err := s.table.Visible(path.Dir(d.Path)); err == nil {
		step.Guards = []host.Guard{host.StandsOn(on.Target, on.Dev)}
	}
	return step
}

// emptied empties the folder where it is told to. find(1) with -xdev stays on the device, which a bind of the same device
// below would be as well: so nothing at all may be mounted below.
func (d *Directory) emptied(c *modules.Change, s directorySeen) {
	if !d.Empty || len(s.entries) == 0 {
		return
	}
	got := fmt.Sprintf("%d entries", len(s.entries))
	if below := s.table.Below(d.Path); len(below) > 0 {
		c.Refuse("empty", got, "true", "a file system is mounted below: "+below[0].Target)
		return
	}
	c.Differ("empty", got, "true")
	guards := []host.Guard{host.ValidatorStopped(), host.NoMountsBelow(escape(d.Path))}
	if on, err := s.table.Visible(d.Path); err == nil {
		guards = append(guards, host.StandsOn(on.Target, on.Dev))
	}
	c.Do(host.Script{Argv: []string{"find", d.Path, "-xdev", "-mindepth", "1", "-delete"}, Guards: guards, Limit: emptyLimit})
	c.Destroy(fmt.Sprintf("the %d entries of %s and all below them", len(s.entries), d.Path))
}

// remove removes a folder in which nothing is.
func (d *Directory) remove(c *modules.Change, s directorySeen) {
	if s.missing && s.at.Type != host.Dangling {
		return
	}
	_, mounted, _ := s.table.At(d.Path)
	switch {
	case s.at.Link != "" || s.at.Type != host.Directory:
		c.Refuse("absent", string(s.at.Type), "true", "it is not a folder")
	case mounted:
		c.Refuse("absent", "a mount point", "true", "something is mounted there")
	case len(s.entries) > 0:
		c.Refuse("absent", fmt.Sprintf("%d entries", len(s.entries)), "true", "only an empty folder is removed: apply empty = true first")
	default:
		c.Differ("absent", "an empty folder", "true")
		c.Do(host.Script{Argv: []string{"rmdir", "--", d.Path}, Guards: []host.Guard{host.ValidatorStopped()}})
		c.Destroy("the empty folder " + d.Path)
	}
}

// emptyLimit is for millions of files of a ledger.
const emptyLimit = 30 * time.Minute
