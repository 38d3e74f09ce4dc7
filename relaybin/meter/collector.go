package meter

import (
	"github.com/prometheus/client_golang/prometheus"

	"bisc/relaybin/shred"
)

// Collector shows a meter to Prometheus. What is not known is not shown: the tip while nothing comes, the lead of a path that is absent
// or whose reference is.
type Collector struct {
	meter *Meter
	descs map[string]*prometheus.Desc
}

// NewCollector returns a collector for a meter.
func NewCollector(m *Meter) *Collector {
	c := &Collector{meter: m, descs: map[string]*prometheus.Desc{}}
	for _, d := range []struct{ name, help, label string }{
		{"path_packets_total", "Packets to the TVU port by each path, whatever they are.", "path"},
		{"path_shreds_total", "Shreds by each path that break no rule.", "path"},
		{"path_unique_total", "Shreds distinct on their path.", "path"},
		{"path_duplicate_total", "Shreds that their path had brought before.", "path"},
		{"path_first_total", "Shreds that came by this path before any other, of judged slots.", "path"},
		{"path_only_total", "Shreds that came by no other path, of judged slots.", "path"},
		{"path_resigned_total", "Shreds with a retransmitter's signature, which a staked validator may refuse from another identity's path.", "path"},
		{"path_complete_total", "Slots that this path alone would have completed.", "path"},
		{"path_late_total", "Shreds of slots that were judged before.", "path"},
		{"path_stray_total", "Shreds of slots too far from the tip.", "path"},
		{"path_conflict_total", "Shreds that contradict the others of their FEC set.", "path"},
		{"path_refused_total", "Packets that are no shred, or one that a validator refuses, by rule.", "path,rule"},
		{"path_present", "1 where a shred came within the silence, else 0.", "path"},
		{"path_lead_seconds", "How much earlier than by the reference path shreds came; negative: later.", "path"},
		{"slots_total", "Slots judged, by what came of them.", "state"},
		{"sets_total", "FEC sets of judged slots, by what came of them.", "state"},
		{"equivocations_total", "FEC sets with two Merkle roots.", ""},
		{"conflicts_total", "Shreds of judged slots that contradict the others of their FEC set.", ""},
		{"stray_slots_total", "Slots far beyond the tip that were given up.", ""},
		{"evicted_slots_total", "Slots that were judged early for want of room.", ""},
		{"tip_slot", "The highest slot of which all is known that will be.", ""},
		{"highest_slot", "The slot that the traffic is at.", ""},
		{"last_shred_age_seconds", "Time since the latest shred by any path.", ""},
		{"run_first_slot", "First slot of the run of complete slots that ends at the tip.", ""},
		{"run_slots", "Complete slots in the run that ends at the tip; 0: the tip is not complete.", ""},
		{"run_seconds", "Time that the run covers.", ""},
		{"slots_per_second", "Slots that the tip moved on, measured over the last minute.", ""},
		{"slot_complete_seconds", "Time from a slot's first shred until it could be recovered.", ""},
	} {
		var labels []string
		switch d.label {
		case "path,rule":
			labels = []string{"path", "rule"}
		case "path", "state":
			labels = []string{d.label}
		}
		c.descs[d.name] = prometheus.NewDesc("shredmeter_"+d.name, d.help, labels, nil)
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	m := c.meter
	m.Lock()
	defer m.Unlock()
	for i := range m.paths {
		c.path(out, i)
	}
	for s, n := range m.total.Slots {
		c.count(out, "slots_total", n, SlotState(s).String())
	}
	for s, n := range m.total.Sets {
		c.count(out, "sets_total", n, SetState(s).String())
	}
	c.count(out, "equivocations_total", m.total.Equivocations)
	c.count(out, "conflicts_total", m.total.Conflicts)
	c.count(out, "stray_slots_total", m.total.Strays)
	c.count(out, "evicted_slots_total", m.total.Evicted)
	c.histogram(out, "slot_complete_seconds", &m.latency)
	c.tip(out, m.tipReport())
}

func (c *Collector) path(out chan<- prometheus.Metric, i int) {
	m := c.meter
	p := &m.paths[i]
	for _, v := range []struct {
		name  string
		value uint64
	}{
		{"packets", p.packets}, {"shreds", p.shreds}, {"unique", p.unique}, {"duplicate", p.duplicates}, {"first", p.first}, {"only", p.only},
		{"resigned", p.resigned}, {"complete", p.complete}, {"late", p.late}, {"stray", p.stray}, {"conflict", p.conflicts},
	} {
		c.count(out, "path_"+v.name+"_total", v.value, p.name)
	}
	for rule := 1; rule < shred.Rules; rule++ {
		c.count(out, "path_refused_total", p.refused[rule], p.name, shred.Rule(rule).String())
	}
	present := 0.0
	if m.present(p) {
		present = 1
	}
	c.gauge(out, "path_present", present, p.name)
	if m.leads(i) && p.lead.histogram.count > 0 {
		c.histogram(out, "path_lead_seconds", &p.lead.histogram, p.name)
	}
}

func (c *Collector) tip(out chan<- prometheus.Metric, t TipReport) {
	if t.Age != nil {
		c.gauge(out, "last_shred_age_seconds", *t.Age)
	}
	if !t.Known {
		return
	}
	c.gauge(out, "tip_slot", float64(*t.Slot))
	if t.Highest != nil {
		c.gauge(out, "highest_slot", float64(*t.Highest))
	}
	if t.SlotsPerSecond != nil {
		c.gauge(out, "slots_per_second", *t.SlotsPerSecond)
	}
	if t.Run == nil {
		c.gauge(out, "run_slots", 0)
		c.gauge(out, "run_seconds", 0)
		return
	}
	c.gauge(out, "run_first_slot", float64(t.Run.First))
	c.gauge(out, "run_slots", float64(t.Run.Slots))
	c.gauge(out, "run_seconds", t.Run.Seconds)
}

func (c *Collector) count(out chan<- prometheus.Metric, name string, v uint64, labels ...string) {
	out <- prometheus.MustNewConstMetric(c.descs[name], prometheus.CounterValue, float64(v), labels...)
}

func (c *Collector) gauge(out chan<- prometheus.Metric, name string, v float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(c.descs[name], prometheus.GaugeValue, v, labels...)
}

func (c *Collector) histogram(out chan<- prometheus.Metric, name string, h *histogram, labels ...string) {
	out <- prometheus.MustNewConstHistogram(c.descs[name], h.count, h.sum, h.buckets(), labels...)
}
