package eos

import (
	"context"
	"fmt"
	"strings"
	"time"

	"bisc/internal/eosconf"
	"bisc/internal/host"
	"bisc/modules"
)

// configured is what every kind here is that wants lines of the configuration.
type configured interface {
	modules.Resource
	// Wants is what it wants of the configuration.
	Wants() []eosconf.Want
	// Called is the block as the plan has it: eos_acl "SHRED-RELAY".
	Called() string
	// Foreigner tells whether it may touch what is the second manager's.
	Foreigner() bool
}

// seen is what a resource's configuration was decided from.
type seen struct {
	State
	// after is the running configuration once everything that the plan wants of this host is in force.
	after *eosconf.Config
}

// settle is how long a switch may take to print, save and program what was committed. It is not a timer: the first look that
// agrees ends it. A monitor session needs 2 s [V], a tunnel's line protocol that of its route [I].
const settle = 15 * time.Second

// look reads the switch and thinks the rest of the plan into it.
func (n *neighbours) look(ctx context.Context, h host.Reader, r configured) (seen, error) {
	state, err := Read(ctx, h)
	if err != nil {
		return seen{}, err
	}
	after, err := n.after(ctx, h, state.Running, r)
	return seen{state, after}, err
}

// decide compares a resource's lines with both halves. inForce tells that the running configuration has all of it, so that it
// makes sense to ask whether it is programmed.
func (n *neighbours) decide(s seen, r configured) (c modules.Change, inForce bool, err error) {
	running, err := s.Running.Plan(r.Wants()...)
	if err != nil {
		return c, false, fmt.Errorf("compare with the running configuration: %w", err)
	}
	startup, err := s.Startup.Plan(r.Wants()...)
	if err != nil {
		return c, false, fmt.Errorf("compare with the startup configuration: %w", err)
	}
	if refused := n.refusals(s, r, running); len(refused) > 0 {
		for _, d := range refused {
			c.Refuse(d.attr, d.got, d.want, d.why)
		}
		return c, false, nil
	}
	if !running.Empty() {
		c.Diffs = append(c.Diffs, difference("running", s.Running, running))
		c.Do(step(s.Running, running))
	}
	if !startup.Empty() {
		d := difference("startup", s.Startup, startup)
		d.Boot = true
		if running.Empty() {
			d.Want += alsoSaved(s.State, startup)
			c.Do(host.Save())
		} else {
			d.Text = "" // that of running says it
		}
		c.Diffs = append(c.Diffs, d)
	}
	if len(c.Steps) > 0 {
		c.Settle = settle
	}
	return c, running.Empty(), nil
}

// step is what the session gets, and what its own diff must then say.
func step(from *eosconf.Config, p eosconf.Plan) host.Configure {
	return host.Configure{Lines: p.Commands, Adds: lines(p.Adds), Removes: lines(p.Removes),
		Text: eosconf.Redact(eosconf.Unified(from, p.After, eosconf.Names{From: "running-config", To: "wanted"}))}
}

func lines(entries []eosconf.Entry) []host.ConfigLine {
	var out []host.ConfigLine
	for _, e := range entries {
		out = append(out, host.ConfigLine{Under: e.Under, Line: e.Line})
	}
	return out
}

// difference says in one line what a half lacks, and in a text all of it.
func difference(half string, from *eosconf.Config, p eosconf.Plan) modules.Diff {
	d := modules.Diff{Attr: half, Got: count(p.Removes, "to go"), Want: count(p.Adds, "to come"),
		Text: eosconf.Redact(eosconf.Unified(from, p.After, eosconf.Names{From: half + "-config", To: "wanted"}))}
	return d
}

// count names a single line, and counts several.
func count(entries []eosconf.Entry, what string) string {
	switch len(entries) {
	case 0:
		return "(no line " + what + ")"
	case 1:
		return entries[0].String()
	}
	return fmt.Sprintf("%d lines %s, from %q on", len(entries), what, entries[0].String())
}

// alsoSaved tells of what else a save keeps: it writes the whole running configuration, whoever changed it.
func alsoSaved(s State, mine eosconf.Plan) string {
	adds, removes := eosconf.Diff(s.Startup, s.Running)
	others := len(adds) + len(removes) - len(mine.Adds) - len(mine.Removes)
	if others <= 0 {
		return ""
	}
	return fmt.Sprintf(" (the save also keeps %d other lines that running and startup differ in)", others)
}

// quoted is a block as the plan has it.
func quoted(kind, label string) string { return fmt.Sprintf("%s %q", kind, label) }

// joined is a list for a sentence.
func joined(list []string) string { return strings.Join(list, ", ") }
