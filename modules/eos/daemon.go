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

// DaemonKind is a program that ProcMgr keeps running.
var DaemonKind = modules.Kind{
	Name:     "eos_daemon",
	Label:    "the daemon's name: bisc-relay",
	Platform: host.EOS,
	Layer:    "relay",
	Doc: "A program that EOS's own supervisor (ProcMgr) starts at boot, and again whenever it ends. What runs is held against what should: its arguments against the exec line, its program, by digest, against the file on flash " +
		"(or the one that `relay_binary` of this plan puts there). A process that is not of them is ended, by its number and start time, and ProcMgr starts the next. One that is started again and again never comes of age, and is told.",
	Checks: []string{
		"now: the section in the running configuration: the exec line, and whether it runs",
		"after boot: the same in the startup configuration; what only that lacks is saved. The program must be where a boot leaves it: on flash, or in an extension",
		"process: it runs (`show daemon NAME`), and has been the same process for as long as `steady`",
		"arguments: the process has those of the exec line",
		"program: the SHA-256 of the running process (/proc/PID/exe) equals that of the file",
	},
	Losses: []modules.Loss{{
		What: "the daemon", When: "absent = true, or running = false", Guards: sectionGuards(),
	}, {
		What: "what the daemon would have passed on while ProcMgr starts it anew", When: "the process is not of the file or of the exec line", Guards: []string{"it is still that process: its number and its start time"},
	}},
	Example: `eos_daemon "bisc-relay" {
  exec = "/mnt/flash/bisc/shredmirror --config /mnt/flash/bisc/shredmirror.conf"
}
`,
	New: func(label string) modules.Resource {
		return &Daemon{Name: label, Running: true, Steady: 15 * time.Second}
	},
}

// Daemon is the resource of DaemonKind.
type Daemon struct {
	neighbours
	Name         string
	Exec         string        `hcl:"exec,optional" doc:"the program by its full path, and its arguments; no shell sees them"`
	Program      string        `hcl:"program,optional" doc:"the file whose content must run, where exec begins with something else (ip netns exec); \"none\": do not look (a script's process is its shell). Default: the first word of exec"`
	Running      bool          `hcl:"running,optional" doc:"it runs; false: configured and shut down" default:"true"`
	Steady       time.Duration `hcl:"steady,optional" doc:"how long the process must have been the same" default:"\"15s\""`
	AllowForeign bool          `hcl:"allow_foreign,optional" doc:"also where it is the second manager's" default:"false"`
	Absent       bool          `hcl:"absent,optional" doc:"there must be no such daemon" default:"false"`
}

// flashProgram is a neighbour that puts a program on flash: relay_binary.
type flashProgram interface {
	OnFlash(ctx context.Context, h host.Reader) (path, sha256 string, err error)
}

// Called is the block.
func (d *Daemon) Called() string { return quoted("eos_daemon", d.Name) }

// Foreigner is allow_foreign.
func (d *Daemon) Foreigner() bool { return d.AllowForeign }

func (d *Daemon) header() string { return "daemon " + d.Name }

// Wants is the section.
func (d *Daemon) Wants() []eosconf.Want {
	under := []string{d.header()}
	if d.Absent {
		return []eosconf.Want{{Under: under, Mode: eosconf.Absent}}
	}
	runs := "shutdown"
	if d.Running {
		runs = "no shutdown"
	}
	return []eosconf.Want{{Under: under, Lines: []string{"exec " + d.Exec, runs}}}
}

// Owns the section.
func (d *Daemon) Owns() []string { return owned(d.Wants()) }

// Agree with the other lines of the plan.
func (d *Daemon) Agree(with []modules.Resource) error { return d.agree(d, with) }

// program is the file whose content must run; empty: it is not looked at.
func (d *Daemon) program() string {
	switch {
	case d.Program == "none":
		return ""
	case d.Program != "":
		return d.Program
	}
	first, _, _ := strings.Cut(d.Exec, " ")
	return first
}

// Validate finds what ProcMgr would not start, or not after the next boot.
func (d *Daemon) Validate() error {
	faults := []error{checkName(d.Name)}
	fault := func(attr, format string, args ...any) {
		faults = append(faults, &modules.AttrError{Attr: attr, Reason: fmt.Sprintf(format, args...)})
	}
	words := strings.Fields(d.Exec)
	switch {
	case d.Absent && d.Exec == "":
	case len(words) == 0:
		fault("exec", "write the program's full path, and its arguments")
	case strings.Join(words, " ") != d.Exec:
		fault("exec", "%q: one blank between words, and none around them, as EOS prints it", d.Exec)
	case strings.ContainsAny(d.Exec, "\"'`$|&;<>*\\"):
		fault("exec", "%q: no shell sees this line, so quotes, variables and pipes are taken as they are: put what needs a shell into a script on flash", d.Exec)
	default:
		for _, p := range []struct{ attr, at string }{{"exec", words[0]}, {"program", d.program()}} {
			if why := lostAtBoot(p.at); p.at != "" && why != "" {
				fault(p.attr, "%q: %s", p.at, why)
			}
		}
	}
	if d.Steady < 0 || d.Steady > 10*time.Minute {
		fault("steady", "from 0s to 10m")
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	return possible("exec", d.Wants())
}

// lostAtBoot says why a program at a path will not be there after a boot: the root file system is made anew then (incident 39).
func lostAtBoot(at string) string {
	if !path.IsAbs(at) || path.Clean(at) != at {
		return "write the full path"
	}
	for _, keeps := range []string{"/mnt/flash/", "/usr/", "/bin/", "/sbin/"} { // flash; the image; what an extension brings
		if strings.HasPrefix(at, keeps) {
			return ""
		}
	}
	return "nothing there survives a reload, which makes the root file system anew: put it below /mnt/flash"
}

// Plan compares the section, then what runs.
func (d *Daemon) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	o, err := d.look(ctx, h, d)
	if err != nil {
		return modules.Change{}, err
	}
	c, inForce := d.decide(o, d)
	if blocked(c) {
		return c, nil
	}
	if c.Settle > 0 {
		c.Settle = d.Steady + settle
	}
	if d.Absent || !d.Running {
		if configures(c) && o.Running.Has("no shutdown", d.header()) {
			c.Destroy("the daemon " + d.Name + ", and what it does")
		}
		if d.Absent || !inForce {
			return c, nil
		}
		p, err := d.observe(ctx, h)
		if err == nil && p.said == "" {
			c.Differ("process", fmt.Sprintf("process %d runs", p.pid), "not running")
		}
		return c, err
	}
	if o.Running.Find(d.header()) == nil || !inForce && !o.Running.Has("no shutdown", d.header()) {
		return c, d.provided(ctx, h, &c) // nothing of it runs yet
	}
	p, err := d.observe(ctx, h)
	if err != nil {
		return c, err
	}
	d.judge(&c, p, inForce)
	return c, nil
}

// blocked tells whether a change has a diff that bisc will not mend, so that there is nothing to look at. A save that waits for a
// commit's confirmation is none: it is then that the process is looked at, to prove that commit.
func blocked(c modules.Change) bool {
	return slices.ContainsFunc(c.Diffs, func(d modules.Diff) bool { return !d.Boot }) && !c.Mendable()
}

// provided wants the program there before ProcMgr is told to start it: it would try for ever.
func (d *Daemon) provided(ctx context.Context, h host.Reader, c *modules.Change) error {
	if d.program() == "" {
		return nil
	}
	want, err := d.wanted(ctx, h)
	if err == nil && want == "" {
		c.Refuse("program", "(none)", d.program(), "nothing is there, and nothing in this plan puts it there: add relay_binary, or bring it there first")
		c.Steps = nil
	}
	return err
}
