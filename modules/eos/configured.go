package eos

import (
	"context"
	"fmt"
	"slices"
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

// seen is what a resource's configuration is decided from.
type seen struct {
	State
	running, startup eosconf.Plan // what stands between the two halves and the resource
	// waiting is the session whose commit waits for its confirmation, asked only where nothing but a save is left to do.
	waiting string
	// after is the running configuration once everything that the plan wants of this host is in force.
	after *eosconf.Config
}

// settle is how long a switch may take to print, save and program what was committed. It is not a timer: the first look that
// agrees ends it. A monitor session needs 2 s [V], a tunnel's line protocol that of its route [I].
const settle = 15 * time.Second

// look reads the switch, compares the resource's lines with both halves, and thinks the rest of the plan into it.
func (n *neighbours) look(ctx context.Context, h host.Reader, r configured) (o seen, err error) {
	if o.State, err = Read(ctx, h); err != nil {
		return o, err
	}
	if o.running, err = planned(ctx, h, o.Running, r); err != nil {
		return o, fmt.Errorf("compare with the running configuration: %w", err)
	}
	if o.startup, err = planned(ctx, h, o.Startup, r); err != nil {
		return o, fmt.Errorf("compare with the startup configuration: %w", err)
	}
	if o.running.Empty() && !o.startup.Empty() {
		if o.waiting, err = unconfirmed(ctx, h); err != nil {
			return o, err
		}
	}
	o.after, err = n.after(ctx, h, o.Running, r)
	return o, err
}

// notYet says why nothing is saved while a commit waits for its confirmation.
func notYet(waiting string) string {
	if waiting == "" {
		return ""
	}
	return "the commit of session " + waiting + " waits for its confirmation, and a save would keep what nobody confirmed: wait until it is confirmed or taken back"
}

// planned compares one resource with one configuration, once however many ask: each that looks at the whole plan does.
func planned(ctx context.Context, h host.Reader, c *eosconf.Config, r configured) (eosconf.Plan, error) {
	return host.Derive(ctx, h, fmt.Sprintf("eos plan %p %p", c, r), func() (eosconf.Plan, error) { return c.Plan(r.Wants()...) })
}

// decide says what is to be done. inForce tells that the running configuration has all of the resource, so that it makes sense to
// ask whether it is programmed.
func (n *neighbours) decide(s seen, r configured) (c modules.Change, inForce bool) {
	running, startup := s.running, s.startup
	if refused := n.refusals(s, r); len(refused) > 0 {
		for _, d := range refused {
			c.Refuse(d.attr, d.got, d.want, d.why)
		}
		return c, false
	}
	if !running.Empty() {
		text := unified("running", s.Running, running)
		d := difference("running", running, text)
		d.Want += alsoSaved(s)
		c.Diffs = append(c.Diffs, d)
		c.Do(host.Configure{Lines: running.Commands, Adds: lines(running.Adds), Removes: lines(running.Removes), Text: text})
	}
	if !startup.Empty() {
		d := difference("startup", startup, "")
		d.Boot = true
		if running.Empty() { // else the text of running says it
			d.Text = unified("startup", s.Startup, startup)
			d.Want += alsoSaved(s)
			if d.Why = notYet(s.waiting); d.Why == "" {
				c.Do(host.Save())
			}
		}
		c.Diffs = append(c.Diffs, d)
	}
	if len(c.Steps) > 0 {
		c.Settle = settle
	}
	return c, running.Empty()
}

// unified is what a person sees of it.
func unified(half string, from *eosconf.Config, p eosconf.Plan) string {
	return eosconf.Redact(eosconf.Unified(from, p.After, eosconf.Names{From: half + "-config", To: "wanted"}))
}

func lines(entries []eosconf.Entry) []host.ConfigLine {
	var out []host.ConfigLine
	for _, e := range entries {
		out = append(out, host.ConfigLine{Under: e.Under, Line: e.Line})
	}
	return out
}

// difference says in one line what a half has too much and what it lacks.
func difference(half string, p eosconf.Plan, text string) modules.Diff {
	return modules.Diff{Attr: half, Got: summary(p.Removes), Want: summary(p.Adds), Text: text}
}

// summary names lines, a section that comes or goes whole by its header, and counts what is more than three.
func summary(entries []eosconf.Entry) string {
	if len(entries) == 0 {
		return "(none)"
	}
	var whole []string // what stands below these is told with them
	var said []string
	below := map[string]int{}
	for _, e := range entries {
		at := strings.Join(e.Under, "\n")
		if i := slices.IndexFunc(whole, func(w string) bool { return at == w || strings.HasPrefix(at, w+"\n") }); i >= 0 {
			below[whole[i]]++
			continue
		}
		whole = append(whole, strings.TrimPrefix(at+"\n"+e.Line, "\n"))
		said = append(said, e.String())
	}
	for i, w := range whole {
		if n := below[w]; n > 0 {
			said[i] += fmt.Sprintf(" (with %s)", number(n, "line"))
		}
	}
	if len(said) > 3 {
		return fmt.Sprintf("%s, ... (%d lines in all)", joined(said[:2]), len(entries))
	}
	return joined(said)
}

// number is a count in words: 1 line, 2 lines.
func number(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// alsoSaved tells of what else is saved with the resource: a save writes the whole running configuration, whoever changed it, and
// every commit that is confirmed ends with one.
func alsoSaved(s seen) string {
	adds, removes := eosconf.Diff(s.Startup, s.running.After)
	others := len(adds) + len(removes) - len(s.startup.Adds) - len(s.startup.Removes)
	if others <= 0 {
		return ""
	}
	return fmt.Sprintf(" (the save keeps all that runs: also %s in which running and startup differ, which is not this block's)", number(others, "other line"))
}

// quoted is a block as the plan has it.
func quoted(kind, label string) string { return fmt.Sprintf("%s %q", kind, label) }

// joined is a list for a sentence.
func joined(list []string) string { return strings.Join(list, ", ") }
