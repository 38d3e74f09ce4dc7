package daemon

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// What is counted is shown after Publish and not before; labels and buckets are as declared.
func TestCounters(t *testing.T) {
	drops := NewCounters("x_drops_total", "Drops.", "reason", "short", "source")
	sent := NewCounter("x_sent_total", "Sent.")
	delay := NewHistogram("x_delay_seconds", "Delay.", prometheus.Labels{"path": "relay"}, time.Millisecond, time.Second)
	drops.Add(1, 3)
	sent.Add(7)
	for _, d := range []time.Duration{time.Microsecond, time.Millisecond, 20 * time.Millisecond, time.Minute} {
		delay.Observe(d)
	}
	if drops.Total() != 0 || sent.Value() != 0 {
		t.Error("shown before Publish")
	}
	drops.Publish()
	sent.Publish()
	delay.Publish()
	for c, want := range map[prometheus.Collector]string{
		drops: "# HELP x_drops_total Drops.\n# TYPE x_drops_total counter\nx_drops_total{reason=\"short\"} 0\nx_drops_total{reason=\"source\"} 3\n",
		sent:  "# HELP x_sent_total Sent.\n# TYPE x_sent_total counter\nx_sent_total 7\n",
		delay: "# HELP x_delay_seconds Delay.\n# TYPE x_delay_seconds histogram\n" +
			"x_delay_seconds_bucket{path=\"relay\",le=\"0.001\"} 2\nx_delay_seconds_bucket{path=\"relay\",le=\"1\"} 3\nx_delay_seconds_bucket{path=\"relay\",le=\"+Inf\"} 4\n" +
			"x_delay_seconds_sum{path=\"relay\"} 60.021001\nx_delay_seconds_count{path=\"relay\"} 4\n",
	} {
		if err := testutil.CollectAndCompare(c, strings.NewReader(want)); err != nil {
			t.Error(err)
		}
	}
}

// The path counts without allocating, also while publishing.
func TestCountersDoNotAllocate(t *testing.T) {
	drops := NewCounters("x_drops_total", "Drops.", "reason", "short", "source")
	delay := NewHistogram("x_delay_seconds", "Delay.", nil, time.Millisecond)
	if n := testing.AllocsPerRun(1000, func() { drops.Add(0, 1); delay.Observe(time.Second); drops.Publish(); delay.Publish() }); n != 0 {
		t.Errorf("%v allocations a batch", n)
	}
}

func BenchmarkCount(b *testing.B) {
	drops := NewCounters("x_drops_total", "Drops.", "reason", "short", "source")
	b.ReportAllocs()
	for b.Loop() {
		drops.Add(1, 1)
	}
}
