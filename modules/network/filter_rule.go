package network

import (
	"context"
	"errors"
	"fmt"

	"bisc/internal/host"
	"bisc/modules"
)

// FilterRuleKind is one rule of iptables that lets packets through or not.
var FilterRuleKind = modules.Kind{
	Name:     "filter_rule",
	Label:    "a name of your own: it goes into the rule's comment as \"bisc: NAME\"",
	Platform: host.Linux,
	Layer:    "relay",
	Doc: "One IPv4 rule of iptables' table filter at a place that is asserted, exactly once, now, after boot, and after a restart of docker or firewalld, which both put their own rules before others'. " +
		"All else is as with `nat_rule`. An accept here ends this table's chain and no other's: where nft has another table at the same hook that can drop (firewalld's, nftables.conf's), that is shown until it is named in `beside`.",
	Checks: []string{
		"now: the rule is there, once, and no foreign rule stands before it (`position`); a former version of it (by its comment, in whatever chain) is drift; a foreign rule like it is shown",
		"now, for accept: no other table of nft at that hook can drop what was accepted; for drop and reject: nothing on the host waits for the packets",
		"after boot: the unit's file, that it is enabled and has not failed; no copy in /etc/iptables/rules.v4",
		"after a restart of docker or firewalld: the unit is a part of both and wanted by both",
		"absent = true: no copy, no former version, no unit, no line in rules.v4, and nothing else touched",
	},
	Losses: []modules.Loss{{What: "the rule, and the connections that live by it", When: "absent = true",
		Guards: []string{"file unchanged: the unit's file still has the content that was seen"}}},
	Example: `filter_rule "shreds reach the node" {
  chain       = "DOCKER-USER"
  action      = "accept"
  protocol    = "udp"
  destination = "172.20.0.2"
  port        = "9000"
}
`,
	New: func(label string) modules.Resource { return &FilterRule{Name: label, Position: "first"} },
}

// FilterRule is the resource of FilterRuleKind.
type FilterRule struct {
	Name        string
	Chain       string   `hcl:"chain" doc:"INPUT, FORWARD, OUTPUT, or a chain that is there, as DOCKER-USER"`
	Action      string   `hcl:"action" doc:"accept, drop, reject or return"`
	Protocol    string   `hcl:"protocol,optional" doc:"udp, tcp, icmp or gre. Default: any"`
	Source      string   `hcl:"source,optional" doc:"the sender's address or network"`
	Destination string   `hcl:"destination,optional" doc:"the receiver's address or network, after a dnat"`
	SourcePort  string   `hcl:"source_port,optional" doc:"a port or a range: 8001, 9000:9025"`
	Port        string   `hcl:"port,optional" doc:"the receiver's port or a range"`
	In          string   `hcl:"in_interface,optional" doc:"where the packet came in"`
	Out         string   `hcl:"out_interface,optional" doc:"where it will go out"`
	Marked      string   `hcl:"marked,optional" doc:"the packet has this mark: 100, 0x64, 0x64/0xff"`
	Position    string   `hcl:"position,optional" doc:"first: no foreign rule before it; \"before DOCKER\": no rule before it that jumps to that chain; any. A rule that is put in is always put at the head" default:"\"first\""`
	Takes       []string `hcl:"takes,optional" doc:"drop and reject in INPUT: ports of the host's own that the rule closes on purpose" default:"[]"`
	Beside      []string `hcl:"beside,optional" doc:"accept: other tables of nft that are known to let the packets through too, as in \"inet firewalld\"" default:"[]"`
	Absent      bool     `hcl:"absent,optional" doc:"no such rule" default:"false"`

	ours []placed
}

// placed is the rule as words.
func (r *FilterRule) placed() placed {
	m := matching{r.Protocol, r.Source, r.Destination, r.SourcePort, r.Port, r.In, r.Out, r.Marked}
	p := placed{word: "filter", label: r.Name, match: m, position: r.Position, takes: r.Takes, beside: r.Beside, absent: r.Absent, ours: r.ours}
	action := map[string][]string{"accept": {"-j", "ACCEPT"}, "drop": {"-j", "DROP"}, "reject": {"-j", "REJECT", "--reject-with", "icmp-port-unreachable"}, "return": {"-j", "RETURN"}}[r.Action]
	p.rule = packetRule{table: "filter", chain: r.Chain, matches: m.words(), action: action, comment: p.comment()}
	return p
}

// Owns the rule's unit.
func (r *FilterRule) Owns() []string { return append(r.placed().boot().Owns(), "filter_rule:"+r.Name) }

// Meet learns what else the plan wants in the chain.
func (r *FilterRule) Meet(all []modules.Resource) { r.ours = r.placed().meet(all) }

// Validate finds what iptables would refuse, and what would take more than is meant.
func (r *FilterRule) Validate() error {
	p := r.placed()
	if p.rule.action == nil {
		return &modules.AttrError{Attr: "action", Reason: fmt.Sprintf("%q is not one of accept, drop, reject, return", r.Action)}
	}
	if r.Chain == "PREROUTING" || r.Chain == "POSTROUTING" {
		return &modules.AttrError{Attr: "chain", Reason: "the table filter has INPUT, FORWARD and OUTPUT, and what others have made in it"}
	}
	faults := []error{p.validate()}
	if len(p.rule.matches) == 0 {
		faults = append(faults, &modules.AttrError{Attr: "action", Reason: "a rule for every packet at the head of a chain takes the chain from everybody else: say which packets are meant"})
	}
	return errors.Join(faults...)
}

// Plan reads the rules, what else decides about the packets, and the unit.
func (r *FilterRule) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	return r.placed().plan(ctx, h)
}
