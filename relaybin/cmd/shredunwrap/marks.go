package main

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"bisc/relaybin/mark"
)

// marks are the marked packets that came: how many of the last nonce. One at a time, so that a stranger who sends many makes no
// page of them.
type marks struct {
	mu    sync.Mutex
	nonce mark.Nonce
	came  uint64
}

func (m *marks) see(n mark.Nonce) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n != m.nonce {
		m.nonce, m.came = n, 0
	}
	m.came++
}

func (m *marks) desc() *prometheus.Desc {
	return prometheus.NewDesc("shredunwrap_marks", "Marked packets (bisc relay mark) that came with the last nonce; they are not forwarded.", []string{"nonce"}, nil)
}

// Describe is prometheus'.
func (m *marks) Describe(out chan<- *prometheus.Desc) { out <- m.desc() }

// Collect is prometheus'. Before the first there is no sample.
func (m *marks) Collect(out chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.came > 0 {
		out <- prometheus.MustNewConstMetric(m.desc(), prometheus.GaugeValue, float64(m.came), m.nonce.String())
	}
}
