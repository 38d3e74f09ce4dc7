package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/layers"
)

// usedPlans is where a host keeps the plan files that were applied to it, one line each: the id, and when the file
// expires. After that the file is refused anyway, and the line goes.
const usedPlans = "/var/lib/bisc/used-plans"

// useOnce records a plan file on every host that it is about to change, as the first act there, and refuses one that was
// recorded before: what was undone since must not be done again by an old approval.
func (s *session) useOnce(ctx context.Context, saved layers.Saved, bound layers.Report) error {
	for _, h := range bound {
		if h.Err != nil || (layers.Report{h}).Pending() == 0 {
			continue
		}
		w, err := s.Writer(ctx, h.Host)
		if err != nil {
			return err
		}
		was, err := w.ReadFile(ctx, usedPlans)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("reading which plan files were used on %s: %w", h.Host, err)
		}
		lines, used := usedLines(was, saved, time.Now())
		if used {
			return fmt.Errorf("%w: the plan file was used on %s before, and is good for once: plan again", layers.ErrStale, h.Host)
		}
		put := host.Put{Path: usedPlans, Content: lines, Mode: 0o644, Was: host.ContentDigest(was)}
		if err := s.actAlone(ctx, w, "plan-file", put); err != nil {
			return fmt.Errorf("recording on %s that the plan file is used: %w", h.Host, err)
		}
	}
	return nil
}

// usedLines is the list with this plan file, without those that have expired, and whether the file was in it.
func usedLines(was []byte, saved layers.Saved, now time.Time) (lines []byte, used bool) {
	var out bytes.Buffer
	for line := range strings.Lines(string(was)) {
		id, expires, _ := strings.Cut(strings.TrimSpace(line), " ")
		if id == saved.ID {
			return nil, true
		}
		if t, err := time.Parse(time.RFC3339, expires); err == nil && now.After(t) {
			continue
		}
		out.WriteString(strings.TrimSpace(line) + "\n")
	}
	fmt.Fprintf(&out, "%s %s\n", saved.ID, saved.Expires.UTC().Format(time.RFC3339))
	return out.Bytes(), false
}
