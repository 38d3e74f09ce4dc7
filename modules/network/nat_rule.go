package network

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// NATRuleKind is one rule of iptables that changes where packets go to or seem to come from, or marks them.
var NATRuleKind = modules.Kind{
	Name:     "nat_rule",
	Label:    "a name of your own: it goes into the rule's comment as \"bisc: NAME\"",
	Platform: host.Linux,
	Layer:    "relay",
	Doc: "One IPv4 rule of iptables that rewrites or marks packets, at a place that is asserted, exactly once, now, after boot, and after a restart of docker or firewalld. " +
		"`dnat`, `redirect`, `snat` and `masquerade` are of the table nat, `mark` is of mangle. A rule that somebody made by hand from the same words is this rule. " +
		"Several rules of a plan share the head of a chain, in the plan's order. Whether the host's iptables makes rules by nf_tables or the legacy way, bisc uses that program; where both hold rules, it says so and does nothing. " +
		"On a host that has nft and no iptables each rule is a table of its own (bisc_nat_NAME, bisc_filter_NAME), which is put in and taken away whole; its place is its chain's priority, before those of docker and firewalld. " +
		"The persisted half is one oneshot unit a rule; a copy in /etc/iptables/rules.v4, which netfilter-persistent restores before docker starts, is drift and is taken out of that file.",
	Checks: []string{
		"now: the rule is there, once, and no foreign rule stands before it (`position`); a former version of it (by its comment, in whatever chain) is drift; a foreign rule like it is shown",
		"now: route_localnet where the destination is 127.0.0.0/8; what else on the host waits for the packets",
		"after boot: the unit's file, that it is enabled and has not failed; no copy in /etc/iptables/rules.v4",
		"after a restart of docker or firewalld: the unit is a part of both and wanted by both",
		"absent = true: no copy, no former version, no unit, no line in rules.v4, and nothing else touched (a table that iptables made for it stays, empty)",
	},
	Losses: []modules.Loss{{What: "the rule, and the connections that live by it", When: "absent = true",
		Guards: []string{"file unchanged: the unit's file still has the content that was seen"}}},
	Example: `nat_rule "shreds of the switch" {
  action      = "dnat"
  protocol    = "udp"
  destination = "64.92.84.81"
  port        = "20000"
  to          = "172.20.0.2:9000"
}
`,
	New: func(label string) modules.Resource { return &NATRule{Name: label, Position: "first"} },
}

// NATRule is the resource of NATRuleKind.
type NATRule struct {
	Name        string
	Action      string   `hcl:"action" doc:"dnat, redirect, snat, masquerade or mark"`
	To          string   `hcl:"to,optional" doc:"dnat: address, or address:port; redirect: a port; snat: an address; mark: the mark, as in 100 or 0x64. Nothing for masquerade" default:"\"\""`
	Chain       string   `hcl:"chain,optional" doc:"Default: PREROUTING for dnat, redirect and mark, POSTROUTING for snat and masquerade"`
	Protocol    string   `hcl:"protocol,optional" doc:"udp, tcp, icmp or gre. Default: any"`
	Source      string   `hcl:"source,optional" doc:"the sender's address or network"`
	Destination string   `hcl:"destination,optional" doc:"the receiver's address or network, before any rewriting. dnat and redirect in PREROUTING need it or in_interface: without, they also take what containers send to others, gossip and ip_echo among it"`
	SourcePort  string   `hcl:"source_port,optional" doc:"a port or a range: 8001, 9000:9025"`
	Port        string   `hcl:"port,optional" doc:"the receiver's port or a range"`
	In          string   `hcl:"in_interface,optional" doc:"where the packet came in"`
	Out         string   `hcl:"out_interface,optional" doc:"where it will go out"`
	Marked      string   `hcl:"marked,optional" doc:"the packet has this mark: 100, 0x64, 0x64/0xff"`
	Position    string   `hcl:"position,optional" doc:"first: no foreign rule before it; \"before DOCKER\": no rule before it that jumps to that chain; any. A rule that is put in is always put at the head" default:"\"first\""`
	Takes       []string `hcl:"takes,optional" doc:"ports of the host's own that the rule takes on purpose; sshd's and others' are refused else" default:"[]"`
	Absent      bool     `hcl:"absent,optional" doc:"no such rule" default:"false"`

	ours []placed
}

func (r *NATRule) matching() matching {
	return matching{r.Protocol, r.Source, r.Destination, r.SourcePort, r.Port, r.In, r.Out, r.Marked}
}

// placed is the rule as words.
func (r *NATRule) placed() placed {
	p := placed{word: "nat", label: r.Name, match: r.matching(), position: r.Position, takes: r.Takes, to: r.To, absent: r.Absent, ours: r.ours}
	chain, table := "PREROUTING", "nat"
	var action []string
	switch r.Action {
	case "dnat":
		action = []string{"-j", "DNAT", "--to-destination", r.To}
	case "redirect":
		action = []string{"-j", "REDIRECT", "--to-ports", r.To}
	case "snat":
		chain, action = "POSTROUTING", []string{"-j", "SNAT", "--to-source", r.To}
	case "masquerade":
		chain, action = "POSTROUTING", []string{"-j", "MASQUERADE"}
	case "mark":
		m, _ := parseMark(r.To) // Validate has looked
		table, action = "mangle", []string{"-j", "MARK", "--set-xmark", fmt.Sprintf("0x%x/0x%x", m.value, m.mask)}
	}
	if r.Chain != "" {
		chain = r.Chain
	}
	p.rule = packetRule{table: table, chain: chain, matches: p.match.words(), action: action, comment: p.comment()}
	return p
}

// Owns the rule's unit.
func (r *NATRule) Owns() []string { return append(r.placed().boot().Owns(), "nat_rule:"+r.Name) }

// Meet learns what else the plan wants in the chain.
func (r *NATRule) Meet(all []modules.Resource) { r.ours = r.placed().meet(all) }

// Validate finds what iptables would refuse, and what would take more than is meant.
func (r *NATRule) Validate() error {
	chains := map[string][]string{"dnat": {"PREROUTING", "OUTPUT"}, "redirect": {"PREROUTING", "OUTPUT"}, "snat": {"POSTROUTING", "INPUT"}, "masquerade": {"POSTROUTING"},
		"mark": {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"}}[r.Action]
	if chains == nil {
		return &modules.AttrError{Attr: "action", Reason: fmt.Sprintf("%q is not one of dnat, redirect, snat, masquerade, mark", r.Action)}
	}
	faults := []error{r.target(), r.placed().validate()}
	if r.Chain != "" && !slices.Contains(chains, r.Chain) {
		faults = append(faults, &modules.AttrError{Attr: "chain", Reason: fmt.Sprintf("%s is done in %s", r.Action, strings.Join(chains, " or "))})
	}
	greedy := (r.Action == "dnat" || r.Action == "redirect") && r.placed().rule.chain == "PREROUTING" && r.Destination == "" && r.In == ""
	if greedy && !r.Absent {
		faults = append(faults, &modules.AttrError{Attr: "destination", Reason: "without destination or in_interface the rule also takes what containers send to other hosts' ports, gossip and ip_echo among it: name the address that the packets come for"})
	}
	if r.In != "" && r.placed().rule.chain == "POSTROUTING" || r.Out != "" && r.placed().rule.chain == "PREROUTING" {
		faults = append(faults, &modules.AttrError{Attr: "in_interface", Reason: "in PREROUTING it is not known yet where a packet will go out, in POSTROUTING no longer where it came in"})
	}
	return errors.Join(faults...)
}

// target checks `to`.
func (r *NATRule) target() error {
	bad := func(want string) error {
		return &modules.AttrError{Attr: "to", Reason: fmt.Sprintf("%q: for %s write %s", r.To, r.Action, want)}
	}
	switch r.Action {
	case "dnat":
		address, ports, hasPorts := strings.Cut(r.To, ":")
		_, portErr := parsePorts(strings.ReplaceAll(ports, "-", ":"))
		if a, err := netip.ParseAddr(address); err != nil || !a.Is4() || hasPorts && portErr != nil {
			return bad("an IPv4 address, or address:port, as in 172.20.0.2:9000")
		}
		if hasPorts && r.Protocol != "udp" && r.Protocol != "tcp" {
			return &modules.AttrError{Attr: "protocol", Reason: "a rule that changes the port is for udp or for tcp"}
		}
	case "redirect":
		if p, err := parsePorts(r.To); err != nil || p.first != p.last || r.Protocol != "udp" && r.Protocol != "tcp" {
			return bad("a port, with protocol udp or tcp")
		}
	case "snat":
		if a, err := netip.ParseAddr(r.To); err != nil || !a.Is4() {
			return bad("an IPv4 address")
		}
	case "masquerade":
		if r.To != "" {
			return bad("nothing: the address is that of the interface")
		}
	case "mark":
		if _, err := parseMark(r.To); err != nil {
			return &modules.AttrError{Attr: "to", Reason: err.Error()}
		}
	}
	return nil
}

// Plan reads the rules, what waits for the packets, and the unit.
func (r *NATRule) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	return r.placed().plan(ctx, h)
}
