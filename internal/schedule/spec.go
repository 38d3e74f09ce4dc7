// Package schedule writes the systemd units that let bisc look for drift by itself: a service that runs one round, shut in
// as far as a round allows, and its timer.
package schedule

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// Spec is what a schedule runs, and when.
type Spec struct {
	Name string
	// Bisc is the program and Args its arguments; paths among them are absolute.
	Bisc string
	Args []string
	// Every is the time from the end of one round to the beginning of the next, by the monotonic clock. OnCalendar is
	// systemd's calendar expression; one of the two is given.
	Every      time.Duration
	OnCalendar string
	// Jitter is the most by which a round comes later, at random: 50 hosts must not all begin at once.
	Jitter time.Duration
	// Limit is when a round is ended that does not end by itself.
	Limit time.Duration
	// StateHome is XDG_STATE_HOME: the journal is in bisc below it.
	StateHome string
	// Writable are further folders that a round writes to: the textfile's.
	Writable []string
	// EnvFile holds the environment variables that the plan reads; empty: none.
	EnvFile string
	// RunAs is the user; empty for a unit of a user's own systemd (PerUser).
	RunAs   string
	PerUser bool
	// Local: the machine watches itself. Remote: hosts are reached over SSH. Both may be.
	Local, Remote bool
}

// Prefix of the units' names.
const prefix = "bisc-drift-"

// Service and Timer are the units' names.
func Service(name string) string { return prefix + name + ".service" }

// Timer is the name of the unit that starts Service.
func Timer(name string) string { return prefix + name + ".timer" }

// check finds what no unit can hold, or what would not be watched as meant.
func (s Spec) check() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, path := range append([]string{s.Bisc, s.StateHome}, s.Writable...) {
		if !filepath.IsAbs(path) {
			fault("%q is not an absolute path", path)
		}
	}
	if strings.ContainsAny(s.Bisc, " \t'\"\\%$;") {
		fault("%q: the path of the program has characters that mean something to systemd: put bisc elsewhere", s.Bisc)
	}
	for _, path := range append([]string{s.StateHome, s.EnvFile}, s.Writable...) {
		if strings.ContainsAny(path, " \t'\"\\") {
			fault("%q: systemd splits this path: choose one without blanks, quotes and backslashes", path)
		}
	}
	for _, word := range append([]string{s.Bisc, s.StateHome, s.EnvFile}, append(s.Args, s.Writable...)...) {
		for _, p := range private() {
			if strings.HasPrefix(word+"/", p) && !s.PerUser {
				fault("%q: the service has a %s of its own, and would not see this: put it elsewhere", word, strings.TrimSuffix(p, "/"))
			}
		}
	}
	for _, word := range append([]string{s.Name, s.StateHome, s.EnvFile, s.RunAs, s.OnCalendar}, append(s.Args, s.Writable...)...) {
		if strings.ContainsAny(word, "\n\r\x00") {
			fault("%q: a unit's line cannot hold this", word)
		}
	}
	if (s.Every > 0) == (s.OnCalendar != "") {
		fault("give an interval or a calendar expression, one of the two")
	}
	if s.Every > 0 && s.Every < time.Minute {
		fault("an interval of %s: a round every minute is the most", s.Every)
	}
	if s.PerUser && s.Local {
		fault("a user's own unit cannot watch the machine that it runs on: that takes root; install it without --user")
	}
	return errors.Join(errs...)
}

// word quotes an argument for a unit's command line: systemd expands % and $, and takes quotes and backslashes away.
func word(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`, `$`, `$$`).Replace(s) + `"`
}

// path escapes a value that is a path: % is expanded there. What else means something was refused by check.
func path(s string) string { return strings.ReplaceAll(s, "%", "%%") }

// private are the folders of which a service has its own, empty ones.
func private() []string { return []string{"/tmp/", "/var/tmp/", "/dev/shm/"} }

// span is a time as systemd reads it.
func span(d time.Duration) string { return fmt.Sprintf("%ds", int(d.Round(time.Second).Seconds())) }
