package monitoring

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// series are what Prometheus has scraped, in promtool's notation, a value every 15 seconds: "0+150x80" grows by 150 and
// has 81 values, 20 minutes; "_x80" is silence.
type series map[string]string

// moment is what is scraped, and whether the alarm goes at its end.
type moment struct {
	name  string
	in    series
	fires bool
}

const (
	mirrorAt = `{job="bisc-relay",instance="sw:9465"}`
	unwrapAt = `{job="bisc-relay",instance="h:9466"}`
	meterAt  = `{job="bisc-relay",instance="h:9467"}`
)

// of puts labels in front of those of an instance.
func of(name, labels, instance string) string {
	return name + "{" + labels + "," + strings.TrimPrefix(instance, "{")
}

// each alert: it goes when it should, and holds its tongue when it should: on silence, on a counter that begins anew, below
// its limit.
var alarms = map[string][]moment{
	"RelayDaemonDown": {
		{"down", series{"up" + unwrapAt: "1x40 0x40"}, true}, {"up", series{"up" + unwrapAt: "1x80"}, false}, {"one scrape missed", series{"up" + unwrapAt: "1x79 0"}, false},
		{"another job", series{`up{job="node",instance="h"}`: "0x80"}, false},
	},
	"RelayNotScraped":   {{"nothing", series{}, true}, {"scraped, though down", series{"up" + unwrapAt: "0x80"}, false}},
	"RelayMirrorAbsent": {{"none", series{"up" + unwrapAt: "1x80"}, true}, {"there", series{"shredmirror_build_info" + mirrorAt: "1x80"}, false}},
	"RelayUnwrapAbsent": {
		{"wanted", series{of("shredmirror_sent_total", `form="sequenced"`, mirrorAt): "0+150x80"}, true},
		{"bare needs none", series{of("shredmirror_sent_total", `form="bare"`, mirrorAt): "0+150x80"}, false},
		{"nothing is sent", series{of("shredmirror_sent_total", `form="ip"`, mirrorAt): "5x80"}, false},
		{"there", series{of("shredmirror_sent_total", `form="ip"`, mirrorAt): "0+150x80", "shredunwrap_build_info" + unwrapAt: "1x80"}, false},
	},
	"RelayMeterAbsent": {{"none", series{}, true}, {"there", series{"shredmeter_build_info" + meterAt: "1x80"}, false}},
	"RelayDeviceDown":  {{"down", series{"shredmirror_device_up" + mirrorAt: "1x70 0x10"}, true}, {"up", series{"shredmirror_device_up" + mirrorAt: "1x80"}, false}},
	"RelayNoFrames": {
		{"silent", series{"shredmirror_frames_total" + mirrorAt: "0+150x60 9000x20"}, true}, {"frames", series{"shredmirror_frames_total" + mirrorAt: "0+150x80"}, false},
		{"begins anew", series{"shredmirror_frames_total" + mirrorAt: "0+150x70 0+150x9"}, false}, {"no mirror", series{}, false},
	},
	"RelayNothingSent": {
		{"all dropped", series{"shredmirror_frames_total" + mirrorAt: "0+150x80", of("shredmirror_sent_total", `form="bare"`, mirrorAt): "0x80"}, true},
		{"sent", series{"shredmirror_frames_total" + mirrorAt: "0+150x80", of("shredmirror_sent_total", `form="bare"`, mirrorAt): "0+150x80"}, false},
		{"nothing to send", series{"shredmirror_frames_total" + mirrorAt: "7x80", of("shredmirror_sent_total", `form="bare"`, mirrorAt): "7x80"}, false},
	},
	"RelayWrongRoute":      {{"wrong", series{"shredmirror_route_ok" + mirrorAt: "1x70 0x10"}, true}, {"ok", series{"shredmirror_route_ok" + mirrorAt: "1x80"}, false}},
	"RelayNothingReceived": {{"silent", series{of("shredunwrap_received_total", `form="ip"`, unwrapAt): "0+1x60 60x20"}, true}, {"it comes", series{of("shredunwrap_received_total", `form="ip"`, unwrapAt): "0+1x80", of("shredunwrap_received_total", `form="sequenced"`, unwrapAt): "0x80"}, false}},
	"RelayNothingForwarded": {
		{"all dropped", series{of("shredunwrap_received_total", `form="ip"`, unwrapAt): "0+150x80", "shredunwrap_forwarded_total" + unwrapAt: "9x80"}, true},
		{"forwarded", series{of("shredunwrap_received_total", `form="ip"`, unwrapAt): "0+150x80", "shredunwrap_forwarded_total" + unwrapAt: "0+150x80"}, false},
		{"nothing comes", series{of("shredunwrap_received_total", `form="ip"`, unwrapAt): "9x80", "shredunwrap_forwarded_total" + unwrapAt: "9x80"}, false},
	},
	"RelayLoss": {
		{"1 in 100", streamed("0+1x80", "0+99x80"), true}, {"1 in 100,000", streamed("0+1x80", "0+99999x80"), false}, {"none", streamed("3x80", "0+150x80"), false},
		{"silent: not lost", streamed("3x80", "150x80"), false}, {"the mirror began anew", streamed("900000x40 0x40", "0+150x40 0+150x39"), false}, {"no sequenced stream", series{}, false},
	},
	"RelayLossHigh":    {{"1 in 10", streamed("0+15x80", "0+135x80"), true}, {"1 in 100", streamed("0+1x80", "0+99x80"), false}, {"silent", streamed("3x80", "150x80"), false}},
	"RelayKernelDrops": {{"mirror", series{"shredmirror_kernel_drops_total" + mirrorAt: "0+1x80"}, true}, {"unwrap", series{"shredunwrap_kernel_drops_total" + unwrapAt: "0+1x80"}, true}, {"long ago", series{"shredmirror_kernel_drops_total" + mirrorAt: "900x80"}, false}, {"begins anew", series{"shredmirror_kernel_drops_total" + mirrorAt: "900x60 0x20"}, false}},
	"RelayFramesDropped": {
		{"vlan", series{"shredmirror_frames_total" + mirrorAt: "0+150x80", of("shredmirror_drops_total", `reason="vlan"`, mirrorAt): "0+15x80"}, true},
		{"few", series{"shredmirror_frames_total" + mirrorAt: "0+1500x80", of("shredmirror_drops_total", `reason="vlan"`, mirrorAt): "0+1x80"}, false},
		{"not for us", series{"shredmirror_frames_total" + mirrorAt: "0+150x80", of("shredmirror_drops_total", `reason="not_ours"`, mirrorAt): "0+150x80"}, false},
		{"silent", series{"shredmirror_frames_total" + mirrorAt: "9x80", of("shredmirror_drops_total", `reason="vlan"`, mirrorAt): "9x80"}, false},
	},
	"RelayPacketsDropped": {
		{"another version", series{of("shredunwrap_received_total", `form="ip"`, unwrapAt): "0+150x80", of("shredunwrap_drops_total", `reason="shred_version"`, unwrapAt): "0+150x80"}, true},
		{"few", series{of("shredunwrap_received_total", `form="ip"`, unwrapAt): "0+1500x80", of("shredunwrap_drops_total", `reason="short"`, unwrapAt): "0+1x80"}, false},
		{"a flood from outside is another alarm", series{of("shredunwrap_received_total", `form="ip"`, unwrapAt): "0+150x80", of("shredunwrap_drops_total", `reason="source"`, unwrapAt): "0+9000x80"}, false},
	},
	"RelayForbiddenSource": {{"flood", series{of("shredunwrap_drops_total", `reason="source"`, unwrapAt): "0+9000x80"}, true}, {"a stray packet", series{of("shredunwrap_drops_total", `reason="source"`, unwrapAt): "0+1x80"}, false}},
	"RelaySendErrors":      {{"refused", series{of("shredunwrap_send_errors_total", `error="refused"`, unwrapAt): "0+15x80"}, true}, {"mirror", series{of("shredmirror_send_errors_total", `error="unreachable"`, mirrorAt): "0+15x80"}, true}, {"none", series{of("shredunwrap_send_errors_total", `error="refused"`, unwrapAt): "4x80"}, false}},
	"RelayDelay":           {{"slow", delay("shredunwrap_stream_delay_seconds", "0.1", "0+0x80", "0.25", "0+150x80"), true}, {"quick", delay("shredunwrap_stream_delay_seconds", "0.1", "0+150x80", "0.25", "0+150x80"), false}, {"silent", delay("shredunwrap_stream_delay_seconds", "0.1", "5x80", "0.25", "900x80"), false}},
	"RelayForwardSlow":     {{"slow", delay("shredunwrap_wait_seconds", "0.0025", "0x80", "0.01", "0+150x80"), true}, {"quick", delay("shredunwrap_wait_seconds", "0.0025", "0+150x80", "0.01", "0+150x80"), false}, {"silent", delay("shredunwrap_wait_seconds", "0.0025", "0x80", "0.01", "9x80"), false}},
	"RelayJitter": {
		{"jitter", series{"shredunwrap_stream_jitter_seconds" + unwrapAt: "0.05x80", of("shredunwrap_received_total", `form="sequenced"`, unwrapAt): "0+150x80"}, true},
		{"calm", series{"shredunwrap_stream_jitter_seconds" + unwrapAt: "0.001x80", of("shredunwrap_received_total", `form="sequenced"`, unwrapAt): "0+150x80"}, false},
		{"an old figure of a silent stream", series{"shredunwrap_stream_jitter_seconds" + unwrapAt: "0.05x80", of("shredunwrap_received_total", `form="sequenced"`, unwrapAt): "9x80"}, false},
	},
	"RelayClock":                 {{"behind", series{"shredunwrap_stream_clock_behind_total" + unwrapAt: "0+150x80"}, true}, {"right", series{"shredunwrap_stream_clock_behind_total" + unwrapAt: "9x80"}, false}},
	"RelayRestarted":             {{"once", series{"process_start_time_seconds" + mirrorAt: "100x60 900x20"}, true}, {"never", series{"process_start_time_seconds" + mirrorAt: "100x80"}, false}, {"first seen", series{"process_start_time_seconds" + mirrorAt: "_x60 900x20"}, false}, {"another's", series{`process_start_time_seconds{job="node",instance="h"}`: "100x60 900x20"}, false}},
	"RelayRestartsAgainAndAgain": {{"thrice", series{"process_start_time_seconds" + mirrorAt: "100x60 300x5 400x5 900x10"}, true}, {"once", series{"process_start_time_seconds" + mirrorAt: "100x60 900x20"}, false}},
	"RelayMirrorRestarted":       {{"anew", series{"shredunwrap_stream_restarts_total" + unwrapAt: "1x60 2x20"}, true}, {"no", series{"shredunwrap_stream_restarts_total" + unwrapAt: "1x80"}, false}, {"unwrap itself began anew", series{"shredunwrap_stream_restarts_total" + unwrapAt: "7x60 0x20"}, false}},
	"RelayTipNotContiguous": {
		{"gaps", series{"shredmeter_run_seconds" + meterAt: "0x80", "process_start_time_seconds" + meterAt: "1x80"}, true},
		{"whole", series{"shredmeter_run_seconds" + meterAt: "300x80", "process_start_time_seconds" + meterAt: "1x80"}, false},
		{"the meter is young", series{"shredmeter_run_seconds" + meterAt: "9x80", "process_start_time_seconds" + meterAt: "1100x80"}, false},
		{"not known is another alarm", series{"process_start_time_seconds" + meterAt: "1x80"}, false},
	},
	"RelayTipUnknown": {{"unknown", series{"shredmeter_build_info" + meterAt: "1x80"}, true}, {"known", series{"shredmeter_build_info" + meterAt: "1x80", "shredmeter_tip_slot" + meterAt: "5+6x80"}, false}, {"no meter", series{}, false}},
	"RelayTipStands":  {{"stands", series{"shredmeter_tip_slot" + meterAt: "400x80"}, true}, {"moves", series{"shredmeter_tip_slot" + meterAt: "5+38x80"}, false}, {"not known", series{"shredmeter_tip_slot" + meterAt: "5+38x40"}, false}},
	"RelaySlotsIncomplete": {
		{"a tenth", slots("0+34x80", "0+4x80"), true}, {"none", slots("0+38x80", "0x80"), false}, {"begins anew", slots("0+38x60 0+38x20", "900x60 0x20"), false}, {"no slot at all", slots("9x80", "9x80"), false},
	},
	"RelayPathAbsent": {{"silent", series{of("shredmeter_path_present", `path="relay"`, meterAt): "1x60 0x20"}, true}, {"there", series{of("shredmeter_path_present", `path="relay"`, meterAt): "1x80"}, false}, {"no such path", series{}, false}},
	"RelayPathLate": {
		{"late", lead("0+150x80", "0+150x80"), true}, {"ahead", lead("0x80", "0+150x80"), false}, {"silent: no lead, and not 0", lead("9x80", "9x80"), false},
	},
	"RelayEquivocation": {{"one", series{"shredmeter_equivocations_total" + meterAt: "3x60 4x20"}, true}, {"none", series{"shredmeter_equivocations_total" + meterAt: "3x80"}, false}, {"the meter began anew", series{"shredmeter_equivocations_total" + meterAt: "3x60 0x20"}, false}},
	"RelayBuildsDiffer": {
		{"two", series{of("shredunwrap_build_info", `sha256="a",goarch="amd64"`, unwrapAt): "1x180", `shredunwrap_build_info{sha256="b",goarch="amd64",instance="i"}`: "1x180"}, true},
		{"one", series{of("shredunwrap_build_info", `sha256="a",goarch="amd64"`, unwrapAt): "1x180", `shredunwrap_build_info{sha256="a",goarch="amd64",instance="i"}`: "1x180"}, false},
		{"two daemons, two platforms", series{of("shredunwrap_build_info", `sha256="a",goarch="amd64"`, unwrapAt): "1x180", of("shredmirror_build_info", `sha256="b",goarch="amd64"`, mirrorAt): "1x180", `shredmirror_build_info{sha256="c",goarch="386",instance="i"}`: "1x180"}, false},
	},
	"RelayRunsAnotherBuild": {
		{"drifted", series{`bisc_drift_resource{host="h",kind="relay_service",address="h:relay.relay_service[x]",state="drifted"}`: "1x180"}, true},
		{"unknown is not another", series{`bisc_drift_resource{host="h",kind="relay_service",address="x",state="unknown"}`: "1x180"}, false}, {"another kind", series{`bisc_drift_resource{host="h",kind="mount",address="x",state="drifted"}`: "1x180"}, false},
	},
	"BiscDrift":           {{"drifted", series{`bisc_drift_resources{host="h",schedule="s",layer="units",state="drifted"}`: "2x180"}, true}, {"in sync", series{`bisc_drift_resources{host="h",schedule="s",layer="units",state="in_sync"}`: "2x180", `bisc_drift_resources{host="h",schedule="s",layer="units",state="drifted"}`: "0x180"}, false}},
	"BiscHostUnreachable": {{"gone", series{`bisc_drift_host_state{host="h",state="unreachable"}`: "1x180"}, true}, {"there", series{`bisc_drift_host_state{host="h",state="unreachable"}`: "0x180", `bisc_drift_host_state{host="h",state="observed"}`: "1x180"}, false}},
	"BiscDoesNotLook": {
		{"never", series{}, true}, {"stands still", series{"bisc_drift_last_run_timestamp_seconds": "1x400", "bisc_drift_run_failed": "0x400"}, true}, {"cannot begin", series{"bisc_drift_last_run_timestamp_seconds": "0+15x80", "bisc_drift_run_failed": "1x80"}, true},
		{"looks", series{"bisc_drift_last_run_timestamp_seconds": "0+15x80", "bisc_drift_run_failed": "0x80"}, false},
	},
}

func streamed(lost, received string) series {
	return series{of("shredunwrap_stream_lost_total", `stream="0a"`, unwrapAt): lost, of("shredunwrap_stream_received_total", `stream="0a"`, unwrapAt): received}
}

func slots(full, partial string) series {
	return series{of("shredmeter_slots_total", `state="full"`, meterAt): full, of("shredmeter_slots_total", `state="partial"`, meterAt): partial, of("shredmeter_slots_total", `state="skipped"`, meterAt): "0+9x80"}
}

// delay is a histogram of two buckets, and none beyond.
func delay(name, le1, n1, le2, n2 string) series {
	b := name + "_bucket"
	return series{of(b, `le="`+le1+`"`, unwrapAt): n1, of(b, `le="`+le2+`"`, unwrapAt): n2, of(b, `le="+Inf"`, unwrapAt): n2}
}

func lead(below, all string) series {
	b := "shredmeter_path_lead_seconds_bucket"
	return series{of(b, `path="relay",le="-0.01"`, meterAt): below, of(b, `path="relay",le="0.01"`, meterAt): all, of(b, `path="relay",le="+Inf"`, meterAt): all}
}

// The seed had no alerting at all. Here every alert is seen to go when it should, and to be silent when it should.
func TestEveryAlert(t *testing.T) {
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^ *- alert: (\w+)`).FindAllStringSubmatch(string(Alerts()), -1) {
		names = append(names, m[1])
	}
	for name, moments := range alarms {
		goes := func(want bool) bool {
			return slices.ContainsFunc(moments, func(m moment) bool { return m.fires == want })
		}
		if !slices.Contains(names, name) || !goes(true) || !goes(false) {
			t.Errorf("%s: there is no such alert, or its tests lack one of both: that it goes, that it does not", name)
		}
	}
	files, args := map[string]string{}, []string{"test", "rules"}
	for _, name := range names {
		if len(alarms[name]) == 0 {
			t.Errorf("no test of %s", name)
		}
		tests := "rule_files: [" + name + ".yml]\nevaluation_interval: 15s\ntests:\n"
		for _, m := range alarms[name] {
			tests += m.yaml(name)
		}
		files[name+".yml"], files[name+".test.yml"] = alone(t, name), tests
		args = append(args, name+".test.yml")
	}
	if said, err := promtool(t, files, args...); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}

// alone is a file of one alert of the file: to evaluate all for each test would take a minute.
func alone(t *testing.T, alert string) string {
	t.Helper()
	_, rule, ok := strings.Cut(string(Alerts()), "      - alert: "+alert+"\n")
	if _, rule2, comment := strings.Cut(string(Alerts()), "      - alert: "+alert+" #"); comment && !ok {
		_, rule, ok = strings.Cut(rule2, "\n")
	}
	if !ok {
		t.Fatalf("no alert %s", alert)
	}
	for _, next := range []string{"      - alert: ", "  - name: "} {
		rule, _, _ = strings.Cut(rule, next)
	}
	return "groups:\n  - name: one\n    rules:\n      - alert: " + alert + "\n" + rule
}

// yaml is a test of promtool: is the alarm on when the scrapes have ended?
func (m moment) yaml(alert string) string {
	longest := 80
	var in strings.Builder
	for s, values := range m.in {
		fmt.Fprintf(&in, "      - series: %q\n        values: %q\n", s, values)
		for _, long := range []int{180, 400} {
			if strings.HasSuffix(values, fmt.Sprintf("x%d", long)) {
				longest = long
			}
		}
	}
	if in.Len() == 0 {
		in.WriteString("      - series: 'something_else'\n        values: '1x80'\n")
	}
	firing := 0
	if m.fires {
		firing = 1
	}
	return fmt.Sprintf("  - name: \"%s: %s\"\n    interval: 15s\n    input_series:\n%s    promql_expr_test:\n      - expr: sum(ALERTS{alertname=\"%s\",alertstate=\"firing\"}) > bool 0 or vector(0)\n        eval_time: %ds\n        exp_samples: [{labels: '{}', value: %d}]\n",
		alert, m.name, in.String(), alert, longest*15, firing)
}
