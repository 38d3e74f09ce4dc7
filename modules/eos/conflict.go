package eos

import (
	"fmt"
	"slices"
	"strings"

	"bisc/internal/eosconf"
)

// refusal is why a resource's lines are not sent.
type refusal struct{ attr, got, want, why string }

// refusals looks for what the lines would break, in the configuration as it will be once the whole plan is in force. Where nothing is
// to be done there is nothing to refuse, except what is wrong already.
func (n *neighbours) refusals(s seen, r configured) []refusal {
	var out []refusal
	p := s.running
	out = append(out, foreignTouched(foreignOf(n.all), r, p)...)
	out = append(out, secretsTouched(p)...)
	out = append(out, sourcesLost(s, p)...)
	out = append(out, absorbed(s.after, r)...)
	out = append(out, stillUsed(s.after, p)...)
	return out
}

// secretsTouched finds lines with a secret: the command that takes one away would show it in the plan and in the journal.
func secretsTouched(p eosconf.Plan) []refusal {
	var out []refusal
	for _, e := range slices.Concat(p.Removes, p.Adds) {
		if secret(e.Line) {
			out = append(out, refusal{"secret", e.String(), "(changed)", "the line holds a secret, which would stand in plans and in the journal: change it on the switch yourself"})
		}
	}
	return out
}

// sourcesLost finds tunnels that run, that the plan keeps, and that would have no source any more. Loopback101 was the
// relay's own on one switch and Tunnel100's source on the other, where the same line would have ended the tunnel (incident 50).
func sourcesLost(s seen, p eosconf.Plan) []refusal {
	if len(p.Removes) == 0 {
		return nil
	}
	var out []refusal
	now, alone, later := interfaces(s.Running), interfaces(p.After), interfaces(s.after)
	for _, t := range now {
		keeps := slices.ContainsFunc(later, func(l iface) bool { return l.name == t.name && l.source == t.source })
		holder := holderOf(now, t.source)
		if !t.isTunnel() || !keeps || holder == nil || holderOf(alone, t.source) != nil || holderOf(later, t.source) != nil {
			continue
		}
		out = append(out, refusal{"tunnel source", fmt.Sprintf("%s has its source %s on %s", t.name, t.source, holder.name), "(gone)",
			fmt.Sprintf("%s runs from there, and the plan does not take it away: without its source it carries nothing (incident 50). Is this the right switch? Take the tunnel away in the same stage, or leave %s", t.name, holder.name)})
	}
	return out
}

// stillUsed finds what goes while something that stays names it. EOS takes such a line [I], and then filters nothing, or
// everything.
func stillUsed(after *eosconf.Config, p eosconf.Plan) []refusal {
	var out []refusal
	for _, e := range p.Removes {
		if len(e.Under) > 0 || p.After.Has(e.Line) {
			continue
		}
		users := usersOf(after, e.Line)
		if len(users) > 0 && !after.Has(e.Line) {
			out = append(out, refusal{"in use", joined(users), "(none)", fmt.Sprintf("%s goes, and what names it stays: take that away in the same stage, before it", e.Line)})
		}
	}
	return out
}

// usersOf is what names a list or a VRF: lines, with the headers above them.
func usersOf(c *eosconf.Config, header string) []string {
	var names func(string) bool
	list, isList := strings.CutPrefix(header, "ip access-list ")
	vrf, isVRF := strings.CutPrefix(header, "vrf instance ")
	switch {
	case isList:
		list = strings.TrimPrefix(list, "standard ")
		names = func(l string) bool {
			return strings.Contains(l+" ", " access-group "+list+" ") || strings.HasPrefix(l+" ", "ip access-group "+list+" ")
		}
	case isVRF:
		names = func(l string) bool {
			return l == "vrf "+vrf || strings.HasPrefix(l, "ip route vrf "+vrf+" ") || strings.HasPrefix(l, "ip route ") && strings.Contains(l+" ", " egress-vrf "+vrf+" ")
		}
	default:
		return nil
	}
	var out []string
	for _, l := range c.Lines {
		if l.Text != header && names(l.Text) {
			out = append(out, l.Text)
		}
		for _, s := range l.Sub {
			if names(s.Text) {
				out = append(out, l.Text+" / "+s.Text)
			}
		}
	}
	return out
}
