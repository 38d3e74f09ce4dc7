package device

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestFivePendingSessionsAreAll(t *testing.T) {
	_, s, c := boot(t, nil)
	for i := range 5 {
		must(t, s, fmt.Sprintf("configure session s%d", i), "end")
	}
	refused(t, s, "configure session s5", "% Maximum number of pending sessions has been reached")
	must(t, s, "configure session s3", "hostname other", "end") // one that is there is entered again
	if out := must(t, s, "show session-config named s3 diffs"); !strings.Contains(out, "+hostname other") {
		t.Errorf("what was typed on entry again is not in it: %s", out)
	}
	must(t, s, "configure session s0 abort", "configure session s5", "abort")
	c.pass(24 * time.Hour)
	if out := must(t, s, "show configuration sessions detail | json"); strings.Contains(out, "pending\"") {
		t.Errorf("a day later there are pending sessions: %s", out)
	}
	must(t, s, "configure session", "end")
	if out := must(t, s, "show configuration sessions"); !strings.Contains(out, "sess-1-") {
		t.Errorf("one without a name is not called sess-...: %s", out)
	}
}

func TestOnlyTheLastCompletedSessionIsKept(t *testing.T) {
	_, s, c := boot(t, nil)
	for _, name := range []string{"a", "b"} {
		c.pass(time.Second)
		commit(t, s, name, "hostname "+name)
	}
	out := must(t, s, "show configuration sessions detail | json")
	if strings.Contains(out, `"a": {`) || !strings.Contains(out, `"b": {`) || !strings.Contains(out, `"state": "completed"`) {
		t.Errorf("want b alone, completed: %s", out)
	}
	refused(t, s, "configure session b", "already completed")
}

// TestAbortInASubMode: ansible 36979 (eos.md B.1).
func TestAbortInASubMode(t *testing.T) {
	d, s, _ := boot(t, nil)
	must(t, s, "configure session x", "interface Ethernet1/2", "description Y", "abort")
	if s.Mode() != "session" {
		t.Fatalf("abort in a sub-mode left the session: %s", s.Prompt())
	}
	must(t, s, "end")
	if len(d.pendingNames("x")) != 1 {
		t.Error("the session is gone")
	}
	must(t, s, "configure session x abort")
	if len(d.pendingNames("x")) != 0 {
		t.Error("abort from exec left it")
	}
}

// A group-change mode takes effect when it is left, abort drops it, and a diff from inside lacks it (arista.eos 476; eos.md B.1).
func TestGroupChangeModes(t *testing.T) {
	d, s, _ := boot(t, nil)
	for _, enter := range []string{"ip access-list G\n10 permit ip any any", "class-map type pbr match-any G\nmatch ip access-group A",
		"policy-map type pbr G\nclass C\nset nexthop 172.16.1.188", "traffic-policies\ntraffic-policy G\nmatch S ipv4\nprotocol udp"} {
		must(t, s, "configure session g")
		must(t, s, lines(enter)...)
		if out := must(t, s, "show session-config diffs"); strings.Contains(out, " G") {
			t.Errorf("%q is in the diff before the mode is left: %s", enter, out)
		}
		must(t, s, "end")
		if out := must(t, s, "show session-config named g diffs"); !strings.Contains(out, " G") {
			t.Errorf("%q is not in the diff after end: %q", enter, out)
		}
		must(t, s, "configure session g abort", "configure session h")
		must(t, s, lines(enter)...)
		must(t, s, "abort")
		if s.Mode() != "session" {
			t.Fatalf("abort left the session: %s", s.Prompt())
		}
		must(t, s, "end")
		if out := must(t, s, "show session-config named h diffs"); strings.Contains(out, " G\n") {
			t.Errorf("abort kept %q: %s", enter, out)
		}
		must(t, s, "configure session h abort")
	}
	if strings.Contains(d.Running(), "access-list G") {
		t.Error("a session changed what runs")
	}
}

// After a commit the command line is in exec mode, where "end" is an error (arista.eos 375).
func TestAfterCommitThereIsNothingToEnd(t *testing.T) {
	_, s, _ := boot(t, nil)
	must(t, s, "configure session x", "hostname x", "commit timer 00:01:00")
	refused(t, s, "end", "% Invalid input")
	refused(t, s, "show session-config diffs", "% Invalid input")
}

// Identical content makes an empty diff (ansible 54678).
func TestDeletedAndMadeAgainIsNoChange(t *testing.T) {
	_, s, _ := boot(t, nil)
	must(t, s, "configure session x", "no ip access-list SEC-USER-SUB-MCAST-IN", "ip access-list SEC-USER-SUB-MCAST-IN", "counters per-entry",
		"permit icmp any any", "permit tcp any any eq bgp", "permit ip any 224.0.0.13/32", "deny ip any any", "end")
	if out := must(t, s, "show session-config named x diffs"); out != "" {
		t.Errorf("%q", out)
	}
}

func TestTheTimerInBothShapes(t *testing.T) {
	for version, want := range map[string]string{"4.34.0F": `"state": "committed"`, "4.31.1F": `"state": "pendingCommitTimer"`} {
		_, s, c := boot(t, func(o *Options) { o.Version, o.Startup = version, "hostname sw1\n" })
		must(t, s, "configure session job365", route, "commit timer 00:02:00")
		out := must(t, s, "show configuration sessions detail | json")
		var got struct {
			Sessions map[string]struct {
				CommitBy float64
			}
			CommitTimerSessionName string
			CommitTimerExpireTime  float64
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		expires := seconds(c.now.Add(2 * time.Minute))
		modern := got.CommitTimerSessionName == "job365" && got.CommitTimerExpireTime == expires && got.Sessions["job365"].CommitBy == 0
		old := got.CommitTimerSessionName == "" && got.Sessions["job365"].CommitBy == expires
		if !strings.Contains(out, want) || (version == "4.34.0F") != modern || (version == "4.31.1F") != old {
			t.Errorf("%s: %s", version, out)
		}
		if !strings.Contains(out, `"cfg-`) {
			t.Errorf("%s: the switch's own session is missing: %s", version, out)
		}
		must(t, s, "configure session job365 commit")
		if out := must(t, s, "show configuration sessions detail | json"); strings.Contains(out, "commitTimer") || strings.Contains(out, "pendingCommit") || strings.Contains(out, "cfg-") {
			t.Errorf("%s: confirmed, and: %s", version, out)
		}
		c.pass(time.Hour)
		if out := must(t, s, "show running-config"); !strings.Contains(out, route) {
			t.Error("confirmed, and gone")
		}
	}
}

// The revert is a full replace (eos.md 0.9); its words are those of json/curated/syslog-commit-timer-4.32.txt.
func TestARevertUndoesWhatOthersCommitted(t *testing.T) {
	d, s, c := boot(t, func(o *Options) { o.Flags.SecondCommit = true; o.Startup = "hostname sw1\n" })
	c.now = time.Date(2025, 5, 15, 8, 34, 13, 0, time.UTC)
	before := d.Running()
	nms := d.Shell("nms", "command-api")
	nms.From("10.0.0.3")
	must(t, nms, "enable", "configure session job365", route, "commit timer 00:02:00")
	commit(t, s, "other", "ntp server 192.0.2.1")
	c.pass(4 * time.Second)
	must(t, nms, "configure session job365 abort")
	if d.Running() != before {
		t.Errorf("not all was put back:\n%s", d.Running())
	}
	log := must(t, s, "show logging")
	for _, want := range lines(fixture(t, "json/curated/syslog-commit-timer-4.32.txt")) {
		if !strings.Contains(log, strings.TrimSpace(want)+"\n") {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
}

func TestASecondCommitWhileATimerRunsIsRefused(t *testing.T) {
	_, s, _ := boot(t, nil)
	must(t, s, "configure session a", route, "commit timer 00:02:00", "configure session b", "hostname b", "end")
	refused(t, s, "configure session b commit", "commit timer of session a is running")
}

// A lock belongs to one context; another of the same user is refused (arista.eos 409).
func TestTheLock(t *testing.T) {
	d, s, _ := boot(t, nil)
	other := d.Shell("install", "vty6")
	must(t, other, "enable", "configure session early", "hostname x", "end")
	must(t, s, "configure lock transaction bisc-1 because of a test")
	out := must(t, other, "show configuration lock | json")
	for _, want := range []string{`"username": "install"`, `"userTty": "vty5"`, `"transactionName": "bisc-1"`, `"lockAcquireTime": 17`} {
		if !strings.Contains(out, want) {
			t.Errorf("%s lacks %s", out, want)
		}
	}
	for _, line := range []string{"configure", "configure session y", "configure session early commit", "configure lock transaction z",
		"configure unlock transaction bisc-1", "configure checkpoint restore x"} {
		refused(t, other, line, "lock")
	}
	commit(t, s, "ours", route)
	s.Close()
	refused(t, other, "configure session early commit", "locked")
	must(t, other, "configure unlock force", "configure session early commit")
}

func TestReloadBootsWhatWasSaved(t *testing.T) {
	d, s, c := boot(t, nil)
	saved := d.Startup()
	must(t, s, "configure lock transaction x", "configure session a", route, "commit timer 00:05:00", "configure checkpoint save keep")
	if _, err := s.Run("reload"); err != nil || s.Prompt() != "Proceed with reload? [confirm]" {
		t.Fatalf("%v, %q", err, s.Prompt())
	}
	c.pass(time.Second)
	must(t, s, "")
	if !s.Closed() {
		t.Error("the shell outlived the reload")
	}
	s = d.Shell("install", "vty2")
	must(t, s, "enable")
	if got := d.Running(); got != saved+"\n" {
		t.Error("it does not run what was saved")
	}
	out := must(t, s, "show configuration sessions detail | json") + must(t, s, "show configuration lock | json")
	if strings.Contains(out, "commitTimer") || strings.Contains(out, `"a"`) || strings.Contains(out, "username") {
		t.Errorf("a reload left: %s", out)
	}
	must(t, s, "configure checkpoint restore keep")
	if !strings.Contains(d.Running(), route) {
		t.Error("a checkpoint did not survive on flash")
	}
}
