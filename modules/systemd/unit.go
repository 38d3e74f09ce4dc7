package systemd

import (
	"context"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/files"
)

// UnitKind is a unit file and its place in the boot.
var UnitKind = modules.Kind{
	Name:     "unit",
	Label:    "the unit's name with its suffix: ramdisk-accounts.service, relay.socket, site.target",
	Platform: host.Linux,
	Layer:    "units",
	Doc: "A unit file in /etc/systemd/system, loaded by systemd and enabled where it has an [Install] section. It does not start the unit: `service` does. " +
		"Directives in `sections` are checked against those that systemd knows, because systemd ignores a name that it does not know.",
	Checks: []string{
		"now: systemd has loaded this very file and accepted it (LoadState, FragmentPath, NeedDaemonReload)",
		"after boot: the file's content, mode and owner; the links that [Install] asks for (.wants, .requires, .upholds, aliases), no more and no fewer",
		"absent = true: no file, no link, and the unit does not run",
	},
	Losses: []modules.Loss{
		{What: "the unit file, and what the unit runs", When: "absent = true", Guards: []string{
			"file unchanged: it still has the content that was seen", "stops nothing else: nothing requires it, is bound to it or stops with it",
			"no validator in what stops; no validator lives at all, where its stop runs a program (ExecStop)", "never where docker, containerd or a wanted mount hangs on it: refused",
		}},
	},
	Example: `unit "validator-exit.service" {
  sections = {
    Unit = {
      Description = "Let the validator exit before docker stops"
      After       = "docker.service"
    }
    Service = {
      Type            = "oneshot"
      RemainAfterExit = "yes"
      ExecStart       = "/bin/true"
      ExecStop        = "/usr/local/sbin/validator-exit"
      TimeoutStopSec  = "330"
    }
    Install = { WantedBy = "multi-user.target" }
  }
}
`,
	New: func(label string) modules.Resource { return &Unit{Name: label} },
}

// Unit is the resource of UnitKind.
type Unit struct {
	Name     string
	Sections modules.Sections `hcl:"sections,optional" doc:"the file by section and directive; several values are a list. Either this or content"`
	Content  string           `hcl:"content,optional" doc:"the whole file as text"`
	Enabled  *bool            `hcl:"enabled,optional" doc:"the links of [Install] are there. Default: true where the file has an [Install] section"`
	Absent   bool             `hcl:"absent,optional" doc:"no such file in /etc/systemd/system, no link to it, not running" default:"false"`

	wantedMounts []string
}

// Path is the unit file's.
func (u *Unit) Path() string { return "/etc/systemd/system/" + u.Name }

// Owns the unit and its file.
func (u *Unit) Owns() []string { return []string{"unit:" + u.Name, "file:" + u.Path()} }

// Meet learns which mounts must not stop.
func (u *Unit) Meet(all []modules.Resource) { u.wantedMounts = wantedMounts(all) }

// Validate checks the name, the text, and that what is to be enabled can be.
func (u *Unit) Validate() error {
	if err := CheckName(u.Name, "service", "socket", "target", "path", "timer", "slice"); err != nil {
		return &modules.AttrError{Reason: err.Error() + "; for mounts there are mount and bind"}
	}
	if u.Absent {
		if len(u.Sections) > 0 || u.Content != "" || u.Enabled != nil {
			return &modules.AttrError{Attr: "absent", Reason: "a unit that is to be absent has no sections, content or enabled"}
		}
		return nil
	}
	content, err := body(u.Sections, u.Content)
	if err != nil {
		return err
	}
	in, err := readInstall(content)
	if err != nil {
		return &modules.AttrError{Attr: "sections", Reason: err.Error()}
	}
	if u.Enabled != nil && *u.Enabled && in.empty() {
		return &modules.AttrError{Attr: "enabled", Reason: "there is no [Install] section that says what wants it: add Install = { WantedBy = \"multi-user.target\" }, or leave enabled out"}
	}
	if u.Enabled != nil && *u.Enabled && template(u.Name) {
		return &modules.AttrError{Attr: "enabled", Reason: "a template is enabled by instance: write a service block for one"}
	}
	return nil
}

// observed is what a unit's decision is made of.
type observed struct {
	file  files.Found
	state State // zero for a template
	links install
}

// Plan compares file, what systemd has loaded, and links.
func (u *Unit) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	o, err := u.look(ctx, h)
	if err != nil {
		return modules.Change{}, err
	}
	if u.Absent {
		var closure []string
		if o.runs() {
			if closure, err = stopClosure(ctx, h, u.Name); err != nil {
				return modules.Change{}, err
			}
		}
		return u.removal(o, closure), nil
	}
	content, err := body(u.Sections, u.Content)
	if err != nil {
		return modules.Change{}, err
	}
	return u.decide(o, content)
}

func (u *Unit) look(ctx context.Context, h host.Reader) (o observed, err error) {
	questions := []func(context.Context) error{
		func(ctx context.Context) (err error) { o.file, err = files.Look(ctx, h, u.Path()); return err },
		func(ctx context.Context) (err error) {
			o.links, err = lookLinks(ctx, h, u.Name, u.aliases())
			return err
		},
	}
	if !template(u.Name) {
		questions = append(questions, func(ctx context.Context) (err error) { o.state, err = Show(ctx, h, u.Name); return err })
	}
	return o, host.Ask(ctx, questions...)
}

func (u *Unit) aliases() []string {
	content, err := body(u.Sections, u.Content)
	if err != nil {
		return nil
	}
	in, err := readInstall(content)
	if err != nil {
		return nil
	}
	return in.Alias
}

// decide is the whole of what a unit that is to be there needs: file, reload, links.
func (u *Unit) decide(o observed, content []byte) (modules.Change, error) {
	wanted, err := readInstall(content)
	if err != nil {
		return modules.Change{}, err
	}
	c := files.Wanted{Path: u.Path(), Content: content, Mode: 0o644, Boot: true}.Change(o.file)
	if !c.InSync() && len(c.Steps) == 0 {
		return c, nil // something stands in the file's place: links and loading say nothing before that is settled
	}
	if len(c.Steps) > 0 {
		c.Do(daemonReload())
	} else {
		u.loaded(&c, o.state)
	}
	if u.Enabled != nil && !*u.Enabled || template(u.Name) {
		wanted = install{}
	}
	c.Steps = append(c.Steps, linkChange(&c, u.Name, o.links, wanted)...)
	return c, nil
}

// loaded compares what systemd has in memory with a file that is as wanted.
func (u *Unit) loaded(c *modules.Change, s State) {
	switch {
	case template(u.Name): // nothing is loaded but instances
	case s.NeedReload:
		c.Differ("loaded", "files changed since systemd read them", u.Path())
		c.Do(daemonReload())
	case s.Load == "loaded" && s.Fragment != u.Path(), s.Load == "not-found":
		c.Differ("loaded", orNone(s.Fragment), u.Path())
		c.Do(daemonReload())
	case s.Load != "loaded":
		c.Refuse("loaded", s.Load, "loaded", "systemd does not accept the file: "+s.Prop("LoadError"))
	}
}
