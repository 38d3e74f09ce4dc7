package job

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules"
)

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// TestPhases judges what a host says: each kind of end, and what is known no more.
func TestPhases(t *testing.T) {
	for _, tt := range []struct {
		name, said, want string
		percent          float64
	}{
		{"never started", "unit inactive\nnow b1 1000\n", "not started", -1},
		{"at work", "unit active\nnow b1 1000\nboot b1\nstarted 900\nlimit 600\ntail " + b64("a\n 50 %\n") + "\n", "running for 1m40s of 10m0s: 50 %", 50},
		{"its progress", "unit active\nnow b1 1000\nboot b1\nstarted 900\nlimit 600\ntail " + b64("a\n") + "\nprogress " + b64("7.25%\r\n") + "\n", "running for 1m40s of 10m0s: 7.25%", 7.25},
		{"being started", "unit inactive\nnow b1 1000\nstarting\nboot b1\nstarted 1000\nlimit 60\n", "running for 0s of 1m0s", -1},
		{"its stop runs", "unit deactivating\nnow b1 1000\nboot b1\nstarted 900\nlimit 600\n", "running for 1m40s of 10m0s", -1},
		{"ended, the unit not yet", "unit deactivating\nnow b1 1000\nboot b1\nstarted 900\nlimit 600\nstatus success exited 0 950 running\n", "done after 50s", -1},
		{"exit status", "unit inactive\nnow b1 1000\nboot b1\nstarted 900\nlimit 600\nstatus exit-code exited 3 950 running\ntail " + b64("why") + "\n", "failed after 50s: exit status 3: why", -1},
		{"a signal", "unit inactive\nnow b1 1000\nboot b1\nstarted 900\nlimit 600\nstatus signal killed SEGV 950 running\n", "failed after 50s: ended by signal SEGV", -1},
		{"stopped by hand", "unit inactive\nnow b1 1000\nboot b1\nstarted 900\nlimit 600\nstatus success killed TERM 950 running\n", "failed after 50s: ended by signal TERM", -1},
		{"the limit", "unit inactive\nnow b1 1000\nboot b1\nstarted 900\nlimit 50\nstatus timeout killed TERM 950 running\n", "failed after 50s: it did not end within its limit of 50s", -1},
		{"no memory", "unit inactive\nnow b1 1000\nboot b1\nstarted 900\nlimit 50\nstatus oom-kill killed KILL 950 running\n", "failed after 50s: the kernel killed it for want of memory", -1},
		{"the host went down in order", "unit inactive\nnow b2 1000\nboot b1\nstarted 900\nlimit 600\nstatus success killed TERM 950 stopping\n", "failed after 50s: it was running when the host went down", -1},
		{"the host lost its power", "unit inactive\nnow b2 1000\nboot b1\nstarted 900\nlimit 600\n", "lost: it was running when the host went down", -1},
		{"no trace", "unit inactive\nnow b1 1000\nboot b1\nstarted 900\nlimit 600\n", "lost: it runs no more, and nothing tells how it ended", -1},
		{"ended before the reboot", "unit inactive\nnow b2 1000\nboot b1\nstarted 900\nlimit 600\nstatus success exited 0 950 running\n", "done after 50s", -1},
	} {
		got, err := parse("job x\n" + tt.said)
		if err != nil || len(got) != 1 || got[0].ID != "x" || got[0].String() != tt.want || got[0].Percent != tt.percent {
			t.Errorf("%s: %v, %v; want %q, %v%%", tt.name, got, err, tt.want, tt.percent)
		}
	}
}

// TestWhatCannotBeRead is unknown and never none.
func TestWhatCannotBeRead(t *testing.T) {
	for _, said := range []string{"", "job y\nunit inactive\nnow b 1\n", "unit active\n", "job x\n", "job x\nnow b x\n", "job x\nunit active\nnow b 1\nstatus x\n", "job x\nunit active\nnow b 1\ntail *\n"} {
		f := hosttest.New("h")
		f.Answer(0, said, host.Jobs.Argv("x")...)
		if st, err := (Job{ID: "x"}).Read(t.Context(), f); err == nil {
			t.Errorf("%q is read as %+v", said, st)
		}
	}
	f := hosttest.New("h")
	f.Answer(3, "", host.Jobs.Argv("x")...)
	if st, err := (Job{ID: "x"}).Read(t.Context(), f); err == nil {
		t.Errorf("no answer is read as %+v", st)
	}
	f.Answer(3, "", host.Jobs.Argv()...)
	if all, err := List(t.Context(), f); err == nil {
		t.Errorf("no answer is read as a host with the jobs %+v", all)
	}
}

// TestAwait: a running job is waited for and not started; one that does not run is the kind's affair.
func TestAwait(t *testing.T) {
	now := time.Unix(1000, 0)
	running := State{Phase: Running, Since: now.Add(-time.Minute), Now: now, Limit: 10 * time.Minute, LastLine: "41%"}
	var c modules.Change
	if !running.Await(&c, "snapshot") || len(c.Steps) > 0 || c.Settle != 10*time.Minute || c.Diffs[0].Got != "running for 1m0s of 10m0s: 41%" {
		t.Errorf("%+v", c)
	}
	if ended := (State{Phase: Lost}); ended.Await(&c, "snapshot") || len(c.Diffs) != 1 || c.Ended == "" {
		t.Errorf("%+v", c)
	}
}

// TestNoSecretIsShown: what is shown of a start, and its argv, hold no value of a variable.
func TestNoSecretIsShown(t *testing.T) {
	j := Job{ID: "x", Argv: []string{"/bin/true", "a b"}, Env: map[string]string{"TOKEN": "hush"}}
	s := j.Start()[0].(host.Script)
	if text := s.String(); text != "run [start job] x '' '' 3600 '' /bin/true 'a b' < secret  [guards: job not at work]" {
		t.Error(text)
	}
	if strings.Contains(strings.Join(s.Argv, " "), "hush") || string(s.Stdin) != "TOKEN=\"hush\"\n" {
		t.Errorf("%q %q", s.Argv, s.Stdin)
	}
	for _, bad := range []Job{{ID: "../x", Argv: []string{"/bin/true"}}, {ID: "x"}, {ID: "x", Argv: []string{"true"}}, {ID: "x", Argv: []string{"/t"}, Env: map[string]string{"A B": ""}}, {ID: "x", Argv: []string{"/t"}, Dir: "tmp"}} {
		if bad.Check() == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}
