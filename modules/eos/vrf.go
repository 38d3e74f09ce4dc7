package eos

import (
	"context"
	"errors"
	"fmt"

	"bisc/internal/eosconf"
	"bisc/internal/host"
	"bisc/modules"
)

// VRFKind is a routing table of its own.
var VRFKind = modules.Kind{
	Name:     "eos_vrf",
	Label:    "the VRF's name: relay",
	Platform: host.EOS,
	Layer:    "relay",
	Doc: "A VRF, and whether it routes: a new one does not until `ip routing vrf NAME` says so, and its static routes are then taken and never installed. " +
		"Interfaces and routes name it in blocks of their own.",
	Checks: []string{
		"now: `vrf instance NAME` and `ip routing vrf NAME` in the running configuration",
		"after boot: the same in the startup configuration; what only that lacks is saved",
	},
	Losses: []modules.Loss{{
		What: "the VRF", When: "absent = true",
		Guards: append(sectionGuards(), "no interface and no static route names it any more: an interface would lose its addresses with it"),
	}, {
		What: "what the VRF forwards", When: "routing = false", Guards: sectionGuards(),
	}},
	Example: `eos_vrf "relay" {}
`,
	New: func(label string) modules.Resource { return &VRF{Name: label, Routing: true} },
}

// VRF is the resource of VRFKind.
type VRF struct {
	neighbours
	Name         string
	Routing      bool `hcl:"routing,optional" doc:"it forwards packets" default:"true"`
	AllowForeign bool `hcl:"allow_foreign,optional" doc:"also where it is the second manager's" default:"false"`
	Absent       bool `hcl:"absent,optional" doc:"there must be no such VRF" default:"false"`
}

// Called is the block.
func (v *VRF) Called() string { return quoted("eos_vrf", v.Name) }

// Foreigner is allow_foreign.
func (v *VRF) Foreigner() bool { return v.AllowForeign }

func (v *VRF) header() string { return "vrf instance " + v.Name }

// Wants is the instance, then its routing. Others may write below the instance (rd, description).
func (v *VRF) Wants() []eosconf.Want {
	routing := "ip routing vrf " + v.Name
	if v.Absent {
		return []eosconf.Want{{Lines: []string{routing}, Mode: eosconf.Absent}, {Under: []string{v.header()}, Mode: eosconf.Absent}}
	}
	if !v.Routing {
		routing = "no " + routing
	}
	return []eosconf.Want{{Under: []string{v.header()}, Mode: eosconf.Merge}, {Lines: []string{routing}, Mode: eosconf.Merge}}
}

// Owns the VRF.
func (v *VRF) Owns() []string {
	return []string{"EOS line:" + v.header(), "EOS line:ip routing vrf " + v.Name}
}

// Agree with the other lines of the plan.
func (v *VRF) Agree(with []modules.Resource) error { return v.agree(v, with) }

// Validate refuses names that are EOS's own.
func (v *VRF) Validate() error {
	faults := []error{checkName(v.Name)}
	if v.Name == "default" || v.Name == "all" {
		faults = append(faults, &modules.AttrError{Reason: v.Name + " is EOS's own word: the default VRF is always there"})
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	return possible("", v.Wants())
}

// Plan compares the VRF.
func (v *VRF) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	o, err := v.look(ctx, h, v)
	if err != nil {
		return modules.Change{}, err
	}
	c, _ := v.decide(o, v)
	if v.Absent && configures(c) {
		c.Destroy(fmt.Sprintf("the VRF %s", v.Name))
	}
	return c, nil
}
