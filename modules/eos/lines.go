package eos

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"bisc/internal/eosconf"
	"bisc/internal/host"
	"bisc/modules"
)

// LinesKind is lines at the top of a switch's configuration.
var LinesKind = modules.Kind{
	Name:     "eos_lines",
	Label:    "a name of your own: what the lines are for",
	Platform: host.EOS,
	Layer:    "relay",
	Doc: "Lines at the top of the configuration. With `prefix`, bisc owns every line that begins so: what else begins so goes. Without it the lines are added and others left. " +
		"A prefix ends where a word ends: write \"monitor session 1 \", which is not monitor session 10.",
	Checks: []string{
		"now: the lines in the running configuration; with prefix, that no others begin so",
		"after boot: the same in the startup configuration; what only that lacks is saved",
	},
	Losses: []modules.Loss{{
		What: "the lines that begin with prefix, and what they did", When: "absent = true, or prefix with other lines than those there", Guards: sectionGuards(),
	}},
	Example: `eos_lines "commits that merge" {
  lines = ["service configuration session commit merge"]
}
`,
	New: func(label string) modules.Resource { return &Lines{Name: label} },
}

// Lines is the resource of LinesKind.
type Lines struct {
	neighbours
	Name         string
	Lines        []string `hcl:"lines,optional" doc:"the lines, each a whole statement"`
	Prefix       string   `hcl:"prefix,optional" doc:"own every line that begins so. Default: own only the lines"`
	Without      []string `hcl:"without,optional" doc:"lines that must not be there; without prefix"`
	AllowForeign bool     `hcl:"allow_foreign,optional" doc:"also where they are the second manager's" default:"false"`
	Absent       bool     `hcl:"absent,optional" doc:"the lines, or those that begin with prefix, must not be there" default:"false"`
}

// Called is the block.
func (l *Lines) Called() string { return quoted("eos_lines", l.Name) }

// Foreigner is allow_foreign.
func (l *Lines) Foreigner() bool { return l.AllowForeign }

// Wants is the lines.
func (l *Lines) Wants() []eosconf.Want {
	switch {
	case l.Absent:
		return []eosconf.Want{{Lines: l.Lines, Prefix: l.Prefix, Mode: eosconf.Absent}}
	case l.Prefix != "":
		return []eosconf.Want{{Lines: l.Lines, Prefix: l.Prefix, Mode: eosconf.Exact}}
	}
	return []eosconf.Want{{Lines: l.Lines, Without: l.Without, Mode: eosconf.Merge}}
}

// Owns the lines, or all that begin with the prefix.
func (l *Lines) Owns() []string { return owned(l.Wants()) }

// Agree with the other lines of the plan.
func (l *Lines) Agree(with []modules.Resource) error { return l.agree(l, with) }

// Validate finds what EOS would not take, or what would own too much.
func (l *Lines) Validate() error {
	faults := []error{checkLines("lines", nil, l.Lines), checkLines("without", nil, l.Without)}
	fault := func(attr, reason string) { faults = append(faults, &modules.AttrError{Attr: attr, Reason: reason}) }
	words := strings.Fields(l.Prefix)
	switch {
	case l.Prefix == "" && len(l.Lines)+len(l.Without) == 0:
		fault("lines", "no line and no prefix: it asks for nothing")
	case l.Absent && l.Prefix != "" && len(l.Lines) > 0:
		fault("lines", "absent with a prefix takes away every line that begins so: leave the lines out")
	case l.Prefix != "" && len(l.Without) > 0 || l.Absent && len(l.Without) > 0:
		fault("without", "prefix and absent say already what must not be there")
	case l.Prefix != "" && (len(words) < 2 || !strings.HasSuffix(l.Prefix, " ")):
		fault("prefix", fmt.Sprintf("%q is too wide, or ends within a word: write at least two words and a space at the end, for example \"monitor session 1 \"", l.Prefix))
	case l.Prefix != "" && strings.HasPrefix("interface Ethernet", l.Prefix):
		fault("prefix", "interfaces are sections: write eos_section")
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	return possible("lines", l.Wants())
}

// Plan compares the lines.
func (l *Lines) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	o, err := l.look(ctx, h, l)
	if err != nil {
		return modules.Change{}, err
	}
	c, _ := l.decide(o, l)
	if l.Absent && configures(c) {
		c.Destroy(gone(o))
	}
	return c, nil
}

// gone names what of the running configuration a resource takes away.
func gone(o seen) string {
	var all []string
	for _, e := range o.running.Removes {
		all = append(all, e.String())
	}
	return "of the configuration: " + joined(all)
}

// configures tells whether a change has lines for the session, not only a save.
func configures(c modules.Change) bool {
	for _, s := range c.Steps {
		if _, ok := s.(host.Configure); ok {
			return true
		}
	}
	return false
}
