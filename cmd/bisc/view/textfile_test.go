package view

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"bisc/layers"
	"bisc/modules"
)

// exposition is a textfile as Prometheus' own parser reads it: by name, then by labels.
func exposition(t *testing.T, r DriftRound) map[string]map[string]float64 {
	t.Helper()
	var b bytes.Buffer
	if err := DriftMetrics(&b, r); err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(&b)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]float64{}
	for name, f := range families {
		out[name] = map[string]float64{}
		for _, m := range f.Metric {
			out[name][labelsOf(m)] = m.GetGauge().GetValue()
		}
	}
	return out
}

func labelsOf(m *dto.Metric) string {
	var words []string
	for _, l := range m.Label {
		if l.GetName() != "schedule" {
			words = append(words, l.GetName()+"="+l.GetValue())
		}
	}
	return strings.Join(words, " ")
}

func sighted(address string, state layers.State, invariant bool) layers.Outcome {
	o := layers.Outcome{Item: layers.Item{Address: address, Kind: "file", Digest: "d", Invariant: invariant},
		Stage: &layers.Stage{Name: "units"}, State: state}
	if state == layers.Drifted {
		o.Change = modules.Change{Diffs: []modules.Diff{{Attr: "content", Got: "a", Want: "b"}}}
	}
	return o
}

// Drift, what was never applied, what is unknown and what was accepted are told apart, and so are the hosts.
func TestDriftMetrics(t *testing.T) {
	t.Parallel()
	rep := layers.Report{{Host: "a", Outcomes: []layers.Outcome{sighted("a:x", layers.InSync, false), sighted("a:drifted", layers.Drifted, false),
		sighted("a:new", layers.Drifted, false), sighted("a:accepted\n\"\\", layers.Drifted, false), sighted("a:unknown", layers.Unknown, false), sighted("a:broken", layers.Drifted, true)}}}
	tally := Tally(rep, func(address, _ string) bool { return address != "a:new" },
		func(o layers.Outcome) bool { return strings.HasPrefix(o.Item.Address, "a:accepted") })
	got := exposition(t, DriftRound{Schedule: "s", Started: time.UnixMilli(1_700_000_000_500), Took: 1500 * time.Millisecond, Exit: 5, Completed: time.Unix(1_600_000_000, 0), Tally: &tally,
		Hosts: []DriftHost{{Host: "a", State: "observed", Seen: time.Unix(1, 0)}, {Host: "b", State: "unreachable", Failures: 4, Rest: 3}}})
	for name, wants := range map[string]map[string]float64{
		"bisc_drift_last_run_timestamp_seconds":     {"": 1_700_000_000.5},
		"bisc_drift_last_success_timestamp_seconds": {"": 1_600_000_000},
		"bisc_drift_run_failed":                     {"": 0}, "bisc_drift_exit_status": {"": 5}, "bisc_drift_run_duration_seconds": {"": 1.5},
		"bisc_drift_host_state":                {"host=a state=observed": 1, "host=b state=observed": 0, "host=b state=unreachable": 1, "host=b state=unknown": 0},
		"bisc_drift_host_consecutive_failures": {"host=a": 0, "host=b": 4}, "bisc_drift_host_resting_rounds": {"host=b": 3},
		"bisc_drift_host_seen_timestamp_seconds": {"host=a": 1},
		"bisc_drift_resources": {"host=a layer=units state=in_sync": 1, "host=a layer=units state=drifted": 1, "host=a layer=units state=not_applied": 1,
			"host=a layer=units state=accepted": 1, "host=a layer=units state=unknown": 1, "host=a layer=units state=broken": 1, "host=a layer=units state=held": 0},
		"bisc_drift_resource": {"host=a layer=units kind=file address=a:drifted state=drifted": 1, `host=a layer=units kind=file address=a:accepted\n"\ state=accepted`: 1},
	} {
		for labels, want := range wants {
			if v, ok := got[name][labels]; !ok || v != want {
				t.Errorf("%s{%s}: %v (there: %v), want %v; there is %v", name, labels, v, ok, want, got[name])
			}
		}
	}
	if _, there := got["bisc_drift_host_seen_timestamp_seconds"]["host=b"]; there {
		t.Error("a host that was never seen has a time at which it was")
	}
	if want := "drift: 1 drifted from what was in sync, 1 never applied, 1 invariant broken, 1 accepted, 1 unknown\n"; tally.Sentence() != want {
		t.Errorf("%q, want %q", tally.Sentence(), want)
	}
}

// A round that could not begin says so, and counts nothing.
func TestDriftMetricsFailed(t *testing.T) {
	t.Parallel()
	got := exposition(t, DriftRound{Schedule: "s", Started: time.Unix(5, 0), Exit: 1, Failed: true})
	if got["bisc_drift_run_failed"][""] != 1 || got["bisc_drift_last_run_timestamp_seconds"][""] != 5 {
		t.Errorf("%v", got)
	}
	for _, name := range []string{"bisc_drift_resources", "bisc_drift_resource", "bisc_drift_last_success_timestamp_seconds"} {
		if len(got[name]) > 0 {
			t.Errorf("%s has samples", name)
		}
	}
}

// A plan of thousands in disorder does not make thousands of time series.
func TestDriftMetricsAreBounded(t *testing.T) {
	t.Parallel()
	rep := layers.Report{{Host: "a"}}
	for i := range 1000 {
		rep[0].Outcomes = append(rep[0].Outcomes, sighted(fmt.Sprintf("a:%d", i), layers.Drifted, false))
	}
	tally := Tally(rep, func(string, string) bool { return true }, func(layers.Outcome) bool { return false })
	got := exposition(t, DriftRound{Schedule: "s", Started: time.Unix(5, 0), Tally: &tally})
	if n := len(got["bisc_drift_resource"]); n != driftListed || got["bisc_drift_resources_unlisted"][""] != 800 || got["bisc_drift_resources"]["host=a layer=units state=drifted"] != 1000 {
		t.Errorf("%d listed, %v", n, got["bisc_drift_resources_unlisted"])
	}
}
