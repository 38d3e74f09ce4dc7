package eos

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"bisc/internal/eosconf"
	"bisc/internal/host"
	"bisc/modules"
)

// EventHandlerKind runs a file on flash when something happens.
var EventHandlerKind = modules.Kind{
	Name:     "eos_event_handler",
	Label:    "the handler's name: bisc-boot",
	Platform: host.EOS,
	Layer:    "relay",
	Doc: "Runs a program on flash when something happens, as at boot. What it does stands in a file (`file` puts it), not in the configuration: everything but /mnt/flash is made anew at each boot, and what stands in the configuration " +
		"is read by a shell that nobody quoted for. Nothing supervises it: what shall go on running is a daemon.",
	Checks: []string{
		"now: the handler's lines in the running configuration; that the program is there, a plain file, and may be run",
		"after boot: the lines in the startup configuration; what only that lacks is saved",
	},
	Losses: []modules.Loss{{What: "the handler, and what it did at the next boot", When: "absent = true", Guards: sectionGuards()}},
	Example: `eos_event_handler "bisc-boot" {
  trigger = "on-boot"
  action  = ["/mnt/flash/bisc/boot.sh"]
  delay   = "1m"
}
`,
	New: func(label string) modules.Resource {
		return &EventHandler{Name: label, Trigger: "on-boot", Delay: time.Minute, Asynchronous: true}
	},
}

// EventHandler is the resource of EventHandlerKind.
type EventHandler struct {
	neighbours
	Name         string
	Trigger      string        `hcl:"trigger,optional" doc:"on-boot, on-startup-config, or on-intf NAME operstatus" default:"\"on-boot\""`
	Action       []string      `hcl:"action,optional" doc:"the program, a file below /mnt/flash, and its arguments"`
	Delay        time.Duration `hcl:"delay,optional" doc:"from the event to the program, in whole seconds" default:"\"1m\""`
	Asynchronous bool          `hcl:"asynchronous,optional" doc:"do not make other handlers wait for it" default:"true"`
	AllowForeign bool          `hcl:"allow_foreign,optional" doc:"also where it is the second manager's" default:"false"`
	Absent       bool          `hcl:"absent,optional" doc:"there must be no such handler" default:"false"`
}

// eosDelay is what EOS waits where nothing is said, and then does not print [I].
const eosDelay = 20 * time.Second

// Called is the block.
func (e *EventHandler) Called() string { return quoted("eos_event_handler", e.Name) }

// Foreigner is allow_foreign.
func (e *EventHandler) Foreigner() bool { return e.AllowForeign }

// Wants is the whole handler. The words of the action are quoted for the shell that EOS gives them to.
func (e *EventHandler) Wants() []eosconf.Want {
	header := []string{"event-handler " + e.Name}
	if e.Absent {
		return []eosconf.Want{{Under: header, Mode: eosconf.Absent}}
	}
	lines := []string{"trigger " + e.Trigger, "action bash " + host.Quote(e.Action...), fmt.Sprintf("delay %d", int(e.Delay/time.Second))}
	if e.Asynchronous {
		lines = append(lines, "asynchronous")
	}
	return []eosconf.Want{{Under: header, Lines: lines, Mode: eosconf.Exact}}
}

// Owns the handler.
func (e *EventHandler) Owns() []string { return owned(e.Wants()) }

// Agree with the other lines of the plan.
func (e *EventHandler) Agree(with []modules.Resource) error { return e.agree(e, with) }

// Validate finds what would be lost at the next boot, and what EOS would not take.
func (e *EventHandler) Validate() error {
	faults := []error{checkName(e.Name)}
	fault := func(attr, format string, args ...any) {
		faults = append(faults, &modules.AttrError{Attr: attr, Reason: fmt.Sprintf(format, args...)})
	}
	if e.Absent {
		return errors.Join(faults...)
	}
	words := strings.Fields(e.Trigger)
	known := e.Trigger == "on-boot" || e.Trigger == "on-startup-config" || len(words) == 3 && words[0] == "on-intf" && words[2] == "operstatus"
	if !known {
		fault("trigger", "%q is none that bisc writes: on-boot, on-startup-config or on-intf NAME operstatus; others have lines of their own below them, which eos_section writes", e.Trigger)
	}
	switch {
	case len(e.Action) == 0:
		fault("action", "it lacks the program")
	case !strings.HasPrefix(e.Action[0], "/mnt/flash/") || path.Clean(e.Action[0]) != e.Action[0]:
		fault("action", "%q is not a file below /mnt/flash: everything else is made anew at each boot, when the handler would find it gone", e.Action[0])
	}
	switch {
	case e.Delay < 0 || e.Delay%time.Second != 0 || e.Delay > 24*time.Hour:
		fault("delay", "%s is not whole seconds up to a day", e.Delay)
	case e.Delay == eosDelay:
		fault("delay", "%s is what EOS waits by itself, and may not print, so that bisc could not tell whether it holds: write another time", e.Delay)
	}
	if len(e.Action) > 0 {
		faults = append(faults, checkLines("action", []string{"event-handler " + e.Name}, []string{"action bash " + host.Quote(e.Action...)}))
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	return possible("", e.Wants())
}

// Plan compares the handler and looks for its program.
func (e *EventHandler) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	var o seen
	var program host.Stat
	var there bool
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) { o, err = e.look(ctx, h, e); return err },
		func(ctx context.Context) (err error) {
			if !e.Absent {
				program, there, err = host.StatIfThere(ctx, h, e.Action[0])
			}
			return err
		},
	)
	if err != nil {
		return modules.Change{}, err
	}
	c, _ := e.decide(o, e)
	if e.Absent {
		if configures(c) {
			c.Destroy("the event handler " + e.Name)
		}
		return c, nil
	}
	if got := runnable(program, there); got != "" && !e.comes() {
		c = modules.Change{}
		c.Refuse("program", got, e.Action[0], "a handler without its program fails at each event, and nobody sees it: put it there first (file)")
	}
	return c, nil
}

// runnable says what is wrong with a program; empty: nothing.
func runnable(st host.Stat, there bool) string {
	switch {
	case !there:
		return "(none)"
	case st.Type != host.Regular:
		return string(st.Type)
	case st.Mode&0o111 == 0:
		return fmt.Sprintf("mode %04o: nobody may run it", st.Mode)
	}
	return ""
}

// comes tells whether another resource of the plan puts the program there.
func (e *EventHandler) comes() bool {
	for _, r := range e.all {
		if o, ok := r.(modules.Owner); ok && slices.Contains(o.Owns(), "file:"+e.Action[0]) {
			return true
		}
	}
	return false
}
