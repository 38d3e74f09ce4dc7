package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bisc/internal/host"
	"bisc/internal/schedule"
)

func (c *command) schedule() *cobra.Command {
	cmd := &cobra.Command{Use: "schedule", Short: "have this machine's systemd look for drift: install, show, remove", Args: cobra.NoArgs,
		Long: "bisc schedule install writes a systemd service and its timer on this machine. The service runs bisc drift --record, shut in\n" +
			"as far as a round allows. It can watch other hosts over SSH, best with a key that can do nothing but read (bisc schedule\n" +
			"key), or the machine itself (transport = \"local\" in the inventory), without any key. docs/schedule.md says more.",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(c.scheduleInstall(), c.scheduleKey(), c.scheduleShow(), c.scheduleRemove())
	return cmd
}

// scheduling is what schedule install is told.
type scheduling struct {
	name, onCalendar, textfile, envFile, runAs, bisc string
	every, jitter, limit                             time.Duration
	keep                                             int
	perUser, now, force, dry                         bool
}

func (c *command) scheduleInstall() *cobra.Command {
	var o scheduling
	cmd := &cobra.Command{
		Use:   "install",
		Short: "write the service and the timer, and enable the timer",
		Long: "Everything that a round needs is written into the service with absolute paths: the plan, the inventory, variables.\n" +
			"The journal is your own (XDG_STATE_HOME), so that rounds know what you applied, and bisc history shows what they saw.",
		Example: "  bisc schedule install --plans /etc/bisc/plan --inventory /etc/bisc/hosts.hcl --every 10m --now \\\n" +
			"      --textfile /var/lib/prometheus/node-exporter/bisc.prom\n  bisc schedule install --dry-run --on-calendar 'Mon..Fri 03:00'",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			spec, err := c.spec(cmd.Context(), &o)
			if err != nil {
				return err
			}
			if o.dry {
				return c.printUnits(spec)
			}
			return c.installUnits(cmd.Context(), spec, o)
		},
	}
	c.flags.scope(cmd)
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "default", "the schedule's name: one machine can have several")
	f.DurationVar(&o.every, "every", 10*time.Minute, "from the end of a round to the next, by a clock that nobody can set")
	f.StringVar(&o.onCalendar, "on-calendar", "", "in place of --every: systemd's calendar expression, by the wall clock")
	f.DurationVar(&o.jitter, "jitter", -1, "each round comes later by at most this much, at random (default: a tenth of --every; 1m with --on-calendar)")
	f.Lookup("jitter").DefValue = "" // it depends
	f.DurationVar(&o.limit, "limit", 10*time.Minute, "a round that takes longer is ended")
	f.StringVar(&o.textfile, "textfile", "", "have each round write this file for node_exporter's textfile collector")
	f.IntVar(&o.keep, "keep", 10000, "how many rounds are kept in the journal; what changed is kept for good")
	f.StringVar(&o.envFile, "env-file", "", "file of NAME=value lines with the environment variables that the plan reads")
	f.StringVar(&o.runAs, "run-as", "root", "the user whom the service runs as")
	f.StringVar(&o.bisc, "bisc", "", "the program that the service runs (default: this one)")
	f.BoolVar(&o.perUser, "user", false, "for your own systemd, not the machine's: less shut in, and only while you are logged in (or loginctl enable-linger)")
	f.BoolVar(&o.now, "now", false, "also start the timer")
	f.BoolVar(&o.force, "force", false, "write over units that bisc did not write, or that somebody edited")
	f.BoolVar(&o.dry, "dry-run", false, "print the units, and write nothing")
	return cmd
}

// spec makes the schedule of flags, and reads the plan as a round would, so that what is installed can run.
func (c *command) spec(ctx context.Context, o *scheduling) (schedule.Spec, error) {
	if !scheduleName(o.name) {
		return schedule.Spec{}, fmt.Errorf("--name %q: a schedule's name is up to 40 letters, digits, - and _", o.name)
	}
	l, err := c.load()
	if err != nil {
		return schedule.Spec{}, err
	}
	if _, err := c.flags.selects(l.stages); err != nil {
		return schedule.Spec{}, err
	}
	s := schedule.Spec{Name: o.name, Every: o.every, OnCalendar: o.onCalendar, Jitter: o.jitter, Limit: o.limit, RunAs: o.runAs, PerUser: o.perUser}
	if s.OnCalendar != "" {
		s.Every = 0
		if err := schedule.CheckCalendar(ctx, s.OnCalendar); err != nil {
			return s, err
		}
	}
	if s.PerUser {
		s.RunAs = ""
	}
	if s.Jitter < 0 {
		s.Jitter = s.Every / 10
		if s.OnCalendar != "" {
			s.Jitter = time.Minute
		}
	}
	for _, st := range l.stages {
		h, _ := l.inv.Lookup(st.Host)
		s.Local, s.Remote = s.Local || h.Local, s.Remote || !h.Local && h.Platform == host.Linux
	}
	if err := o.environment(l); err != nil {
		return s, err
	}
	return s, c.paths(&s, o)
}

// environment wants every variable of the environment that the plan reads in the file: a service has none of yours.
func (o *scheduling) environment(l *loaded) error {
	var wants []string
	for _, in := range l.plan.Inputs {
		if in.Kind == "env" && in.Digest != "unset" && !slices.Contains(wants, in.Name) {
			wants = append(wants, in.Name)
		}
	}
	if len(wants) == 0 {
		return nil
	}
	if o.envFile == "" {
		return fmt.Errorf("the plan reads %s from the environment, which a service does not have: write NAME=value lines into a file that only %s can read, and name it with --env-file",
			strings.Join(wants, ", "), o.runAs)
	}
	text, err := os.ReadFile(o.envFile)
	if err != nil {
		return fmt.Errorf("reading --env-file: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), "=")
		wants = slices.DeleteFunc(wants, func(w string) bool { return w == name })
	}
	if len(wants) > 0 {
		return fmt.Errorf("%s: the plan reads %s too", o.envFile, strings.Join(wants, ", "))
	}
	info, err := os.Stat(o.envFile)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = fmt.Errorf("%s can be read by others (mode %04o): it may hold secrets: chmod 600", o.envFile, info.Mode().Perm())
	}
	return err
}

// paths makes all that the service names absolute.
func (c *command) paths(s *schedule.Spec, o *scheduling) error {
	var errs []error
	abs := func(name string) string {
		if name == "" {
			return ""
		}
		a, err := filepath.Abs(name)
		errs = append(errs, err)
		return a
	}
	state, err := stateDir()
	if o.bisc == "" && err == nil {
		o.bisc, err = os.Executable()
	}
	errs = append(errs, err)
	s.Bisc, s.StateHome, s.EnvFile = abs(o.bisc), filepath.Dir(abs(state)), abs(o.envFile)
	plan, err := c.flags.ofPlan()
	errs = append(errs, err)
	s.Args = append([]string{"drift", "--record", "--back-off", "--no-color", "--name", o.name, "--keep", fmt.Sprint(o.keep)}, plan...)
	add := func(flag string, values ...string) {
		for _, v := range values {
			if v != "" {
				s.Args = append(s.Args, flag, v)
			}
		}
	}
	add("--layer", c.flags.layers...)
	add("--host", c.flags.hosts...)
	add("--target", c.flags.targets...)
	add("--exclude", c.flags.excludes...)
	add("--reader", abs(c.flags.reader))
	if c.flags.reader != "" && c.flags.readerUser != readerName {
		add("--reader-user", c.flags.readerUser)
	}
	if c.flags.noProbes {
		s.Args = append(s.Args, "--no-probes")
	}
	if o.textfile != "" {
		errs = append(errs, textfileFolder(s, abs(o.textfile)))
	}
	return errors.Join(errs...)
}

// textfileFolder has the service write the textfile, in a folder that must be there.
func textfileFolder(s *schedule.Spec, name string) error {
	dir := filepath.Dir(name)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("--textfile: the folder %s is not there: it is what node_exporter's --collector.textfile.directory names", dir)
	}
	s.Args = append(s.Args, "--textfile", name)
	s.Writable = append(s.Writable, dir)
	return nil
}

func (c *command) printUnits(s schedule.Spec) error {
	service, timer, err := s.Units()
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "# %s\n%s\n# %s\n%s", schedule.Service(s.Name), service, schedule.Timer(s.Name), timer)
	return nil
}

func (c *command) installUnits(ctx context.Context, s schedule.Spec, o scheduling) error {
	system, err := schedule.Of(o.perUser)
	if err != nil {
		return err
	}
	changed, err := system.Install(ctx, s, o.now, o.force)
	for _, f := range changed {
		fmt.Fprintf(c.out, "wrote %s\n", f)
	}
	if err != nil {
		return err
	}
	if len(changed) == 0 {
		fmt.Fprintf(c.out, "%s and its timer are as wanted already\n", schedule.Service(s.Name))
	}
	if s.Remote && c.flags.reader == "" {
		fmt.Fprintln(c.errs, "bisc: without --reader the service logs in with a key that can do more than look; it has no ssh-agent, and asks nobody for a passphrase")
	}
	if len(c.flags.set) > 0 {
		fmt.Fprintln(c.errs, "bisc: the values of --set are in the unit, which everybody on this machine can read; --var-file keeps them in a file")
	}
	if !o.now {
		fmt.Fprintf(c.out, "enabled; it begins at the next boot, or now with: systemctl start %s\n", schedule.Timer(s.Name))
	}
	return nil
}

func (c *command) scheduleRemove() *cobra.Command {
	var perUser, force bool
	cmd := &cobra.Command{
		Use:     "remove [NAME]",
		Short:   "stop and disable a schedule's timer, and take away its units; the journal stays",
		Example: "  bisc schedule remove\n  bisc schedule remove nightly",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := "default"
			if len(args) == 1 {
				name = args[0]
			}
			if !scheduleName(name) {
				return fmt.Errorf("%q: a schedule's name is up to 40 letters, digits, - and _", name)
			}
			system, err := schedule.Of(perUser)
			if err != nil {
				return err
			}
			removed, err := system.Remove(cmd.Context(), name, force)
			for _, f := range removed {
				fmt.Fprintf(c.out, "removed %s\n", f)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&perUser, "user", false, "from your own systemd")
	cmd.Flags().BoolVar(&force, "force", false, "also units that bisc did not write, or that somebody edited")
	return cmd
}

func (c *command) scheduleShow() *cobra.Command {
	var perUser bool
	cmd := &cobra.Command{
		Use:     "show [NAME]",
		Short:   "list the schedules of this machine, or show one: its units, its next round, how the last one ended",
		Example: "  bisc schedule show\n  bisc schedule show default",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			system, err := schedule.Of(perUser)
			if err != nil {
				return err
			}
			names, err := system.Names()
			if err != nil {
				return err
			}
			if len(args) == 1 && !slices.Contains(names, args[0]) {
				return fmt.Errorf("%w: %s (there is %s)", schedule.ErrNone, args[0], cmp.Or(strings.Join(names, ", "), "none on this machine"))
			}
			for _, name := range names {
				if len(args) == 1 && name != args[0] {
					continue
				}
				text, err := system.Show(cmd.Context(), name, len(args) == 1)
				if err != nil {
					return err
				}
				fmt.Fprint(c.out, text)
			}
			if len(names) == 0 {
				fmt.Fprintf(c.out, "no schedules in %s\n", system.Dir)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&perUser, "user", false, "of your own systemd")
	return cmd
}
