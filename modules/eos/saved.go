package eos

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"bisc/internal/eosconf"
	"bisc/internal/host"
	"bisc/modules"
)

// SavedKind is that the switch boots with what runs.
var SavedKind = modules.Kind{
	Name:     "eos_saved",
	Label:    "a name of your own",
	Platform: host.EOS,
	Layer:    "relay",
	Doc: "The startup configuration equals the running one. A save writes the whole running configuration, whoever changed it: the plan shows each line that would be kept with it, and which of them are the second manager's. " +
		"It is not saved while a commit waits for its confirmation: what nobody confirmed would then outlive a reload.",
	Checks: []string{
		"after boot: every line of the running configuration is in the startup configuration, and no other",
		"now: no commit waits for its confirmation, by `show configuration sessions detail`, where there is something to save",
	},
	Losses: []modules.Loss{{
		What: "the startup configuration as it was", When: "it differs from the running one", Guards: []string{"no commit waits for its confirmation", "the plan shows each line that comes and goes"},
	}},
	Example: `eos_saved "what runs" {}
`,
	New: func(label string) modules.Resource { return &Saved{Name: label} },
}

// Saved is the resource of SavedKind.
type Saved struct {
	neighbours
	Name string
}

// Owns the startup configuration as a whole.
func (s *Saved) Owns() []string { return []string{"EOS startup-config"} }

// Plan compares the halves.
func (s *Saved) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	var c modules.Change
	state, err := Read(ctx, h)
	if err != nil {
		return c, err
	}
	adds, removes := eosconf.Diff(state.Startup, state.Running)
	if len(adds)+len(removes) == 0 {
		return c, nil
	}
	d := modules.Diff{Attr: "startup", Boot: true, Got: summary(removes), Want: summary(adds) + s.foreign(adds, removes),
		Text: eosconf.Redact(eosconf.Unified(state.Startup, state.Running, eosconf.Names{From: "startup-config", To: "running-config"}))}
	waiting, err := unconfirmed(ctx, h)
	if err != nil {
		return c, err
	}
	if d.Why = notYet(waiting); d.Why == "" {
		c.Do(host.Save())
	}
	c.Diffs = append(c.Diffs, d)
	return c, nil
}

// foreign tells whose lines would be saved beside our own.
func (s *Saved) foreign(adds, removes []eosconf.Entry) string {
	patterns, whose := foreignOf(s.all), []string{}
	for _, e := range slices.Concat(adds, removes) {
		if _, is := eosconf.Foreign(patterns, e.Under, e.Line); is {
			whose = append(whose, e.String())
		}
	}
	switch {
	case len(whose) == 0:
		return ""
	case len(whose) > 3:
		whose = append(whose[:3], fmt.Sprintf("and %d more", len(whose)-3))
	}
	return " (the second manager's among them: " + strings.Join(whose, "; ") + ")"
}

// unconfirmed is the session whose commit waits for its confirmation; empty: none does. A session in a state that nobody has seen
// may be one.
func unconfirmed(ctx context.Context, h host.Reader) (string, error) {
	answer, err := h.Show(ctx, eosconf.AskSessions)
	var said eosconf.Sessions
	if err == nil {
		said, err = eosconf.ReadKnown(answer)
	}
	if err != nil {
		return "", fmt.Errorf("whether a commit waits for its confirmation: %w", err)
	}
	return said.Timer, nil
}
