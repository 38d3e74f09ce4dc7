package daemon

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Histogram is a histogram of durations that one goroutine fills in plain fields and publishes once a batch.
// prometheus.Histogram takes three shared atomic operations a sample; at 300,000 samples a second that is the path's
// largest cost.
type Histogram struct {
	desc   *prometheus.Desc
	bounds []time.Duration // upper bounds, rising
	labels []string
	count  []uint64 // per bucket, the last is everything above
	sum    time.Duration
	shown  []atomic.Uint64
	total  atomic.Int64 // sum, as published
}

// NewHistogram makes a histogram in seconds with the given upper bounds, rising. Labels are constant.
func NewHistogram(name, help string, labels prometheus.Labels, bounds ...time.Duration) *Histogram {
	return &Histogram{
		desc:   prometheus.NewDesc(name, help, nil, labels),
		bounds: bounds,
		count:  make([]uint64, len(bounds)+1),
		shown:  make([]atomic.Uint64, len(bounds)+1),
	}
}

// Observe counts one sample. Only the goroutine that owns the histogram may call it.
func (h *Histogram) Observe(d time.Duration) {
	i := 0
	for i < len(h.bounds) && d > h.bounds[i] {
		i++
	}
	h.count[i]++
	h.sum += d
}

// Publish shows what was observed since; for the owner, once a batch.
func (h *Histogram) Publish() {
	for i, n := range h.count {
		if n != h.shown[i].Load() {
			h.shown[i].Store(n)
		}
	}
	h.total.Store(int64(h.sum))
}

// Describe implements prometheus.Collector.
func (h *Histogram) Describe(ch chan<- *prometheus.Desc) { ch <- h.desc }

// Collect implements prometheus.Collector. The count is the sum of the buckets as read, so that the two always agree.
func (h *Histogram) Collect(ch chan<- prometheus.Metric) {
	buckets, n := make(map[float64]uint64, len(h.bounds)), uint64(0)
	for i, b := range h.bounds {
		n += h.shown[i].Load()
		buckets[b.Seconds()] = n
	}
	n += h.shown[len(h.bounds)].Load()
	ch <- prometheus.MustNewConstHistogram(h.desc, n, time.Duration(h.total.Load()).Seconds(), buckets)
}
