package view

import (
	"bufio"
	"io"
	"slices"
	"strconv"
	"time"
)

// DriftRound is a round of a schedule, for DriftMetrics.
type DriftRound struct {
	Schedule  string
	Started   time.Time
	Took      time.Duration
	Exit      int
	Failed    bool      // there was no round: bisc could not begin it
	Completed time.Time // when the last round began that observed every host; zero: none yet
	Hosts     []DriftHost
	Tally     *DriftTally // nil where Failed
}

// DriftHost is what a schedule knows of a host.
type DriftHost struct {
	Host, State    string // State: observed, unreachable or unknown
	Failures, Rest int
	Seen           time.Time // zero: never
}

// driftListed is how many resources that are not in sync are named, each a time series; the counts tell the rest.
const driftListed = 200

// DriftMetrics writes a round in the text exposition format, for node_exporter's textfile collector. What is not known
// has no sample that could be taken for good news: a round that failed counts no resource.
func DriftMetrics(w io.Writer, r DriftRound) error {
	p := metrics{Writer: bufio.NewWriter(w)}
	of := func(labels ...string) []string { return append([]string{"schedule", r.Schedule}, labels...) }
	one := func(name, help, value string) {
		p.family(name, help)
		p.sample(name, of(), value)
	}
	one("bisc_drift_last_run_timestamp_seconds", "When the last round began; older than the schedule: it does not run.", unixSeconds(r.Started))
	if !r.Completed.IsZero() {
		one("bisc_drift_last_success_timestamp_seconds", "When the last round began in which every host was observed.", unixSeconds(r.Completed))
	}
	one("bisc_drift_run_failed", "1: bisc could not begin the round, and knows nothing new.", number(r.Failed))
	one("bisc_drift_run_duration_seconds", "How long the round took.", float(r.Took.Seconds()))
	one("bisc_drift_exit_status", "The exit status of bisc drift.", strconv.Itoa(r.Exit))
	p.driftHosts(r, of)
	if r.Tally != nil {
		p.driftCounts(r, of)
		p.driftList(r, of)
	}
	return p.Flush()
}

func unixSeconds(t time.Time) string { return float(float64(t.UnixMilli()) / 1000) }

func (p metrics) driftHosts(r DriftRound, of func(...string) []string) {
	each := func(name, help string, value func(DriftHost) string) {
		p.family(name, help)
		for _, h := range r.Hosts {
			if v := value(h); v != "" {
				p.sample(name, of("host", h.Host), v)
			}
		}
	}
	p.family("bisc_drift_host_state", "1 for the one that holds: observed, unreachable, or unknown (it answers, and not wholly).")
	for _, h := range r.Hosts {
		for _, s := range []string{"observed", "unreachable", "unknown"} {
			p.sample("bisc_drift_host_state", of("host", h.Host, "state", s), number(h.State == s))
		}
	}
	each("bisc_drift_host_consecutive_failures", "Rounds in a row that asked the host and got no whole answer.", func(h DriftHost) string { return strconv.Itoa(h.Failures) })
	each("bisc_drift_host_resting_rounds", "How many of the coming rounds leave the host alone, because it is sick.", func(h DriftHost) string { return strconv.Itoa(h.Rest) })
	each("bisc_drift_host_seen_timestamp_seconds", "When the host last answered wholly.", func(h DriftHost) string {
		if h.Seen.IsZero() {
			return ""
		}
		return unixSeconds(h.Seen)
	})
}

func (p metrics) driftCounts(r DriftRound, of func(...string) []string) {
	type group struct{ host, layer string }
	var order []group
	n := map[group]map[string]int{}
	for _, row := range r.Tally.rows {
		g := group{row.host, row.layer}
		if n[g] == nil {
			n[g] = map[string]int{}
			order = append(order, g)
		}
		n[g][row.state]++
	}
	p.family("bisc_drift_resources", "Resources and invariants by state: drifted was in sync under this plan, not_applied never was.")
	for _, g := range order {
		for _, s := range DriftStates() {
			p.sample("bisc_drift_resources", of("host", g.host, "layer", g.layer, "state", s), strconv.Itoa(n[g][s]))
		}
	}
}

func (p metrics) driftList(r DriftRound, of func(...string) []string) {
	bad := slices.DeleteFunc(slices.Clone(r.Tally.rows), func(row driftRow) bool { return row.state == "in_sync" })
	listed := bad[:min(len(bad), driftListed)]
	p.family("bisc_drift_resource", "1 for each resource that is not in sync, with its state.")
	for _, row := range listed {
		p.sample("bisc_drift_resource", of("host", row.host, "layer", row.layer, "kind", row.kind, "address", row.address, "state", row.state), "1")
	}
	p.family("bisc_drift_resources_unlisted", "How many more are not in sync than bisc_drift_resource lists.")
	p.sample("bisc_drift_resources_unlisted", of(), strconv.Itoa(len(bad)-len(listed)))
}
