package main

import (
	"strings"
	"syscall"
	"testing"

	"bisc/internal/lab"
	"bisc/layers"
)

// slowStep is a step of one kind that runs from when /srv/f5/runs is there until /srv/f5/go is.
type slowStep struct {
	prepare string // on the host
	block   string
	address string
	verb    string // how the step that hangs begins
	after   string // succeeds on the host when the step was done
}

func slowSteps() map[string]slowStep {
	const hang = "touch /srv/f5/runs; until [ -e /srv/f5/go ]; do sleep 0.05; done"
	return map[string]slowStep{
		"script": {"true", "command \"slow\" {\n unless = [\"test\", \"-e\", \"/srv/f5/done\"]\n argv = [\"sh\", \"-c\", \"" + hang + "; touch /srv/f5/done\"]\n}",
			"a:units.command[slow]", "run ", "test -e /srv/f5/done"},
		"put": {"true", "file \"/srv/f5/put\" {\n content = \"1\\n\"\n verify = [\"sh\", \"-c\", \"" + hang + "\", \"{path}\"]\n}",
			"a:units.file[/srv/f5/put]", "put ", "test -e /srv/f5/put"},
		"edit": {"[ -e /usr/bin/findmnt.real ] || mv /usr/bin/findmnt /usr/bin/findmnt.real; echo '# f5' >>/etc/fstab; mkdir -p /srv/f5t; " +
			"printf '#!/bin/sh\\n" + hang + "\\nexec /usr/bin/findmnt.real \"$@\"\\n' >/usr/bin/findmnt; chmod 755 /usr/bin/findmnt",
			"tmpfs \"/srv/f5t\" {\n size = \"8M\"\n}", "a:units.tmpfs[/srv/f5t]", "edit ", "grep -q f5t /etc/fstab"},
		"job": {"printf '[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nTimeoutStartSec=120\\nExecStart=/bin/sh -c \"" + hang + "\"\\n' >/etc/systemd/system/f5.service; systemctl daemon-reload",
			"service \"f5.service\" {\n active = true\n enabled = false\n}", "a:units.service[f5.service]", "systemd start", "systemctl is-active -q f5.service"},
	}
}

// atSlow starts an apply and returns when the slow step runs.
func atSlow(t *testing.T, h *lab.Host, s slowStep) (*desk, *running) {
	t.Helper()
	onHost(t, h, "rm -rf /srv/f5; mkdir -p /srv/f5; systemctl stop f5.service 2>/dev/null || true; umount /srv/f5t 2>/dev/null || true; sed -i /f5/d /etc/fstab; rm -f /etc/f5-*")
	onHost(t, h, s.prepare)
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", "layer \"units\" {\n on = \"a\"\n file \"/etc/f5-first\" {\n content = \"1\\n\"\n}\n command \"between\" {\n unless = [\"test\", \"-e\", \"/etc/f5-between\"]\n argv = [\"touch\", \"/etc/f5-between\"]\n}\n"+
		s.block+"\n command \"last\" {\n unless = [\"test\", \"-e\", \"/etc/f5-last\"]\n argv = [\"touch\", \"/etc/f5-last\"]\n}\n}\n")
	r := d.start(t, "apply", "--auto-approve")
	if got := onHost(t, h, "n=0; until [ -e /srv/f5/runs ] || [ $n -gt 600 ]; do sleep 0.05; n=$((n+1)); done; ls /srv/f5"); !strings.Contains(got, "runs") {
		t.Fatalf("the step never ran:\n%s", r.errs)
	}
	r.signal(t, syscall.SIGINT)
	r.errs.until(t, "once more to stop at once")
	return d, r
}

// stateOf is what the journal says of the slow step.
func (s slowStep) stateOf(t *testing.T, d *desk) layers.ResultState {
	t.Helper()
	for _, st := range d.told(t, d.run(t)).Steps {
		if st.Address == s.address && strings.HasPrefix(st.Step, s.verb) {
			return layers.ResultState(st.State)
		}
	}
	t.Fatalf("the journal has no %q of %s", s.verb, s.address)
	return ""
}

// TestFaultF5_Interrupted interrupts each kind of step once, which finishes it and no other, and twice, which stops at
// once; the journal is whole, says what is known, and the next apply finishes.
func TestFaultF5_Interrupted(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	for kind, s := range slowSteps() {
		t.Run(kind+" once", func(t *testing.T) {
			d, r := atSlow(t, h, s)
			onHost(t, h, "touch /srv/f5/go")
			r.wait(t).wants(t, 2, "interrupted by the operator")
			onHost(t, h, s.after+" && test ! -e /etc/f5-last")
			if state := s.stateOf(t, d); state != layers.Done {
				t.Errorf("the step that ran is %s", state)
			}
			d.bisc(t, "journal", d.run(t)).wants(t, 0, "exit 2, cut: interrupted by the operator", "not done a:units.command[last]")
			e := d.bisc(t, "apply", "--auto-approve", "--until-clean")
			e.wants(t, 0)
			if strings.Contains(e.errs, "an earlier run was cut") {
				t.Errorf("everything was known, and yet it looks back:\n%s", e.errs)
			}
			onHost(t, h, "test -e /etc/f5-last")
		})
		t.Run(kind+" twice", func(t *testing.T) {
			d, r := atSlow(t, h, s)
			r.signal(t, syscall.SIGINT)
			if e := r.wait(t); e.status == 0 {
				t.Errorf("it counts as a success:\n%s", e.all())
			}
			if state := s.stateOf(t, d); state != layers.UnknownResult {
				t.Errorf("the step that was stopped is %s", state)
			}
			d.bisc(t, "journal", d.run(t)).wants(t, 0, "cut: interrupted by the operator", "not done a:units.command[last]")
			onHost(t, h, "test ! -e /etc/f5-last; touch /srv/f5/go")
			d.awaitUnlocked(t)
			d.bisc(t, "apply", "--auto-approve", "--until-clean").wants(t, 0, "an earlier run was cut on a", s.address)
			onHost(t, h, s.after+" && test -e /etc/f5-last")
		})
	}
}
