package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"bisc/cmd/bisc/figures"
	"bisc/internal/host"
	"bisc/internal/scrape"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// asked is a look at a page, ten seconds after noon or at noon.
func asked(t *testing.T, after int, metrics string) figures.Asked {
	t.Helper()
	at := noon.Add(time.Duration(after) * time.Second)
	p, err := scrape.Parse([]byte(metrics), at)
	if err != nil {
		t.Fatal(err)
	}
	return figures.Asked{Page: p, Clock: at, Health: host.Response{Status: 200, Body: []byte("ok ring\n")}}
}

const beginning = "process_start_time_seconds %d\n"

func mirrorPage(sent, drops int) string {
	return fmt.Sprintf("shredmirror_build_info{sha256=\"ab\"} 1\n# TYPE shredmirror_frames_total counter\nshredmirror_frames_total %d\n# TYPE shredmirror_sent_total counter\nshredmirror_sent_total{form=\"bare\"} %d\nshredmirror_sent_total{form=\"ip\"} 0\n"+
		"# TYPE shredmirror_drops_total counter\nshredmirror_drops_total{reason=\"vlan\x1b\"} %d\nshredmirror_drops_total{reason=\"old\"} 7\nshredmirror_kernel_drops_total 0\nshredmirror_route_ok 0\nshredmirror_gso 1\n"+beginning,
		sent+drops, sent, drops, noon.Unix()-100)
}

func unwrapPage(start time.Time, received, lost, delays int) string {
	return fmt.Sprintf("shredunwrap_build_info{sha256=\"cd\"} 1\n# TYPE shredunwrap_received_total counter\nshredunwrap_received_total{form=\"ip\"} 0\nshredunwrap_received_total{form=\"sequenced\"} %d\n# TYPE shredunwrap_forwarded_total counter\nshredunwrap_forwarded_total %d\n"+
		"# TYPE shredunwrap_kernel_drops_total counter\nshredunwrap_kernel_drops_total 0\n# TYPE shredunwrap_stream_lost_total counter\nshredunwrap_stream_lost_total{stream=\"1\"} %d\nshredunwrap_stream_jitter_seconds 0.000012\n"+
		"# TYPE shredunwrap_stream_delay_seconds histogram\nshredunwrap_stream_delay_seconds_bucket{le=\"0.0001\"} %d\nshredunwrap_stream_delay_seconds_bucket{le=\"0.001\"} %d\nshredunwrap_stream_delay_seconds_bucket{le=\"+Inf\"} %d\nshredunwrap_stream_delay_seconds_sum 1\nshredunwrap_stream_delay_seconds_count %d\n"+beginning,
		received, received, lost, delays, delays*2, delays*2, delays*2, start.Unix())
}

func meterPage(n int) string {
	return fmt.Sprintf("shredmeter_build_info{sha256=\"ef\"} 1\nshredmeter_path_present{path=\"direct\"} 1\nshredmeter_path_present{path=\"relay\"} 1\nshredmeter_path_present{path=\"other\"} 0\n"+
		"# TYPE shredmeter_path_shreds_total counter\nshredmeter_path_shreds_total{path=\"direct\"} %d\nshredmeter_path_shreds_total{path=\"relay\"} %d\nshredmeter_path_shreds_total{path=\"other\"} 5\nshredmeter_path_shreds_total{path=\"young\"} 5\n"+
		"# TYPE shredmeter_path_first_total counter\nshredmeter_path_first_total{path=\"direct\"} %d\nshredmeter_path_first_total{path=\"relay\"} %d\nshredmeter_path_only_total{path=\"direct\"} 0\nshredmeter_path_only_total{path=\"relay\"} 0\n"+
		"# TYPE shredmeter_path_lead_seconds histogram\nshredmeter_path_lead_seconds_bucket{path=\"relay\",le=\"0\"} 0\nshredmeter_path_lead_seconds_bucket{path=\"relay\",le=\"0.02\"} %d\nshredmeter_path_lead_seconds_bucket{path=\"relay\",le=\"+Inf\"} %d\nshredmeter_path_lead_seconds_sum{path=\"relay\"} 1\nshredmeter_path_lead_seconds_count{path=\"relay\"} %d\n"+
		"# TYPE shredmeter_slots_total counter\nshredmeter_slots_total{state=\"full\"} %d\nshredmeter_tip_slot 310222111\nshredmeter_run_first_slot 310221700\nshredmeter_run_slots 412\nshredmeter_run_seconds 165\nshredmeter_slots_per_second 2.5\nshredmeter_equivocations_total 0\n"+beginning,
		n*10, n*10, n*4, n*6, n, n, n, n/100, noon.Unix()-90000)
}

func sampleNow(t *testing.T) Now {
	const local = "http://127.0.0.1:9465"
	sick := asked(t, 10, mirrorPage(75100, 25))
	sick.Health = host.Response{Status: 503, Body: []byte("fail route: leaves by \x1b[31meth1\nok ring\n")}
	noLook := asked(t, 10, unwrapPage(noon, 1, 0, 1))
	return NewNow("relay top", noon.Add(10*time.Second), []HostNow{
		{Host: "switch", Daemons: []figures.Daemon{figures.Read("shredmirror", local, asked(t, 0, mirrorPage(100, 0)).Page, sick)}},
		{Host: "biscayne", Daemons: []figures.Daemon{
			figures.Read("shredunwrap", local, asked(t, 0, unwrapPage(noon, 1000, 0, 10)).Page, asked(t, 10, unwrapPage(noon, 75999, 1, 110))),
			figures.Read("shredmeter", local, asked(t, 0, meterPage(1000)).Page, asked(t, 10, meterPage(2000))),
			figures.Read("shredunwrap", local, asked(t, 0, unwrapPage(noon.Add(-time.Hour), 900000, 3, 900000)).Page, asked(t, 10, unwrapPage(noon, 1000, 0, 0))),
			figures.Read("shredunwrap", local, scrape.Page{}, noLook),
			figures.Read("shredunwrap", local, asked(t, 0, unwrapPage(noon, 5, 0, 1)).Page, asked(t, 10, unwrapPage(noon, 5, 0, 1))),
			figures.Read("shredmeter", local, scrape.Page{}, figures.Asked{Err: fmt.Errorf("get: %w", host.ErrNotListening)}),
			figures.Read("shredmeter", local, scrape.Page{}, figures.Asked{Err: fmt.Errorf("reading the metrics: \x1b[2J")}),
			figures.Read("shredmeter", local, scrape.Page{}, asked(t, 0, "node_load1 3\n")),
		}},
		{Host: "gone", Error: "host not reachable: no route", ErrorStatus: ExitUnreachable},
	})
}

func TestNowText(t *testing.T) {
	const want = `switch   12:00:10
  ! shredmirror  up 110.0s   frames 7,503/s   sent 7,500/s (bare)   kernel drops 0/s   send errors 0/s   route WRONG   gso on
  !   not well: route: leaves by \x1b[31meth1
  *   drops vlan\x1b: 2.5/s (25 in all)

biscayne   12:00:10
    shredunwrap  up 10.0s   received 7,500/s (sequenced)   forwarded 7,500/s   kernel drops 0/s   loss < 0.01 %   delay 100us (p99 982us)   jitter 12us
    shredmeter   up 25h00m   tip 310,222,111   complete run 412 slots, 2m45s, from 310,221,700   2.5 slots/s   slot complete in unknown (p99 unknown)   equivocations 0
      path direct     1,000/s   first here 40.00 %   only here 0/s
  !   path other      absent: nothing comes by it
      path relay      1,000/s   first here 60.00 %   only here 0/s   lead +10.0ms
  ?   path young      unknown whether anything comes by it
    shredunwrap  up 10.0s, restarted just now   received 100/s (sequenced)   forwarded 100/s   kernel drops 0/s   loss 0.00 %   delay unknown (p99 unknown)   jitter 12us
    shredunwrap  up 10.0s   received unknown   forwarded unknown   kernel drops unknown   loss unknown   delay unknown (p99 unknown)   jitter 12us
    shredunwrap  up 10.0s   received 0/s   forwarded 0/s   kernel drops 0/s   loss absent   delay absent (p99 absent)   jitter absent
  ! shredmeter   absent: nobody listens there: it does not run, or serves its metrics elsewhere (http://127.0.0.1:9465)
  ? shredmeter   unknown: reading the metrics: \x1b[2J (http://127.0.0.1:9465)
  ? shredmeter   unknown: what answers there is not shredmeter (its page has no shredmeter_build_info) (http://127.0.0.1:9465)

gone   12:00:10
  ? host not reachable: no route
`
	doc := sampleNow(t)
	got := strings.ReplaceAll(NowText(doc, Options{}), doc.At.Local().Format(time.TimeOnly), "12:00:10")
	if got != want {
		t.Errorf("got\n%s", got)
	}
	if doc.ExitStatus != ExitUnreachable {
		t.Errorf("exit status %d", doc.ExitStatus)
	}
}

func TestNowJSON(t *testing.T) {
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(StatusSchema()))
	if err != nil {
		t.Fatal(err)
	}
	seal(schema)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("status.schema.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("status.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(sampleNow(t))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(doc); err != nil {
		t.Errorf("%v", err)
	}
	if strings.Contains(string(b), "null") || bytes.ContainsRune(b, 0x1b) {
		t.Errorf("%s", b)
	}
}

// What is silent or was not told is never 0, in no figure of any daemon.
func TestSilenceIsNotZero(t *testing.T) {
	now := sampleNow(t)
	for _, p := range now.Hosts[1].Daemons[1].Meter.Paths {
		if p.Name != "other" {
			continue
		}
		for name, f := range map[string]figures.Figure{"shreds": p.Shreds, "first": p.First, "only": p.Only, "lead": p.Lead} {
			if f.State != figures.Absent {
				t.Errorf("a silent path's %s is %+v", name, f)
			}
		}
	}
	first := now.Hosts[1].Daemons[3].Unwrap // one page only
	for name, f := range map[string]figures.Figure{"received": first.Received, "loss": first.Loss, "delay": first.Delay} {
		if f.State != figures.Unknown {
			t.Errorf("%s after one look is %+v", name, f)
		}
	}
}

func TestFrame(t *testing.T) {
	got := Frame("one\ntwo is too long\nthree\nfour\n", 10, 4, true)
	want := "\x1b[2J\x1b[Hone\x1b[K\ntwo is t…\x1b[K\n… 2 line…\x1b[K\n\x1b[J"
	if got != want {
		t.Errorf("%q", got)
	}
	if got := Frame("one\n", 80, 24, false); got != "\x1b[Hone\x1b[K\n\x1b[J" {
		t.Errorf("%q", got)
	}
}

// A relay that nobody feeds yet has no loss, delay or jitter to tell, and a meter without a tip no run: neither is 0.
func TestNowOfARelayThatNobodyFeeds(t *testing.T) {
	page := fmt.Sprintf("shredunwrap_build_info{sha256=\"cd\"} 1\nshredunwrap_received_total{form=\"ip\"} 0\nshredunwrap_received_total{form=\"sequenced\"} 0\n"+
		"shredunwrap_forwarded_total 0\nshredunwrap_kernel_drops_total 0\nshredunwrap_stream_jitter_seconds 0\n"+beginning, noon.Unix())
	meter := fmt.Sprintf("shredmeter_build_info{sha256=\"ef\"} 1\nshredmeter_equivocations_total 0\n"+beginning, noon.Unix())
	got := NowText(NewNow("relay top", noon.Add(10*time.Second), []HostNow{{Host: "biscayne", Daemons: []figures.Daemon{
		figures.Read("shredunwrap", "x", asked(t, 0, page).Page, asked(t, 10, page)),
		figures.Read("shredmeter", "x", asked(t, 0, meter).Page, asked(t, 10, meter)),
	}}}), Options{})
	for _, want := range []string{"received 0/s   forwarded 0/s   kernel drops 0/s   loss absent   delay absent (p99 absent)   jitter absent\n", "   tip unknown   complete run unknown   unknown slots/s"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
