package network

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"bisc/modules"
)

// placed is a rule at a place that is asserted: what nat_rule and filter_rule have in common.
type placed struct {
	word, label string // of the kind's unit: nat, filter
	rule        packetRule
	match       matching
	position    string // first, any, or "before CHAIN"
	takes       []string
	beside      []string
	to          string
	absent      bool
	// ours are the rules of the same chain that the plan wants, in its order, this one among them.
	ours []placed
}

// ruled is a resource that is such a rule.
type ruled interface{ placed() placed }

// comment marks a rule on the host as this resource's: what has it and differs is a former version of it.
func (p placed) comment() string { return "bisc: " + p.label }

// meet learns what else the plan wants in the chain.
func (p placed) meet(all []modules.Resource) []placed {
	var out []placed
	for _, r := range all {
		if other, ok := r.(ruled); ok {
			if q := other.placed(); !q.absent && q.rule.place() == p.rule.place() {
				out = append(out, q)
			}
		}
	}
	return out
}

// is tells whether two are the same resource.
func (p placed) is(q placed) bool { return p.word == q.word && p.label == q.label }

// foreign tells whether a rule on the host is none of the plan's.
func (p placed) foreign(r packetRule) bool {
	return !slices.ContainsFunc(p.ours, func(q placed) bool { return r.same(q.rule) || r.comment == q.comment() })
}

// later and earlier tell of a rule on the host whether the plan wants it after or before this one.
func (p placed) later(r packetRule) bool   { return p.side(r, 1) }
func (p placed) earlier(r packetRule) bool { return p.side(r, -1) }

func (p placed) side(r packetRule, want int) bool {
	self := slices.IndexFunc(p.ours, p.is)
	at := slices.IndexFunc(p.ours, func(q placed) bool { return r.same(q.rule) })
	return self >= 0 && at >= 0 && (at > self && want > 0 || at < self && want < 0)
}

// boot is the unit that makes the rule again at boot, and when docker or firewalld have put theirs before it. It always goes
// to the head, so that of several the last of the plan goes first. It takes its own copy away and not those of others.
func (p placed) boot() Boot {
	b := Boot{
		Slug:  Slug(p.word, p.label),
		About: "Packet rule " + p.label,
		Again: []string{"docker.service", "firewalld.service"},
		Start: []Line{
			{Argv: p.iptables("-D", p.rule.chain, p.rule.words()...), MayFail: true},
			{Argv: p.iptables("-I", p.rule.chain, append([]string{"1"}, p.rule.words()...)...)},
		},
	}
	if i := slices.IndexFunc(p.ours, p.is); i >= 0 && i+1 < len(p.ours) {
		next := p.ours[i+1]
		b.After = []string{Boot{Slug: Slug(next.word, next.label)}.Name()}
	}
	return b
}

// iptables waits for its lock: docker and firewalld use it too.
func (p placed) iptables(act, chain string, words ...string) []string {
	return append([]string{"iptables", "-w", "10", "-t", p.rule.table, act, chain}, words...)
}

// validate checks what the kinds have in common.
func (p placed) validate() error {
	var faults []error
	if !regexp.MustCompile(`^[ -~]{1,200}$`).MatchString(p.label) {
		faults = append(faults, &modules.AttrError{Reason: "the label goes into the rule's comment: 1 to 200 printable characters of ASCII"})
	}
	if !regexp.MustCompile(`^[A-Za-z0-9_.-]{1,28}$`).MatchString(p.rule.chain) || p.rule.chain[0] == '-' {
		faults = append(faults, &modules.AttrError{Attr: "chain", Reason: fmt.Sprintf("%q is not the name of a chain", p.rule.chain)})
	}
	before, isBefore := strings.CutPrefix(p.position, "before ")
	if p.position != "first" && p.position != "any" && (!isBefore || before == "" || strings.Contains(before, " ")) {
		faults = append(faults, &modules.AttrError{Attr: "position", Reason: `write "first" (no foreign rule before it), "before DOCKER" (no rule before it that jumps to that chain), or "any"`})
	}
	for _, port := range p.takes {
		if r, err := parsePorts(port); err != nil || r.first != r.last {
			faults = append(faults, &modules.AttrError{Attr: "takes", Reason: fmt.Sprintf("%q is not a port", port)})
		}
	}
	if err := p.boot().Validate(); err != nil {
		faults = append(faults, &modules.AttrError{Reason: err.Error()})
	}
	return errors.Join(append(faults, p.match.validate())...)
}
