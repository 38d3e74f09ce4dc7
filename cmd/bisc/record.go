package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/internal/host"
	"bisc/internal/journal"
	"bisc/layers"
)

// How a host that gives no answer is left alone: after so many rounds in a row it is asked in every second, fourth,
// eighth, sixteenth round only. It is counted in rounds: a clock that jumps makes them neither burst nor stop.
const (
	restAfter = 3
	restMost  = 15 // rounds left out between two
)

// recording is how drift --record keeps a round.
type recording struct {
	on       bool
	name     string // of the schedule
	textfile string
	keep     int
	backOff  bool

	kept bool // the round is in the journal, and the textfile written
}

func (r *recording) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&r.on, "record", false, "keep the round in the journal: what changed since the last one, and a summary")
	f.StringVar(&r.name, "name", "default", "with --record: the schedule that the round belongs to")
	f.StringVar(&r.textfile, "textfile", "", "with --record: write this file for node_exporter's textfile collector")
	f.IntVar(&r.keep, "keep", 10000, "with --record: how many rounds of the schedule are kept; what changed is kept for good")
	f.BoolVar(&r.backOff, "back-off", false, fmt.Sprintf("with --record: ask a host that gave no answer %d times less and less often", restAfter))
}

// check wants --record where it is meant.
func (r *recording) check(cmd *cobra.Command) error {
	for _, name := range []string{"name", "textfile", "keep", "back-off"} {
		if cmd.Flags().Changed(name) && !r.on {
			return fmt.Errorf("--%s needs --record", name)
		}
	}
	if !scheduleName(r.name) {
		return fmt.Errorf("--name %q: a schedule's name is up to 40 letters, digits, - and _", r.name)
	}
	if r.keep < 1 {
		return fmt.Errorf("--keep %d: keep at least one round", r.keep)
	}
	return nil
}

func scheduleName(s string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$`).MatchString(s)
}

// recorded does a round under the schedule's lock. A round that could not be done leaves a trace that says so.
func (c *command) recorded(cmd *cobra.Command, rec *recording) error {
	unlock, err := rec.lock()
	if err != nil {
		return err // the other run leaves the traces
	}
	defer unlock()
	err = c.driftRound(cmd, rec)
	if rec.kept {
		return err
	}
	status, unsaid := outcome(err)
	why := "the plan could not be read"
	if unsaid != nil {
		why = unsaid.Error()
	}
	return errors.Join(err, rec.failed(context.WithoutCancel(cmd.Context()), journal.Round{Name: rec.name, Run: journal.NewRunID(),
		Started: c.started.UTC(), Took: time.Since(c.started), Exit: status, Err: view.Clean(why)}))
}

// lock lets one round of a schedule be at work, whoever started it. It is the kernel's: it goes with its holder.
func (r *recording) lock() (unlock func(), err error) {
	dir, err := stateDir()
	if err != nil {
		return nil, err
	}
	name := filepath.Join(dir, "drift-"+r.name+".lock")
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("taking the lock of the schedule %s: %w", r.name, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("taking the lock of the schedule %s: %w", r.name, err)
		}
		return nil, &atWork{r.name, name}
	}
	return func() { _ = f.Close() }, nil
}

// atWork is the error of a round while another of its schedule goes on.
type atWork struct{ schedule, file string }

func (e *atWork) Error() string {
	return fmt.Sprintf("another round of the schedule %q is at work (it holds %s): nothing was asked; its result is the round's", e.schedule, e.file)
}

// As makes it what another run's lock is: exit status 4.
func (e *atWork) As(target any) bool {
	locked, ok := target.(**host.LockedError)
	if ok {
		*locked = &host.LockedError{Host: "the schedule " + e.schedule}
	}
	return ok
}

// recall reads what the schedule's earlier rounds left.
func (r *recording) recall(ctx context.Context, j *journal.Journal, p *past) (err error) {
	if p.watched, err = j.Watched(ctx, r.name); err != nil {
		return err
	}
	last, _, err := j.LastComplete(ctx, r.name)
	p.completed = last.Started
	return err
}

// resting is the hosts that this round leaves alone, with the reason as an error.
func (r *recording) resting(p *past) map[string]error {
	out := map[string]error{}
	if r == nil || !r.backOff {
		return out
	}
	for name, w := range p.watched {
		if w.Rest > 0 {
			out[name] = &restError{w}
		}
	}
	return out
}

// restError stands for a host that a round leaves alone: it is as unreachable, or as unknown, as it was.
type restError struct{ was journal.Watched }

func (e *restError) Error() string {
	next := "asked again in the next round"
	if e.was.Rest > 1 {
		next = fmt.Sprintf("asked again after %d more rounds", e.was.Rest-1)
	}
	return fmt.Sprintf("not asked in this round: no whole answer %d times (%s); %s", e.was.Failures, e.was.Err, next)
}

func (e *restError) Unwrap() error {
	if e.was.State == unreachable {
		return host.ErrUnreachable
	}
	return host.ErrStuck
}

// What a schedule says of a host.
const (
	observed    = "observed"
	unreachable = "unreachable"
	unknown     = "unknown"
)

// hostState judges a host's answer. One whose probes hang is sick, though it answers other questions: to ask it again and
// again piles up what cannot be killed.
func hostState(h layers.HostReport) (state, why string) {
	switch {
	case view.OfError(h.Err) == view.ExitUnreachable:
		return unreachable, view.Clean(h.Err.Error())
	case h.Err != nil:
		return unknown, view.Clean(h.Err.Error())
	}
	for _, o := range h.Outcomes {
		if errors.Is(o.Err, host.ErrStuck) || errors.Is(o.Err, context.DeadlineExceeded) {
			return unknown, view.Clean(o.Item.Address + ": " + o.Err.Error())
		}
	}
	return observed, ""
}

// watch is what is known of a host after a round.
func watch(was journal.Watched, h layers.HostReport, backOff bool, now time.Time) journal.Watched {
	var rest *restError
	if errors.As(h.Err, &rest) {
		was.Rest--
		return was
	}
	state, why := hostState(h)
	if state == observed {
		return journal.Watched{Host: h.Host, State: state, Seen: now.UTC()}
	}
	w := journal.Watched{Host: h.Host, State: state, Failures: was.Failures + 1, Seen: was.Seen, Err: why}
	if over := w.Failures - restAfter; backOff && over >= 0 {
		w.Rest = restMost
		if over < 4 {
			w.Rest = 1<<(over+1) - 1
		}
	}
	return w
}
