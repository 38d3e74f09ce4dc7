package systemd

import (
	"context"
	"errors"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// TimerKind is a timer unit that runs.
var TimerKind = modules.Kind{
	Name:     "timer",
	Label:    "the timer's name with its suffix: bisc-drift.timer",
	Platform: host.Linux,
	Layer:    "units",
	Doc: "A timer: its unit file, enabled for boot, started, and with a next time to elapse. The service that it starts is another block. " +
		"Beware: starting a timer whose time has passed already (`on_boot`, or `persistent` after a missed run) starts its service at once.",
	Checks: []string{
		"now: systemd has loaded this very file; the timer is active and knows when it elapses next",
		"after boot: the file's content, mode and owner; the link in timers.target.wants",
	},
	Losses: []modules.Loss{{What: "the timer", When: "absent = true", Guards: []string{
		"file unchanged: it still has the content that was seen", "stops nothing else: nothing requires it, is bound to it or stops with it", "no validator in what stops",
	}}, {What: "every unit that conflicts with it and what stops with those", When: "it does not run, and one of them is up", Guards: []string{
		"no validator lives", "stops nothing else: only the units that were shown",
	}}},
	Example: `timer "bisc-drift.timer" {
  description      = "Watch for drift"
  on_calendar      = ["*-*-* *:00/15:00"]
  randomized_delay = "1m"
  persistent       = true
}
`,
	New: func(label string) modules.Resource { return &Timer{Name: label} },
}

// Timer is the resource of TimerKind.
type Timer struct {
	Name            string
	Description     string        `hcl:"description,optional" doc:"what it is for" default:"\"\""`
	Unit            string        `hcl:"unit,optional" doc:"what it starts. Default: the service of the same name"`
	OnCalendar      []string      `hcl:"on_calendar,optional" doc:"times as systemd.time(7) writes them: daily, Mon *-*-* 03:00:00"`
	OnBoot          time.Duration `hcl:"on_boot,optional" doc:"this long after boot" default:"\"0s\""`
	OnUnitActive    time.Duration `hcl:"on_unit_active,optional" doc:"this long after its unit last started: with on_boot, a repetition" default:"\"0s\""`
	RandomizedDelay time.Duration `hcl:"randomized_delay,optional" doc:"a random delay up to this, so that hosts do not act at once" default:"\"0s\""`
	Persistent      bool          `hcl:"persistent,optional" doc:"make up for a run missed while the host was down; with on_calendar only" default:"false"`
	Absent          bool          `hcl:"absent,optional" doc:"no such timer" default:"false"`

	wantedMounts []string
}

// Owns the unit and its file.
func (t *Timer) Owns() []string { return t.unit().Owns() }

// Meet learns which mounts must not stop.
func (t *Timer) Meet(all []modules.Resource) { t.wantedMounts = wantedMounts(all) }

// Validate checks the name and that there is a time.
func (t *Timer) Validate() error {
	if err := CheckName(t.Name, "timer"); err != nil {
		return &modules.AttrError{Reason: err.Error()}
	}
	if t.Absent {
		return nil
	}
	var faults []error
	if t.Unit != "" && endsHost(t.Unit) {
		faults = append(faults, fateful("unit", t.Unit))
	}
	if service := strings.TrimSuffix(t.Name, ".timer") + ".service"; t.Unit == "" && endsHost(service) {
		faults = append(faults, fateful("", service))
	}
	if len(t.OnCalendar) == 0 && t.OnBoot == 0 {
		faults = append(faults, &modules.AttrError{Attr: "on_calendar", Reason: "a timer needs on_calendar or on_boot, else it never elapses"})
	}
	if t.Persistent && len(t.OnCalendar) == 0 {
		faults = append(faults, &modules.AttrError{Attr: "persistent", Reason: "systemd makes up for missed runs of on_calendar only"})
	}
	if t.OnBoot < 0 || t.OnUnitActive < 0 || t.RandomizedDelay < 0 {
		faults = append(faults, &modules.AttrError{Attr: "on_boot", Reason: "a time before boot never comes"})
	}
	return errors.Join(append(faults, t.unit().Validate())...)
}

// unit is the timer as a unit file.
func (t *Timer) unit() *Unit {
	u := &Unit{Name: t.Name, Absent: t.Absent, wantedMounts: t.wantedMounts}
	if t.Absent {
		return u
	}
	when := modules.Section{}
	set := func(name string, d time.Duration) {
		if d > 0 {
			when[name] = []string{d.String()}
		}
	}
	set("OnBootSec", t.OnBoot)
	set("OnUnitActiveSec", t.OnUnitActive)
	set("RandomizedDelaySec", t.RandomizedDelay)
	if len(t.OnCalendar) > 0 {
		when["OnCalendar"] = t.OnCalendar
	}
	if t.Persistent {
		when["Persistent"] = []string{"yes"}
	}
	if t.Unit != "" {
		when["Unit"] = []string{t.Unit}
	}
	u.Sections = modules.Sections{"Timer": when, "Install": {"WantedBy": {"timers.target"}}}
	if t.Description != "" {
		u.Sections["Unit"] = modules.Section{"Description": {t.Description}}
	}
	return u
}

// Plan compares the unit and whether it waits for its time.
func (t *Timer) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	u := t.unit()
	if t.Absent {
		return u.Plan(ctx, h)
	}
	o, err := u.look(ctx, h)
	if err != nil {
		return modules.Change{}, err
	}
	if !o.state.Running() {
		if o.state.rivals, err = o.state.askRivals(ctx, h); err != nil {
			return modules.Change{}, err
		}
	}
	c, err := u.decide(o, Render(u.Sections))
	if err != nil {
		return modules.Change{}, err
	}
	t.waits(&c, o.state)
	return c, nil
}

// waits adds what keeps the timer from elapsing. A reload re-arms a timer that runs; one that does not is started.
func (t *Timer) waits(c *modules.Change, s State) {
	blocked := !c.InSync() && len(c.Steps) == 0
	switch {
	case !s.Running() && blocked:
		c.Refuse("active", s.activity(), "active", "it is started when its file is right")
	case !s.Running():
		start(c, s, 0, t.wantedMounts)
		c.Settle = 10 * time.Second
	case c.InSync() && s.Sub == "elapsed" && t.repeats():
		c.Refuse("next", "never", "a time", "none of its times lies in the future: see systemd-analyze calendar")
	}
}

// repeats tells whether there must be a next time: on_boot alone elapses once.
func (t *Timer) repeats() bool { return len(t.OnCalendar) > 0 || t.OnUnitActive > 0 }
