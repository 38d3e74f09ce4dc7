package main

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"bisc/relaybin/stream"
)

// streams shows the stream books to Prometheus.
type streams struct {
	books                                                    *stream.Books
	lost, missing, received                                  *prometheus.Desc
	reordered, duplicate, late, anew                         *prometheus.Desc
	restarts, untracked, jumps, negative, incredible, jitter *prometheus.Desc
}

func newStreams(b *stream.Books) *streams {
	of := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("shredunwrap_stream_"+name, help, labels, nil)
	}
	return &streams{
		books:      b,
		lost:       of("lost_total", "Packets of a stream that were given up as lost on the way.", "stream"),
		missing:    of("missing", "Packets of a stream that are not here yet: lost in two seconds, unless they come.", "stream"),
		received:   of("received_total", "Packets of a stream that came.", "stream"),
		jitter:     of("jitter_seconds", "RFC 3550's estimate of the change in delay between packets; the largest of the streams."),
		reordered:  of("reordered_total", "Packets that came after a later one."),
		duplicate:  of("duplicate_total", "Packets that came again."),
		late:       of("late_total", "Packets that came after they were given up, or again."),
		anew:       of("resynchronized_total", "Times that a sequence went where no loss explains."),
		restarts:   of("restarts_total", "New streams after another was heard: a mirror was started again."),
		untracked:  of("untracked_total", "Packets of streams for which there was no room in the books; forwarded all the same."),
		jumps:      of("clock_jumps_total", "Steps of more than a second in the delay: a clock at either end was set."),
		negative:   of("clock_behind_total", "Packets that came before they were sent: this host's clock is behind the mirror's; not in the delay."),
		incredible: of("clock_far_total", "Packets more than ten seconds on the way by the clocks; not in the delay."),
	}
}

// Describe implements prometheus.Collector.
func (s *streams) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{s.lost, s.missing, s.received, s.jitter, s.reordered, s.duplicate, s.late, s.anew, s.restarts, s.untracked, s.jumps, s.negative, s.incredible} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (s *streams) Collect(ch chan<- prometheus.Metric) {
	figures, totals := s.books.Figures()
	all := stream.Figures{Reordered: totals.Reordered, Duplicate: totals.Duplicate, Late: totals.Late, Anew: totals.Anew}
	for _, f := range figures {
		name := fmt.Sprintf("%08x", f.Stream)
		ch <- prometheus.MustNewConstMetric(s.lost, prometheus.CounterValue, float64(f.Lost), name)
		ch <- prometheus.MustNewConstMetric(s.received, prometheus.CounterValue, float64(f.Received), name)
		ch <- prometheus.MustNewConstMetric(s.missing, prometheus.GaugeValue, float64(f.Missing), name)
		all.Reordered += f.Reordered
		all.Duplicate += f.Duplicate
		all.Late += f.Late
		all.Anew += f.Anew
		all.Jitter = max(all.Jitter, f.Jitter)
	}
	ch <- prometheus.MustNewConstMetric(s.jitter, prometheus.GaugeValue, all.Jitter.Seconds())
	for d, n := range map[*prometheus.Desc]uint64{s.reordered: all.Reordered, s.duplicate: all.Duplicate, s.late: all.Late, s.anew: all.Anew,
		s.restarts: totals.Restarts, s.untracked: totals.Untracked, s.jumps: totals.Jumps, s.negative: totals.Negative, s.incredible: totals.Incredible} {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n))
	}
}
