package relay

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bisc/internal/scrape"
	"bisc/modules/kindtest"
)

// pageOf makes a page of lines; %s lines stand as they are.
func pageOf(t *testing.T, lines ...string) page {
	t.Helper()
	p, err := parsePage([]byte("# HELP x y\n# TYPE x counter\n" + strings.Join(lines, "\n") + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// unwrap is shredunwrap's page after so many shreds.
func unwrap(t *testing.T, received, lost, source, late, kernel int, more ...string) page {
	t.Helper()
	return pageOf(t, append([]string{
		`shredunwrap_build_info{goarch="amd64",goos="linux",sha256="` + ours + `"} 1`, "process_start_time_seconds 1.7e+09",
		fmt.Sprintf(`shredunwrap_received_total{form="ip"} 0`), fmt.Sprintf(`shredunwrap_received_total{form="sequenced"} %d`, received),
		fmt.Sprintf(`shredunwrap_forwarded_total %d`, received-source), fmt.Sprintf(`shredunwrap_kernel_drops_total %d`, kernel),
		fmt.Sprintf(`shredunwrap_drops_total{reason="source"} %d`, source), `shredunwrap_drops_total{reason="short"} 0`,
		fmt.Sprintf(`shredunwrap_stream_lost_total{stream="7"} %d`, lost),
		fmt.Sprintf(`shredunwrap_stream_delay_seconds_bucket{le="0.0001"} %d`, received-late), fmt.Sprintf(`shredunwrap_stream_delay_seconds_bucket{le="0.01"} %d`, received),
		fmt.Sprintf(`shredunwrap_stream_delay_seconds_bucket{le="+Inf"} %d`, received),
	}, more...)...)
}

func TestFlowDecides(t *testing.T) {
	const left = "\n    why: " + mends + "\n"
	flow := func(change ...func(*Flow)) Flow {
		f := *FlowKind.New("shredunwrap").(*Flow)
		f.MaxDelay = time.Millisecond
		for _, c := range change {
			c(&f)
		}
		return f
	}
	before := unwrap(t, 1000, 3, 50, 9, 0)
	for name, tt := range map[string]struct {
		f    Flow
		then page
		want string
	}{
		"all is well":            {flow(), unwrap(t, 9000, 3, 50, 9, 0), "in sync\n"},
		"nothing comes":          {flow(), before, "now received: 0 in 1s -> more than 0" + left + "now passed on: 0 in 1s -> more than 0" + left},
		"nothing is expected":    {flow(func(f *Flow) { f.Flowing = false }), before, "in sync\n"},
		"lost":                   {flow(), unwrap(t, 9000, 103, 50, 9, 0), "now loss: 100 of 8100 in 1s -> at most 0.1%" + left},
		"lost, within the limit": {flow(func(f *Flow) { f.MaxLoss = 0.02 }), unwrap(t, 9000, 103, 50, 9, 0), "in sync\n"},
		"a reason grows":         {flow(), unwrap(t, 9000, 3, 850, 9, 0), "now drops: source: 800 of 8000 in 1s -> at most 1%" + left},
		"a reason that may":      {flow(func(f *Flow) { f.Expected = []string{"source"} }), unwrap(t, 9000, 3, 850, 9, 0), "in sync\n"},
		"the kernel dropped":     {flow(), unwrap(t, 9000, 3, 50, 9, 1), "now kernel drops: 1 since it began -> at most 0\n    why: the receive buffer was full: more of net.core.rmem_max, or fewer neighbours on its core\n"},
		"late":                   {flow(), unwrap(t, 9000, 3, 50, 109, 0), "now delay: 98.8 of 100 shreds within 1ms -> 99 of 100" + left},
		"jitter":                 {flow(func(f *Flow) { f.MaxJitter = time.Millisecond }), unwrap(t, 9000, 3, 50, 9, 0, `shredunwrap_stream_jitter_seconds{stream="7"} 0.002`), "now jitter: 2ms -> at most 1ms" + left},
		"another program": {flow(), append(without(unwrap(t, 9000, 3, 50, 9, 0), "shredunwrap_build_info"), scrape.Sample{Name: "shredunwrap_build_info", Labels: map[string]string{"sha256": theirs}, Value: 1}),
			"error: shredunwrap was started anew between the two looks: its counters begin again"},
		"started anew": {flow(), unwrap(t, 9000, 3, 50, 9, 0, "process_start_time_seconds 5"), "error: shredunwrap was started anew"},
		"went back":    {flow(), unwrap(t, 500, 3, 50, 9, 0), "error: shredunwrap_received_total went back"},
	} {
		t.Run(name, func(t *testing.T) { verdict(t, tt.f, before, tt.then, ours, tt.want) })
	}
	t.Run("an old program runs", func(t *testing.T) {
		verdict(t, flow(), before, unwrap(t, 9000, 3, 50, 9, 0), theirs,
			"now running: "+ours+" -> "+theirs+"\n    why: another program answers on 127.0.0.1:9466: relay_service restarts a daemon that is not the installed one\n")
	})
}

func verdict(t *testing.T, f Flow, first, second page, digest, want string) {
	t.Helper()
	c, err := f.decide(first, second, digest)
	if words, isError := strings.CutPrefix(want, "error: "); isError {
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want an error about %q", err, words)
		}
		return
	}
	if got := kindtest.Print(c); err != nil || got != want {
		t.Errorf("got (%v):\n%s\nwant:\n%s", err, got, want)
	}
}

// without is the page without the lines of a name.
func without(p page, name string) page {
	return slices.DeleteFunc(slices.Clone(p), func(s scrape.Sample) bool { return s.Name == name })
}

// A figure that is not there is unknown, whichever it is; it is never 0.
func TestFlowWithoutAFigure(t *testing.T) {
	first, second := unwrap(t, 1000, 0, 0, 0, 0), unwrap(t, 9000, 0, 0, 0, 0)
	f := *FlowKind.New("shredunwrap").(*Flow)
	f.MaxDelay = time.Millisecond
	for _, name := range []string{"shredunwrap_received_total", "shredunwrap_forwarded_total", "shredunwrap_drops_total", "shredunwrap_kernel_drops_total", "shredunwrap_stream_lost_total", "shredunwrap_stream_delay_seconds_bucket"} {
		if _, err := f.decide(without(first, name), without(second, name), ours); err == nil || !strings.Contains(err.Error(), strings.TrimSuffix(name, "_bucket")) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	meter := Flow{Name: "shredmeter", MinRun: time.Minute}
	p := pageOf(t, `shredmeter_path_shreds_total{path="turbine"} 5`)
	if _, err := meter.decide(p, p, ""); err == nil || !strings.Contains(err.Error(), "shredmeter_run_seconds") {
		t.Errorf("without the run: %v", err)
	}
}

func TestFlowOfTheMeter(t *testing.T) {
	at := func(shreds, run int) page {
		return pageOf(t, `shredmeter_build_info{sha256="`+ours+`"} 1`, fmt.Sprintf(`shredmeter_path_shreds_total{path="turbine"} %d`, shreds), fmt.Sprintf(`shredmeter_run_seconds %d`, run))
	}
	f := *FlowKind.New("shredmeter").(*Flow)
	f.MinRun = 30 * time.Second
	verdict(t, f, at(1, 29), at(2, 30), ours, "in sync\n")
	verdict(t, f, at(1, 29), at(2, 29), ours, "now run: 29s -> at least 30s\n    why: "+mends+"\n")
}

func TestFlowValidates(t *testing.T) {
	with := func(name string, change func(*Flow)) *Flow {
		f := FlowKind.New(name).(*Flow)
		change(f)
		return f
	}
	for name, tt := range map[string]struct {
		f    *Flow
		want string
	}{
		"good":            {with("shredunwrap", func(f *Flow) { f.MaxDelay, f.MaxJitter = 1, 1 }), ""},
		"no daemon":       {with("x", func(*Flow) {}), "there is no relay daemon"},
		"the meter's":     {with("shredunwrap", func(f *Flow) { f.MinRun = 1 }), "min_run: only shredmeter"},
		"the unwrapper's": {with("shredmeter", func(f *Flow) { f.MaxDelay = 1 }), "max_delay: only shredunwrap"},
		"a name":          {with("shredmeter", func(f *Flow) { f.At = "localhost:9467" }), "at: "},
		"no window":       {with("shredmeter", func(f *Flow) { f.Window = 0 }), "window: "},
	} {
		wantError(t, name, tt.f.Validate(), tt.want)
	}
}

func TestPages(t *testing.T) {
	p := pageOf(t, `a_total{b="x\"y\\z",c="1"} 2.5e+06`, `a_total{b="q",c="1"} 1 1700000000000`, `d NaN`, `e +Inf`, ``)
	if got, err := p.total("a_total"); err != nil || got != 2500001 {
		t.Errorf("%v %v", got, err)
	}
	if got := p.by("a_total", "b"); got[`x"y\z`] != 2500000 || got["q"] != 1 {
		t.Errorf("%v", got)
	}
	for _, bad := range []string{"a", "a b", `a{b="x} 1`, `a{b=x} 1`, `a{"b"} 1`, "<html>", "a_total 1 2 3"} {
		if _, err := parsePage([]byte(bad)); err == nil {
			t.Errorf("%q is a page", bad)
		}
	}
}

func TestRatio(t *testing.T) {
	for text, want := range map[string]Ratio{"0.1%": 0.001, "100%": 1, " 2 %": 0.02} {
		var r Ratio
		if err := r.UnmarshalText([]byte(text)); err != nil || r-want > 1e-12 || want-r > 1e-12 {
			t.Errorf("%q: %v %v", text, r, err)
		}
	}
	for _, bad := range []string{"", "%", "0.1", "-1%", "101%", "NaN%", "x%"} {
		if err := new(Ratio).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is a share", bad)
		}
	}
}
