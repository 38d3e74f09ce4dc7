package eos

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"bisc/internal/eosconf"
	"bisc/internal/host"
	"bisc/modules"
)

// TrafficPolicyKind sends packets elsewhere, in hardware.
var TrafficPolicyKind = modules.Kind{
	Name:     "eos_traffic_policy",
	Label:    "the policy's name: SHRED-RELAY",
	Platform: host.EOS,
	Layer:    "relay",
	Doc: "Sends the packets of one match to a next hop, in hardware, on their way into interfaces; all others pass. It needs a TCAM profile with `feature traffic-policy port ipv4`: where the one in force lacks it, the plan is refused with that reason. " +
		"bisc never changes the profile.",
	Checks: []string{
		"refused: the TCAM profile in force (`show hardware tcam profile`) lacks the feature, or is not the one asked for",
		"now: the policy, and the line of each interface, in the running configuration",
		"after boot: the same in the startup configuration; what only that lacks is saved",
	},
	Losses: []modules.Loss{{
		What: "the policy, with the redirection", When: "absent = true", Guards: sectionGuards(),
	}, {
		What: "what the matched packets did before", When: "the match is too wide", Guards: append(sectionGuards(), "a match needs a destination"),
	}},
	Example: `eos_traffic_policy "SHRED-RELAY" {
  interfaces  = ["Ethernet1/1"]
  destination = ["64.92.84.81/32"]
  protocol    = "udp"
  port        = 20000
  next_hop    = "172.16.1.189"
}
`,
	New: func(label string) modules.Resource { return &TrafficPolicy{Name: label} },
}

// policyFeature is what a TCAM profile must have for it [V: featureprofiles].
const policyFeature = "traffic-policy port ipv4"

// TrafficPolicy is the resource of TrafficPolicyKind.
type TrafficPolicy struct {
	neighbours
	Name         string
	Interfaces   []string `hcl:"interfaces,optional" doc:"full names of the interfaces on whose way in it decides"`
	Destination  []string `hcl:"destination,optional" doc:"the packets' destination prefixes"`
	Protocol     string   `hcl:"protocol,optional" doc:"udp or tcp. Default: any"`
	Port         int      `hcl:"port,optional" doc:"the packets' destination port; with protocol. Default: any"`
	NextHop      string   `hcl:"next_hop,optional" doc:"the neighbour that gets them"`
	AllowForeign bool     `hcl:"allow_foreign,optional" doc:"also where it is the second manager's" default:"false"`
	Absent       bool     `hcl:"absent,optional" doc:"there must be no such policy, and none of interfaces names it" default:"false"`
}

// Called is the block.
func (p *TrafficPolicy) Called() string { return quoted("eos_traffic_policy", p.Name) }

// Foreigner is allow_foreign.
func (p *TrafficPolicy) Foreigner() bool { return p.AllowForeign }

func (p *TrafficPolicy) path() []string {
	return []string{"traffic-policies", "traffic-policy " + p.Name}
}

// Wants is the policy, then the line of each interface. EOS always prints the two rules that match all else [V].
func (p *TrafficPolicy) Wants() []eosconf.Want {
	use := "traffic-policy input " + p.Name
	var uses []eosconf.Want
	for _, i := range p.Interfaces {
		w := eosconf.Want{Under: []string{"interface " + i}, Mode: eosconf.Merge}
		if p.Absent {
			w.Without = []string{use}
		} else {
			w.Lines = []string{use}
		}
		uses = append(uses, w)
	}
	if p.Absent {
		return append(uses, eosconf.Want{Under: p.path(), Mode: eosconf.Absent})
	}
	lines := []string{"match " + p.Name + " ipv4", "   destination prefix " + strings.Join(p.Destination, " ")}
	if p.Protocol != "" {
		line := "   protocol " + p.Protocol
		if p.Port != 0 {
			line += " destination port " + strconv.Itoa(p.Port)
		}
		lines = append(lines, line)
	}
	lines = append(lines, "   actions", "      count", "      redirect next-hop "+p.NextHop, "match ipv4-all-default ipv4", "match ipv6-all-default ipv6")
	return append([]eosconf.Want{{Under: p.path(), Lines: lines, Mode: eosconf.Exact}}, uses...)
}

// Owns the policy and the interfaces' lines.
func (p *TrafficPolicy) Owns() []string {
	out := []string{"EOS line:" + strings.Join(p.path(), " / ")}
	for _, i := range p.Interfaces {
		out = append(out, "EOS line:interface "+i+" / traffic-policy input")
	}
	return out
}

// Agree with the other lines of the plan.
func (p *TrafficPolicy) Agree(with []modules.Resource) error { return p.agree(p, with) }

// Validate finds what EOS would not take, and matches that take too much.
func (p *TrafficPolicy) Validate() error {
	faults := []error{checkName(p.Name)}
	fault := func(attr, format string, args ...any) {
		faults = append(faults, &modules.AttrError{Attr: attr, Reason: fmt.Sprintf(format, args...)})
	}
	for _, i := range p.Interfaces {
		if !isInterface(i) {
			fault("interfaces", "%q is no interface's full name: write Ethernet1/1", i)
		}
	}
	if p.Absent {
		return errors.Join(faults...)
	}
	if len(p.Interfaces) == 0 {
		fault("interfaces", "a policy that no interface names does nothing")
	}
	if len(p.Destination) == 0 {
		fault("destination", "without a destination it would redirect every packet")
	}
	for _, d := range p.Destination {
		if n, err := netip.ParsePrefix(d); err != nil || !n.Addr().Is4() || n.Masked() != n || n.Bits() < 8 {
			fault("destination", "%q is not an IPv4 prefix of 8 to 32 bits with no host bits: write 192.0.2.1/32", d)
		}
	}
	if !slices.Contains([]string{"", "udp", "tcp"}, p.Protocol) {
		fault("protocol", "write udp or tcp, or leave it out")
	}
	if p.Port < 0 || p.Port > 65535 || p.Port != 0 && p.Protocol == "" {
		fault("port", "write 1 to 65535, with protocol")
	}
	if a, err := netip.ParseAddr(p.NextHop); err != nil || !a.Is4() || a.IsUnspecified() {
		fault("next_hop", "%q is not an IPv4 address", p.NextHop)
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	return possible("", p.Wants())
}

// Plan asks first whether the chip can do it.
func (p *TrafficPolicy) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	o, err := p.look(ctx, h, p)
	if err != nil {
		return modules.Change{}, err
	}
	if !p.Absent {
		profile, err := readTCAM(ctx, h, o.Running)
		if err != nil {
			return modules.Change{}, err
		}
		if why := profile.lacks(policyFeature); why != "" {
			var c modules.Change
			c.Refuse("programmed", "profile "+profile.status, "a profile with "+policyFeature, why)
			return c, nil
		}
		if own := p.absorbed(o.after); own != "" && !profile.overrides {
			var c modules.Change
			c.Refuse("own address", own, strings.Join(p.Destination, " "), "packets to an address of the switch's own end in its CPU before the policy is asked (incident 42), unless the TCAM profile says system-rule overriding-action redirect: take the address away")
			return c, nil
		}
	}
	c, _ := p.decide(o, p)
	if p.Absent && configures(c) {
		c.Destroy("the traffic policy " + p.Name + ", and the redirection of its packets")
	}
	return c, nil
}

// absorbed names an own address among the destinations; empty: none.
func (p *TrafficPolicy) absorbed(after *eosconf.Config) string {
	for _, i := range interfaces(after) {
		for _, a := range i.addresses {
			for _, d := range p.Destination {
				if n, err := netip.ParsePrefix(d); err == nil && n.Contains(a.Addr()) {
					return fmt.Sprintf("%s has %s", i.name, a.Addr())
				}
			}
		}
	}
	return ""
}
