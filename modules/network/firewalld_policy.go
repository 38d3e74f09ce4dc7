package network

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/files"
)

// FirewalldPolicyKind is one policy of firewalld between two zones, and what belongs to the zones.
var FirewalldPolicyKind = modules.Kind{
	Name:     "firewalld_policy",
	Label:    "the policy's name: docker-to-relay",
	Platform: host.Linux,
	Layer:    "relay",
	Doc: "A policy of firewalld for packets that are forwarded from one zone to another, with the interfaces of both zones, in force and on disk. " +
		"firewalld's own table of nft drops what comes from docker's bridges for a tunnel, whatever iptables accepts. A bridge of docker's is written `docker:NETWORK`: its name (br-...) changes whenever docker makes the network anew, and bisc asks docker for it each time; names of bridges that are gone are taken out of the zone. " +
		"A policy comes in force only by firewalld's reload, and that takes every rule of iptables away: docker makes its own again, the plan's `nat_rule` and `filter_rule` are made again by their units in the same act, and rules of anybody else are named as destroyed. " +
		"firewalld must run: a `service` block starts it. Its start takes docker's rules away too, until docker is restarted.",
	Checks: []string{
		"now: the policy is in force with its target, ingress and egress zone and no others; each interface is in its zone",
		"after boot: the same on disk (firewall-cmd --permanent); no bridge of docker's that is gone",
		"absent = true: neither the policy nor the interfaces' place in the zones, in force and on disk; what docker puts into its zone itself stays in force",
	},
	Losses: []modules.Loss{
		{What: "the policy, and the connections that live by it", When: "absent = true", Guards: []string{"file unchanged: the policy's file is as it was seen"}},
		{What: "rules of iptables that neither docker nor the plan makes", When: "the policy is not in force, or is to go: firewalld reloads", Guards: []string{"file unchanged: the policy's file is as it was seen"}},
	},
	Example: `firewalld_policy "docker-to-relay" {
  ingress_zone = "docker"
  ingress      = ["docker0", "docker:kind"]
  egress_zone  = "trusted"
  egress       = ["gre-ashburn"]
}
`,
	New: func(label string) modules.Resource { return &FirewalldPolicy{Name: label, Target: "ACCEPT"} },
}

// FirewalldPolicy is the resource of FirewalldPolicyKind.
type FirewalldPolicy struct {
	Name        string
	IngressZone string   `hcl:"ingress_zone" doc:"where the packets come from; docker's zone comes with docker, when it starts beside a running firewalld"`
	Ingress     []string `hcl:"ingress,optional" doc:"interfaces that belong to that zone: names, or docker:NETWORK" default:"[]"`
	EgressZone  string   `hcl:"egress_zone" doc:"where they go"`
	Egress      []string `hcl:"egress,optional" doc:"interfaces that belong to that zone" default:"[]"`
	Target      string   `hcl:"target,optional" doc:"ACCEPT, CONTINUE, DROP or REJECT" default:"\"ACCEPT\""`
	Absent      bool     `hcl:"absent,optional" doc:"no such policy, and the interfaces in no zone by it" default:"false"`

	rules []placed
}

// Owns the policy by its name, and the interfaces' places.
func (p *FirewalldPolicy) Owns() []string {
	out := []string{"firewalld_policy:" + p.Name, "file:" + p.path()}
	for _, i := range slices.Concat(p.Ingress, p.Egress) {
		out = append(out, "firewalld_interface:"+i)
	}
	return out
}

func (p *FirewalldPolicy) path() string { return "/etc/firewalld/policies/" + p.Name + ".xml" }

// Meet learns which rules' units have to run again after a reload.
func (p *FirewalldPolicy) Meet(all []modules.Resource) {
	p.rules = nil
	for _, r := range all {
		if q, ok := r.(ruled); ok && !q.placed().absent {
			p.rules = append(p.rules, q.placed())
		}
	}
}

// Validate checks the names.
func (p *FirewalldPolicy) Validate() error {
	var faults []error
	word := regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_-]{0,16}$`) // firewalld takes 17 characters, and a name is a file's
	for attr, name := range map[string]string{"": p.Name, "ingress_zone": p.IngressZone, "egress_zone": p.EgressZone} {
		if !word.MatchString(name) {
			faults = append(faults, &modules.AttrError{Attr: attr, Reason: fmt.Sprintf("%q is not a name that firewalld takes: up to 17 letters, digits, - and _", name)})
		}
	}
	if p.IngressZone == p.EgressZone {
		faults = append(faults, &modules.AttrError{Attr: "egress_zone", Reason: "a policy is between two zones; within one, the zone's own forward decides"})
	}
	if !slices.Contains([]string{"ACCEPT", "CONTINUE", "DROP", "REJECT"}, p.Target) {
		faults = append(faults, &modules.AttrError{Attr: "target", Reason: fmt.Sprintf("%q is not one of ACCEPT, CONTINUE, DROP, REJECT", p.Target)})
	}
	for _, i := range slices.Concat(p.Ingress, p.Egress) {
		name, isDocker := strings.CutPrefix(i, "docker:")
		if ok := regexp.MustCompile(`^[A-Za-z0-9_.@][A-Za-z0-9_.@-]*$`).MatchString(name); !ok || !isDocker && len(name) > 15 {
			faults = append(faults, &modules.AttrError{Attr: "ingress", Reason: fmt.Sprintf("%q is neither an interface nor docker:NETWORK", i)})
		}
		if regexp.MustCompile(`^br-[0-9a-f]{12}$`).MatchString(i) {
			faults = append(faults, &modules.AttrError{Attr: "ingress", Reason: i + " is a bridge of docker's, and has another name when docker makes the network anew: write docker:NETWORK"})
		}
	}
	return errors.Join(faults...)
}

// policySeen is what a policy's decision is made of.
type policySeen struct {
	firewalld firewalld
	bridges   map[string]string // of docker's networks, by name; "" for one that docker does not know
	there     []string          // bridges of docker's form that are there
	live      ruleTable
	file      files.Found // the policy's
}

// Plan asks firewalld, docker, and for iptables' rules, which a reload takes away.
func (p *FirewalldPolicy) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	o := policySeen{bridges: map[string]string{}}
	bridges := make([]string, 0)
	questions := []func(context.Context) error{
		func(ctx context.Context) (err error) { o.firewalld, err = lookAtFirewalld(ctx, h); return err },
		func(ctx context.Context) (err error) { o.file, err = files.Look(ctx, h, p.path()); return err },
		func(ctx context.Context) (err error) {
			o.there, err = h.Glob(ctx, "/sys/class/net/br-*")
			return err
		},
		func(ctx context.Context) error {
			f, err := lookAtRules(ctx, h)
			if errors.Is(err, host.ErrNoProgram) {
				return nil
			}
			o.live = f.live
			return err
		},
	}
	names := p.networks()
	bridges = make([]string, len(names))
	for i, name := range names {
		questions = append(questions, func(ctx context.Context) error {
			n, err := lookAtDockerNetwork(ctx, h, name)
			if n != nil {
				bridges[i] = n.bridge
			}
			return err
		})
	}
	if err := host.Ask(ctx, questions...); err != nil {
		return modules.Change{}, err
	}
	for i, name := range names {
		o.bridges[name] = bridges[i]
	}
	return p.decide(o), nil
}

func (p *FirewalldPolicy) networks() []string {
	var out []string
	for _, i := range slices.Concat(p.Ingress, p.Egress) {
		if name, ok := strings.CutPrefix(i, "docker:"); ok {
			out = append(out, name)
		}
	}
	return out
}

// reloadLimit is how long docker may take to make its rules again after a reload, and a unit until it is tried again.
const reloadLimit = 30 * time.Second
