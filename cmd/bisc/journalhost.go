package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"bisc/cmd/bisc/view"
	"bisc/internal/journal"
	"bisc/layers"
)

// hostDoc is what journal --host --json writes of a host.
type hostDoc struct {
	Host      string        `json:"host"`
	Steps     []hostStepDoc `json:"steps"`
	Shortened bool          `json:"shortened"`         // older runs were dropped
	Torn      bool          `json:"torn"`              // the last write was cut off
	Altered   string        `json:"altered,omitempty"` // where the chain breaks
	Disagrees []string      `json:"disagrees"`         // with the journal of this machine
}

type hostStepDoc struct {
	Run     string     `json:"run"`
	ID      int64      `json:"id"`
	By      string     `json:"by"`
	Key     string     `json:"key,omitempty"`
	Address string     `json:"address"`
	Step    string     `json:"step"`
	State   string     `json:"state"`
	How     string     `json:"how"`
	Begun   time.Time  `json:"begun"`
	Ended   *time.Time `json:"ended"`
}

// hostJournals shows what hosts recorded themselves. A chain that breaks is exit status 1.
func (s *session) hostJournals(ctx context.Context, names []string) error {
	var docs []hostDoc
	var errs []error
	for _, name := range names {
		r, err := s.Reader(ctx, name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		log, err := journal.ReadHost(ctx, r)
		var broken *journal.BrokenError
		if err != nil && !errors.As(err, &broken) {
			errs = append(errs, err)
			continue
		}
		doc := hostDoc{Host: name, Steps: []hostStepDoc{}, Disagrees: []string{}}
		if broken != nil {
			doc.Altered = broken.Error()
			errs = append(errs, broken)
		}
		if log != nil {
			doc.take(*log)
			if doc.Disagrees, err = s.disagreements(ctx, name, *log); err != nil {
				errs = append(errs, err)
			}
		}
		docs = append(docs, doc)
	}
	s.progress.Close()
	if s.c.flags.json {
		return errors.Join(append(errs, view.AnyJSON(s.c.out, map[string]any{"format_version": 1, "hosts": docs}))...)
	}
	for _, d := range docs {
		fmt.Fprint(s.c.out, d.text())
	}
	return errors.Join(errs...)
}

func (d *hostDoc) take(log journal.HostLog) {
	d.Shortened, d.Torn = log.Shortened, log.Torn != ""
	for _, st := range log.Steps {
		sd := hostStepDoc{Run: st.Run, ID: st.ID, By: st.By, Key: st.Key, Address: st.Address, Step: st.Step, State: string(st.State), How: st.How, Begun: st.At}
		if !st.Ended.IsZero() {
			sd.Ended = &st.Ended
		}
		d.Steps = append(d.Steps, sd)
	}
}

func (d hostDoc) text() string {
	var b strings.Builder
	run := ""
	if len(d.Steps) == 0 {
		fmt.Fprintf(&b, "%s  keeps no record: no step was done there yet\n", d.Host)
	}
	for _, st := range d.Steps {
		if st.Run != run {
			run = st.Run
			key := ""
			if st.Key != "" {
				key = " with the key " + st.Key
			}
			fmt.Fprintf(&b, "%s  %s  %s by %s%s\n", d.Host, view.Clean(run), st.Begun.Local().Format(time.DateTime), view.Clean(st.By), view.Clean(key))
		}
		fmt.Fprintf(&b, "  %-8s %s\n           %s\n", st.State, view.Clean(st.Address), view.Clean(st.Step))
		if st.State != string(layers.Done) {
			fmt.Fprintf(&b, "           %s\n", view.Clean(st.How))
		}
	}
	if d.Torn {
		fmt.Fprintf(&b, "%s  the last write of its record was cut off: what it was to announce was not begun\n", d.Host)
	}
	for _, text := range d.Disagrees {
		fmt.Fprintf(&b, "%s  disagrees with this machine's journal: %s\n", d.Host, view.Clean(text))
	}
	return b.String()
}

// disagreements compares a host's record with the journal of this machine, in the runs that both know.
func (s *session) disagreements(ctx context.Context, name string, log journal.HostLog) ([]string, error) {
	path, err := journal.DefaultPath()
	if err != nil {
		return nil, err
	}
	book, err := journal.OpenExisting(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return []string{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer book.Close()
	out := []string{}
	for i, st := range log.Steps {
		if i > 0 && log.Steps[i-1].Run == st.Run {
			continue
		}
		_, acts, err := book.Run(ctx, st.Run)
		if errors.Is(err, journal.ErrNoRun) {
			continue // another controller's
		}
		if err != nil {
			return out, err
		}
		out = append(out, compare(st.Run, name, acts, log)...)
	}
	return out, nil
}

// compare tells where the journal's acts of a run on a host and the host's own record do not fit.
func compare(run, name string, acts []journal.Act, log journal.HostLog) []string {
	var out []string
	mine := map[int64]bool{}
	for _, a := range acts {
		mine[a.ID] = true
		if a.Aside {
			continue // no step: the host's record has nothing of it
		}
		if a.Host != name || log.Shortened && log.Steps[0].Run == run {
			continue
		}
		where := fmt.Sprintf("%s in run %s (%s)", a.Address, run, firstOf(a.Step))
		switch st := log.Step(run, a.ID); {
		case st == nil && (a.State == layers.Done || a.State == layers.FailedStep):
			out = append(out, fmt.Sprintf("%s is %s here, and the host has no record of it", where, a.State))
		case st != nil && st.Address != a.Address:
			out = append(out, fmt.Sprintf("%s is here what on the host is %s", where, st.Address))
		case st != nil && a.State == layers.UnknownResult && st.State != layers.UnknownResult:
			out = append(out, fmt.Sprintf("%s is unknown here; by the host's record it is %s (%s)", where, st.State, st.How))
		case st != nil && (a.State == layers.Done) != (st.State == layers.Done) && st.State != layers.UnknownResult:
			out = append(out, fmt.Sprintf("%s is %s here and %s there (%s)", where, a.State, st.State, st.How))
		}
	}
	for _, st := range log.Steps {
		if st.Run == run && !mine[st.ID] {
			out = append(out, fmt.Sprintf("the host recorded %s in run %s (%s), and there is nothing of it here", st.Address, run, st.Step))
		}
	}
	return out
}

func firstOf(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return first
}
