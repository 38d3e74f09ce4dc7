package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"bisc/cmd/bisc/view"
	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/job"
)

// topics is the order in which facts are shown.
func topics() []string {
	return []string{"validator", "memory", "slots", "deployment", "pod", "node", "snapshots", "jobs"}
}

// slots are the figures of one look, from which the next tells how the gap goes.
type slots struct {
	at  time.Time
	gap float64
}

// adding gives what puts facts among those that are known, in the order of their topics.
func (h *hostStatus) adding(facts []modules.Fact) func(*view.HostNow) {
	return func(now *view.HostNow) {
		for _, f := range facts {
			h.trend(&f)
			now.Facts = append(now.Facts, view.FactNow{Topic: f.Topic, Text: f.Text, Unknown: f.Unknown, Wrong: f.Wrong, Numbers: f.Numbers})
		}
		slices.SortStableFunc(now.Facts, func(a, b view.FactNow) int { return slices.Index(topics(), a.Topic) - slices.Index(topics(), b.Topic) })
	}
}

// jobFacts are the jobs that run, and those that ended not long ago.
func jobFacts(ctx context.Context, r host.Reader) (out []modules.Fact, err error) {
	jobs, err := job.List(ctx, r)
	for _, j := range jobs {
		if j.Phase == job.Running || j.Now.Sub(j.Ended) < 24*time.Hour && j.Phase != job.None {
			out = append(out, modules.Fact{Topic: "jobs", Text: j.ID + " " + j.String(), Wrong: j.Phase == job.Failed || j.Phase == job.Lost})
		}
	}
	return out, err
}

// tell is one resource's facts, or that it did not tell in time: a question that hangs is left alone. Whoever notices the end of ctx
// says what it waited for.
func tell(ctx context.Context, t modules.Teller, r host.Reader, window time.Duration) []modules.Fact {
	told := make(chan []modules.Fact, 1)
	go func() { told <- t.Tell(ctx, r, window) }()
	select {
	case facts := <-told:
		return facts
	case <-ctx.Done():
	}
	select {
	case facts := <-told:
		return facts
	case <-time.After(lateLimit / 2):
		topic, of := t.Tells()
		return modules.NotKnown(topic, fmt.Errorf("%s: %w", of, context.Cause(ctx)))
	}
}

// tellers are those of the host's layers, one a thing: what an invariant looks at and a resource wants is one.
func (h *hostStatus) tellers() []modules.Teller {
	seen := map[string]bool{}
	var out []modules.Teller
	for _, st := range h.s.stages {
		for _, it := range st.Items {
			t, ok := it.Resource.(modules.Teller)
			if !ok || st.Host != h.name || it.From != "" || !h.opts.Select(it, st) {
				continue
			}
			if topic, of := t.Tells(); !seen[topic+" "+of] {
				seen[topic+" "+of] = true
				out = append(out, t)
			}
		}
	}
	return out
}

// trend adds to a watch's slots how the gap has gone since the look before: two looks tell it without waiting.
func (h *hostStatus) trend(f *modules.Fact) {
	gap, ok := f.Numbers["gap"]
	if f.Topic != "slots" || !ok {
		return
	}
	was, now := h.slots, slots{time.Now(), gap}
	h.slots = now
	since := now.at.Sub(was.at).Seconds()
	if _, measured := f.Numbers["closing_per_second"]; measured || was.at.IsZero() || since <= 0 {
		return
	}
	closing := (was.gap - gap) / since
	f.Numbers["closing_per_second"] = closing
	switch {
	case gap <= 0:
	case closing > 0:
		eta := time.Duration(gap / closing * float64(time.Second)).Round(time.Second)
		f.Numbers["eta_seconds"] = eta.Seconds()
		f.Text += fmt.Sprintf(", closing by %.1f slots/s since the last look, there in %s", closing, eta)
	default:
		f.Text += fmt.Sprintf(", not closing (%.1f slots/s since the last look)", closing)
	}
}
