package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"bisc/cmd/bisc/view"
	"bisc/internal/journal"
	"bisc/layers"
)

// journalDoc is what journal --json writes.
type journalDoc struct {
	FormatVersion int      `json:"format_version"`
	Runs          []runDoc `json:"runs"`
}

type runDoc struct {
	Run     string     `json:"run"`
	Verb    string     `json:"verb"`
	User    string     `json:"user"`
	Machine string     `json:"machine"`
	Started time.Time  `json:"started"`
	Ended   *time.Time `json:"ended"` // null: killed, or still going on
	Exit    *int       `json:"exit"`
	Cut     string     `json:"cut,omitempty"`
	Hosts   []string   `json:"hosts"`
	Plan    string     `json:"plan,omitempty"`
	Version string     `json:"version"`
	Args    []string   `json:"args"`
	// Approved and Steps are of show only.
	Approved []string   `json:"approved_by,omitempty"`
	Stages   []stageDoc `json:"stages,omitempty"` // of a runbook: those that were begun
	Steps    []stepDoc  `json:"steps,omitempty"`
	Runbook  string     `json:"runbook,omitempty"`
	Resumes  string     `json:"resumes,omitempty"` // the run that it takes up again
}

// stageDoc is a stage of a runbook, as far as it came in this run.
type stageDoc struct {
	Stage string     `json:"stage"`
	Index int        `json:"index"` // from 1
	Of    int        `json:"of"`
	Hosts []string   `json:"hosts"`
	State string     `json:"state"` // begun (it was cut in it), done, ended
	Begun time.Time  `json:"begun"`
	Ended *time.Time `json:"ended"`
	Why   string     `json:"why,omitempty"`
}

// stageDocs puts a stage's two moments together.
func stageDocs(marks []journal.Stage) []stageDoc {
	var out []stageDoc
	for _, m := range marks {
		if m.State == journal.StageBegun {
			out = append(out, stageDoc{Stage: m.Name, Index: m.Index, Of: m.Of, Hosts: m.Hosts, State: string(m.State), Begun: m.At})
			continue
		}
		if n := len(out); n > 0 && out[n-1].Stage == m.Name {
			out[n-1].State, out[n-1].Ended, out[n-1].Why = string(m.State), &m.At, m.Why
		}
	}
	return out
}

type stepDoc struct {
	Host     string     `json:"host"`
	Address  string     `json:"address"`
	Step     string     `json:"step"`
	Destroys []string   `json:"destroys,omitempty"`
	State    string     `json:"state"` // done, not done, failed, unknown
	Begun    *time.Time `json:"begun"` // null: it was approved, and never begun
	Ended    *time.Time `json:"ended"`
	Error    string     `json:"error,omitempty"`
	Looked   *lookedDoc `json:"looked_at,omitempty"`
}

// lookedDoc is what a later run saw, where the result was not known.
type lookedDoc struct {
	Run   string    `json:"run"`
	At    time.Time `json:"at"`
	State string    `json:"state"`
	Says  string    `json:"says,omitempty"`
}

func newRunDoc(r journal.RunInfo) runDoc {
	d := runDoc{Run: r.ID, Verb: r.Verb, User: r.User, Machine: r.Machine, Started: r.Started, Hosts: append([]string{}, r.Hosts...), Plan: r.Plan, Version: r.Version, Runbook: r.Runbook, Resumes: r.Resumes, Args: append([]string{}, r.Args...)}
	d.Cut, _ = r.Cut()
	if !r.Ended.IsZero() {
		d.Ended, d.Exit = &r.Ended, &r.Exit
	}
	return d
}

// story is a run with its steps: those that were begun in their order, then those that were approved and not begun.
func story(ctx context.Context, j *journal.Journal, id string) (runDoc, error) {
	run, acts, err := j.Run(ctx, id)
	if err != nil {
		return runDoc{}, err
	}
	rounds, err := j.Approvals(ctx, run.ID)
	if err != nil {
		return runDoc{}, err
	}
	marks, err := j.Stages(ctx, run.ID)
	if err != nil {
		return runDoc{}, err
	}
	doc := newRunDoc(run)
	doc.Stages = stageDocs(marks)
	begun := map[string]int{}
	for _, a := range acts {
		begun[a.Address+"\x00"+a.Digest]++
		s := stepDoc{Host: a.Host, Address: a.Address, Step: a.Step, Destroys: a.Destroys, State: string(a.State), Begun: &a.At, Error: a.Err}
		if !a.Settled.IsZero() {
			s.Ended = &a.Settled
		}
		if a.State == layers.UnknownResult {
			o, ok, err := j.LookedAt(ctx, a)
			if err != nil {
				return doc, err
			}
			if ok {
				s.Looked = &lookedDoc{Run: o.Run, At: o.At, State: o.State, Says: o.Diff}
			}
		}
		doc.Steps = append(doc.Steps, s)
	}
	for _, r := range rounds {
		if r.By != "" {
			doc.Approved = append(doc.Approved, r.By)
		}
		for _, it := range r.Items {
			for i, digest := range it.Digests {
				if key := it.Address + "\x00" + digest; begun[key] > 0 {
					begun[key]--
					continue
				}
				doc.Steps = append(doc.Steps, stepDoc{Host: r.Host, Address: it.Address, Step: it.Steps[i], Destroys: it.Destroys, State: string(layers.NotDone)})
			}
		}
	}
	return doc, nil
}

func (c *command) journalRun(ctx context.Context, j *journal.Journal, id string) error {
	doc, err := story(ctx, j, id)
	if err != nil {
		return err
	}
	if c.flags.json {
		return view.AnyJSON(c.out, journalDoc{FormatVersion: 1, Runs: []runDoc{doc}})
	}
	run, _, err := j.Run(ctx, id)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s  %s by %s@%s, %s, plan %.12s\n", doc.Run, doc.Verb, view.Clean(doc.User), view.Clean(doc.Machine), ending(run), doc.Plan)
	if doc.Runbook != "" {
		fmt.Fprintf(c.out, "  runbook %s%s\n", view.Clean(doc.Runbook), map[bool]string{true: "", false: ", taking up run " + doc.Resumes}[doc.Resumes == ""])
	}
	for _, st := range doc.Stages {
		fmt.Fprintf(c.out, "  stage %d of %d  %-5s  %s\n", st.Index, st.Of, st.State, view.Clean(st.Stage))
		if st.Why != "" {
			fmt.Fprintf(c.out, "           %s\n", view.Clean(st.Why))
		}
	}
	for _, by := range doc.Approved {
		fmt.Fprintf(c.out, "  approved by %s\n", view.Clean(by))
	}
	for _, s := range doc.Steps {
		fmt.Fprintf(c.out, "  %-8s %s\n           %s\n", s.State, view.Clean(s.Address), strings.ReplaceAll(view.CleanText(s.Step), "\n", "\n           "))
		if s.Begun == nil {
			fmt.Fprintf(c.out, "           it was not begun\n")
		}
		if s.Error != "" {
			fmt.Fprintf(c.out, "           %s\n", view.Clean(s.Error))
		}
		if l := s.Looked; l != nil {
			fmt.Fprintf(c.out, "           looked at %s by run %s: %s\n", l.At.Local().Format(time.DateTime), l.Run, view.Clean(cmp.Or(l.Says, l.State)))
		}
	}
	return nil
}
