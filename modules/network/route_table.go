package network

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/confd"
	"bisc/modules/files"
)

const mainTable = 254

// RouteTableKind is the name of a routing table.
var RouteTableKind = modules.Kind{
	Name:     "route_table",
	Label:    "the table's name: ashburn",
	Platform: host.Linux,
	Layer:    "relay",
	Doc: "The name of a routing table, in a file of its own, /etc/iproute2/rt_tables.d/bisc-NAME.conf. A name is for people: the table is there when a route is in it, and everything that bisc runs at boot has the number. " +
		"absent = true also takes the lines of that name out of /etc/iproute2/rt_tables, which a script may have left there.",
	Checks: []string{"now and after boot: the file; no other line that gives the name another number, or the number another name"},
	Losses: []modules.Loss{{
		What: "the name's file", When: "absent = true", Guards: []string{"file unchanged: it still has the content that was seen"},
	}},
	Example: `route_table "ashburn" {
  number = 100
}
`,
	New: func(label string) modules.Resource { return &RouteTable{Name: label} },
}

// RouteTable is the resource of RouteTableKind.
type RouteTable struct {
	Name   string
	Number int  `hcl:"number" doc:"the table's number, 1 to 252 or above 255"`
	Absent bool `hcl:"absent,optional" doc:"no line of this name in any file of iproute2's" default:"false"`
}

// Path is the own file's.
func (t *RouteTable) Path() string { return "/etc/iproute2/rt_tables.d/bisc-" + t.Name + ".conf" }

// Owns the name, the number and the file.
func (t *RouteTable) Owns() []string {
	return []string{"file:" + t.Path(), "rt_table:" + t.Name, "rt_table:" + strconv.Itoa(t.Number)}
}

// Validate checks that name and number can stand in the file and are nobody else's.
func (t *RouteTable) Validate() error {
	var faults []error
	if _, reserved := reservedTables()[t.Name]; reserved || !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`).MatchString(t.Name) {
		faults = append(faults, &modules.AttrError{Reason: fmt.Sprintf("%q cannot be a table's name: begin with a letter; default, main, local and unspec are the kernel's", t.Name)})
	}
	if t.Number < 1 || t.Number > 1<<31-1 || t.Number >= 253 && t.Number <= 255 {
		faults = append(faults, &modules.AttrError{Attr: "number", Reason: "write a number from 1 to 252 or above 255: the others are the kernel's"})
	}
	return errors.Join(faults...)
}

func reservedTables() map[string]int {
	return map[string]int{"unspec": 0, "default": 253, "main": mainTable, "local": 255}
}

// tableLine is a line of rt_tables(5).
type tableLine struct {
	file, raw, name string
	number          int
}

// rtTables is where iproute2 has the names of its own (6.7 moved what it ships to /usr/share).
const rtTables = "/etc/iproute2/rt_tables"

// askTables reads every line that names a table: the main file, and the pieces of rt_tables.d.
func askTables(ctx context.Context, h host.Reader) ([]tableLine, error) {
	var main []byte
	var pieces []confd.File
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) {
			if main, err = h.ReadFile(ctx, rtTables); errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
			return err
		},
		func(ctx context.Context) (err error) {
			pieces, err = confd.Read(ctx, h, "iproute2/rt_tables.d")
			return err
		},
	)
	if err != nil {
		return nil, fmt.Errorf("read the names of routing tables: %w", err)
	}
	all := append([]confd.File{{Path: rtTables, Lines: strings.Split(string(main), "\n")}}, pieces...)
	var out []tableLine
	for _, f := range all {
		for _, line := range f.Lines {
			text, _, _ := strings.Cut(line, "#")
			words := strings.Fields(text)
			if len(words) < 2 {
				continue
			}
			if n, err := strconv.ParseInt(words[0], 0, 64); err == nil {
				out = append(out, tableLine{f.Path, line, words[1], int(n)})
			}
		}
	}
	return out, nil
}

// Plan reads the own file and every other line.
func (t *RouteTable) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	var found files.Found
	var lines []tableLine
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) { found, err = files.Look(ctx, h, t.Path()); return err },
		func(ctx context.Context) (err error) { lines, err = askTables(ctx, h); return err },
	)
	if err != nil {
		return modules.Change{}, err
	}
	return t.decide(found, lines), nil
}

func (t *RouteTable) decide(found files.Found, lines []tableLine) modules.Change {
	others := slices.DeleteFunc(slices.Clone(lines), func(l tableLine) bool { return l.file == t.Path() || l.name != t.Name && l.number != t.Number })
	if t.Absent {
		c := files.Removal(t.Path(), found)
		left := slices.DeleteFunc(others, func(l tableLine) bool { return l.name != t.Name })
		for _, l := range left {
			if l.file != rtTables {
				c.Refuse("line", l.file+": "+l.raw, "(none)", "bisc takes lines only out of "+rtTables+" and its own files: take it out there")
				continue
			}
			c.Differ("line", l.file+": "+l.raw, "(none)")
			c.Do(host.Edit{Path: rtTables, Drop: []string{l.raw}})
		}
		return c
	}
	folderMissing := found.Parent == ""
	if folderMissing {
		found.Parent = host.Directory // it is made first
	}
	c := files.Wanted{Path: t.Path(), Content: fmt.Appendf(nil, "%d %s\n", t.Number, t.Name), Mode: 0o644}.Change(found)
	if folderMissing && len(c.Steps) > 0 {
		c.Steps = slices.Insert(c.Steps, 0, host.Step(host.Script{Argv: []string{"mkdir", "-p", "-m", "0755", "--", path.Dir(t.Path())}}))
	}
	for _, l := range others {
		if l.name != t.Name || l.number != t.Number {
			c.Refuse("line", l.file+": "+l.raw, fmt.Sprintf("%d %s", t.Number, t.Name), "name and number must be one another's alone: take the line out there, or choose others")
		}
	}
	return c
}

// tables is the tables that the plan names. One that is to go keeps its number for what goes with it.
type tables map[string]int

func tablesOf(all []modules.Resource) tables {
	out := tables{}
	for _, r := range all {
		if t, ok := r.(*RouteTable); ok {
			out[t.Name] = t.Number
		}
	}
	return out
}

// number is that of a table by name or number: a number is itself, then come the kernel's names, the plan's, and the host's.
// Unknown says why there is none.
func (t tables) number(ctx context.Context, h host.Reader, name string) (n int, unknown string, err error) {
	if n, err := strconv.Atoi(name); err == nil {
		return n, "", nil
	}
	if n, ok := reservedTables()[orMain(name)]; ok {
		return n, "", nil
	}
	if n, ok := t[name]; ok {
		return n, "", nil
	}
	lines, err := askTables(ctx, h)
	if err != nil {
		return 0, "", err
	}
	for _, l := range lines {
		if l.name == name {
			return l.number, "", nil
		}
	}
	known := maps.Keys(t)
	return 0, fmt.Sprintf("no table has this name: write a route_table block, or the number (the plan has: %s)", strings.Join(slices.Sorted(known), ", ")), nil
}

func orMain(name string) string {
	if name == "" {
		return "main"
	}
	return name
}

func checkTable(name string) error {
	if n, err := strconv.Atoi(name); err == nil && (n < 1 || n > 1<<31-1) || strings.ContainsAny(name, " \t\n/") {
		return fmt.Errorf("%q is no table: write a name, or a number from 1", name)
	}
	return nil
}
