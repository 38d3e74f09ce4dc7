// Package hold has the kind that sets and clears a hold: what keeps apply away from a host's resources while a runbook has them
// otherwise on purpose.
package hold

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// Kind is a hold on resources of a host.
var Kind = modules.Kind{
	Name:     "hold",
	Label:    "the hold's name, by which the runbook that clears it finds it",
	Platform: host.Linux,
	Layer:    "agave",
	Doc: "A hold on the host, as `bisc hold set` makes one, set and cleared by runbooks: what a runbook has stopped on purpose is no drift, and " +
		"apply leaves it alone until the hold is gone. It is in the host's own list of holds (`bisc hold show`), with who ran the runbook, which run it was and why. " +
		"A runbook is not stopped by the holds that it names itself; those of others stop it.",
	Checks: []string{
		"now and after boot: the host's list of holds has one of this name over these resources, or, with `absent`, has none",
	},
	Losses: []modules.Loss{{
		What:   "the hold: apply changes again what it kept it from",
		When:   "absent = true",
		Guards: []string{"only a hold of this name; the list is still the one that was read"},
	}},
	Example: `hold "stop" {
  match   = "agave.*"
  because = "stopped by the runbook stop"
}
`,
	New: func(label string) modules.Resource { return &Hold{Name: label} },
}

// Hold is the resource of Kind.
type Hold struct {
	Name    string
	Match   string `hcl:"match" doc:"which addresses, without the host; * stands for any run of characters"`
	Because string `hcl:"because,optional" doc:"why: whoever meets it at night reads this"`
	Absent  bool   `hcl:"absent,optional" doc:"there is no such hold: it is released" default:"false"`
}

// Validate wants a reason for what is set.
func (h *Hold) Validate() error {
	var faults []error
	if h.Match == "" {
		faults = append(faults, &modules.AttrError{Attr: "match", Reason: "name what is held, as agave.* or units.service[docker.service]"})
	}
	if h.Because == "" && !h.Absent {
		faults = append(faults, &modules.AttrError{Attr: "because", Reason: "say why: whoever meets the hold at night must know"})
	}
	return errors.Join(faults...)
}

// Owns nothing but its own name: the list has many owners, each line its own.
func (h *Hold) Owns() []string { return []string{"hold:" + h.Name} }

// HoldName is the label.
func (h *Hold) HoldName() string { return h.Name }

// Interim tells of a hold that is set: a host that is left with it is left alone by apply.
func (h *Hold) Interim() string {
	if h.Absent {
		return ""
	}
	return fmt.Sprintf("%s is held (bisc hold release ends that)", h.Match)
}

// Plan looks for it in the host's list.
func (h *Hold) Plan(ctx context.Context, r host.Reader) (modules.Change, error) {
	was, err := r.ReadFile(ctx, host.HoldsFile(r))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return modules.Change{}, fmt.Errorf("reading the holds: %w", err)
	}
	holds, err := host.ReadHolds(ctx, r)
	if err != nil {
		return modules.Change{}, err
	}
	c, list := h.decide(holds, modules.RunOf(ctx))
	if c.InSync() {
		return c, nil
	}
	steps, err := host.HoldSteps(r, list, was)
	c.Do(steps...)
	return c, err
}

// decide gives what differs, and the list as it is wanted. Only a hold of this name is touched; one of another pattern or that has
// run out gives way.
func (h *Hold) decide(holds []host.Hold, run modules.Run) (c modules.Change, list []host.Hold) {
	mine := func(o host.Hold) bool { return o.Name == h.Name }
	at := slices.IndexFunc(holds, mine)
	list = slices.DeleteFunc(slices.Clone(holds), mine)
	got := "none"
	if at >= 0 {
		got = holds[at].Match + ", " + holds[at].String()
	}
	if h.Absent {
		if at >= 0 {
			c.Diffs = append(c.Diffs, modules.Diff{Attr: "hold", Got: got, Want: "none"})
		}
		return c, list
	}
	if at >= 0 && holds[at].Match == h.Match && holds[at].Because == h.Because && holds[at].Until.IsZero() {
		return c, holds
	}
	c.Diffs = append(c.Diffs, modules.Diff{Attr: "hold", Got: got, Want: h.Match + ", " + h.Because})
	return c, append(list, host.Hold{Name: h.Name, Match: h.Match, Who: run.Who, Because: h.Because, Since: run.Started.UTC().Truncate(time.Second), Run: run.ID})
}
