package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
)

// relayPages is a daemon's pages as a test wants them.
type relayPages struct {
	mu      sync.Mutex
	looks   int
	metrics func(look int) string
	health  string // empty: well
}

func (p *relayPages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.URL.Path == "/healthz" {
		if p.health != "" {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintf(w, "fail ring: %s\n", p.health)
			return
		}
		fmt.Fprintln(w, "ok ring")
		return
	}
	p.looks++
	fmt.Fprint(w, p.metrics(p.looks))
}

// unwrapAt is shredunwrap after so many looks of a thousand packets each.
func unwrapAt(look int) string {
	return fmt.Sprintf("shredunwrap_build_info{sha256=\"ab\"} 1\nprocess_start_time_seconds 1\n# TYPE shredunwrap_received_total counter\nshredunwrap_received_total{form=\"ip\"} %d\n"+
		"# TYPE shredunwrap_forwarded_total counter\nshredunwrap_forwarded_total %d\n# TYPE shredunwrap_drops_total counter\nshredunwrap_drops_total{reason=\"sour\x1b[31mce\"} %d\n", look*1000, look*1000, look)
}

func meterWith(present string) func(int) string {
	return func(look int) string {
		return fmt.Sprintf("shredmeter_build_info{sha256=\"ab\"} 1\nprocess_start_time_seconds 1\nshredmeter_path_present{path=\"relay\"} %s\n# TYPE shredmeter_path_shreds_total counter\nshredmeter_path_shreds_total{path=\"relay\"} %d\n", present, look)
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String() + "/metrics"
}

// The seed had no metrics of throughput: nobody saw that the relay lost packets. Here they are seen, live, and what is not
// known is not a figure.
func TestRelayTopOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		serve  *relayPages // nil: nobody listens
		status int
		says   []string
	}{
		{"it carries", &relayPages{metrics: unwrapAt}, 0, []string{"shredunwrap  up ", "received ", "/s (ip)", `drops sour\x1b[31mce`, "loss unknown"}},
		{"not well", &relayPages{metrics: unwrapAt, health: "no packet since 9 s"}, 3, []string{"! ", "not well: ring: no packet since 9 s"}},
		{"garbage", &relayPages{metrics: func(int) string { return "\x1b[2J<html>" }}, 7, []string{"?", "unknown: reading the metrics"}},
		{"another's page", &relayPages{metrics: func(int) string { return "node_load1 1\n" }}, 7, []string{"what answers there is not a daemon of the relay"}},
		{"half a page", &relayPages{metrics: func(n int) string { return strings.TrimSpace(unwrapAt(n)) }}, 7, []string{"unknown: reading the metrics"}},
		{"nobody there", nil, 3, []string{"absent: nobody listens there"}},
		{"a silent path", &relayPages{metrics: meterWith("0")}, 3, []string{"path relay      absent: nothing comes by it"}},
		{"no figure", &relayPages{metrics: meterWith("NaN")}, 0, []string{"unknown whether anything comes by it"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			url := closedPort(t)
			if c.serve != nil {
				srv := httptest.NewServer(c.serve)
				defer srv.Close()
				url = srv.URL + "/metrics"
			}
			d := newDesk(t)
			got := d.bisc(t, "relay", "top", "--once", "--interval", "200ms", "--url", url)
			got.wants(t, c.status, c.says...)
			if strings.Contains(got.all(), "\x1b") {
				t.Errorf("an escape came through: %q", got.all())
			}
			d.bisc(t, "relay", "top", "--once", "--interval", "200ms", "--json", "--url", url).wants(t, c.status, `"format_version"`)
		})
	}
}

func TestRelayTopMisused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for says, args := range map[string][]string{
		"http://ADDRESS:PORT/metrics": {"--url", "ftp://x"}, "write http": {"--url", "http://127.0.0.1:1/admin"}, "give 200ms or more": {"--interval", "1ms", "--url", "http://127.0.0.1:1"},
	} {
		d.bisc(t, append([]string{"relay", "top", "--once"}, args...)...).wants(t, 1, says)
	}
	d.write(t, "hosts.hcl", "")
	d.write(t, "p.bisc.hcl", "")
	d.bisc(t, "relay", "top", "--once").wants(t, 1, "the plan has no relay_service", "--url")
}

// A watch goes on while a daemon goes and comes back, and Ctrl-C is its good end.
func TestRelayTopWatches(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	serve := func(l net.Listener) *http.Server {
		srv := &http.Server{Handler: &relayPages{metrics: unwrapAt}}
		go func() { _ = srv.Serve(l) }()
		return srv
	}
	srv := serve(l)
	d := newDesk(t)
	r, _ := d.onTerminal(t, "relay", "top", "--interval", "200ms", "--url", "http://"+addr+"/metrics")
	r.errs.after(t, 0, "received ")
	r.errs.after(t, 0, "\x1b[H") // drawn in place
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	gone := r.errs.after(t, 0, "absent: nobody listens")
	if l, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	srv = serve(l)
	defer srv.Close()
	r.errs.after(t, gone, "/s (ip)")
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-r.ended
	if r.err != nil {
		t.Errorf("Ctrl-C ends it with %v\n%s", r.err, r.errs)
	}
}

// On a pipe a watch is a block a look, without anything that moves a cursor; as JSON a document a line.
func TestRelayTopOnAPipe(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(&relayPages{metrics: unwrapAt})
	defer srv.Close()
	for _, c := range []struct{ flag, each string }{{"--json=false", "from here"}, {"--json", `{"format_version"`}} {
		d := newDesk(t)
		cmd := d.command(t, "relay", "top", "--interval", "200ms", c.flag, "--url", srv.URL)
		heard := newHeard()
		cmd.Stdout = heard
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for from, n := 0, 0; n < 3; n++ {
			from = heard.after(t, from, c.each)
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", c.flag, err)
		}
		if strings.Contains(heard.String(), "\x1b") {
			t.Errorf("%s: %q", c.flag, heard.String())
		}
	}
}

// after waits for a text behind a place, and gives the place behind it.
func (h *heard) after(t *testing.T, from int, text string) int {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		if i := strings.Index(h.text.String()[from:], text); i >= 0 {
			return from + i + len(text)
		}
		if h.nothing {
			t.Fatalf("bisc ended and never said %q:\n%s", text, h.text.String())
		}
		h.more.Wait()
	}
}
