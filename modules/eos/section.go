package eos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bisc/internal/eosconf"
	"bisc/internal/host"
	"bisc/modules"
)

// SectionKind is one section of a switch's configuration.
var SectionKind = modules.Kind{
	Name:     "eos_section",
	Label:    "a name of your own: what the section is for",
	Platform: host.EOS,
	Layer:    "relay",
	Doc: "One section of the configuration, named by its headers. `exact` has the section be these lines and no others, and is refused on physical interfaces, which others share; `merge` adds the lines that are not " +
		"there, and takes away those of `without`. Only what differs is typed.",
	Checks: []string{
		"now: the section in the running configuration, spelt as EOS prints it",
		"after boot: the same in the startup configuration; what only that lacks is saved",
		"refused: a line of the second manager's, a tunnel's source that would go, an own address that a route is for, a list or VRF that something still names",
	},
	Losses: []modules.Loss{{
		What: "the section", When: "absent = true", Guards: sectionGuards(),
	}, {
		What: "packets that a line let through, or that a route of it carried", When: "a line is wrong, or goes: by exact, by without, or for a line that holds one value", Guards: sectionGuards(),
	}},
	Example: `eos_section "the relay's interface to biscayne" {
  path  = ["interface Ethernet4/1"]
  mode  = "merge"
  lines = ["mtu 9214", "ip address 172.16.1.188/31"]
}
`,
	New: func(label string) modules.Resource { return &Section{Name: label, Mode: "merge"} },
}

// sectionGuards stand before every change of a switch's configuration.
func sectionGuards() []string {
	return []string{
		"the switch's own diff says no line more and no line less than the plan",
		"a timed commit: what is not proved over a new connection is taken back by the switch itself",
		"nothing of the second manager's; no tunnel loses its source",
	}
}

// Section is the resource of SectionKind.
type Section struct {
	neighbours
	Name         string
	Path         []string `hcl:"path" doc:"the section's headers, outermost first, as the switch prints them"`
	Lines        []string `hcl:"lines,optional" doc:"its lines; three more spaces for each level below"`
	Mode         string   `hcl:"mode,optional" doc:"merge or exact" default:"\"merge\""`
	Without      []string `hcl:"without,optional" doc:"lines that must not be there; with merge"`
	AllowForeign bool     `hcl:"allow_foreign,optional" doc:"also where it is the second manager's" default:"false"`
	Absent       bool     `hcl:"absent,optional" doc:"there must be no such section" default:"false"`
}

// Called is the block.
func (s *Section) Called() string { return quoted("eos_section", s.Name) }

// Foreigner is allow_foreign.
func (s *Section) Foreigner() bool { return s.AllowForeign }

// Wants is the section.
func (s *Section) Wants() []eosconf.Want {
	w := eosconf.Want{Under: s.Path, Lines: s.Lines, Mode: eosconf.Merge, Without: s.Without}
	switch {
	case s.Absent:
		w = eosconf.Want{Under: s.Path, Mode: eosconf.Absent}
	case s.Mode == "exact":
		w.Mode = eosconf.Exact
	}
	return []eosconf.Want{w}
}

// Owns the section, or its lines.
func (s *Section) Owns() []string { return owned(s.Wants()) }

// Agree with the other lines of the plan.
func (s *Section) Agree(with []modules.Resource) error { return s.agree(s, with) }

// Validate finds what EOS would not take, or what would own too much.
func (s *Section) Validate() error {
	faults := []error{checkHeaders("path", s.Path), checkLines("lines", s.Path, s.Lines), checkLines("without", s.Path, s.Without)}
	fault := func(attr, reason string) { faults = append(faults, &modules.AttrError{Attr: attr, Reason: reason}) }
	switch {
	case s.Mode == "absent":
		fault("mode", "absence is written absent = true")
	case s.Mode != "merge" && s.Mode != "exact":
		fault("mode", fmt.Sprintf("%q is neither merge nor exact", s.Mode))
	case s.Absent && len(s.Lines)+len(s.Without) > 0:
		fault("absent", "a section that must not be there has no lines: leave them out, or take only lines away with without")
	case !s.Absent && s.Mode == "merge" && len(s.Lines)+len(s.Without) == 0 && !headerAlone(s.Path):
		fault("lines", "merge with no lines asks for nothing")
	case len(s.Path) > 0 && isPhysical(s.Path[0]) && s.Absent:
		fault("absent", s.Path[0]+" is a port: it cannot be removed, and bisc defaults none; write what must not be there in without")
	case len(s.Path) > 0 && isPhysical(s.Path[0]) && s.Mode == "exact" && len(s.Path) == 1:
		fault("mode", s.Path[0]+" is a port that others write too: exact would take their lines; write merge, and in without what must go")
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	return possible("lines", s.Wants())
}

// headerAlone tells whether a header says something by itself: a VRF, a loopback.
func headerAlone(path []string) bool {
	return len(path) == 1 && slices.ContainsFunc([]string{"vrf instance ", "interface Loopback", "interface Tunnel", "router "}, func(p string) bool { return strings.HasPrefix(path[0], p) })
}

// isPhysical tells whether a header is that of an interface that is there whatever the configuration says.
func isPhysical(header string) bool {
	return strings.HasPrefix(header, "interface Ethernet") || strings.HasPrefix(header, "interface Management")
}

// Plan compares the section.
func (s *Section) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	o, err := s.look(ctx, h, s)
	if err != nil {
		return modules.Change{}, err
	}
	c, _ := s.decide(o, s)
	if s.Absent && configures(c) {
		c.Destroy(fmt.Sprintf("the section %s with its %s", strings.Join(s.Path, " / "), number(below(o.Running, s.Path...), "line")))
	}
	return c, nil
}

// below counts a section's lines, of all levels.
func below(c *eosconf.Config, path ...string) int {
	lines, _ := c.Section(path...)
	return len(lines)
}
