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

// OwnershipKind is what of a switch is the second manager's.
var OwnershipKind = modules.Kind{
	Name:     "eos_ownership",
	Label:    "whose it is: doublezero-agent",
	Platform: host.EOS,
	Layer:    "relay",
	Doc: "What of the switch's configuration belongs to somebody else. Every EOS kind of the host refuses to touch it, before the switch is asked where the plan's own words tell, else in the plan; `allow_foreign = true` on " +
		"a resource permits it that one. What the DoubleZero agent writes is always on the list, with or without this block: " + strings.Join(quoteAll(eosconf.DefaultForeign()), ", ") + ".",
	Checks: []string{"nothing on the switch: it is a word to the other kinds"},
	Example: `eos_ownership "the backbone team" {
  foreign = ["interface Ethernet8/1", "ip prefix-list BACKBONE-*"]
}
`,
	New: func(label string) modules.Resource { return &Ownership{Name: label} },
}

func quoteAll(patterns []string) []string {
	var out []string
	for _, p := range patterns {
		out = append(out, "`"+p+"`")
	}
	return out
}

// Ownership is the resource of OwnershipKind.
type Ownership struct {
	Name    string
	Foreign []string `hcl:"foreign" doc:"what is not ours: a line or a section's header as the switch prints it, from its first word on; * is any text, [0-9] one of these letters"`
}

// Validate finds patterns that would protect nothing, or everything.
func (o *Ownership) Validate() error {
	var faults []error
	for _, p := range o.Foreign {
		switch {
		case strings.TrimSpace(p) != p || p == "":
			faults = append(faults, &modules.AttrError{Attr: "foreign", Reason: fmt.Sprintf("%q matches no line that a switch prints: write it without spaces around it", p)})
		case strings.Trim(p, "*") == "":
			faults = append(faults, &modules.AttrError{Attr: "foreign", Reason: fmt.Sprintf("%q is everything: no EOS kind could change anything", p)})
		}
	}
	return errors.Join(faults...)
}

// Plan finds nothing to do: the others ask it.
func (o *Ownership) Plan(context.Context, host.Reader) (modules.Change, error) {
	return modules.Change{}, nil
}
