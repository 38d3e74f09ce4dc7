package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bisc/internal/lab"
)

// slowPlan has a step that runs until /srv/NAME-go is there, one before and one after it.
func slowPlan(name string) string {
	return strings.ReplaceAll(`layer "units" {
  on = "a"
  command "first" {
    unless = ["test", "-e", "/srv/NAME-first"]
    argv   = ["touch", "/srv/NAME-first"]
  }
  command "slow" {
    unless = ["test", "-e", "/srv/NAME-done"]
    argv   = ["sh", "-c", "touch /srv/NAME-runs; until [ -e /srv/NAME-go ]; do sleep 0.05; done; touch /srv/NAME-done"]
    limit  = "60s"
  }
  command "last" {
    unless = ["test", "-e", "/srv/NAME-last"]
    argv   = ["touch", "/srv/NAME-last"]
  }
}
`, "NAME", name)
}

// atStep starts an apply and returns when its slow step runs.
func atStep(t *testing.T, h *lab.Host, name string) (*desk, *running) {
	t.Helper()
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", slowPlan(name))
	r := d.start(t, "apply", "--auto-approve")
	onHost(t, h, "until [ -e /srv/$1-runs ]; do sleep 0.05; done", name)
	return d, r
}

// run is the id of the last run at the desk that was journalled.
func (d *desk) run(t *testing.T) string {
	t.Helper()
	return strings.Fields(d.bisc(t, "journal").out)[0]
}

func TestInterruptedOnce(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	d, r := atStep(t, h, "once")
	r.signal(t, syscall.SIGINT)
	r.errs.until(t, "bisc: interrupted: finishing the step that is running, taking back what is not confirmed; once more to stop at once")
	onHost(t, h, "touch /srv/once-go")
	r.wait(t).wants(t, 2, `+ a:units.command[slow]`, `a:units.command[last]`, "interrupted by the operator")
	onHost(t, h, "test -e /srv/once-done && test ! -e /srv/once-last")
	d.bisc(t, "journal", d.run(t)).wants(t, 0, "apply by", "exit 2", "done     a:units.command[slow]")
	d.bisc(t, "who", "a").wants(t, 0, "a  not locked")
	d.bisc(t, "apply", "--auto-approve").wants(t, 0, "+ a:units.command[last]")
}

func TestInterruptedTwice(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	d, r := atStep(t, h, "twice")
	r.signal(t, syscall.SIGINT)
	r.errs.until(t, "once more to stop at once")
	r.signal(t, syscall.SIGTERM)
	e := r.wait(t)
	e.wants(t, 7, "it may or may not have taken effect: it was stopped: interrupted by the operator", "not reached")
	journal := d.bisc(t, "journal", d.run(t))
	journal.wants(t, 0, "done     a:units.command[first]", "unknown  a:units.command[slow]", "not done a:units.command[last]", "it was not begun")
	onHost(t, h, "touch /srv/twice-go")
	d.awaitUnlocked(t)
	d.bisc(t, "apply", "--auto-approve").wants(t, 0, "+ a:units.command[last]")
}

// awaitUnlocked asks until the host's lock is free. A lock that stays fails the test by its time limit.
func (d *desk) awaitUnlocked(t *testing.T) {
	t.Helper()
	for t.Context().Err() == nil && !strings.Contains(d.bisc(t, "who", "a").out, "a  not locked") {
	}
}

// Ctrl-C while bisc asks does not wait for an answer.
func TestInterruptedAtTheQuestion(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", slowPlan("asked"))
	r := d.start(t, "apply")
	r.errs.until(t, "Type yes: ")
	r.signal(t, syscall.SIGINT)
	r.wait(t).wants(t, 2, "interrupted")
	onHost(t, h, "test ! -e /srv/asked-first")
}

func TestInterruptedPlan(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", `layer "units" {
  on = "a"
  command "probe" {
    unless = ["sh", "-c", "touch /srv/probe-runs; exec sleep 300"]
    argv   = ["true"]
  }
}
`)
	r := d.start(t, "plan")
	onHost(t, h, "until [ -e /srv/probe-runs ]; do sleep 0.05; done")
	r.signal(t, syscall.SIGINT)
	if e := r.wait(t); e.status == 0 || !strings.Contains(e.all(), "interrupted") {
		t.Errorf("exit %d:\n%s", e.status, e.all())
	}
}

// A bisc that is killed leaves no lock behind, and the journal says what it does not know.
func TestKilled(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	d, r := atStep(t, h, "killed")
	r.signal(t, syscall.SIGKILL)
	<-r.ended
	d.bisc(t, "who", "a").wants(t, 0, "a  locked by ") // while the step runs nobody else may begin
	other := deskFor(t, h)
	other.write(t, "plan.bisc.hcl", slowPlan("killed"))
	other.bisc(t, "apply", "--auto-approve").wants(t, 4, "locked by")
	onHost(t, h, "touch /srv/killed-go")
	d.awaitUnlocked(t)
	d.bisc(t, "journal").wants(t, 0, "did not end")
	d.bisc(t, "journal", d.run(t)).wants(t, 0, "done     a:units.command[first]", "unknown  a:units.command[slow]")
	d.bisc(t, "apply", "--auto-approve").wants(t, 0, "+ a:units.command[last]")
	onHost(t, h, "test -e /srv/killed-last")
}

// The second of two applies is told who is at work, in which run, for how long; reading goes on meanwhile.
func TestFaultF14_TwoApplies(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	d, r := atStep(t, h, "two")
	machine, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	owner := fmt.Sprintf("locked by %s@%s, run %s, for ", operator(), machine, d.run(t))
	d.bisc(t, "who", "a").wants(t, 0, "a  "+owner)
	other := deskFor(t, h)
	other.write(t, "plan.bisc.hcl", slowPlan("two"))
	second := other.bisc(t, "apply", "--auto-approve")
	second.wants(t, 4, "locked by "+operator()+"@"+machine, d.run(t))
	other.bisc(t, "hold", "set", "a", "--because", "x").wants(t, 4, "locked by")
	other.bisc(t, "plan").wants(t, 2, "a:units.command[last]")
	onHost(t, h, "touch /srv/two-go")
	r.wait(t).wants(t, 0, "+ a:units.command[last]")
	other.bisc(t, "apply", "--auto-approve").wants(t, 0)
}

// What cannot be journalled is not done: neither where nothing can be written from the start, nor where the disk fills up
// while bisc asks.
func TestJournalOnAFullDisk(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", slowPlan("full"))
	state := d.smallDisk(t, "state")
	d.bisc(t, "plan").wants(t, 2) // it makes the key, and no journal
	r := d.start(t, "apply")
	r.errs.until(t, "Type yes: ")
	fill(t, filepath.Join(state, "ballast"))
	if _, err := r.in.Write([]byte("yes\n")); err != nil {
		t.Fatal(err)
	}
	r.wait(t).wants(t, 1, "writing to the journal "+filepath.Join(state, "bisc", "journal.db"))
	onHost(t, h, "test ! -e /srv/full-first")
	if err := os.RemoveAll(filepath.Join(state, "bisc", "journal.db")); err != nil {
		t.Fatal(err)
	}
	fill(t, filepath.Join(state, "more"))
	d.bisc(t, "apply", "--auto-approve").wants(t, 1, "nothing is done without a journal")
	onHost(t, h, "test ! -e /srv/full-first")
}

// fill writes until the file system is full.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := 1 << 16; block > 0; {
		if _, err := f.Write(make([]byte, block)); err != nil {
			block /= 2
		}
	}
}
