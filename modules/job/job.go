// Package job runs what takes longer than a connection lives: each job is a transient unit of the host's systemd, found again by
// its id from any controller. Its output and how it ended are kept on the host, in Folder/ID, through a lost connection, the
// controller's death and a reboot of the host.
package job

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"bisc/internal/host"
)

// Folder is where a host keeps its jobs, for root alone.
const Folder = host.LinuxState + "/jobs"

// DefaultLimit ends a job that names no limit.
const DefaultLimit = time.Hour

// Job is a program to be run detached.
type Job struct {
	// ID names the job on its host: letters, digits, "-", "_" and ".", up to 100. One id runs once at a time.
	ID   string
	Argv []string
	// Env may hold secrets: it travels on stdin and is in no argv and no property that D-Bus tells.
	Env  map[string]string
	User string // whose groups it has too; "" is root
	Dir  string // where it works; "" is /
	// Limit is how long it may run (systemd's RuntimeMaxSec) before it and all its processes are ended; zero means DefaultLimit.
	Limit time.Duration
	// Progress is a file of the job's own, absolute, whose last line tells how far it is; "" means that its output does.
	Progress string
	Guards   []host.Guard
}

//go:embed start.sh
var startText string

//go:embed forget.sh
var forgetText string

//go:embed prune.sh
var pruneText string

var idForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$`)

// variableForm is what systemd takes for a variable's name.
var variableForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Unit is the unit's name while the job runs.
func (j Job) Unit() string { return "bisc-job-" + j.ID + ".service" }

// Output is the file on the host with what the job writes, and that of its start before in Output + ".before".
func (j Job) Output() string { return Folder + "/" + j.ID + "/output" }

// Check finds what cannot be started.
func (j Job) Check() error {
	var faults []error
	if !idForm.MatchString(j.ID) {
		faults = append(faults, fmt.Errorf("job %q: an id is up to 100 letters, digits, -, _ and .", j.ID))
	}
	if len(j.Argv) == 0 || !strings.HasPrefix(j.Argv[0], "/") {
		faults = append(faults, fmt.Errorf("job %s: its program is named by an absolute path, not %q: systemd has no PATH of yours", j.ID, strings.Join(j.Argv, " ")))
	}
	for name := range j.Env {
		if !variableForm.MatchString(name) {
			faults = append(faults, fmt.Errorf("job %s: %q is no name of a variable", j.ID, name))
		}
	}
	for _, path := range []string{j.Dir, j.Progress} {
		if path != "" && !strings.HasPrefix(path, "/") {
			faults = append(faults, fmt.Errorf("job %s: %q is no absolute path", j.ID, path))
		}
	}
	return errors.Join(faults...)
}

// Start gives the steps that start it, once: they refuse where it runs, and where a guard does. A job that cannot be started
// (Check) panics: a programmer's mistake.
func (j Job) Start() []host.Step {
	if err := j.Check(); err != nil {
		panic(err)
	}
	argv := []string{"sh", "-c", startText, "start job", j.ID, j.User, j.Dir, strconv.Itoa(int(max(time.Second, j.limit()).Seconds())), j.Progress}
	for _, word := range j.Argv {
		argv = append(argv, strings.ReplaceAll(word, "$", "$$"))
	}
	return []host.Step{host.Script{
		Argv: argv, Stdin: j.environment(), Secret: len(j.Env) > 0,
		Guards: append([]host.Guard{host.JobIdle(j.ID)}, j.Guards...),
	}}
}

// End gives the step that ends it, with all its processes, where it runs.
func (j Job) End() host.Step {
	return host.Script{Argv: []string{"sh", "-c", `systemctl stop -- "$1" || ! systemctl is-active --quiet -- "$1"`, "end job", j.Unit()}, Limit: time.Minute}
}

// Forget gives the step that takes a job that has ended off the host, with its output.
func (j Job) Forget() host.Step {
	return host.Script{Argv: []string{"sh", "-c", forgetText, "forget job", j.ID}, Guards: []host.Guard{host.JobIdle(j.ID)}}
}

// Prune gives the step that takes off the host the jobs whose ids begin so, that have ended and are untouched for so many days: of a kind
// whose ids are not used again. One that runs stays, and so does one of which that cannot be told; it never fails.
func Prune(prefix string, days int) host.Step {
	return host.Script{Argv: []string{"sh", "-c", pruneText, "prune jobs", prefix, strconv.Itoa(days)}, Limit: time.Minute}
}

func (j Job) limit() time.Duration {
	if j.Limit == 0 {
		return DefaultLimit
	}
	return j.Limit
}

// environment is Env as an EnvironmentFile (systemd.exec(5)): in double quotes, where a backslash goes before what is special.
func (j Job) environment() []byte {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(j.Env)) {
		fmt.Fprintf(&b, "%s=\"%s\"\n", name, strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", "$", `\$`).Replace(j.Env[name]))
	}
	return []byte(b.String())
}
