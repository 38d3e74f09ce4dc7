package relay

import (
	"strconv"
	"strings"
	"testing"
)

// ofStream is the sender's stream in the metrics.
const ofStream = `{stream="00000007"}`

// A restart and a new binary lose no packet that reached the host: systemd holds the port.
func TestRestartLosesNothing(t *testing.T) {
	h := newHost(t, build(t, "one"))
	v, f := h.validator(), h.traffic()
	v.beyond(t, 2000)
	for range 2 {
		h.shell("systemctl restart bisc-shredunwrap.service")
		v.beyond(t, v.count()+2000)
	}
	running := "sha256sum /proc/$(systemctl show --value -p MainPID bisc-shredunwrap.service)/exe | cut -d' ' -f1"
	before := h.shell(running)
	h.replace(build(t, "two"))
	h.shell("systemctl restart bisc-shredunwrap.service")
	after := h.shell(running)
	if before == after || !strings.Contains(h.shell("curl -sf http://127.0.0.1:9466/metrics"), `sha256="`+after+`"`) {
		t.Errorf("ran %s before and %s after the upgrade", before, after)
	}
	v.beyond(t, v.count()+2000)

	sent := f.end()
	if gone := v.missing(sent); len(gone) > 0 {
		t.Errorf("%d of %d did not arrive, the first %d\n%s", len(gone), sent, gone[0], h.shell("journalctl -u 'bisc-*' --no-pager -n 60"))
	}
	t.Logf("%d packets across two restarts and an upgrade", sent)
	for series, want := range map[string]string{
		"shredunwrap_stream_lost_total" + ofStream:     "0",
		"shredunwrap_stream_missing" + ofStream:        "0",
		"shredunwrap_stream_received_total" + ofStream: strconv.FormatUint(sent, 10),
		"shredunwrap_stream_restarts_total":            "0",
		"shredunwrap_kernel_drops_total":               "0",
	} {
		h.await(series, "curl -sf http://127.0.0.1:9466/metrics | grep '^"+series+" '", series+" "+want)
	}
	if got := h.shell("journalctl --sync; journalctl -u bisc-shredunwrap.service --no-pager -o cat | grep -c '^ended received=' || true"); got != "3" {
		t.Errorf("%s processes said what became of their packets, want the 3 that were stopped", got)
	}
}

// Killed under load, or hanging until the watchdog ends it, the daemon is back by itself. All that can be missing is the batch
// in its hands, and that is counted: the books outlive it.
func TestKillUnderLoad(t *testing.T) {
	h := newHost(t, build(t, "one"))
	v, f := h.validator(), h.traffic()
	v.beyond(t, 2000)
	for i, signal := range []string{"KILL", "KILL", "STOP"} {
		h.shell("systemctl kill -s " + signal + " bisc-shredunwrap.service")
		h.await("start again", "systemctl show --value -p NRestarts bisc-shredunwrap.service", strconv.Itoa(i+1))
		v.beyond(t, v.count()+2000)
	}
	sent := f.end()
	gone := v.missing(sent)
	if len(gone) > 3*32 { // recv's batch
		t.Errorf("%d of %d did not arrive", len(gone), sent)
	}
	h.await("settled books", "curl -sf http://127.0.0.1:9466/metrics | grep -F 'shredunwrap_stream_missing"+ofStream+"'", "shredunwrap_stream_missing"+ofStream+" 0")
	lost, err := strconv.Atoi(h.metric("shredunwrap_stream_lost_total" + ofStream))
	if err != nil || lost < len(gone) || lost > 3*32 {
		t.Errorf("%d did not arrive, the books say %d (%v)", len(gone), lost, err)
	}
	t.Logf("%d of %d lost in three kills, %d in the books", len(gone), sent, lost)
}

// systemd starts the daemon as it is written: a user that exists only meanwhile, no right at all, and little exposed. When it
// is stopped, the port stays and the packets wait.
func TestSandbox(t *testing.T) {
	h := newHost(t, build(t, "one"))
	pid := h.show("MainPID")
	status := h.shell("cat /proc/" + pid + "/status")
	for _, want := range []string{"CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"} {
		if !strings.Contains(status, want) {
			t.Errorf("no %q in the process' status", want)
		}
	}
	if uid := h.shell("stat -c %u /proc/" + pid); uid == "0" {
		t.Error("it runs as root")
	}
	if got := h.show("StatusText"); got != "forwarding to "+tvu.String() {
		t.Errorf("status %q", got)
	}
	if out := h.shell("systemd-analyze verify /etc/systemd/system/bisc-shredunwrap*.service /etc/systemd/system/bisc-shredunwrap*.socket 2>&1 | grep bisc- || true"); out != "" {
		t.Errorf("systemd-analyze verify: %s", out)
	}
	h.shell("systemd-analyze security --no-pager --threshold=20 bisc-shredunwrap.service >/dev/null")
	if got := h.shell("curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:9466/healthz"); got != "503" {
		t.Errorf("/healthz is %s before the first packet, want 503", got)
	}
	v, f := h.validator(), h.traffic()
	v.beyond(t, 100)
	f.end()
	if got := h.shell("curl -s http://127.0.0.1:9466/healthz"); got != "ok destination\nok packets" {
		t.Errorf("/healthz says %q", got)
	}
}

// A setting that cannot be used is said in the journal, with its line, as an error; systemd's status shows it.
func TestBadSettingInJournal(t *testing.T) {
	h := newHost(t, build(t, "one"))
	h.write("/etc/bisc/relay/shredunwrap.conf", "allow 127.0.0.0/8\nto "+listenAt.String()+"\n")
	h.shell("systemctl restart bisc-shredunwrap.service || true")
	want := "--to: 127.0.0.1:9101 is where systemd listens for this daemon (from /etc/bisc/relay/shredunwrap.conf:2); the validator's TVU, not the relay's own port"
	h.await("line in the journal", "journalctl -u bisc-shredunwrap.service -p err --no-pager -o cat | grep -Fx -m1 -e '"+strings.ReplaceAll(want, "'", `'\''`)+"' || true", want)
	if got := h.show("ExecMainStatus"); got != "2" {
		t.Errorf("status %s, want 2", got)
	}
	h.write("/etc/bisc/relay/shredunwrap.conf", "allow 127.0.0.0/8\nto "+tvu.String()+"\n")
	h.await("recovery by itself", "systemctl is-active bisc-shredunwrap.service || true", "active")
}
