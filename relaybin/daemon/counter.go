package daemon

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Counters are the series of one counter, told apart by one label whose values are fixed: drops by reason, sent by form.
// One goroutine counts in plain fields; Publish, once a batch, makes the counts visible to the scraper.
type Counters struct {
	desc   *prometheus.Desc
	values []string // the label's values; nil for a single series without label
	count  []uint64
	shown  []atomic.Uint64
}

// NewCounters makes the series name{label=value...}; series i is the i-th value. Register it with the Service's registry.
func NewCounters(name, help, label string, values ...string) *Counters {
	return &Counters{
		desc:   prometheus.NewDesc(name, help, []string{label}, nil),
		values: values,
		count:  make([]uint64, len(values)),
		shown:  make([]atomic.Uint64, len(values)),
	}
}

// Add counts n in series i. Only the goroutine that owns the counters may call it.
func (c *Counters) Add(i int, n uint64) { c.count[i] += n }

// Publish shows what was counted since. Only the owner may call it, once a batch: a store that other cores must see costs
// more than the whole counting.
func (c *Counters) Publish() {
	for i, n := range c.count {
		if n != c.shown[i].Load() {
			c.shown[i].Store(n)
		}
	}
}

// Value is the published count of series i; anybody may ask.
func (c *Counters) Value(i int) uint64 { return c.shown[i].Load() }

// Total is the sum over all series as published.
func (c *Counters) Total() uint64 {
	var sum uint64
	for i := range c.shown {
		sum += c.shown[i].Load()
	}
	return sum
}

// Describe implements prometheus.Collector.
func (c *Counters) Describe(ch chan<- *prometheus.Desc) { ch <- c.desc }

// Collect implements prometheus.Collector.
func (c *Counters) Collect(ch chan<- prometheus.Metric) {
	for i := range c.shown {
		var label []string
		if c.values != nil {
			label = c.values[i : i+1]
		}
		ch <- prometheus.MustNewConstMetric(c.desc, prometheus.CounterValue, float64(c.shown[i].Load()), label...)
	}
}

// Counter is a counter of one series without label, counted and published as Counters are.
type Counter struct{ c Counters }

// NewCounter makes a counter. Register it with the Service's registry.
func NewCounter(name, help string) *Counter {
	return &Counter{Counters{desc: prometheus.NewDesc(name, help, nil, nil), count: make([]uint64, 1), shown: make([]atomic.Uint64, 1)}}
}

// Add counts n. Only the goroutine that owns the counter may call it.
func (c *Counter) Add(n uint64) { c.c.count[0] += n }

// Publish shows what was counted since; for the owner, once a batch.
func (c *Counter) Publish() { c.c.Publish() }

// Value is the published count; anybody may ask.
func (c *Counter) Value() uint64 { return c.c.Value(0) }

// Describe implements prometheus.Collector.
func (c *Counter) Describe(ch chan<- *prometheus.Desc) { c.c.Describe(ch) }

// Collect implements prometheus.Collector.
func (c *Counter) Collect(ch chan<- prometheus.Metric) { c.c.Collect(ch) }
