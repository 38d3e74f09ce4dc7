package main

import (
	"strings"
	"testing"
)

// sudoersWith is a snippet of sudoers, and what comes after it in the same run.
func sudoersWith(text string) string {
	return onUnits(`
  file "/etc/sudoers.d/zz-test" {
    content = "` + text + `\n"
    mode    = "0440"
  }
  file "/srv/after-sudo" {
    content = "x\n"
  }
  command "as root" {
    unless = ["test", "-e", "/srv/after-sudo-too"]
    argv   = ["touch", "/srv/after-sudo-too"]
  }
`)
}

// A run that takes its own right to sudo away keeps the channel that it has, learns of it over the new connection, and the
// host gives the right back.
func TestFaultF35_SudoTakenAway(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", sudoersWith("ops ALL=(ALL) !ALL"))
	d.bisc(t, "plan").wants(t, 2, "can cut off (sudo): dead-man's switch", "visudo -c -f")
	d.bisc(t, "apply", "--auto-approve", "--confirm-within", "6s").wants(t, 1, "the host took the change back", "removed /etc/sudoers.d/zz-test", "sudo wants a password", ". a:units.file[/srv/after-sudo]")
	onHost(t, h, "test ! -e /etc/sudoers.d/zz-test; test ! -e /srv/after-sudo; test ! -e /var/lib/bisc/armed")
	d.bisc(t, "plan").wants(t, 2)
}

// What visudo does not take never takes the file's place: sudo would refuse everybody.
func TestFaultF35_SudoersValidatedFirst(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", sudoersWith("ops ALL=(ALL NOPASSWD: ALL"))
	d.bisc(t, "apply", "--auto-approve").wants(t, 1, "visudo: exit status 1", "the host took the change back")
	onHost(t, h, "test ! -e /etc/sudoers.d/zz-test; test ! -e /var/lib/bisc/armed; ! ls -a /etc/sudoers.d | grep bisc-tmp")
	d.bisc(t, "journal", d.run(t)).wants(t, 0, "failed   a:units.file[/etc/sudoers.d/zz-test]")
	d.bisc(t, "plan").wants(t, 2)
}

// sudo's credential may end in the middle of a run: the channel is root's already, and lives on. Only the proof logs in
// again, with the password that was given once.
func TestFaultF35_CredentialExpires(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	onHost(t, h, "echo pw:sesame | chpasswd")
	d := deskFor(t, h)
	d.write(t, "hosts.hcl", hostBlock("a", h.Port(), "pw", pinsOf(t, h), h.KeyFile(), `become_password_env = "CLI_PASSWORD"`))
	d.env = append(d.env, "CLI_PASSWORD=sesame")
	d.write(t, "plan.bisc.hcl", sudoersWith("Defaults:pw timestamp_timeout=0, timestamp_type=global"))
	d.bisc(t, "apply", "--auto-approve").wants(t, 0, "+ a:units.file[/etc/sudoers.d/zz-test]", "+ a:units.file[/srv/after-sudo]", `+ a:units.command["as root"]`)
	onHost(t, h, "test -e /srv/after-sudo-too")
	e := d.bisc(t, "plan")
	e.wants(t, 0)
	if strings.Contains(e.all(), "sesame") {
		t.Error("the password is shown")
	}
}
