package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/internal/journal"
	"bisc/layers"
)

// usedPlans is where a host keeps the plan files that were applied to it, one line each: the id, when the file expires,
// and the run that used it. A line outlives the file's expiry, as clocks differ and jump: by a controller's whose clock is
// ahead it has expired, and by the next one's it is good. Beyond usedKept lines the oldest of those that have expired go.
const usedKept = 500

func usedPlans(h host.Reader) string { return path.Join(host.StateFolder(h), "used-plans") }

// use is the first use of a plan file on a host, or the next after one that was cut.
type use struct {
	on  host.Writer
	put host.Put
}

// unused refuses a plan file that was used on a host before: what was undone since must not be done again by an old
// approval. Only a run of this journal that was cut is taken up again; what of it is done stays done. It gives what is to
// be recorded before anything else is done.
func (s *session) unused(ctx context.Context, saved layers.Saved, bound layers.Report) (layers.Report, []use, error) {
	var uses []use
	for i, h := range bound {
		if h.Err != nil || (layers.Report{h}).Pending() == 0 {
			continue
		}
		w, err := s.Writer(ctx, h.Host)
		if err != nil {
			return bound, nil, err
		}
		was, err := w.ReadFile(ctx, usedPlans(w))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return bound, nil, fmt.Errorf("reading which plan files were used on %s: %w", h.Host, err)
		}
		lines, by, used := usedLines(was, saved, s.run, time.Now())
		if used {
			past, err := s.past(ctx, saved, w, by)
			if err != nil {
				return bound, nil, err
			}
			bound[i] = saved.Resume(h, past)
			fmt.Fprintf(s.c.errs, "bisc: taking up run %s on %s, which was cut\n", by, h.Host)
		}
		uses = append(uses, use{w, host.Put{Path: usedPlans(w), Content: lines, Mode: 0o644, Was: host.ContentDigest(was)}})
	}
	return bound, uses, nil
}

// markUsed records the use of a plan file on every host that it is about to change, as the first act there.
func (s *session) markUsed(ctx context.Context, saved layers.Saved, bound layers.Report, uses []use) error {
	for _, u := range uses {
		at := slices.IndexFunc(bound, func(h layers.HostReport) bool { return h.Host == u.on.Name() })
		if (layers.Report{bound[at]}).Pending() == 0 {
			continue
		}
		if err := s.actAlone(ctx, u.on, usedAddress(saved), u.put); err != nil {
			return fmt.Errorf("recording on %s that the plan file is used: %w", u.on.Name(), err)
		}
	}
	return nil
}

// usedAddress is under which the journal keeps the use of a plan file, after the host's name.
func usedAddress(saved layers.Saved) string { return "plan-file[" + saved.ID + "]" }

// usedLines is the list with this plan file, and by which run the file was used before.
func usedLines(was []byte, saved layers.Saved, run string, now time.Time) (lines []byte, by string, used bool) {
	var kept [][]string
	for line := range strings.Lines(string(was)) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0:
			continue
		case f[0] == saved.ID:
			used = true
			if len(f) > 2 {
				by = f[2]
			}
			continue
		}
		kept = append(kept, f)
	}
	var out bytes.Buffer
	for i, f := range kept {
		if len(kept)-i < usedKept || !expired(f, now) {
			out.WriteString(strings.Join(f, " ") + "\n")
		}
	}
	fmt.Fprintf(&out, "%s %s %s\n", saved.ID, saved.Expires.UTC().Format(time.RFC3339), run)
	return out.Bytes(), by, used
}

// expired tells whether the plan file of a line of usedPlans has.
func expired(line []string, now time.Time) bool {
	if len(line) < 2 {
		return false
	}
	t, err := time.Parse(time.RFC3339, line[1])
	return err == nil && now.After(t)
}

// past is what became of the steps of a plan file that was used on a host, in the runs that used it. It is an error
// unless the last of them, the one that the host names, is in this journal and was cut.
func (s *session) past(ctx context.Context, saved layers.Saved, w host.Writer, by string) (layers.Past, error) {
	used := fmt.Errorf("%w: the plan file was used on %s before, and is good for once: plan again", layers.ErrUsed, w.Name())
	uses, err := s.book.ActsOf(ctx, w.Name()+":"+usedAddress(saved))
	if err != nil {
		return nil, err
	}
	if len(uses) == 0 || by == "" || uses[len(uses)-1].Run != by {
		return nil, used
	}
	log, err := s.hostRecord(ctx, w)
	if err != nil {
		return nil, err
	}
	past := layers.Past{}
	for i, use := range uses {
		run, acts, err := s.book.Run(ctx, use.Run)
		if err != nil {
			return nil, err
		}
		if _, cut := run.Cut(); i == len(uses)-1 && !cut {
			return nil, used
		}
		for _, a := range acts {
			if a.Host == w.Name() {
				state, _ := a.Evidence(log)
				past.Add(a.Address, a.Digest, state)
			}
		}
	}
	return past, nil
}

// hostRecord is what a host recorded itself. What was altered proves nothing; that is said.
func (s *session) hostRecord(ctx context.Context, r host.Reader) (*journal.HostLog, error) {
	log, err := journal.ReadHost(ctx, r)
	var broken *journal.BrokenError
	if errors.As(err, &broken) {
		s.c.complain(fmt.Errorf("%w; it counts for nothing", broken))
		return nil, nil
	}
	return log, err
}
