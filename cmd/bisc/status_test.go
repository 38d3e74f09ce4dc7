package main

import (
	"bytes"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"bisc/cmd/bisc/view"
)

const statusPlan = `layer "units" {
  on = "a"
  file "/srv/status/one" {
    content = "one\n"
  }
  invariant "one is one" {
    because = "what stands there is read at each boot"
    file "/srv/status/one" {
      content = "one\n"
    }
  }
}
`

func statusJSON(t *testing.T, text string) map[string]any {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(view.StatusSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("status.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("status.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(doc); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	return doc.(map[string]any)["hosts"].([]any)[0].(map[string]any)
}

// What an operator wants at three in the morning: each thing that can be wrong is said, with its own exit status.
func TestStatus(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	onHost(t, h, "mkdir /srv/status")
	d := deskFor(t, h)
	d.write(t, "p.bisc.hcl", statusPlan)
	d.bisc(t, "status").wants(t, 3, "a   ", "up ", "load ", "boot ", "units        1 not applied, 1 broken", `invariant["one is one"]`)
	d.bisc(t, "apply", "--auto-approve").wants(t, 0)
	boot := onHost(t, h, "cat /proc/sys/kernel/random/boot_id")
	d.bisc(t, "status").wants(t, 0, "units        2 in sync", boot, "last run: apply", "exit status 0")

	before, err := h.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.bisc(t, "status", "--json").wants(t, 0)
	after, err := h.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, diff := range before.Diff(after) {
		if !strings.Contains(diff, "/var/log/") && !strings.Contains(diff, "/run/sudo") && !strings.Contains(diff, "/var/lib/sudo") {
			t.Errorf("status left a trace: %s", diff)
		}
	}
	now := statusJSON(t, d.bisc(t, "status", "--json").out)
	if now["boot"].(map[string]any)["id"] != boot || now["last_run"].(map[string]any)["verb"] != "apply" {
		t.Errorf("%v", now)
	}

	onHost(t, h, `echo "$1" >/srv/status/one`, "two\x1b[2J")
	e := d.bisc(t, "status")
	e.wants(t, 3, "units        1 drifted, 1 broken", "! ", "~ ")
	if strings.Contains(e.all(), "\x1b") {
		t.Errorf("an escape came through: %q", e.all())
	}
	d.bisc(t, "hold", "set", "a", "--match", "units.file*", "--because", "a look at night").wants(t, 0)
	d.bisc(t, "status").wants(t, 3, "1 held", "hold on units.file*", "a look at night")
	onHost(t, h, `mkdir -p /run/bisc; echo garbage >/var/lib/bisc/holds.json`)
	d.bisc(t, "status").wants(t, 7, "? ", "locks, holds and switches: ")
}

// The relay's figures stand beside the rest: over SSH, from the host's own loopback.
func TestStatusShowsTheRelay(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	onHost(t, h, `mkdir /srv/page; cat >/srv/page/s.py <<'END'
import http.server, os
n = 0
class H(http.server.BaseHTTPRequestHandler):
  def do_GET(self):
    global n
    n += 1000
    body = ("shredunwrap_build_info{sha256=\"ab\"} 1\nprocess_start_time_seconds 1\n# TYPE shredunwrap_received_total counter\nshredunwrap_received_total{form=\"ip\"} %d\n" % n) if self.path == "/metrics" else "ok\n"
    self.send_response(200); self.end_headers(); self.wfile.write(body.encode())
  def log_message(self, *a): pass
s = http.server.ThreadingHTTPServer(("127.0.0.1", 9466), H)
open("/srv/page/up", "w").close()
s.serve_forever()
END
(exec setsid python3 /srv/page/s.py >/srv/page/said 2>&1 </dev/null & echo $! >/srv/page/pid)
n=0; until [ -e /srv/page/up ]; do n=$((n + 1)); if [ $n -gt 600 ]; then cat /srv/page/said; exit 1; fi; sleep 0.1; done`)
	d := deskFor(t, h)
	d.write(t, "p.bisc.hcl", `layer "relay" {
  on = "a"
  relay_binary "shredunwrap" {}
  relay_service "shredunwrap" {
    sockets = { ip = "127.0.0.1:9101" }
    settings = {
      allow = "192.0.2.0/30"
      to    = "127.0.0.1:9000"
    }
  }
}
`)
	d.bisc(t, "relay", "top", "--once", "--interval", "300ms").wants(t, 0, "shredunwrap  up ", "received ", "/s (ip)", "forwarded unknown")
	e := d.bisc(t, "status")
	for _, want := range []string{"shredunwrap  up ", "/s (ip)", "relay        "} {
		if !strings.Contains(e.out, want) {
			t.Errorf("status does not say %q:\n%s", want, e.all())
		}
	}
	onHost(t, h, `kill "$(cat /srv/page/pid)"`)
	d.bisc(t, "relay", "top", "--once", "--interval", "300ms").wants(t, 3, "! shredunwrap  absent: nobody listens there")
	d.bisc(t, "relay", "top", "--once", "--host", "b").wants(t, 1, "no relay_service with metrics on b")
}

// A watch says that a host is away, and takes it up again when it comes back; another host is shown all the time.
func TestStatusWatchSurvivesAHost(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	p := proxy(t, h.Dial())
	d, keys := newDesk(t), pinsOf(t, h)
	d.write(t, "hosts.hcl", hostBlock("a", p.Port(), "ops", keys, h.KeyFile(), `connect_timeout = "5s"`)+hostBlock("b", h.Port(), "ops", keys, h.KeyFile()))
	d.write(t, "p.bisc.hcl", onEach([]string{"a", "b"}))
	cmd := d.command(t, "status", "--watch", "--interval", "300ms")
	heard := newHeard()
	cmd.Stdout = heard
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it has ended, if the test went well
	at := heard.after(t, 0, "units        1 in sync")
	until := func(want bool) {
		for {
			at = heard.after(t, at, "\na   ")
			if at = heard.after(t, at, "\nb   "); fresh(heard.String()[:at]) == want {
				return
			}
		}
	}
	p.Refuse()
	p.Cut()
	until(false)
	at = heard.after(t, at, "1 in sync") // the other
	if err := p.Resume(); err != nil {
		t.Fatal(err)
	}
	until(true)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("Ctrl-C ends it with %v", err)
	}
}

// fresh tells whether the last block about a is of a look that came to its end.
func fresh(text string) bool {
	block := text[strings.LastIndex(text, "\na   "):]
	return strings.Contains(block, "up ") && !strings.Contains(block, "no newer answer")
}

func TestStatusUnreachable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	d := newDesk(t)
	d.write(t, "hosts.hcl", hostBlock("a", port, "ops", "", ""))
	d.write(t, "p.bisc.hcl", onEach([]string{"a"}))
	d.bisc(t, "status").wants(t, 5, "? ", "connection refused")
	if now := statusJSON(t, d.bisc(t, "status", "--json").out); now["error_status"] == nil || now["boot"] != nil {
		t.Errorf("%v", now)
	}
	d.bisc(t, "status", "--watch", "--interval", "1ms").wants(t, 1, "give 200ms or more")
	d.bisc(t, "status", "--host", "nobody").wants(t, 1, "matches nothing in the plan")
}
