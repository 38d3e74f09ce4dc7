package lab

import (
	"math/bits"
	"time"
)

// Histogram counts durations in steps of an eighth of a power of two, of ns: what it returns is at most 12.5 % too
// long. The zero value is empty.
type Histogram struct {
	buckets [64 * 8]uint64
	count   uint64
}

func (h *Histogram) add(d time.Duration) {
	h.buckets[bucketOf(uint64(max(d, 0)))]++
	h.count++
}

// bucketOf numbers the buckets: a value's highest bit, and the three below it.
func bucketOf(ns uint64) int {
	if ns < 8 {
		return int(ns)
	}
	top := bits.Len64(ns) - 1
	return (top-2)*8 + int(ns>>(top-3))&7
}

// endOf is where a bucket ends.
func endOf(bucket int) time.Duration {
	if bucket < 8 {
		return time.Duration(bucket)
	}
	top := bucket/8 + 2
	return time.Duration(uint64(8+bucket%8+1)<<(top-3) - 1)
}

// Count is the number of durations.
func (h *Histogram) Count() uint64 { return h.count }

// Quantile is the duration below which a share q of all are; 0 when there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	want := uint64(q * float64(h.count))
	for bucket, n := range h.buckets {
		if want < n {
			return endOf(bucket)
		}
		want -= n
	}
	return h.Max()
}

// Max is the longest.
func (h *Histogram) Max() time.Duration {
	for bucket := len(h.buckets) - 1; bucket >= 0; bucket-- {
		if h.buckets[bucket] > 0 {
			return endOf(bucket)
		}
	}
	return 0
}
