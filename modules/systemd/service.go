package systemd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// ServiceKind is whether a unit runs now and after boot.
var ServiceKind = modules.Kind{
	Name:     "service",
	Label:    "the unit's name with its suffix: chrony.service, docker.socket",
	Platform: host.Linux,
	Layer:    "units",
	Doc: "Whether a unit runs now, whether it will after boot, and whether what runs is what its files say. A process that is older than its unit file, " +
		"its drop-ins, its environment files or its program owes a restart: bisc shows that debt whoever caused it, pays it only where the block says `restart = true`, and never for " +
		"docker, containerd or what they or a wanted mount hang on. A drop-in of order and conditions alone ([Unit]) makes no debt: it counts at the next start. " +
		"Before a stop or restart everything that would stop too is read, and the step does not run if that has grown; so it is before a start for what conflicts " +
		"with the unit (Conflicts=, either way) and is up. What ends or suspends the host (reboot.target, rescue.target and their like) is never started or enabled.",
	Checks: []string{
		"now: ActiveState, with the result where it failed; whether systemd must read its files again; the restart debt",
		"after boot: UnitFileState (enabled, disabled, masked, static)",
		"a oneshot service that does not remain after its exit is only asked whether it failed",
	},
	Losses: []modules.Loss{
		{What: "what the unit runs, and every unit that stops with it", When: "active = false, or restart = true and there is a debt", Guards: []string{
			"stops nothing else: only the units that were shown",
			"no validator in what stops; no validator lives at all, where the stop runs a program (ExecStop) or stops more than the unit",
		}},
		{What: "docker, containerd or a wanted mount", When: "active = false and one of them is the unit or hangs on it", Guards: []string{
			"no validator lives", "stops nothing else: only the units that were shown",
		}},
		{What: "every unit that conflicts with it and what stops with those", When: "it is to be active, is not, and one of them is up", Guards: []string{
			"no validator lives", "stops nothing else: only the units that were shown",
		}},
	},
	Example: `service "docker.service" {
  enabled = true
  active  = true
}
`,
	New: func(label string) modules.Resource {
		return &Service{Name: label, Limit: host.DefaultLimit, Settle: 30 * time.Second}
	},
}

// Service is the resource of ServiceKind.
type Service struct {
	Name    string
	Enabled *bool         `hcl:"enabled,optional" doc:"starts with the host. Default: true where the unit has an [Install] section and no unit block of this plan decides it, else not looked at"`
	Active  *bool         `hcl:"active,optional" doc:"runs now. Default: true, unless masked"`
	Masked  bool          `hcl:"masked,optional" doc:"nothing can start it" default:"false"`
	Restart bool          `hcl:"restart,optional" doc:"pay a restart debt" default:"false"`
	Limit   time.Duration `hcl:"limit,optional" doc:"how long a start, stop or restart may take; more than the unit's own TimeoutStartSec and TimeoutStopSec" default:"\"2m\""`
	Settle  time.Duration `hcl:"settle,optional" doc:"how long it may take after a start until it is up" default:"\"30s\""`

	wantedMounts []string
	unitBlock    bool
}

// Owns the unit's running state.
func (s *Service) Owns() []string { return []string{"service:" + s.Name} }

// Meet learns which mounts must not stop, and whether a unit or timer block decides the links.
func (s *Service) Meet(all []modules.Resource) {
	s.wantedMounts = wantedMounts(all)
	for _, r := range all {
		switch r := r.(type) {
		case *Unit:
			s.unitBlock = s.unitBlock || r.Name == s.Name
		case *Timer:
			s.unitBlock = s.unitBlock || r.Name == s.Name
		}
	}
}

// Validate checks the name and that the wishes go together.
func (s *Service) Validate() error {
	var faults []error
	if err := CheckName(s.Name, "service", "socket", "target", "path", "timer"); err != nil {
		faults = append(faults, &modules.AttrError{Reason: err.Error()})
	} else if template(s.Name) {
		faults = append(faults, &modules.AttrError{Reason: fmt.Sprintf("%s is a template: name an instance of it, as in %s", s.Name, strings.Replace(s.Name, "@.", "@one.", 1))})
	}
	if left := s.Active != nil && !*s.Active && s.Enabled != nil && !*s.Enabled; endsHost(s.Name) && !s.Masked && !left {
		faults = append(faults, fateful("", s.Name))
	}
	if s.Masked && (s.Active != nil && *s.Active || s.Enabled != nil && *s.Enabled) {
		faults = append(faults, &modules.AttrError{Attr: "masked", Reason: "a masked unit is neither enabled nor active"})
	}
	if s.Restart && !s.wantsActive() {
		faults = append(faults, &modules.AttrError{Attr: "restart", Reason: "what is not to run owes no restart"})
	}
	if s.Restart && docker(s.Name) {
		faults = append(faults, &modules.AttrError{Attr: "restart", Reason: "bisc never restarts docker or containerd for a debt: a validator may live in them. Plan a maintenance window: stop the validator, then reboot or restart by hand"})
	}
	return errors.Join(faults...)
}

func (s *Service) wantsActive() bool { return !s.Masked && (s.Active == nil || *s.Active) }

// Plan asks systemd, then for the files' times and what hangs on the unit where those matter.
func (s *Service) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	state, err := Show(ctx, h, s.Name)
	if err != nil {
		return modules.Change{}, err
	}
	var newer []newerFile
	var closure []string
	questions := []func(context.Context) error{
		func(ctx context.Context) (err error) { newer, err = restartDebt(ctx, h, state); return err },
	}
	if state.up() && (s.Restart || !s.wantsActive()) {
		questions = append(questions, func(ctx context.Context) (err error) { closure, err = stopClosure(ctx, h, s.Name); return err })
	}
	if s.wantsActive() && !state.Running() {
		questions = append(questions, func(ctx context.Context) (err error) { state.rivals, err = state.askRivals(ctx, h); return err })
	}
	if err := host.Ask(ctx, questions...); err != nil {
		return modules.Change{}, err
	}
	return s.decide(state, newer, closure), nil
}

// up tells whether a stop would stop something.
func (s State) up() bool { return s.Active != "inactive" && s.Active != "failed" }

func (s *Service) decide(state State, newer []newerFile, closure []string) modules.Change {
	var c modules.Change
	if state.Load == "not-found" && !state.up() {
		if s.wantsActive() || s.Enabled != nil && *s.Enabled {
			c.Refuse("loaded", "not-found", "loaded", "systemd knows no such unit: it comes with a package or a unit block")
			return c
		}
	}
	if state.NeedReload {
		c.Differ("loaded", "files changed since systemd read them", "what is on disk")
		c.Do(daemonReload())
	}
	s.boot(&c, state)
	switch {
	case s.wantsActive():
		s.wantUp(&c, state, newer, closure)
	case state.up():
		s.stop(&c, state, closure)
	}
	return c
}

// boot compares UnitFileState. Static, generated, indirect and alias units have nothing to enable.
func (s *Service) boot(c *modules.Change, state State) {
	got := orNone(state.FileState)
	masked := got == "masked" || got == "masked-runtime"
	if s.Masked {
		if c.DifferBoot("enabled", got, "masked") {
			c.Do(systemctl("mask", s.Name))
		}
		return
	}
	if masked {
		c.DifferBoot("enabled", got, "not masked")
		if got == "masked" {
			c.Do(systemctl("unmask", s.Name))
		} else {
			c.Do(host.Script{Argv: []string{"systemctl", "--runtime", "unmask", "--", s.Name}})
		}
	}
	// A masked unit does not tell whether it could be enabled. Where it could not, systemctl says so and exits 0.
	able := slices.Contains([]string{"enabled", "enabled-runtime", "disabled", "linked", "linked-runtime", "masked", "masked-runtime"}, got)
	switch {
	case s.Enabled == nil && (s.unitBlock || !able):
	case s.Enabled != nil && !*s.Enabled:
		if masked || strings.HasPrefix(got, "enabled") && c.DifferBoot("enabled", got, "disabled") {
			c.Do(systemctl("disable", s.Name))
		}
	case !able:
		c.Diffs = append(c.Diffs, modules.Diff{Attr: "enabled", Got: got, Want: "enabled", Boot: true,
			Why: "the unit has no [Install] section that says what wants it: add one with a unit block, or leave enabled out"})
	case got != "enabled":
		if !masked {
			c.DifferBoot("enabled", got, "enabled")
		}
		c.Do(systemctl("enable", s.Name))
	}
}

func (s *Service) wantUp(c *modules.Change, state State, newer []newerFile, closure []string) {
	oneshot := state.Prop("Type") == "oneshot" && state.Prop("RemainAfterExit") == "no"
	switch {
	case state.Running():
		s.debt(c, state, newer, closure)
	case oneshot && s.Active == nil && state.Active != "failed":
	default:
		start(c, state, s.Limit, s.wantedMounts)
		c.Settle = s.Settle
	}
}

// debt adds a restart debt, and the restart where it may be paid.
func (s *Service) debt(c *modules.Change, state State, newer []newerFile, closure []string) {
	if len(newer) == 0 {
		return
	}
	d := modules.Diff{Attr: "restart", Got: "runs since " + stamp(state.since()) + "; newer: " + join(newer), Want: "started after its files"}
	hurt := precious(append([]string{s.Name}, closure...), s.wantedMounts)
	switch {
	case len(hurt) > 0:
		d.Why = fmt.Sprintf("a restart would stop %s, in which or on which a validator may live (rule 13): bisc leaves that to a maintenance window", strings.Join(hurt, ", "))
	case !s.Restart:
		d.Why = "restart = true is not set"
	default:
		c.Do(host.Script{Argv: []string{"systemctl", "restart", "--", s.Name}, Guards: []host.Guard{spare(state, closure, s.wantedMounts), host.StopsOnly(s.Name, closure...)}, Limit: s.Limit})
		c.Settle = s.Settle
	}
	c.Diffs = append(c.Diffs, d)
}

// stop adds a stop. Where docker, containerd or a wanted mount would stop too, that is destruction, and needs proof
// that no validator lives anywhere.
func (s *Service) stop(c *modules.Change, state State, closure []string) {
	c.Differ("active", state.activity(), "inactive")
	destroyPrecious(c, append([]string{s.Name}, closure...), s.wantedMounts)
	c.Do(host.Script{Argv: []string{"systemctl", "stop", "--", s.Name}, Guards: []host.Guard{spare(state, closure, s.wantedMounts), host.StopsOnly(s.Name, closure...)}, Limit: s.Limit})
	c.Settle = s.Settle
}

func systemctl(verb, unit string) host.Step {
	return host.Script{Argv: []string{"systemctl", verb, "--", unit}}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func join(newer []newerFile) string {
	words := make([]string, len(newer))
	for i, n := range newer {
		words[i] = n.String()
	}
	return strings.Join(words, ", ")
}
