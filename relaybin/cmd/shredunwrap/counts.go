package main

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"bisc/relaybin/daemon"
	"bisc/relaybin/send"
	"bisc/relaybin/shred"
)

// counts are the relay's metrics. The loop counts; publish shows.
type counts struct {
	received  *daemon.Counters // by form
	forwarded *daemon.Counter
	bytes     *daemon.Counter
	drops     *daemon.Counters // by reason
	rules     *daemon.Counters // shred rules that a packet broke, dropped or not
	kernel    *daemon.Counter
	badSum    *daemon.Counter
	failures  *daemon.Counters // what the kernel said when sending
	calls     *daemon.Counter
	delay     *daemon.Histogram
	wait      *daemon.Histogram
	marks     marks
	last      [forms]atomic.Int64 // when the kernel took in the last packet, ns since 1970
}

func newCounts() *counts {
	var rules, failures []string
	for r := range shred.Rules {
		rules = append(rules, shred.Rule(r).String())
	}
	for f := range send.Failures {
		failures = append(failures, send.Failure(f).String())
	}
	us, ms := time.Microsecond, time.Millisecond
	return &counts{
		received:  daemon.NewCounters("shredunwrap_received_total", "Packets that came in, by form.", "form", formIP.String(), formSequenced.String()),
		forwarded: daemon.NewCounter("shredunwrap_forwarded_total", "Shreds handed to the kernel for the validator."),
		bytes:     daemon.NewCounter("shredunwrap_forwarded_bytes_total", "Their bytes."),
		drops:     daemon.NewCounters("shredunwrap_drops_total", "Packets that were not forwarded, by reason.", "reason", reasonNames()...),
		rules:     daemon.NewCounters("shredunwrap_filter_total", "Packets by the first shred rule that they break; dropped only with --filter on.", "rule", rules...),
		kernel:    daemon.NewCounter("shredunwrap_kernel_drops_total", "Packets that the kernel dropped because a receive buffer was full."),
		badSum:    daemon.NewCounter("shredunwrap_bad_ip_checksum_total", "Forwarded shreds whose IP header's checksum was wrong."),
		failures:  daemon.NewCounters("shredunwrap_send_errors_total", "Errors that the kernel told when sending, ICMP from the destination too.", "error", failures...),
		calls:     daemon.NewCounter("shredunwrap_send_calls_total", "System calls that sent."),
		delay: daemon.NewHistogram("shredunwrap_stream_delay_seconds", "From the mirror's stamp to the host's kernel, by both machines' clocks.", nil,
			50*us, 100*us, 250*us, 500*us, ms, 5*ms, 10*ms, 25*ms, 50*ms, 60*ms, 70*ms, 85*ms, 100*ms, 250*ms, time.Second),
		wait: daemon.NewHistogram("shredunwrap_wait_seconds", "From the host's kernel to the validator's socket.", nil,
			10*us, 25*us, 50*us, 100*us, 250*us, 500*us, ms, 2500*us, 10*ms, 100*ms, time.Second, 10*time.Second),
	}
}

func (c *counts) register(r *prometheus.Registry) {
	r.MustRegister(c.received, c.forwarded, c.bytes, c.drops, c.rules, c.kernel, c.badSum, c.failures, c.calls, c.delay, c.wait, &c.marks)
	for f := range c.last {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "shredunwrap_last_packet_timestamp_seconds",
			Help: "When the last packet came; 0: none did.", ConstLabels: prometheus.Labels{"form": form(f).String()}},
			func() float64 { return time.Duration(c.last[f].Load()).Seconds() }))
	}
}

func (c *counts) publish() {
	c.received.Publish()
	c.forwarded.Publish()
	c.bytes.Publish()
	c.drops.Publish()
	c.rules.Publish()
	c.badSum.Publish()
	c.failures.Publish()
	c.calls.Publish()
	c.delay.Publish()
	c.wait.Publish()
}

func (c *counts) drop(r reason, n uint64) { c.drops.Add(int(r), n) }

// silent is how long nothing has come in any form; false when nothing ever did.
func (c *counts) silent(now time.Time) (time.Duration, bool) {
	var last int64
	for f := range c.last {
		last = max(last, c.last[f].Load())
	}
	return now.Sub(time.Unix(0, last)), last != 0
}
