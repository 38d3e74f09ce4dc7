package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"bisc/relaybin/daemon"
	"bisc/relaybin/frame"
	"bisc/relaybin/ring"
	"bisc/relaybin/send"
)

// Drops are told apart by the frame's verdict, then the route, then why the kernel did not send.
const (
	wrongRoute = frame.Verdicts // after the verdicts
	notSent    = wrongRoute + 1 // and then the failures
)

// metrics are what the packet loop counts. It owns them; scrapes read what was published.
type metrics struct {
	frames, badSum, sent, bytes, calls, batches *daemon.Counter
	form                                        *daemon.Counters
	drops, failed                               *daemon.Counters
	delay                                       *daemon.Histogram
	seen                                        send.Counts // what was taken over from the sender
}

func newMetrics(form string) *metrics {
	return &metrics{
		frames:  daemon.NewCounter("shredmirror_frames_total", "Frames that came through the kernel's filter."),
		badSum:  daemon.NewCounter("shredmirror_bad_checksum_total", "Frames whose IP header has a wrong checksum; they are sent on."),
		form:    daemon.NewCounters("shredmirror_sent_total", "Packets that the kernel took to send.", "form", form),
		bytes:   daemon.NewCounter("shredmirror_sent_bytes_total", "Bytes of UDP payload in them."),
		calls:   daemon.NewCounter("shredmirror_send_calls_total", "System calls that sent them."),
		batches: daemon.NewCounter("shredmirror_batches_total", "Turns of the loop that had frames."),
		drops:   daemon.NewCounters("shredmirror_drops_total", "Frames that were not sent, by reason.", "reason", reasons()...),
		failed:  daemon.NewCounters("shredmirror_send_errors_total", "What the kernel said while sending; an error may be of packets sent before.", "error", failures("")...),
		delay: daemon.NewHistogram("shredmirror_delay_seconds", "From the kernel's stamp on a turn's first frame until it was handed to the kernel again.", nil,
			20*time.Microsecond, 50*time.Microsecond, 100*time.Microsecond, 200*time.Microsecond, 500*time.Microsecond, time.Millisecond, 2*time.Millisecond, 10*time.Millisecond, 100*time.Millisecond, time.Second),
	}
}

// reasons are the names of the drops, in the order of their numbers.
func reasons() []string {
	var all []string
	for v := range frame.Verdicts {
		all = append(all, frame.Verdict(v).String())
	}
	return append(append(all, "wrong_route"), failures("send_")...)
}

func failures(prefix string) []string {
	var all []string
	for f := range send.Failures {
		all = append(all, prefix+send.Failure(f).String())
	}
	return all
}

func (m *metrics) register(r *prometheus.Registry) {
	r.MustRegister(m.frames, m.badSum, m.form, m.bytes, m.calls, m.batches, m.drops, m.failed, m.delay)
}

// take counts what the sender counted since.
func (m *metrics) take(now *send.Counts) {
	m.form.Add(0, now.Sent-m.seen.Sent)
	m.bytes.Add(now.Bytes - m.seen.Bytes)
	m.calls.Add(now.Calls - m.seen.Calls)
	if now.Failed != m.seen.Failed {
		for f := range send.Failures {
			m.failed.Add(f, now.Failed[f]-m.seen.Failed[f])
			m.drops.Add(notSent+f, now.Lost[f]-m.seen.Lost[f])
		}
	}
	m.seen = *now
}

// publish shows all to scrapes.
func (m *metrics) publish() {
	for _, c := range [...]*daemon.Counter{m.frames, m.badSum, m.bytes, m.calls, m.batches} {
		c.Publish()
	}
	m.form.Publish()
	m.drops.Publish()
	m.failed.Publish()
	m.delay.Publish()
}

// watched are the gauges and the kernel's own count, which are asked for at a scrape.
func (m *mirror) watched() []prometheus.Collector {
	return []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "shredmirror_route_ok", Help: "1 while packets leave by the device and next hop that are wanted."},
			func() float64 { return number(m.route.Right()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "shredmirror_gso", Help: "1 while packets of one size go as one large packet."},
			func() float64 { return number(m.segments.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "shredmirror_device_up", Help: "1 while the mirror device is there and up."},
			func() float64 { r := m.ring.Load(); return number(r != nil && r.State() == ring.Up) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "shredmirror_kernel_drops_total", Help: "Frames that the kernel dropped because the ring was full."},
			m.kernelDrops),
	}
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// kernelDrops is what the kernel dropped since the start.
func (m *mirror) kernelDrops() float64 {
	r := m.ring.Load()
	if r == nil {
		return 0
	}
	_, drops, err := r.Stats()
	if err != nil {
		return float64(m.drops.Load()) // as it was last; the ring is being closed
	}
	m.drops.Store(drops)
	return float64(drops)
}
