package figures

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/internal/scrape"
)

// The daemons, by the names that begin their metrics.
const (
	Mirror = "shredmirror"
	Unwrap = "shredunwrap"
	Meter  = "shredmeter"
)

// Daemon is one of the relay's daemons as it was seen.
type Daemon struct {
	Name string `json:"name"`
	At   string `json:"at"` // where its pages are
	// State is known where it answered, absent where nobody listens, unknown where neither is certain.
	State State  `json:"state"`
	Why   string `json:"why,omitempty"`
	// Faults are what it says itself is not well (its /healthz).
	Faults    []string `json:"faults,omitempty"`
	Restarted bool     `json:"restarted,omitempty"` // between the two pages
	Digest    string   `json:"sha256,omitempty"`    // of the program that runs
	Uptime    Figure   `json:"uptime_seconds"`
	Window    Figure   `json:"window_seconds"` // between the two pages
	Drops     []Drop   `json:"drops"`          // the reasons whose count grew between the pages

	Mirror *MirrorFigures `json:"mirror,omitempty"`
	Unwrap *UnwrapFigures `json:"unwrap,omitempty"`
	Meter  *MeterFigures  `json:"meter,omitempty"`
}

// Drop is a reason for which packets are dropped now.
type Drop struct {
	Reason    string  `json:"reason"`
	PerSecond float64 `json:"per_second"`
	Total     float64 `json:"total"`
}

// Well tells whether it answered and finds nothing wrong with itself.
func (d Daemon) Well() bool { return d.State == Known && len(d.Faults) == 0 }

// Asked is what became of one look at a daemon: its two pages.
type Asked struct {
	Page   scrape.Page // of /metrics; good where Err is nil
	Err    error
	Clock  time.Time     // the daemon's own, when it answered; zero where it did not say
	Health host.Response // of /healthz
	Sick   error         // why there is none
}

// Read takes what a daemon answered, and the page of the look before (or none), for figures.
func Read(name, at string, before scrape.Page, now Asked) Daemon {
	d := Daemon{Name: name, At: at, Drops: []Drop{}}
	switch {
	case errors.Is(now.Err, host.ErrNotListening):
		d.State, d.Why = Absent, "nobody listens there: it does not run, or serves its metrics elsewhere"
		return d
	case now.Err != nil:
		d.State, d.Why = Unknown, now.Err.Error()
		return d
	}
	is := Whose(now.Page)
	if d.Name == "" {
		d.Name = is
	}
	if is == "" || is != d.Name {
		d.State, d.Why = Unknown, fmt.Sprintf("what answers there is not %s (its page has no %s_build_info)", cmp.Or(name, "a daemon of the relay"), cmp.Or(name, "shred…"))
		return d
	}
	d.State, d.Faults = Known, faults(now)
	d.Digest, _ = now.Page.Label(is+"_build_info", "sha256")
	span := scrape.Span{Before: before, Now: now.Page}
	d.Restarted = span.Restarted()
	d.Window = told(span.Seconds())
	if start, ok := now.Page.Value("process_start_time_seconds"); ok && !now.Clock.IsZero() {
		d.Uptime = told(max(0, float64(now.Clock.Unix())-start), true)
	}
	d.Drops = drops(span, is+"_drops_total")
	switch is {
	case Mirror:
		d.Mirror = mirror(span)
	case Unwrap:
		d.Unwrap = unwrap(span)
	case Meter:
		d.Meter = meter(span)
	}
	return d
}

// Whose tells which daemon a page is of; empty: none that is known.
func Whose(p scrape.Page) string {
	for _, name := range []string{Mirror, Unwrap, Meter} {
		if _, ok := p.Value(name + "_build_info"); ok {
			return name
		}
	}
	return ""
}

// faults reads /healthz: lines of "ok NAME" and "fail NAME: why". Not to know whether it is well is said as a fault.
func faults(now Asked) []string {
	if now.Sick != nil {
		return []string{"how it is could not be asked: " + now.Sick.Error()}
	}
	if now.Health.Status == 200 {
		return nil
	}
	var out []string
	for line := range strings.Lines(string(now.Health.Body)) {
		if why, ok := strings.CutPrefix(strings.TrimSpace(line), "fail "); ok && len(out) < 20 {
			out = append(out, why)
		}
	}
	if len(out) == 0 {
		out = []string{fmt.Sprintf("its /healthz answers %d", now.Health.Status)}
	}
	return out
}

// drops are the reasons that grew, the worst first.
func drops(s scrape.Span, name string) []Drop {
	out, totals := []Drop{}, s.Now.By(name, "reason")
	for _, reason := range slices.Sorted(maps.Keys(totals)) {
		if r, ok := s.Rate(name, "reason", reason); ok && r > 0 {
			out = append(out, Drop{reason, r, totals[reason]})
		}
	}
	slices.SortStableFunc(out, func(a, b Drop) int { return cmp.Compare(b.PerSecond, a.PerSecond) })
	return out
}
