package job

import (
	"context"
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// Phase is where a job is in its life.
type Phase string

// The phases of a job.
const (
	None    Phase = "none"    // nothing is known of it: it was never started, or was forgotten
	Running Phase = "running" // its unit is at work
	Done    Phase = "done"    // it ended with status 0
	Failed  Phase = "failed"  // it ended otherwise
	// Lost: it was at work, is not any more, and nothing wrote down how it ended: the host lost its power or crashed, or the disk
	// was full. What it did is for the kind to look at.
	Lost Phase = "lost"
)

// State is what a host knows of a job.
type State struct {
	ID    string
	Phase Phase
	// Since is when it was started, Ended when it ended, Now the moment of the look; all by the host's clock. Zero where not known.
	Since, Ended, Now time.Time
	Limit             time.Duration
	// Command is the argv, with blanks between.
	Command string
	// Exit is the status of one that exited, else -1. How says in words how it ended.
	Exit int
	How  string
	// Tail is the end of its output, up to 4096 bytes; LastLine the last line of its progress that says anything.
	Tail, LastLine string
	// Percent is what LastLine says of a whole ("41%"), -1 where it does not.
	Percent float64
}

// Read asks the host of the job.
func (j Job) Read(ctx context.Context, h host.Reader) (State, error) {
	found, err := read(ctx, h, j.ID)
	if err != nil {
		return State{}, fmt.Errorf("looking at the job %s: %w", j.ID, err)
	}
	if len(found) != 1 || found[0].ID != j.ID {
		return State{}, fmt.Errorf("looking at the job %s: the host told of %d others", j.ID, len(found))
	}
	return found[0], nil
}

// List gives all jobs that the host knows, by their ids.
func List(ctx context.Context, h host.Reader) ([]State, error) {
	found, err := read(ctx, h)
	if err != nil {
		return nil, fmt.Errorf("looking at the jobs: %w", err)
	}
	return found, nil
}

func read(ctx context.Context, h host.Reader, ids ...string) ([]State, error) {
	argv := host.Jobs.Argv(ids...)
	out, err := h.Query(ctx, argv...)
	if err != nil {
		return nil, err
	}
	if out.Exit != 0 {
		return nil, &host.ExitError{Argv: argv[3:], Exit: out.Exit, Stderr: out.Stderr}
	}
	return parse(string(out.Stdout))
}

// seen is what a job's lines say, before it is judged.
type seen struct {
	unit, boot, bootNow, status string
	starting                    bool
	st                          State
}

func parse(text string) ([]State, error) {
	var all []seen
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		word, value, _ := strings.Cut(line, " ")
		if word == "job" {
			all = append(all, seen{st: State{ID: value, Exit: -1, Percent: -1}})
			continue
		}
		if line == "" && len(all) == 0 {
			continue
		}
		if len(all) == 0 {
			return nil, fmt.Errorf("what the host says of its jobs begins with %q", line)
		}
		if err := all[len(all)-1].take(word, value); err != nil {
			return nil, fmt.Errorf("what the host says of the job %s: %q: %w", all[len(all)-1].st.ID, word, err)
		}
	}
	out := make([]State, len(all))
	for i, s := range all {
		state, err := s.judge()
		if err != nil {
			return nil, fmt.Errorf("what the host says of the job %s: %w", s.st.ID, err)
		}
		out[i] = state
	}
	return out, nil
}

func (s *seen) take(word, value string) (err error) {
	switch word {
	case "unit":
		s.unit = value
	case "now":
		boot, at, _ := strings.Cut(value, " ")
		s.bootNow = boot
		s.st.Now, err = seconds(at)
	case "starting":
		s.starting = true
	case "boot":
		s.boot = value
	case "started":
		s.st.Since, err = seconds(value)
	case "limit":
		var n int
		n, err = strconv.Atoi(value)
		s.st.Limit = time.Duration(n) * time.Second
	case "shown":
		s.st.Command = value
	case "status":
		s.status = value
	case "tail":
		s.st.Tail, err = decode(value)
	case "progress":
		var text string
		text, err = decode(value)
		s.st.LastLine = lastLine(text)
	}
	return err
}

func seconds(text string) (time.Time, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(n, 0).UTC(), nil
}

func decode(text string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	return string(b), err
}

// judge decides the phase. A status that was written counts before anything else: systemd still calls a unit deactivating for
// a moment after.
func (s seen) judge() (State, error) {
	st := s.st
	if st.LastLine == "" {
		st.LastLine = lastLine(st.Tail)
	}
	st.Percent = percent(st.LastLine)
	switch {
	case s.status != "":
		return st.ended(s.status)
	case s.unit == "":
		return st, fmt.Errorf("nothing of its unit")
	case s.unit != "inactive" && s.unit != "failed" || s.starting:
		st.Phase = Running
	case s.boot == "":
		st.Phase = None
	case s.boot != s.bootNow:
		st.Phase, st.How = Lost, "it was running when the host went down"
	default:
		st.Phase, st.How = Lost, "it runs no more, and nothing tells how it ended"
	}
	return st, nil
}

// ended takes the line that ended.sh wrote.
func (s State) ended(status string) (State, error) {
	f := strings.Fields(status)
	if len(f) < 5 {
		return s, fmt.Errorf("its status reads %q", status)
	}
	result, code, exit := f[0], f[1], f[2]
	var err error
	if s.Ended, err = seconds(f[3]); err != nil {
		return s, fmt.Errorf("its status reads %q: %w", status, err)
	}
	if n, err := strconv.Atoi(exit); err == nil && code == "exited" {
		s.Exit = n
	}
	s.Phase = Failed
	switch {
	case f[4] == "stopping":
		s.How = "it was running when the host went down"
	case result == "success" && s.Exit == 0:
		s.Phase, s.How = Done, "it ended well"
	case result == "not-started":
		s.How = "systemd could not start it (no such program, user or folder?)"
	case result == "timeout":
		s.How = fmt.Sprintf("it did not end within its limit of %s", s.Limit)
	case result == "oom-kill":
		s.How = "the kernel killed it for want of memory"
	case code == "exited":
		s.How = "exit status " + exit
	default:
		s.How = "ended by signal " + exit
	}
	return s, nil
}

// lastLine is the last line that says anything; a carriage return begins a new one, as programs draw their progress.
func lastLine(text string) string {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	for i := len(lines) - 1; i >= 0; i-- {
		if l := strings.TrimSpace(lines[i]); l != "" {
			return l
		}
	}
	return ""
}

var percentForm = regexp.MustCompile(`(?:^|[^0-9.])([0-9]{1,3}(?:\.[0-9]+)?)\s?%`)

func percent(line string) float64 {
	m := percentForm.FindStringSubmatch(line)
	if m == nil {
		return -1
	}
	p, err := strconv.ParseFloat(m[1], 64)
	if err != nil || p > 100 {
		return -1
	}
	return p
}

// Left is how long a running job may still run before its limit ends it.
func (s State) Left() time.Duration {
	if s.Phase != Running || s.Limit == 0 || s.Since.IsZero() {
		return 0
	}
	return max(0, s.Limit-s.Now.Sub(s.Since))
}

// String says in a line where the job is: "running for 3m10s, 41% ...".
func (s State) String() string {
	line := ""
	if s.LastLine != "" {
		line = ": " + short(s.LastLine)
	}
	switch s.Phase {
	case None:
		return "not started"
	case Running:
		return fmt.Sprintf("running for %s of %s%s", max(0, s.Now.Sub(s.Since)), s.Limit, line)
	case Done:
		return fmt.Sprintf("done after %s", s.Ended.Sub(s.Since))
	case Failed:
		return fmt.Sprintf("failed after %s: %s%s", s.Ended.Sub(s.Since), s.How, line)
	}
	return fmt.Sprintf("lost: %s%s", s.How, line)
}

func short(line string) string {
	const most = 160
	for i := range line {
		if i >= most {
			return line[:i] + "…"
		}
	}
	return line
}

// Await puts the job's course into a change while it runs: a diff without steps, so that nothing starts it again, and the time
// that is left to it. It tells whether the job runs. Of one that ended badly it notes that (modules.Change.Ended), so that nobody
// waits on; what then, is the kind's affair.
func (s State) Await(c *modules.Change, attr string) bool {
	if s.Phase == Failed || s.Phase == Lost {
		c.Ended = "the job " + s.ID + " " + s.String()
	}
	if s.Phase != Running {
		return false
	}
	c.Diffs = append(c.Diffs, modules.Diff{Attr: attr, Got: s.String(), Want: "done"})
	c.Settle = max(c.Settle, s.Left()+time.Minute) // what the stop itself and the look after it take
	return true
}
