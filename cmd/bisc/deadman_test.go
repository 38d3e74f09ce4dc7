package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"bisc/internal/lab"
)

// onUnits is a plan for host a with these blocks in the layer units.
func onUnits(blocks string) string { return "layer \"units\" {\n  on = \"a\"\n" + blocks + "\n}\n" }

// sshdWith is a snippet of sshd's configuration. more may be a verifier.
func sshdWith(text string, more ...string) string {
	return onUnits(fmt.Sprintf("  file \"/etc/ssh/sshd_config.d/10-test.conf\" {\n    content = %q\n    %s\n  }\n", text+"\n", strings.Join(more, "\n    ")))
}

// nothingLeft sees that the host is as before, and that nothing of a dead-man's switch is left on it.
func nothingLeft(t *testing.T, h *lab.Host) {
	t.Helper()
	onHost(t, h, `test ! -e /etc/ssh/sshd_config.d/10-test.conf
		test ! -e /var/lib/bisc/armed; test ! -e /etc/systemd/system/bisc-deadman-boot.service
		test ! -L /etc/systemd/system/sysinit.target.wants/bisc-deadman-boot.service
		test -z "$(systemctl list-timers --all --no-legend bisc-deadman.timer)"`)
}

// A change that locks everybody out is taken back by the host, and everybody says so: the exit status, the report, bisc's
// journal, the host's.
func TestFaultF34_LockedOutBySshd(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	for _, text := range []string{"AllowUsers nobody", "Port 2222", "ListenAddress 127.0.0.2"} {
		d.write(t, "plan.bisc.hcl", sshdWith(text))
		d.bisc(t, "plan").wants(t, 2, "can cut off (sshd): dead-man's switch, 1m0s")
		d.bisc(t, "apply", "--auto-approve", "--confirm-within", "8s").wants(t, 1, "a:units.file[/etc/ssh/sshd_config.d/10-test.conf]",
			"it could not be proved in time over a new connection", "the host took the change back", "removed /etc/ssh/sshd_config.d/10-test.conf", "ssh.service is active again")
		nothingLeft(t, h)
		d.bisc(t, "plan").wants(t, 2, "can cut off") // it is reached, and differs as before
	}
	d.bisc(t, "journal", d.run(t)).wants(t, 0, "exit 1", "done     a:units.file[/etc/ssh/sshd_config.d/10-test.conf]",
		"arm the dead-man's switch, 8s: /etc/ssh/sshd_config.d/10-test.conf, ssh.service", "prove it over a new connection",
		"revert it by the dead-man's switch", "the host took the change back")
	if said := onHost(t, h, "journalctl --sync; journalctl -q -o cat -t bisc -b"); !strings.Contains(said, "armed, 8 s") || !strings.Contains(said, "reverted (") {
		t.Errorf("the host's journal says: %s", said)
	}
}

// What is taken back goes back to the change before it, which was proved and kept, and not further: its put and its reload
// lie within one second.
func TestFaultF34_TheChangeBeforeStays(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", sshdWith("MaxAuthTries 5"))
	d.bisc(t, "apply", "--auto-approve").wants(t, 0)
	d.write(t, "plan.bisc.hcl", sshdWith("Bogus yes"))
	d.bisc(t, "apply", "--auto-approve", "--confirm-within", "6s").wants(t, 1, "Bad configuration option", "the host took the change back")
	if got := onHost(t, h, "cat /etc/ssh/sshd_config.d/10-test.conf; sshd -T | grep -i maxauthtries"); got != "MaxAuthTries 5\nmaxauthtries 5" {
		t.Errorf("the host has: %s", got)
	}
	said := d.bisc(t, "journal", "--host", "a")
	said.wants(t, 0, "10-test.conf")
	if strings.Contains(said.out, "disagrees") {
		t.Errorf("the switch's own acts are no steps: %s", said.out)
	}
}

func TestFaultF34_LockedOutByTheFirewall(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", onUnits(`
  command "close the door" {
    unless = ["iptables", "-C", "INPUT", "-p", "tcp", "--dport", "22", "-j", "DROP"]
    argv   = ["iptables", "-A", "INPUT", "-p", "tcp", "--dport", "22", "-j", "DROP"]
  }
`))
	before := onHost(t, h, "iptables -S; iptables -t nat -S")
	d.bisc(t, "apply", "--auto-approve", "--confirm-within", "6s").wants(t, 1, "can cut off (the packet filter)", "the host took the change back", "rules of iptables as before")
	if after := onHost(t, h, "iptables -S; iptables -t nat -S"); after != before {
		t.Errorf("rules after:\n%s\nbefore:\n%s", after, before)
	}
	nothingLeft(t, h)
	d.bisc(t, "plan").wants(t, 2)
}

// What does not lock anybody out is kept, and nothing of the switch stays behind.
func TestFaultF34_KeptWhenProved(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", sshdWith("ClientAliveInterval 77"))
	d.bisc(t, "apply", "--auto-approve").wants(t, 0, "+ a:units.file[/etc/ssh/sshd_config.d/10-test.conf]")
	d.bisc(t, "journal", d.run(t)).wants(t, 0, "arm the dead-man's switch", "prove it over a new connection", "keep it: disarm the dead-man's switch over the new connection")
	if got := onHost(t, h, `/usr/sbin/sshd -T`); !strings.Contains(got, "clientaliveinterval 77") {
		t.Errorf("sshd has: %s", got)
	}
	onHost(t, h, `test ! -e /var/lib/bisc/armed; test ! -e /etc/systemd/system/bisc-deadman-boot.service
		test -z "$(systemctl list-timers --all --no-legend bisc-deadman.timer)"`)
	d.bisc(t, "plan").wants(t, 0)
}

// reachable asks who until sshd has taken its configuration anew: a reload is over before it has.
func (d *desk) reachable(t *testing.T) ended {
	t.Helper()
	for {
		if e := d.bisc(t, "who"); e.status != 5 || t.Context().Err() != nil {
			return e
		}
	}
}

// killed starts an apply and kills bisc as soon as the script on the host ends.
func (d *desk) killed(t *testing.T, h *lab.Host, when string, args ...string) {
	t.Helper()
	r := d.start(t, append([]string{"apply", "--auto-approve"}, args...)...)
	onHost(t, h, when)
	r.signal(t, syscall.SIGKILL)
	<-r.ended
}

// The controller dies after arming and before the change: the host reverts once, which changes nothing.
func TestFaultF34_KilledBeforeTheChange(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", sshdWith("ClientAliveInterval 77", `verify = ["sh", "-c", "touch /srv/verifies; until [ -e /srv/go ]; do sleep 0.05; done", "{path}"]`))
	d.killed(t, h, "until [ -e /srv/verifies ]; do sleep 0.05; done", "--confirm-within", "10s")
	onHost(t, h, "until [ -e /var/lib/bisc/armed/done ]; do sleep 0.05; done; test ! -e /etc/ssh/sshd_config.d/10-test.conf; touch /srv/go")
	d.awaitUnlocked(t)
	onHost(t, h, `rm -f /etc/ssh/sshd_config.d/10-test.conf
		journalctl --sync; test "$(journalctl -q -o cat -t bisc -b | grep -c '^reverted')" = 1`)
	d.write(t, "plan.bisc.hcl", onUnits(`  file "/srv/other" {
    content = "x\n"
  }`))
	d.bisc(t, "apply", "--auto-approve").wants(t, 0, "never came to its end", "was taken back", "+ a:units.file[/srv/other]")
	nothingLeft(t, h)
}

// The controller dies after the change and before the proof: the host reverts once, by itself.
func TestFaultF34_KilledAfterTheChange(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", sshdWith("AllowUsers nobody"))
	d.killed(t, h, "until [ -e /etc/ssh/sshd_config.d/10-test.conf ]; do sleep 0.02; done", "--confirm-within", "10s")
	onHost(t, h, `until [ -e /var/lib/bisc/armed/done ]; do sleep 0.05; done
		journalctl --sync; test "$(journalctl -q -o cat -t bisc -b | grep -c '^reverted (timer)')" = 1
		test ! -e /etc/ssh/sshd_config.d/10-test.conf`)
	d.reachable(t).wants(t, 0, "was not confirmed, and the host has taken it back")
	d.write(t, "plan.bisc.hcl", onUnits(`  file "/srv/other" {
    content = "x\n"
  }`))
	d.bisc(t, "apply", "--auto-approve").wants(t, 0, "never came to its end", "removed /etc/ssh/sshd_config.d/10-test.conf")
	d.bisc(t, "journal", d.run(t)).wants(t, 0, "left unconfirmed", "was taken back")
	nothingLeft(t, h)
}

// The next run does not wait for the timer: nobody is at it any more.
func TestFaultF34_TheNextRunEndsIt(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", sshdWith("ClientAliveInterval 77", `verify = ["sh", "-c", "touch /srv/verifies; until [ -e /srv/go ]; do sleep 0.05; done", "{path}"]`))
	d.killed(t, h, "until [ -e /srv/verifies ]; do sleep 0.05; done", "--confirm-within", "10m")
	onHost(t, h, "touch /srv/go")
	d.awaitUnlocked(t)
	onHost(t, h, "test -e /var/lib/bisc/armed; test ! -e /var/lib/bisc/armed/done")
	d.bisc(t, "who").wants(t, 0, "its change of a:units.file[/etc/ssh/sshd_config.d/10-test.conf] (sshd) is not confirmed")
	d.bisc(t, "apply", "--auto-approve").wants(t, 0, "never came to its end", "was taken back", "+ a:units.file[/etc/ssh/sshd_config.d/10-test.conf]")
	onHost(t, h, `test -e /etc/ssh/sshd_config.d/10-test.conf; test ! -e /var/lib/bisc/armed
		test -z "$(systemctl list-timers --all --no-legend bisc-deadman.timer)"`)
}

// The host loses its power while the switch is armed: the boot ends the revert before anything reads the files, or the
// operator would stand before a closed door for ever.
func TestFaultF34_RebootedWhileArmed(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", sshdWith("AllowUsers nobody"))
	d.killed(t, h, "until [ -e /etc/ssh/sshd_config.d/10-test.conf ]; do sleep 0.02; done", "--confirm-within", "10m")
	if err := h.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	onHost(t, h, `test ! -e /etc/ssh/sshd_config.d/10-test.conf
		test "$(cat /var/lib/bisc/armed/done)" = 0; grep -q 'reverted (boot)' /var/lib/bisc/armed/log`)
	d.write(t, "plan.bisc.hcl", onUnits(`  file "/srv/other" {
    content = "x\n"
  }`))
	d.bisc(t, "apply", "--auto-approve").wants(t, 0, "never came to its end", "reverted (boot)", "+ a:units.file[/srv/other]")
	nothingLeft(t, h)
}
