package scrape

import (
	"math"

	dto "github.com/prometheus/client_model/go"
)

// Span is what happened between two pages of one program.
type Span struct{ Before, Now Page }

// startTime is what every program with client_golang's process collector tells.
const startTime = "process_start_time_seconds"

// Seconds is the time between the pages; not ok where there are no two, or the clock went backwards.
func (s Span) Seconds() (float64, bool) {
	if s.Before.families == nil || s.Now.families == nil {
		return 0, false
	}
	d := s.Now.At.Sub(s.Before.At).Seconds()
	return d, d > 0
}

// Restarted tells whether another process answered: its counters began at zero.
func (s Span) Restarted() bool {
	was, ok := s.Before.Value(startTime)
	is, also := s.Now.Value(startTime)
	return ok && also && was != is
}

// Increase is how much the counters of a family that have these labels grew. A counter that is less than it was, or whose
// process is another, began at zero meanwhile; what it counted before its end and after the first page is lost, so that
// the answer may be too small and is never negative.
func (s Span) Increase(name string, labels ...string) (sum float64, ok bool) {
	if _, two := s.Seconds(); !two {
		return 0, false
	}
	before := map[string]float64{}
	for _, m := range s.Before.series(name, labels) {
		before[identity(m)] = value(m)
	}
	again := s.Restarted()
	for _, m := range s.Now.series(name, labels) {
		v := value(m)
		if !finite(v) || v < 0 {
			return 0, false
		}
		sum, ok = sum+grown(before[identity(m)], v, again), true
	}
	return sum, ok && finite(sum)
}

func grown(before, now float64, again bool) float64 {
	if again || now < before || !finite(before) || before < 0 {
		return now
	}
	return now - before
}

// Rate is Increase by the second.
func (s Span) Rate(name string, labels ...string) (float64, bool) {
	n, ok := s.Increase(name, labels...)
	d, two := s.Seconds()
	if !ok || !two {
		return 0, false
	}
	return n / d, true
}

// Rates is Rate for each value of one label that the later page has.
func (s Span) Rates(name, label string) map[string]float64 {
	out := map[string]float64{}
	for v := range s.Now.By(name, label) {
		if r, ok := s.Rate(name, label, v); ok {
			out[v] = r
		}
	}
	return out
}

// Quantile is where a part of the samples lies that a histogram took between the pages. Over: beyond the last bucket, whose
// bound Value is; Under: in the first, which has no lower end: at most Value.
type Quantile struct {
	Value       float64
	Over, Under bool
}

// Quantile estimates as Prometheus does, within a bucket as if samples were spread evenly. Not ok where no sample came: a
// silent path has no delay, and that is not 0.
func (s Span) Quantile(q float64, name string, labels ...string) (Quantile, bool) {
	bounds, counts, ok := s.buckets(name, labels)
	if !ok || len(bounds) == 0 || counts[len(counts)-1] <= 0 {
		return Quantile{}, false
	}
	want := q * counts[len(counts)-1]
	for i, n := range counts {
		if n < want || n == 0 {
			continue
		}
		switch {
		case math.IsInf(bounds[i], 1) && i == 0:
			return Quantile{}, false // a histogram of one bucket says nothing of where
		case math.IsInf(bounds[i], 1):
			return Quantile{Value: bounds[i-1], Over: true}, true
		case i == 0 && bounds[0] <= 0:
			return Quantile{Value: bounds[0], Under: true}, true
		}
		from, below := 0.0, 0.0
		if i > 0 {
			from, below = bounds[i-1], counts[i-1]
		}
		return Quantile{Value: from + (bounds[i]-from)*(want-below)/(n-below)}, true
	}
	return Quantile{}, false
}

// buckets gives the upper bounds and how many samples came at or below each, over all series with these labels. Series with
// other bounds than the first are an answer to nothing.
func (s Span) buckets(name string, labels []string) (bounds, counts []float64, ok bool) {
	if _, two := s.Seconds(); !two {
		return nil, nil, false
	}
	before, again := map[string]*dto.Histogram{}, s.Restarted()
	for _, m := range s.Before.series(name, labels) {
		before[identity(m)] = m.Histogram
	}
	for _, m := range s.Now.series(name, labels) {
		b := m.GetHistogram().GetBucket()
		if bounds == nil {
			bounds, counts = make([]float64, len(b)), make([]float64, len(b))
			for i := range b {
				bounds[i] = b[i].GetUpperBound()
			}
		}
		was := before[identity(m)].GetBucket()
		fresh := again || len(was) != len(b) || m.GetHistogram().GetSampleCount() < before[identity(m)].GetSampleCount()
		if len(b) != len(bounds) {
			return nil, nil, false
		}
		for i := range b {
			n := float64(b[i].GetCumulativeCount())
			if !fresh {
				n -= float64(was[i].GetCumulativeCount())
			}
			if b[i].GetUpperBound() != bounds[i] || n < 0 {
				return nil, nil, false
			}
			counts[i] += n
		}
	}
	return bounds, counts, bounds != nil
}
