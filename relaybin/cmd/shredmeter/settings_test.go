package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bisc/relaybin/meter"
	"bisc/relaybin/shred/fixture"
)

// shredmeter runs the program with arguments and a settings file.
func shredmeter(t *testing.T, file string, args ...string) (string, int) {
	t.Helper()
	if file != "" {
		name := filepath.Join(t.TempDir(), "shredmeter.conf")
		if err := os.WriteFile(name, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), "BISC_TEST_SHREDMETER=1")
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		name   string
		file   string
		args   []string
		status int
		want   string
	}{
		{"a line each", "path name=direct,device=eno1,port=8001,not-from=198.51.100.1\npath name=relay,device=eno1,port=8001,from=198.51.100.1\n", nil, 0,
			"relay: UDP to any address port 8001 that comes in on device eno1, form bare, from 198.51.100.1/32"},
		{"several in one", "path name=direct,device=eno1,port=8001; name=relay,device=eno2,port=9100,form=ip,to=198.51.100.2\nreference relay", []string{"--dry"}, 0, "lead is measured against relay"},
		{"other devices", "", []string{"--dry", "--path", "name=a,device=eno1,port=8001", "--path", "name=b,device=eno2,port=8001"}, 0, "marks are not kept across restarts"},
		{"other addresses", "", []string{"--dry", "--path", "name=a,device=eno1,port=8001,to=192.0.2.1", "--path", "name=b,device=eno1,port=8001,to=192.0.2.2"}, 0, "b: UDP to 192.0.2.2"},
		{"disjoint senders", "", []string{"--dry", "--path", "name=a,device=eno1,port=8001,from=192.0.2.0/25", "--path", "name=b,device=eno1,port=8001,from=192.0.2.128/25"}, 0, "b: "},
		{"no path", "", nil, 2, "no path is set"},
		{"the same packets", "", []string{"--path", "name=a,device=eno1,port=8001", "--path", "name=b,device=eno1,port=8001,from=192.0.2.1"}, 2, "would be counted twice"},
		{"senders that overlap", "", []string{"--path", "name=a,device=eno1,port=8001,from=192.0.2.0/24", "--path", "name=b,device=eno1,port=8001,from=192.0.2.7"}, 2, "part them by from= and not-from="},
		{"excluded in part", "", []string{"--path", "name=a,device=eno1,port=8001,not-from=192.0.2.7", "--path", "name=b,device=eno1,port=8001,from=192.0.2.0/24"}, 2, "would be counted twice"},
		{"a name twice", "", []string{"--path", "name=a,device=eno1,port=8001;name=a,device=eno2,port=8001"}, 2, "the name is taken"},
		{"no port", "", []string{"--path", "name=a,device=eno1"}, 2, "give port="},
		{"port 0", "path name=a,device=eno1,port=0", nil, 2, "shredmeter.conf:1"},
		{"no device", "", []string{"--path", "name=a,port=1"}, 2, "give one of device= and pcap="},
		{"mixed", "", []string{"--path", "name=a,port=1,device=lo", "--path", "name=b,port=1,pcap=x"}, 2, "do not mix"},
		{"form", "", []string{"--path", "name=a,port=1,device=lo,form=l3"}, 2, "write bare, ip or sequenced"},
		{"address", "", []string{"--path", "name=a,port=1,device=lo,to=2001:db8::1"}, 2, "give an IPv4 address"},
		{"network", "", []string{"--path", "name=a,port=1,device=lo,from=192.0.2.0/33"}, 2, "from:"},
		{"key", "", []string{"--path", "name=a,port=1,interface=lo"}, 2, "no such key; there are name, device"},
		{"no value", "", []string{"--path", "name=a,port"}, 2, `"port" is no key=value`},
		{"name", "", []string{"--path", "name=a b,port=1,device=lo"}, 2, "no usable name"},
		{"reference", "", []string{"--path", direct, "--reference", "relay"}, 2, "name one of direct"},
		{"version", "", []string{"--path", direct, "--shred-version", "65536"}, 2, "does not fit 16 bits"},
		{"grace", "", []string{"--path", direct, "--grace", "1m"}, 2, "--grace: 1m0s"},
		{"span", "", []string{"--path", direct, "--span", "2h"}, 2, "--span: 2h"},
		{"format", "", []string{"--path", direct, "--format", "xml"}, 2, "write text or json"},
		{"too many", "", []string{"--path", strings.Repeat("name=a,device=lo,port=1;", 9)}, 2, "9 paths, at most 8"},
		{"no recording", "", []string{"--metrics", "", "--path", "name=a,port=1,pcap=/nonexistent"}, 2, "name a capture that tcpdump -w wrote"},
		{"no capture", "", []string{"--metrics", "", "--path", "name=a,port=1,pcap=/etc/hostname"}, 2, "not a classic pcap file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(strings.Join(c.args, " "), "pcap=/") {
				c.args = append(c.args, "--dry") // a setting that is not refused starts nothing
			}
			if out, status := shredmeter(t, c.file, c.args...); status != c.status || !strings.Contains(out, c.want) {
				t.Errorf("status %d, want %d and %q in\n%s", status, c.status, c.want, out)
			}
		})
	}
}

// Two recordings are metered as two devices are, merged by their times.
func TestRecordings(t *testing.T) {
	two := fixture.Path(t, "streams/real-417955322-two-paths.direct.pcap")
	args := []string{"--metrics", "", "--path", "name=direct,port=8001,pcap=" + two, "--path", "name=relay,port=8001,pcap=" + strings.Replace(two, ".direct.", ".relay.", 1)}
	out, status := shredmeter(t, "", append(args, "--format", "json")...)
	var r meter.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil || status != 0 {
		t.Fatalf("status %d: %v\n%s", status, err, out)
	}
	direct, relay := r.Paths[0], r.Paths[1]
	if direct.First-direct.Only != 167 || relay.First-relay.Only != 98 || direct.Only != 146 || relay.Only != 154 || relay.Lead.P50 != -0.007576 || relay.Lead.Min != -0.037943 || relay.Lead.Max != 0.021554 {
		t.Errorf("%+v\n%+v %+v", direct, relay, relay.Lead)
	}
	out, status = shredmeter(t, "", args...)
	if status != 0 || !strings.Contains(out, "tip 417955322 is contiguous from slot 417955322 on: 1 complete slots") || !strings.Contains(out, "-7.6 ms") {
		t.Errorf("status %d\n%s", status, out)
	}
	frames := fixture.Path(t, "frames/mirrored-frames.pcap")
	out, status = shredmeter(t, "", "--metrics", "", "--path", "name=mirror,port=8001,to=203.0.113.10,pcap="+frames)
	if status != 0 || !strings.Contains(out, "frames are not the path's: truncated") || !strings.Contains(out, "frames are not the path's: fragment") {
		t.Errorf("status %d\n%s", status, out)
	}
}

func TestMarkAndReportFromTheCommandLine(t *testing.T) {
	marked := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			marked = r.URL.Query().Get("name")
			if marked == "bad" {
				http.Error(w, "no", http.StatusBadRequest)
			}
			return
		}
		json.NewEncoder(w).Encode(meter.Report{FormatVersion: 1})
	}))
	defer server.Close()
	at := strings.TrimPrefix(server.URL, "http://")
	var out, errs bytes.Buffer
	if status := mark([]string{"--at", at, "relay", "on & off?"}, &out, &errs); status != 0 || marked != "relay on & off?" {
		t.Errorf("status %d, marked %q %s", status, marked, &errs)
	}
	if status := mark([]string{"--at", at, "bad"}, &out, &errs); status != 1 || !strings.Contains(errs.String(), "400 Bad Request: no") {
		t.Errorf("status %d %s", status, &errs)
	}
	if status := mark(nil, &out, &errs); status != 2 {
		t.Errorf("without a name: status %d", status)
	}
	for _, verb := range []func([]string, io.Writer, io.Writer) int{mark, report} {
		if status := verb([]string{"--help"}, &out, &errs); status != 0 {
			t.Errorf("--help: status %d", status)
		}
	}
	if status := report([]string{"--at", at, "direct"}, &out, &errs); status != 2 || !strings.Contains(errs.String(), `"direct" is no argument of it`) {
		t.Errorf("an argument: status %d %s", status, &errs)
	}
	if status := report([]string{"--at", at}, &out, &errs); status != 0 || !strings.Contains(out.String(), "tip unknown: no shred has come") {
		t.Errorf("status %d %s %s", status, &out, &errs)
	}
	server.Close()
	errs.Reset()
	if status := report([]string{"--at", at}, &out, &errs); status != 1 || !strings.Contains(errs.String(), "is it running") {
		t.Errorf("status %d %s", status, &errs)
	}
}

// Marking is for this machine: neither another one nor a page in a browser here may.
func TestMarkPageRefusesOthers(t *testing.T) {
	m, err := meter.New(meter.Config{Paths: []string{"direct"}})
	if err != nil {
		t.Fatal(err)
	}
	l := &live{settings: &settings{}, meter: m}
	for from, origin := range map[string]string{"192.0.2.1:1000": "", "127.0.0.1:1000": "http://example.org"} {
		r := httptest.NewRequest(http.MethodPost, "/mark?name=x", nil)
		r.RemoteAddr = from
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		w := httptest.NewRecorder()
		l.markPage(w, r)
		if w.Code != http.StatusForbidden || len(m.Report(0, false).Marks) != 0 {
			t.Errorf("%s %s: %d", from, origin, w.Code)
		}
	}
}
