package main

import (
	"strings"
	"testing"
	"time"

	"bisc/cmd/bisc/view"
	"bisc/internal/lab/wire"
)

// twoStages is a runbook whose first stage counts, and whose second does what is given and then writes a file.
func twoStages(second string) string {
	return `runbook "two" {
  layer   = "units"
  assumes = []
  stage "first" {
    on = "a"
    command "counts" {
      unless = ["test", "-e", "/srv/two-count"]
      argv   = ["sh", "-c", "echo x >>/srv/two-count"]
    }
  }
  stage "second" {
    on = "a"
` + second + `
    file "/srv/two-end" {
      content = "1\n"
    }
  }
}
`
}

// TestFaultF35_RunbookLosesSudo: a stage that takes its own right to sudo away is taken back by the host and ends the runbook there; the
// stages before it stay done, and taken up again it does not do them twice. A credential that ends between two stages ends nothing: the
// channel is root's already.
func TestFaultF35_RunbookLosesSudo(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	sudoers := func(text string) string {
		return "    file \"/etc/sudoers.d/zz-test\" {\n      content = \"" + text + "\\n\"\n      mode    = \"0440\"\n    }"
	}
	d.write(t, "plan.bisc.hcl", twoStages(sudoers("ops ALL=(ALL) !ALL")))
	e := d.bisc(t, "run", "two", "--auto-approve", "--confirm-within", "6s")
	e.wants(t, view.ExitFailed, "the host took the change back", "bisc run --resume")
	onHost(t, h, "test ! -e /etc/sudoers.d/zz-test; test ! -e /srv/two-end; test ! -e /var/lib/bisc/armed")
	d.bisc(t, "run", "--resume", "last", "--auto-approve", "--confirm-within", "6s").wants(t, view.ExitFailed, "the host took the change back")
	if n := onHost(t, h, "grep -c x /srv/two-count"); n != "1" {
		t.Errorf("the stage before it was done %s times", n)
	}

	onHost(t, h, "echo pw:sesame | chpasswd; rm /srv/two-count")
	d = deskFor(t, h)
	d.write(t, "hosts.hcl", hostBlock("a", h.Port(), "pw", pinsOf(t, h), h.KeyFile(), `become_password_env = "CLI_PASSWORD"`))
	d.env = append(d.env, "CLI_PASSWORD=sesame")
	d.write(t, "plan.bisc.hcl", twoStages(sudoers("Defaults:pw timestamp_timeout=0, timestamp_type=global")))
	d.bisc(t, "run", "two", "--auto-approve").wants(t, 0)
	onHost(t, h, "test -e /srv/two-end")
}

// TestFaultF6_RunbookRebootBeforeTheAct: the host is booted while the operator reads what the runbook would do. What was shown is no
// ground any more: nothing is done, and taken up again it is shown anew.
func TestFaultF6_RunbookRebootBeforeTheAct(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", twoStages(""))
	r := d.start(t, "run", "two")
	r.errs.until(t, "Type yes: ")
	if err := h.Reboot(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.in.Write([]byte("yes\nyes\n")); err != nil {
		t.Fatal(err)
	}
	r.wait(t).wants(t, view.ExitStale, "what answers now is not what was looked at", "its boot id was", "bisc run --resume")
	onHost(t, h, "test ! -e /srv/two-count; test ! -e /srv/two-end")
	d.bisc(t, "run", "--resume", "last", "--auto-approve").wants(t, 0)
	onHost(t, h, "test -e /srv/two-count; test -e /srv/two-end")
}

// TestFaultF7_RunbookRebootInAStage: the host is booted in the midst of a step of a later stage. The run ends; taken up again it looks at
// what it does not know, does the step again that has not had its effect, and nothing that was done.
func TestFaultF7_RunbookRebootInAStage(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", twoStages(`    command "slow" {
      unless = ["test", "-e", "/srv/two-done"]
      argv   = ["sh", "-c", "[ -e /srv/two-begun ] || { touch /srv/two-begun; sync; while :; do sleep 1; done; }; touch /srv/two-done"]
      limit  = "400s"
    }`))
	r := d.start(t, "run", "two", "--auto-approve")
	onHost(t, h, "until [ -e /srv/two-begun ]; do sleep 0.05; done")
	if err := h.Reboot(t.Context()); err != nil {
		t.Fatal(err)
	}
	e := r.wait(t)
	if e.status != view.ExitUnknown && e.status != view.ExitStale { // stale, where it came up before the look at what became of the step
		t.Errorf("exit %d, want 7 or 6", e.status)
	}
	e.wants(t, e.status, "it may or may not have taken effect", "bisc run --resume")
	onHost(t, h, "test ! -e /srv/two-done; test ! -e /srv/two-end")
	again := d.bisc(t, "run", "--resume", "last", "--auto-approve")
	again.wants(t, 0, "going on with run")
	if !strings.Contains(again.all(), "a:two/second.command[slow]") {
		t.Errorf("what became of the step that was cut is not said:\n%s", again.all())
	}
	if n := onHost(t, h, "test -e /srv/two-done; test -e /srv/two-end; grep -c x /srv/two-count"); n != "1" {
		t.Errorf("the first stage was done %s times", n)
	}
}

// TestFaultF37_StatusOfSeveralHosts: of three hosts one is far and slow, one takes the connection and says nothing, one refuses it. Each is
// told in its own place, the others whole; a watch shows the good ones before the silent one is given up.
func TestFaultF37_StatusOfSeveralHosts(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	proxies := map[string]*wire.Proxy{}
	var hosts strings.Builder
	names := []string{"near", "far", "silent", "dead"}
	for _, name := range names {
		delay, limit := time.Duration(0), "60s"
		switch name {
		case "far":
			delay = 100 * time.Millisecond
		case "silent":
			limit = "20s"
		}
		p, err := wire.New(h.Dial(), delay)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.Close() })
		proxies[name] = p
		hosts.WriteString(hostBlock(name, p.Port(), "ops", pinsOf(t, h), h.KeyFile(), `connect_timeout = "`+limit+`"`))
	}
	proxies["silent"].Stall()
	proxies["dead"].Refuse()
	d := newDesk(t)
	d.write(t, "hosts.hcl", hosts.String())
	d.write(t, "p.bisc.hcl", onEach(names))
	e := d.bisc(t, "status")
	e.wants(t, view.ExitUnreachable, "no answer in 20s", "connection refused")
	if n := strings.Count(e.out, "units        1 in sync"); n != 2 {
		t.Errorf("%d hosts are told whole, want 2:\n%s", n, e.all())
	}
	cmd := d.command(t, "status", "--watch", "--interval", "300ms")
	seen := newHeard()
	cmd.Stdout = seen
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	seen.until(t, "no answer yet")
	at := seen.after(t, 0, "units        1 in sync")
	if strings.Contains(seen.String()[:at], "no answer in 20s") {
		t.Errorf("the good ones were shown after the silent one was given up:\n%s", seen.String()[:at])
	}
}
