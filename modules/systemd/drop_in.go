package systemd

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/files"
)

// DropInKind is a piece of configuration beside a unit that belongs to somebody else.
var DropInKind = modules.Kind{
	Name:     "drop_in",
	Label:    "the unit's name, a slash, and a name for the piece without .conf: docker.service/10-bisc-gate",
	Platform: host.Linux,
	Layer:    "units",
	Doc: "A file in /etc/systemd/system/UNIT.d that adds to or overrides the unit. It takes effect for order and conditions at the unit's next start; " +
		"nothing is restarted. Pieces apply in the order of their names.",
	Checks: []string{
		"now: systemd reads this piece for the unit (DropInPaths, NeedDaemonReload)",
		"after boot: the file's content, mode and owner",
	},
	Losses: []modules.Loss{{
		What: "the piece of configuration", When: "absent = true",
		Guards: []string{"file unchanged: it still has the content that was seen"},
	}},
	Example: `drop_in "docker.service/10-bisc-gate" {
  sections = {
    Unit = {
      After                  = ["srv-solana.mount", "srv-solana-ramdisk.mount"]
      Wants                  = ["srv-solana.mount", "srv-solana-ramdisk.mount"]
      AssertPathIsMountPoint = ["/srv/solana", "/srv/solana/ramdisk"]
    }
  }
}
`,
	New: func(label string) modules.Resource {
		unit, name, _ := strings.Cut(label, "/")
		return &DropIn{Unit: unit, Name: name}
	},
}

// DropIn is the resource of DropInKind.
type DropIn struct {
	Unit, Name string
	Sections   modules.Sections `hcl:"sections,optional" doc:"the piece by section and directive; several values are a list; an empty value forgets what the unit says. Either this or content"`
	Content    string           `hcl:"content,optional" doc:"the whole piece as text"`
	Absent     bool             `hcl:"absent,optional" doc:"no such piece" default:"false"`
}

// Path is the piece's.
func (d *DropIn) Path() string { return "/etc/systemd/system/" + d.Unit + ".d/" + d.Name + ".conf" }

// Owns its file.
func (d *DropIn) Owns() []string { return []string{"file:" + d.Path()} }

// Validate checks the label and the text.
func (d *DropIn) Validate() error {
	if err := CheckName(d.Unit, "service", "socket", "target", "path", "timer", "slice", "mount", "automount", "swap", "scope"); err != nil {
		return &modules.AttrError{Reason: "the label is UNIT/NAME: " + err.Error()}
	}
	if d.Name == "" || strings.HasPrefix(d.Name, ".") || strings.HasSuffix(d.Name, ".conf") || strings.ContainsAny(d.Name, "/\n\x00") {
		return &modules.AttrError{Reason: fmt.Sprintf("the label is UNIT/NAME, and %q is no name for a piece: write it without .conf, for example %s/10-site", d.Name, d.Unit)}
	}
	if d.Absent {
		if len(d.Sections) > 0 || d.Content != "" {
			return &modules.AttrError{Attr: "absent", Reason: "a piece that is to be absent has no sections or content"}
		}
		return nil
	}
	_, err := body(d.Sections, d.Content)
	return err
}

// Plan compares the file and what systemd reads.
func (d *DropIn) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	var found files.Found
	var s State
	questions := []func(context.Context) error{
		func(ctx context.Context) (err error) { found, err = files.Look(ctx, h, d.Path()); return err },
	}
	if !template(d.Unit) {
		questions = append(questions, func(ctx context.Context) (err error) { s, err = Show(ctx, h, d.Unit); return err })
	}
	if err := host.Ask(ctx, questions...); err != nil {
		return modules.Change{}, err
	}
	if d.Absent {
		return d.removal(found, s), nil
	}
	content, err := body(d.Sections, d.Content)
	if err != nil {
		return modules.Change{}, err
	}
	return d.decide(found, s, content), nil
}

func (d *DropIn) decide(found files.Found, s State, content []byte) modules.Change {
	folderMissing := found.Parent == ""
	if folderMissing {
		found.Parent = host.Directory // it is made first
	}
	c := files.Wanted{Path: d.Path(), Content: content, Mode: 0o644, Boot: true}.Change(found)
	if len(c.Steps) > 0 {
		if folderMissing {
			c.Steps = slices.Insert(c.Steps, 0, host.Step(host.Script{Argv: []string{"mkdir", "-p", "-m", "0755", "--", path.Dir(d.Path())}}))
		}
		c.Do(daemonReload())
	}
	switch {
	case template(d.Unit):
	case s.Load == "not-found":
		c.Refuse("effective", "no unit "+d.Unit, "read by "+d.Unit, "systemd knows no such unit: it comes with a package or a unit block")
	case !c.InSync():
	case s.NeedReload || !slices.Contains(s.DropIns, d.Path()):
		c.Differ("effective", "not read yet", "read by "+d.Unit)
		c.Do(daemonReload())
	}
	return c
}

func (d *DropIn) removal(found files.Found, s State) modules.Change {
	c := files.Removal(d.Path(), found)
	bootHalf(c.Diffs)
	switch {
	case len(c.Steps) > 0:
		c.Do(host.Script{Argv: []string{"rmdir", "--ignore-fail-on-non-empty", "--", path.Dir(d.Path())}}, daemonReload())
	case c.InSync() && (s.NeedReload || slices.Contains(s.DropIns, d.Path())):
		c.Differ("effective", "still read", "(none)")
		c.Do(daemonReload())
	}
	return c
}
