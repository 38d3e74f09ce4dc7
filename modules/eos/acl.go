package eos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bisc/internal/eosconf"
	"bisc/internal/host"
	"bisc/modules"
)

// ACLKind is an IPv4 access list.
var ACLKind = modules.Kind{
	Name:     "eos_acl",
	Label:    "the list's name: SHRED-RELAY",
	Platform: host.EOS,
	Layer:    "relay",
	Doc: "An IPv4 access list: these rules and no others. A rule without a number gets the one ten above that before it, as EOS gives it. A list whose rules change is deleted and written anew in one session, which is put in force at once; " +
		"where something uses it, the plan says what: its packets may miss the list for a moment (EOS lets them pass meanwhile with `hardware access-list update default-result permit`, and drops them without).",
	Checks: []string{
		"now: every rule with its number, and whether rules are counted, in the running configuration",
		"after boot: the same in the startup configuration; what only that lacks is saved",
		"programmed: what the hardware has of it, by `show ip access-lists NAME`: the same numbers with the same rules",
	},
	Losses: []modules.Loss{{
		What: "the list", When: "absent = true", Guards: append(sectionGuards(), "nothing names it any more"),
	}, {
		What: "packets that no rule permits: every list ends with a deny of all", When: "a rule is wrong or lacks, and the list is used on an interface's way", Guards: sectionGuards(),
	}, {
		What: "packets of the relay, for a moment", When: "a list changes that a monitor session or a policy uses", Guards: []string{"the plan names who uses it"},
	}},
	Example: `eos_acl "SHRED-RELAY" {
  rules = ["10 permit udp any any eq 20000"]
}
`,
	New: func(label string) modules.Resource { return &ACL{Name: label} },
}

// ACL is the resource of ACLKind.
type ACL struct {
	neighbours
	Name         string
	Rules        []string `hcl:"rules,optional" doc:"permit, deny or remark, each with its number or without, in their order"`
	Counters     bool     `hcl:"counters,optional" doc:"count the packets of each rule (counters per-entry)" default:"false"`
	AllowForeign bool     `hcl:"allow_foreign,optional" doc:"also where it is the second manager's" default:"false"`
	Absent       bool     `hcl:"absent,optional" doc:"there must be no such list" default:"false"`
}

// Called is the block.
func (a *ACL) Called() string { return quoted("eos_acl", a.Name) }

// Foreigner is allow_foreign.
func (a *ACL) Foreigner() bool { return a.AllowForeign }

func (a *ACL) header() string { return "ip access-list " + a.Name }

// Wants is the whole list.
func (a *ACL) Wants() []eosconf.Want {
	if a.Absent {
		return []eosconf.Want{{Under: []string{a.header()}, Mode: eosconf.Absent}}
	}
	var lines []string
	if a.Counters {
		lines = append(lines, "counters per-entry")
	}
	return []eosconf.Want{{Under: []string{a.header()}, Lines: append(lines, a.numbered()...), Mode: eosconf.Exact}}
}

// numbered gives every rule its number: the order of rules is what a list says, and eosconf lets a rule without a number be met
// by the same one anywhere.
func (a *ACL) numbered() []string {
	var out []string
	last := 0
	for _, r := range a.Rules {
		n, rule, has := numberOf(r)
		if !has {
			n = last + 10
		}
		last = n
		out = append(out, fmt.Sprintf("%d %s", n, rule))
	}
	return out
}

// numberOf splits a rule's number from it.
func numberOf(rule string) (n int, rest string, has bool) {
	first, rest, _ := strings.Cut(rule, " ")
	n, err := strconv.Atoi(first)
	if err != nil {
		return 0, rule, false
	}
	return n, rest, true
}

// Owns the list.
func (a *ACL) Owns() []string { return owned(a.Wants()) }

// Agree with the other lines of the plan.
func (a *ACL) Agree(with []modules.Resource) error { return a.agree(a, with) }

// Validate finds what EOS would not take, and lists that pass nothing.
func (a *ACL) Validate() error {
	faults := []error{checkName(a.Name)}
	fault := func(attr, format string, args ...any) {
		faults = append(faults, &modules.AttrError{Attr: attr, Reason: fmt.Sprintf(format, args...)})
	}
	if a.Absent && len(a.Rules) > 0 {
		fault("absent", "a list that must not be there has no rules")
	}
	if !a.Absent && len(a.Rules) == 0 {
		fault("rules", "a list without rules drops every packet where it is used: write the rules, or absent = true")
	}
	faults = append(faults, checkLines("rules", []string{a.header()}, a.Rules))
	last := 0
	for _, line := range a.numbered() {
		n, rule, _ := numberOf(line)
		word, _, _ := strings.Cut(rule, " ")
		switch {
		case !slices.Contains([]string{"permit", "deny", "remark"}, word):
			fault("rules", "%q is no rule: it begins with permit, deny or remark, after its number", rule)
		case n <= last:
			fault("rules", "%q comes after the rule %d: EOS sorts by number, and the first rule that fits decides; write them in that order", line, last)
		case n > 1<<32-1:
			fault("rules", "%d is too large a number for a rule", n)
		case len(strings.Fields(rule)) < 4 && word != "remark":
			fault("rules", "%q lacks something: permit PROTOCOL SOURCE DESTINATION", rule)
		}
		last = n
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	return possible("rules", a.Wants())
}

// checkName finds names that a command line would take apart.
func checkName(name string) error {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"'?|;<>`, r) }) {
		return &modules.AttrError{Reason: fmt.Sprintf("%q is no name on a switch: letters, digits, - _ . : and no spaces", name)}
	}
	return nil
}

// Plan compares the list, says who would feel it, and asks what the hardware has.
func (a *ACL) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	o, err := a.look(ctx, h, a)
	if err != nil {
		return modules.Change{}, err
	}
	c, inForce := a.decide(o, a)
	if !a.Absent && inForce {
		return c, a.programmed(ctx, h, &c)
	}
	if a.Absent && configures(c) {
		c.Destroy(fmt.Sprintf("the access list %s with its %s", a.Name, number(below(o.Running, a.header()), "line")))
	}
	if users := usersOf(o.Running, a.header()); configures(c) && len(users) > 0 && o.Running.Find(a.header()) != nil {
		c.Diffs[0].Want += " (in use by " + joined(users) + ": a short gap there while it changes)"
	}
	return c, nil
}

// accessLists is what is read of show ip access-lists [V: anta's fixture].
type accessLists struct {
	List []struct {
		Name     string `json:"name"`
		Sequence []struct {
			Number int    `json:"sequenceNumber"`
			Text   string `json:"text"`
		} `json:"sequence"`
	} `json:"aclList"`
}

// programmed compares what EOS says of the list in force with the rules.
func (a *ACL) programmed(ctx context.Context, h host.Reader, c *modules.Change) error {
	var said accessLists
	if err := host.ShowJSON(ctx, h, "show ip access-lists "+a.Name, &said); err != nil {
		return fmt.Errorf("what is in force of the list: %w", err)
	}
	if said.List == nil {
		return fmt.Errorf("the switch's answer to \"show ip access-lists %s\" lacks aclList: not known what is in force of the list", a.Name)
	}
	for _, l := range said.List {
		if l.Name != a.Name {
			continue
		}
		var got []string
		for _, s := range l.Sequence {
			got = append(got, fmt.Sprintf("%d %s", s.Number, s.Text))
		}
		want := eosconf.Normalise([]string{a.header()}, a.numbered())
		if got = eosconf.Normalise([]string{a.header()}, got); !slices.Equal(got, want) {
			c.Differ("programmed", fmt.Sprintf("%s: %s", number(len(got), "rule"), joined(got)), fmt.Sprintf("%s: %s", number(len(want), "rule"), joined(want)))
		}
		return nil
	}
	c.Differ("programmed", "no such list in force", number(len(a.Rules), "rule"))
	return nil
}
