package systemd

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// rival is a unit that the start of another one stops.
type rival struct {
	name    string
	up      bool
	closure []string // what stops with it, itself included
}

// askRivals asks of each unit that conflicts whether it runs and what would stop with it. With shutdown.target everything
// conflicts, and what is started while that is up comes too late for the host anyway.
func (s State) askRivals(ctx context.Context, h host.Reader) ([]rival, error) {
	names := slices.DeleteFunc(s.conflicts(), func(name string) bool { return name == "shutdown.target" })
	out := make([]rival, len(names))
	var questions []func(context.Context) error
	for i, name := range names {
		out[i].name = name
		questions = append(questions,
			func(ctx context.Context) error {
				state, err := Show(ctx, h, name)
				out[i].up = state.up()
				return err
			},
			func(ctx context.Context) (err error) { out[i].closure, err = stopClosure(ctx, h, name); return err })
	}
	return out, host.Ask(ctx, questions...)
}

// start adds the start of a unit that does not run. Where it stops others, or could stop what is precious, that is proved
// harmless in the same script as the act; a start that stops nothing is a plain job.
func start(c *modules.Change, s State, limit time.Duration, wantedMounts []string) {
	var stops []string
	var guards []host.Guard
	careful := false
	for _, r := range s.rivals {
		careful = careful || r.up || len(precious([]string{r.name}, wantedMounts)) > 0
		if r.up {
			stops = append(stops, r.closure...)
			guards = append(guards, host.StopsOnly(r.name, r.closure...))
		}
	}
	want := "active"
	if len(stops) > 0 {
		want += " (stops " + strings.Join(stops, ", ") + ")"
	}
	c.Differ("active", s.activity(), want)
	if !careful {
		c.Do(host.Job{Verb: "start", Unit: s.Name, Limit: limit})
		return
	}
	destroyPrecious(c, stops, wantedMounts)
	c.Do(host.Script{Argv: []string{"systemctl", "start", "--", s.Name}, Guards: append([]host.Guard{host.ValidatorStopped()}, guards...), Limit: limit})
}

// destroyPrecious names docker, containerd and the wanted mounts among what stops.
func destroyPrecious(c *modules.Change, stops, wantedMounts []string) {
	if hurt := precious(stops, wantedMounts); len(hurt) > 0 {
		slices.Sort(hurt)
		c.Destroy("stops " + strings.Join(slices.Compact(hurt), ", ") + " and everything that runs there")
	}
}

// endsHost tells whether to start the unit ends or suspends the host, or stops all that runs on it: systemd.special(7).
func endsHost(unit string) bool {
	name, suffix, _ := strings.Cut(unit, ".")
	switch suffix {
	case "target":
		return slices.Contains([]string{"reboot", "poweroff", "halt", "kexec", "soft-reboot", "exit", "shutdown", "umount", "final", "rescue", "emergency",
			"ctrl-alt-del", "runlevel0", "runlevel1", "runlevel6", "sleep", "suspend", "hibernate", "hybrid-sleep", "suspend-then-hibernate"}, name)
	case "service":
		return slices.Contains([]string{"rescue", "emergency", "systemd-reboot", "systemd-poweroff", "systemd-halt", "systemd-kexec", "systemd-soft-reboot", "systemd-exit",
			"systemd-suspend", "systemd-hibernate", "systemd-hybrid-sleep", "systemd-suspend-then-hibernate"}, name)
	}
	return false
}

// fateful is the fault of a block that would start or enable such a unit.
func fateful(attr, unit string) error {
	return &modules.AttrError{Attr: attr, Reason: fmt.Sprintf("%s ends or suspends the host, or stops all that runs on it: bisc never starts or enables it (masked = true in a service block keeps others from starting it)", unit)}
}
