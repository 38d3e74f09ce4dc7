package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/hostbin/snapshots"
	"bisc/internal/host"
	"bisc/modules/agave"
	"bisc/modules/job"
)

// errand is a job on a host that a verb starts, or finds at work, and watches.
type errand struct {
	verb   string
	known  job.Job // by its id, to look for it
	job    func(l *loaded, tool string) (job.Job, error)
	detach bool
	show   func(snapshots.State) error
}

// onHost does an errand in up to three connections: to look whether it is under way, to start it under the host's lock, and to
// watch it without the lock: a fetch takes an hour, and others may work on the host meanwhile.
func (c *command) onHost(cmd *cobra.Command, name string, e errand) error {
	started := false
	err := c.reading(cmd, e.verb, func(ctx context.Context, s *session) error {
		if _, err := e.job(s.loaded, "/program"); err != nil { // what cannot be is said before anything is dialled
			return err
		}
		h, err := s.Reader(ctx, name)
		if err != nil {
			return err
		}
		st, err := e.known.Read(ctx, h)
		if err != nil || st.Phase != job.Running {
			return err
		}
		started = true
		fmt.Fprintf(c.errs, "%s: it is under way (%s): this is it\n", name, st)
		return c.watch(ctx, s, h, e)
	})
	if err != nil || started {
		return err
	}
	if err := c.writing(cmd, e.verb, func(ctx context.Context, s *session) error { return s.startErrand(ctx, name, e) }); err != nil {
		return err
	}
	c.flags.acting = false // from here on an interrupt ends the watching alone
	return c.reading(cmd, e.verb, func(ctx context.Context, s *session) error {
		h, err := s.Reader(ctx, name)
		if err != nil {
			return err
		}
		return c.watch(ctx, s, h, e)
	})
}

// startErrand puts the program there and starts the job.
func (s *session) startErrand(ctx context.Context, name string, e errand) error {
	w, err := s.Writer(ctx, name)
	if err != nil {
		return err
	}
	tool, steps, err := agave.Program(ctx, w)
	if err != nil {
		return err
	}
	j, err := e.job(s.loaded, tool)
	if err != nil {
		return err
	}
	for _, step := range append(steps, j.Start()...) {
		if err := s.actAlone(ctx, w, "job "+j.ID, step); err != nil {
			return err
		}
	}
	return nil
}

// watch shows how far the job is until it has ended, and what came of it.
func (c *command) watch(ctx context.Context, s *session, h host.Reader, e errand) error {
	for {
		st, err := e.known.Read(ctx, h)
		if err != nil {
			return err
		}
		if st.Phase != job.Running {
			s.progress.Close()
			return c.ended(ctx, h, e, st)
		}
		if e.detach {
			fmt.Fprintf(c.out, "%s: %s; the same command again watches it\n", h.Name(), st)
			return nil
		}
		s.progress.Say(h.Name(), st.String())
		select {
		case <-ctx.Done():
			fmt.Fprintf(c.errs, "%s: it goes on (%s); the same command again watches it\n", h.Name(), st)
			return context.Cause(ctx)
		case <-c.stop:
			fmt.Fprintf(c.errs, "%s: it goes on (%s); the same command again watches it\n", h.Name(), st)
			return exitStatus(view.ExitPending)
		case <-time.After(time.Second):
		}
	}
}

// ended shows what the job left. Its own exit status 3 is that there is no fresh pair.
func (c *command) ended(ctx context.Context, h host.Reader, e errand, st job.State) error {
	text, err := h.ReadFile(ctx, agave.StateFile(e.known))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var state snapshots.State
	if err == nil {
		if err := json.Unmarshal(text, &state); err != nil || state.FormatVersion != snapshots.StateVersion {
			return fmt.Errorf("what %s left on %s is not understood (%v): its output is %s there", e.verb, h.Name(), err, e.known.Output())
		}
		if err := e.show(state); err != nil {
			return err
		}
	}
	switch {
	case st.Phase == job.Done:
		return nil
	case st.Phase == job.Failed && st.Exit == 3 && state.Error != "":
		fmt.Fprintf(c.errs, "bisc: %s\n", view.CleanText(state.Error))
		return exitStatus(view.ExitDrift)
	case st.Phase == job.None:
		return fmt.Errorf("%s on %s: nothing is known of it", e.verb, h.Name())
	}
	return fmt.Errorf("%s on %s: %s (its output is %s there)", e.verb, h.Name(), st, e.known.Output())
}
