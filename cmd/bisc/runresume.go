package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"bisc/cmd/bisc/view"
	"bisc/internal/host"
	"bisc/internal/journal"
	"bisc/layers"
	"bisc/modules"
	"bisc/plans"
)

// course is what the journal knows of a runbook's run that did not come to its end, and of those that took it up again.
type course struct {
	first journal.RunInfo
	last  journal.RunInfo
	done  map[string]time.Time // by stage
	acts  []journal.Act
}

// recall finds a run to take up again; name, where it is given, must be its runbook.
func recall(ctx context.Context, id, name string) (*course, error) {
	j, err := openExisting(ctx)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	run, err := runNamed(ctx, j, id)
	if err != nil {
		return nil, fmt.Errorf("%w; only the machine that began a run can go on with it", err)
	}
	if run.Resumes != "" {
		if run, _, err = j.Run(ctx, run.Resumes); err != nil {
			return nil, err
		}
	}
	switch {
	case run.Runbook == "":
		return nil, fmt.Errorf("--resume: run %s is no runbook's: it was bisc %s", run.ID, run.Verb)
	case name != "" && name != run.Runbook:
		return nil, fmt.Errorf("--resume: run %s is of the runbook %s, not of %s", run.ID, run.Runbook, name)
	}
	c := &course{first: run, done: map[string]time.Time{}}
	runs, err := j.Course(ctx, run.ID)
	if err != nil {
		return nil, err
	}
	for _, r := range runs {
		stages, err := j.Stages(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		for _, st := range stages {
			switch st.State {
			case journal.StageDone:
				c.done[st.Name] = st.At
			default: // begun again, or ended
				delete(c.done, st.Name)
			}
		}
		_, acts, err := j.Run(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		c.acts, c.last = append(c.acts, acts...), r
	}
	if !c.last.Ended.IsZero() && c.last.Exit == 0 {
		return nil, fmt.Errorf("--resume: run %s came to its end: there is nothing to go on with", c.last.ID)
	}
	return c, nil
}

// runNamed finds a run by its id, or the last of a runbook as "last".
func runNamed(ctx context.Context, j *journal.Journal, id string) (journal.RunInfo, error) {
	if id != "last" {
		run, _, err := j.Run(ctx, id)
		return run, err
	}
	runs, err := j.Runs(ctx, 0)
	if err != nil {
		return journal.RunInfo{}, err
	}
	for _, r := range runs {
		if r.Runbook != "" {
			return r, nil
		}
	}
	return journal.RunInfo{}, fmt.Errorf("%w: none is of a runbook", journal.ErrNoRun)
}

func openExisting(ctx context.Context) (*journal.Journal, error) {
	path, err := journal.DefaultPath()
	if err != nil {
		return nil, err
	}
	j, err := journal.OpenExisting(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("--resume: no run was journalled on this machine: %w", err)
	}
	return j, err
}

// same refuses to go on under another plan: what was approved and done was of the old one.
func (c *course) same(digest string) error {
	if c.first.Plan == digest {
		return nil
	}
	given := "none of " + strings.Join(planFlags(), ", ")
	if typed := planFlagsOf(c.first.Args); len(typed) > 0 {
		given = host.Quote(typed...)
	}
	return fmt.Errorf("%w: run %s was of another plan (%.12s, now %.12s): its files, what they read, or the values of its variables are others. It was run with %s; give the same, or begin anew with bisc run %s",
		layers.ErrStale, c.first.ID, c.first.Plan, digest, given, c.first.Runbook)
}

// passes tells whether a stage is left alone: it was done, and a stage after it has acted since, so that it may rightly be otherwise
// by now (a validator that was stopped runs again). The last that acted is looked at again, and done again where it was undone.
func (c *course) passes(stages []runStage, i int) (done time.Time, ok bool) {
	if c == nil {
		return time.Time{}, false
	}
	if done, ok = c.done[stages[i].name]; !ok {
		return done, false
	}
	return done, slices.ContainsFunc(stages[i+1:], c.acted)
}

// acted tells whether a step of the stage was begun, and may have happened.
func (c *course) acted(st runStage) bool {
	return slices.ContainsFunc(c.acts, func(a journal.Act) bool { return st.holds(a.Address) && a.State != layers.NotDone })
}

// lookBackRunbook finds out what became of the steps that no run knows the result of, before anything else happens.
func (s *session) lookBackRunbook(ctx context.Context, rb plans.Runbook, f runFlags, past *course) error {
	ground := s.stages
	defer func() { s.stages = ground }()
	for i := range rb.Stages {
		s.stages = append(slices.Clip(s.stages), &rb.Stages[i])
	}
	opts, err := s.c.options(s, f.permit)
	if err != nil {
		return err
	}
	ofRunbook := func(st *layers.Stage) bool { return st.OfRunbook() }
	opts.Select = func(_ layers.Item, st *layers.Stage) bool { return ofRunbook(st) }
	if err := s.lookBack(ctx, opts); err != nil || past == nil {
		return err
	}
	s.tellCourse(stagesOf(rb), past)
	return nil
}

// tellCourse lists what of a run is done, not done and not known.
func (s *session) tellCourse(stages []runStage, past *course) {
	s.progress.Above(func() {
		fmt.Fprintf(s.c.errs, "bisc: going on with run %s of %s, begun %s by %s@%s:\n", past.first.ID, view.Clean(past.first.Runbook),
			past.first.Started.Local().Format(time.DateTime), view.Clean(past.first.User), view.Clean(past.first.Machine))
		for _, st := range stages {
			at, done := past.done[st.name]
			switch {
			case done:
				fmt.Fprintf(s.c.errs, "  done      %s (%s)\n", view.Clean(st.name), at.Local().Format(time.DateTime))
			case past.acted(st):
				fmt.Fprintf(s.c.errs, "  begun     %s\n", view.Clean(st.name))
			default:
				fmt.Fprintf(s.c.errs, "  not done  %s\n", view.Clean(st.name))
			}
		}
	})
}

// endsHere says where a runbook ended, what it has left behind, and how to go on.
func (s *session) endsHere(stages []runStage, i int, past *course) {
	s.progress.Above(func() {
		left := len(stages) - i - 1
		after := ""
		if left > 0 {
			after = fmt.Sprintf(": %s after it not begun", count(left, "stage"))
		}
		fmt.Fprintf(s.c.errs, "bisc: the runbook ends here, in stage %d of %d%s\n", i+1, len(stages), after)
		if hint := stages[i].on[0].Else; hint != "" {
			fmt.Fprintf(s.c.errs, "bisc: what to do: %s\n", view.Clean(hint))
		}
		for _, text := range s.leftStanding(stages[:i+1], past) {
			fmt.Fprintf(s.c.errs, "bisc: left as it is: %s\n", view.Clean(text))
		}
		fmt.Fprintf(s.c.errs, "bisc: to go on when it is mended:\n%s\n", s.toPaste([]string{"--resume", s.run}))
	})
}

// toPaste is a line that runs a runbook of this very plan: another one, the files' defaults in place of a variable file's values, would be
// refused, or, begun anew, would do something else. What is wrong with the paths this run has told already.
func (s *session) toPaste(what []string, more ...string) string {
	plan, _ := s.c.flags.ofPlan()
	return host.Quote(append(s.plan.MaskSet(slices.Concat([]string{"bisc", "run"}, what, plan)), more...)...)
}

// leftStanding are the things that the stages so far have put up with on the way, and no later one of them has undone.
func (s *session) leftStanding(stages []runStage, past *course) []string {
	type standing struct{ thing, text string }
	var all []standing
	for _, st := range stages {
		for _, on := range st.on {
			for _, it := range on.Items {
				interim, ok := it.Resource.(modules.Interim)
				if !ok || it.Invariant || !s.actedOn(it.Address, past) {
					continue
				}
				thing := on.Host + " " + it.Address[strings.LastIndex(it.Address, "."+it.Kind+"["):]
				all = slices.DeleteFunc(all, func(o standing) bool { return o.thing == thing })
				if text := interim.Interim(); text != "" {
					all = append(all, standing{thing, on.Host + ": " + text})
				}
			}
		}
	}
	var out []string
	for _, a := range all {
		out = append(out, a.text)
	}
	return out
}

// actedOn tells whether this run, or one that it takes up again, has done something to an address.
func (s *session) actedOn(address string, past *course) bool {
	if s.done[address] {
		return true
	}
	return past != nil && slices.ContainsFunc(past.acts, func(a journal.Act) bool { return a.Address == address && a.State == layers.Done })
}

// noteDone keeps what a round has changed.
func (s *session) noteDone(rep layers.Report) {
	if s.done == nil {
		s.done = map[string]bool{}
	}
	for _, o := range rep.Outcomes() {
		if o.State == layers.Changed {
			s.done[o.Item.Address] = true
		}
	}
}

// whereIs says at which step the run is that holds a host, as the host's own record tells; nil where that is not known.
func (s *session) whereIs(ctx context.Context, name, run string) error {
	log, err := s.recordOf(ctx, name)
	if err != nil || log == nil {
		return nil // the lock itself was told already
	}
	for _, st := range slices.Backward(log.Steps) {
		if st.Run == run {
			return fmt.Errorf("it was last at %s (%s, at %s by the host's clock)", st.Address, st.State, st.At.Format(time.RFC3339))
		}
	}
	return nil
}
