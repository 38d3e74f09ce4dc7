package storage

import (
	"context"
	"fmt"
	"path"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// EmptiedKind is a folder whose content goes, for runbooks.
var EmptiedKind = modules.Kind{
	Name: "emptied", Label: "the folder's path", Platform: host.Linux, Layer: "agave",
	Doc: "A folder that is empty, for the stages of a runbook: the accounts before a validator starts from a new snapshot. It is emptied in place, so that the folder, its owner and what is bound to it stay. " +
		"Only what is on the folder's own file system goes, and nothing through a link; a path with a link in it, one with a mount below it, and one of a single component are refused. " +
		"With `only` just what matches goes. Each folder is a resource of its own, with an address that is named in --destroy: who empties the accounts has not named the ledger.",
	Checks: []string{
		"now: the folder is there and is no link, nothing is mounted below it, and it holds nothing (or nothing that matches)",
		"after boot: the same, since it is on disk",
	},
	Losses: []modules.Loss{{
		What: "everything in the folder, or what matches `only`", When: "the folder holds something",
		Guards: []string{"no validator lives", "the folder as shown", "no mounts below"},
	}},
	Example: `emptied "/srv/solana/ramdisk/accounts" {
}
`,
	New: func(label string) modules.Resource { return &Emptied{Path: label} },
}

// Emptied is the resource of EmptiedKind.
type Emptied struct {
	Path string
	Only []string `hcl:"only,optional" doc:"shell patterns of names in the folder: only what matches one goes, with all below it. Unset: everything"`
}

// Validate checks what can be known without a host.
func (e *Emptied) Validate() error {
	errs := []error{cleanPath("", e.Path), unless(strings.Count(path.Clean(e.Path), "/") < 2, "", "a folder right below the root is not emptied: name the folder within it")}
	for _, p := range e.Only {
		_, err := path.Match(p, "x")
		errs = append(errs, unless(p == "" || p == "." || p == ".." || strings.Contains(p, "/") || strings.Contains(p, `\`) || err != nil, "only",
			fmt.Sprintf("%q is no pattern of a name: *, ? and [..] may be in it, and no / or \\", p)))
	}
	return faults(errs...)
}

// emptiedSeen is what was observed.
type emptiedSeen struct {
	table   Table
	at      host.Stat
	missing bool
	link    string // the first part of the path that is one
	entries []string
}

// Plan observes everything in one wave.
func (e *Emptied) Plan(ctx context.Context, h host.Reader) (c modules.Change, err error) {
	var s emptiedSeen
	var parts []string
	for p := e.Path; p != "/"; p = path.Dir(p) {
		parts = append(parts, p)
	}
	stats := make([]host.Stat, len(parts))
	absent := make([]bool, len(parts))
	ask := []func(context.Context) error{
		func(ctx context.Context) (err error) { s.table, err = readTable(ctx, h); return err },
		func(ctx context.Context) (err error) { s.entries, err = entries(ctx, h, e.Path); return err },
	}
	for i, p := range parts {
		ask = append(ask, func(ctx context.Context) (err error) { stats[i], absent[i], err = statPath(ctx, h, p); return err })
	}
	if err := host.Ask(ctx, ask...); err != nil {
		return c, err
	}
	s.at, s.missing = stats[0], absent[0]
	for i, st := range stats {
		if st.Link != "" {
			s.link = parts[i] + " -> " + st.Link
		}
	}
	return e.decide(s), nil
}

// decide is the whole sense of the kind.
func (e *Emptied) decide(s emptiedSeen) (c modules.Change) {
	going := e.going(s.entries)
	got := fmt.Sprintf("%d entries", len(going))
	below := s.table.Below(e.Path)
	switch {
	case s.link != "":
		c.Refuse("type", "a link: "+s.link, "directory", "bisc empties nothing through a link: name the folder itself")
	case s.missing:
		c.Refuse("type", "(none)", "directory", "there is no such folder: directory makes it")
	case s.at.Type != host.Directory:
		c.Refuse("type", string(s.at.Type), "directory", "something else has this name")
	case len(going) == 0:
	case len(below) > 0:
		c.Refuse("content", got, "(none)", "a file system is mounted below: "+below[0].Target)
	default:
		c.Differ("content", got, "(none)")
		c.Do(host.Script{Argv: e.argv(), Limit: emptyLimit,
			Guards: []host.Guard{host.ValidatorStopped(), host.FolderIs(e.Path, s.at.Dev, s.at.Inode), host.NoMountsBelow(escape(e.Path))}})
		c.Destroy(e.loss(going))
	}
	return c
}

// going is what would go, by name.
func (e *Emptied) going(entries []string) (names []string) {
	for _, entry := range entries {
		name := path.Base(entry)
		match := len(e.Only) == 0
		for _, p := range e.Only {
			ok, _ := path.Match(strings.ReplaceAll(p, "[!", "[^"), name)
			match = match || ok
		}
		if match {
			names = append(names, name)
		}
	}
	return names
}

// argv empties the folder; find follows no links, and -xdev and --one-file-system keep to its file system.
func (e *Emptied) argv() []string {
	if len(e.Only) == 0 {
		return []string{"find", e.Path, "-xdev", "-mindepth", "1", "-delete"}
	}
	argv := []string{"find", e.Path, "-xdev", "-mindepth", "1", "-maxdepth", "1", "("}
	for i, p := range e.Only {
		if i > 0 {
			argv = append(argv, "-o")
		}
		argv = append(argv, "-name", p)
	}
	return append(argv, ")", "-exec", "rm", "-rf", "--one-file-system", "--", "{}", "+")
}

// loss names what goes.
func (e *Emptied) loss(names []string) string {
	shown := strings.Join(names[:min(5, len(names))], ", ")
	if len(names) > 5 {
		shown += ", ..."
	}
	return fmt.Sprintf("%d entries of %s and all below them: %s", len(names), e.Path, shown)
}
