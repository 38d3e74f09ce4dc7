package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/internal/journal"
	"bisc/internal/lab"
	"bisc/layers"
	"bisc/plans"
)

// dyingRunbook is bisc run, or bisc run --resume, with a recorder that kills it.
func (c *command) dyingRunbook(cmd *cobra.Command, args []string, d *killer) error {
	c.inRun, c.flags.acting = &c.run, true
	resume, err := cmd.Flags().GetString("resume")
	if err != nil {
		return err
	}
	var past *course
	if resume != "" {
		if past, err = recall(cmd.Context(), resume, ""); err != nil {
			return err
		}
		args, c.inRun = []string{past.first.Runbook}, &plans.Run{ID: past.first.ID, Started: past.first.Started}
	}
	secrets := c.keeper(cmd.Context())
	l, err := c.loadFor("run", secrets)
	if err != nil {
		return err
	}
	rb, err := l.findRunbook(args[0])
	if err != nil {
		return err
	}
	if past != nil {
		if err := past.same(l.plan.Digest); err != nil {
			return err
		}
	}
	destroy, err := cmd.Flags().GetStringArray("destroy")
	if err != nil {
		return err
	}
	return c.within(cmd, l, secrets, "run", true, func(ctx context.Context, s *session) error {
		if s.runbook = rb.Name; past != nil {
			s.resumes = past.first.ID
		}
		if err := s.begin(ctx); err != nil {
			return err
		}
		s.left = s.leftBehind
		d.RoundRecorder, d.trail = s.record, true
		s.record, s.stagebook = d, stageKiller{d, s.log}
		d.point("before all")
		err := s.doRunbook(ctx, rb, runFlags{how: approval{auto: true, untilClean: true}, permit: permits{destroy: destroy}}, past)
		d.point("after all")
		fmt.Fprintf(os.Stderr, "points %d\n", d.n)
		return err
	})
}

type stageKiller struct {
	*killer
	log *journal.RunLog
}

func (k stageKiller) Stage(ctx context.Context, s journal.Stage) error {
	what := " stage " + string(s.State) + ": " + s.Name
	k.point("before" + what)
	defer k.point("after" + what)
	return k.log.Stage(ctx, s)
}

// coursePlan has stages of which a later one changes what an earlier one made, as a runbook stops and starts one validator.
func coursePlan(name string) string {
	return strings.ReplaceAll(`runbook "course" {
  layer   = "units"
  assumes = []
  stage "one" {
    on = "a"
    hold "NAME" {
      match   = "units.*"
      because = "a test"
    }
    file "/srv/NAME/state" {
      content = "stopped ${run.id}\n"
    }
  }
  stage "two" {
    on = "a"
    command "counts" {
      unless = ["test", "-e", "/srv/NAME/count"]
      argv   = ["sh", "-c", "echo x >>/srv/NAME/count"]
    }
    unit "NAME.service" {
      sections = { Service = { Type = "oneshot", RemainAfterExit = "yes", ExecStart = "/bin/sh -c 'echo x >>/srv/NAME/started'" } }
    }
    service "NAME.service" {}
  }
  stage "three" {
    on = "a"
    file "/srv/NAME/state" {
      content = "started ${run.id}\n"
    }
  }
  stage "four" {
    on = "a"
    command "loses" {
      unless   = ["test", "-e", "/srv/NAME/lost"]
      argv     = ["sh", "-c", "echo x >>/srv/NAME/lost"]
      destroys = ["what was there"]
    }
    hold "NAME" {
      match  = "units.*"
      absent = true
    }
  }
}
`, "NAME", name)
}

func cutRunbook(t *testing.T, h *lab.Host, name string, at int) (d *desk, lived ended, died bool) {
	t.Helper()
	d = deskFor(t, h)
	d.write(t, "plan.bisc.hcl", coursePlan(name))
	onHost(t, h, "mkdir -p /srv/$1", name)
	d.env = append(d.env, dyingAt+"="+strconv.Itoa(at))
	r := d.startProgram(t, "bisc-dying", "run", "course", "--destroy", "a:course/four.command[loses]")
	<-r.ended
	if state := r.cmd.ProcessState.Sys().(syscall.WaitStatus); state.Signaled() {
		d.awaitUnlocked(t)
		return d, ended{}, true
	}
	return d, result(t, r.err, r.out.String(), r.errs.String()), false
}

// TestFaultF4_RunbookKilledAtEachRecord kills bisc before and after each record of a runbook of four stages, and goes on with it: it
// says what was done, begun and not done, ends as wanted, and does nothing twice.
func TestFaultF4_RunbookKilledAtEachRecord(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	_, whole, died := cutRunbook(t, h, "rf4-whole", 1<<30)
	if died {
		t.Fatal("it died of nothing")
	}
	whole.wants(t, 0)
	var n int
	if _, err := fmt.Sscanf(lines(whole.errs)[len(lines(whole.errs))-1], "points %d", &n); err != nil || n < 40 {
		t.Fatalf("%d points, %v:\n%s", n, err, whole.errs)
	}
	step := 9
	if os.Getenv("BISC_FAULTS") == "all" {
		step = 1
	}
	for at := 2; at <= n; at += step { // at the first nothing is recorded but the run
		t.Run(strconv.Itoa(at), func(t *testing.T) { runbookKilledAt(t, h, at) })
	}
}

func runbookKilledAt(t *testing.T, h *lab.Host, at int) {
	name := fmt.Sprintf("rf4-%d", at)
	d, _, died := cutRunbook(t, h, name, at)
	if !died {
		t.Fatalf("it lived through point %d", at)
	}
	first := d.run(t)
	again := d.bisc(t, "run", "--resume", first, "--auto-approve", "--destroy", "a:course/four.command[loses]")
	again.wants(t, 0, "going on with run "+first+" of course")
	got := onHost(t, h, `cd /srv/$1; cat state count started lost; grep -c "$1" /var/lib/bisc/holds.json || true`, name)
	if got != "started "+first+"\nx\nx\nx\n0" {
		t.Errorf("after it was taken up again:\n%s", got)
	}
	for _, s := range d.told(t, first).Steps {
		if s.State == string(layers.UnknownResult) && s.Begun != nil && (s.Looked == nil || !strings.Contains(again.errs, s.Address)) {
			t.Errorf("%s was unknown, and nobody looked: %+v\n%s", s.Address, s.Looked, again.errs)
		}
	}
	done := map[string]int{}
	for _, s := range hostSteps(t, d) {
		if s.Run == first || s.Run == d.run(t) {
			if done[s.Address+s.Step]++; done[s.Address+s.Step] > 1 && s.State == "done" && !strings.HasPrefix(s.Step, "run mkdir -p ") {
				t.Errorf("done twice: %s: %s", s.Address, s.Step)
			}
		}
	}
	d.bisc(t, "run", "--resume", first).wants(t, view.ExitFailed, "came to its end")
}

type hostStep struct{ Run, Address, Step, State string }

// hostSteps is what the host recorded of runs that acted.
func hostSteps(t *testing.T, d *desk) []hostStep {
	t.Helper()
	var doc struct{ Hosts []struct{ Steps []hostStep } }
	if err := json.Unmarshal([]byte(d.bisc(t, "journal", "--host", "a", "--json").out), &doc); err != nil || len(doc.Hosts) != 1 {
		t.Fatal(err, doc)
	}
	return doc.Hosts[0].Steps
}

// slowRunbook is two stages, of which the first has a step that runs until /srv/NAME-go is there.
func slowRunbook(name string) string {
	return strings.ReplaceAll(`runbook "slow" {
  layer   = "units"
  assumes = []
  stage "waits" {
    on   = "a"
    else = "look at the moon"
    command "slow" {
      unless = ["test", "-e", "/srv/NAME-done"]
      argv   = ["sh", "-c", "touch /srv/NAME-runs; until [ -e /srv/NAME-go ]; do sleep 0.05; done; touch /srv/NAME-done"]
      limit  = "60s"
    }
  }
  stage "ends" {
    on = "a"
    file "/srv/NAME-end" {
      content = "1\n"
    }
  }
}
`, "NAME", name)
}

// TestRunbookHoldsItsHost: a second run, of whatever verb, is refused while one is under way, and told where that is; Ctrl-C ends it
// after the step, with the line that goes on; and a stage on a host that is down does not keep the others.
func TestRunbookHoldsItsHost(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", slowRunbook("rb-lock"))
	r := d.start(t, "run", "slow", "--auto-approve")
	onHost(t, h, "until [ -e /srv/rb-lock-runs ]; do sleep 0.02; done")
	other := deskFor(t, h)
	other.write(t, "plan.bisc.hcl", slowRunbook("rb-lock"))
	run := d.run(t)
	other.bisc(t, "run", "slow", "--auto-approve").wants(t, view.ExitBlocked, "a is locked by", run, "it was last at a:slow/waits.command[slow]")
	d.bisc(t, "apply", "--auto-approve").wants(t, 0) // of nothing
	r.signal(t, syscall.SIGINT)
	r.errs.until(t, "interrupted: finishing the step that is running")
	onHost(t, h, "touch /srv/rb-lock-go")
	r.wait(t).wants(t, view.ExitPending, "the runbook ends here, in stage 2 of 2", "bisc run --resume "+run)
	doc := d.told(t, run)
	if len(doc.Stages) != 2 || doc.Stages[0].State != "done" || doc.Stages[1].State != "ended" || doc.Stages[1].Why != layers.ErrStopped.Error() || doc.Runbook != "slow" {
		t.Errorf("%+v", doc)
	}
	d.bisc(t, "run", "--resume", run, "--auto-approve").wants(t, 0, "done      slow/waits")
	onHost(t, h, "test -e /srv/rb-lock-end; rm /srv/rb-lock-*")
}

// TestFaultF37_StageOnSeveralHosts: a host of a stage that cannot be reached does not keep the others; the runbook ends after that stage,
// with one line for it and exit status 5, and can be gone on with.
func TestFaultF37_StageOnSeveralHosts(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	d := newDesk(t)
	dead := hostBlock("b", 1, "ops", pinsOf(t, h), h.KeyFile())
	d.write(t, "hosts.hcl", hostBlock("a", h.Port(), "ops", pinsOf(t, h), h.KeyFile())+dead)
	d.write(t, "plan.bisc.hcl", `runbook "both" {
  layer   = "units"
  assumes = []
  stage "one" {
    on = ["a", "b"]
    file "/srv/f37-one" {
      content = "1\n"
    }
  }
  stage "two" {
    on = "a"
    file "/srv/f37-two" {
      content = "1\n"
    }
  }
}
`)
	e := d.bisc(t, "run", "both", "--auto-approve")
	e.wants(t, view.ExitUnreachable, "stage 1 of 2, on a, b: both/one", "+ a:both/one.file[/srv/f37-one]", "ends here, in stage 1 of 2")
	onHost(t, h, "test -e /srv/f37-one && test ! -e /srv/f37-two && rm /srv/f37-one")
}
