package device

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fixture reads a public fixture; they stand beside the repository, in ../shared.
func fixture(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../../../../shared/fixtures/eos", name))
	if err != nil {
		t.Fatalf("this test reads the public fixtures in ../shared: %v", err)
	}
	return string(b)
}

// clock is the switch's time under a test's control.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time          { return c.now }
func (c *clock) pass(long time.Duration) { c.now = c.now.Add(long) }

// boot gives a switch with the real configuration, and an operator on it.
func boot(t *testing.T, change func(*Options)) (*Device, *Shell, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}
	o := Options{Startup: fixture(t, "configs/real-7280CR3A-4.34.0F/mia-sw01-running.cfg"), Now: c.Now}
	if change != nil {
		change(&o)
	}
	d := New(o)
	for _, err := range d.BootErrors() {
		t.Error(err)
	}
	s := d.Shell("install", "vty5")
	must(t, s, "enable")
	return d, s, c
}

// must types lines that are taken, and gives what the last one printed.
func must(t *testing.T, s *Shell, lines ...string) (out string) {
	t.Helper()
	for _, line := range lines {
		var err error
		if out, err = s.Run(line); err != nil {
			t.Fatalf("%s %s: %v", s.Prompt(), line, err)
		}
	}
	return out
}

// refused types a line that is not taken, and wants these words.
func refused(t *testing.T, s *Shell, line, words string) *Error {
	t.Helper()
	out, err := s.Run(line)
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(e.Error(), words) {
		t.Fatalf("%s %s: got %q, %v; want %q", s.Prompt(), line, out, err, words)
	}
	return e
}

func TestTheRealConfigurationRunsAndPrintsBack(t *testing.T) {
	d, s, _ := boot(t, nil)
	text := fixture(t, "configs/real-7280CR3A-4.34.0F/mia-sw01-running.cfg") + "\n" // the capture lacks the last line's end
	if got := must(t, s, "show running-config"); got != text {
		t.Errorf("running-config differs from the switch's own text")
	}
	must(t, s, "copy running-config startup-config")
	if got := must(t, s, "show running-config diffs"); got != "" {
		t.Errorf("saved, and yet it differs: %s", got)
	}
	if got := d.Startup(); got != text {
		t.Error("startup-config is not what runs")
	}
}

func TestASessionIsASnapshotThatCommitPutsInForce(t *testing.T) {
	d, s, c := boot(t, nil)
	if p := s.Prompt(); p != "laconic-mia-sw01#" {
		t.Fatalf("prompt %q", p)
	}
	must(t, s, "configure session bisc-1", "ip access-list SHRED-RELAY", "permit udp any any eq 20000")
	if p := s.Prompt(); p != "laconic-mia-sw01(config-s-bisc-1-acl-SHRED-RELAY)#" {
		t.Errorf("prompt %q", p)
	}
	must(t, s, "monitor session 1 source Ethernet1/1 rx", "monitor session 1 ip access-group SHRED-RELAY", "monitor session 1 destination Cpu",
		"ip route 192.0.2.7/32 172.16.1.188", "end")
	diff := must(t, s, "show session-config named bisc-1 diffs")
	for _, line := range []string{"--- system:/running-config\n+++ session:/bisc-1-session-config\n@@ -", "+   10 permit udp any any eq 20000\n",
		"+monitor session 1 ip access-group SHRED-RELAY\n+monitor session 1 source Ethernet1/1 rx\n+monitor session 1 destination Cpu\n", "+ip route 192.0.2.7/32 172.16.1.188\n"} {
		if !strings.Contains(diff, line) {
			t.Errorf("the diff lacks %q:\n%s", line, diff)
		}
	}
	before := d.Running()
	must(t, s, "configure session bisc-1 commit timer 00:05:00")
	if !strings.Contains(d.Running(), "monitor session 1 destination Cpu") {
		t.Error("committed, and it does not run")
	}
	c.pass(5 * time.Minute)
	if d.Running() != before {
		t.Error("the timer ran out, and nothing was put back")
	}
}

func lines(text string) []string { return strings.Split(strings.TrimSpace(text), "\n") }
