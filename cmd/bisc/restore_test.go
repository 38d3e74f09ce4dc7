package main

import (
	"fmt"
	"strings"
	"testing"
)

func fileWith(name, content, more string) string {
	return onUnits(fmt.Sprintf("  file %q {\n    content = %q\n    %s\n  }\n", name, content, more))
}

// What a run replaced is planned back, shown, approved and proved like any change; then the plan contradicts it.
func TestRestore(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	t.Cleanup(func() { onHostQuietly(h, "rm -f /srv/back") })
	d := deskFor(t, h)
	const address = "a:units.file[/srv/back]"
	for _, content := range []string{"one\n", "two\n"} {
		d.write(t, "plan.bisc.hcl", fileWith("/srv/back", content, ""))
		d.bisc(t, "apply", "--auto-approve").wants(t, 0)
	}
	second := d.run(t)
	onHost(t, h, "echo by hand >/srv/back")
	d.bisc(t, "history", address, "--restore", second).wants(t, 2, "-by hand", "+one", "not approved") // nobody says yes
	onHost(t, h, "grep -q 'by hand' /srv/back")
	d.bisc(t, "history", address, "--restore", second[len(second)-4:], "--auto-approve").wants(t, 0, "+ a:units.file[/srv/back]",
		"the plan wants something else of a:units.file[/srv/back]: the next plan shows it as a difference")
	if got := onHost(t, h, "cat /srv/back"); got != "one" {
		t.Errorf("it holds %q", got)
	}
	d.bisc(t, "plan").wants(t, 2, "+two")
	d.bisc(t, "history", address, "--restore", d.run(t), "--auto-approve").wants(t, 0) // the restore itself is undone
	if got := onHost(t, h, "cat /srv/back"); got != "by hand" {
		t.Errorf("it holds %q", got)
	}
	d.bisc(t, "history", address, "--restore", "nosuch").wants(t, 1, "has kept nothing of run nosuch", second)
	d.bisc(t, "history", "a:units.file[/srv/other]", "--restore", second).wants(t, 1, "has kept nothing that was replaced")
}

// Where there was no file before the run, to go back is to remove it, which must be named.
func TestRestoreOfNothing(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	t.Cleanup(func() { onHostQuietly(h, "rm -f /srv/fresh") })
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", fileWith("/srv/fresh", "one\n", ""))
	d.bisc(t, "apply", "--auto-approve").wants(t, 0)
	const address = "a:units.file[/srv/fresh]"
	first := d.run(t)
	d.bisc(t, "history", address, "--restore", first, "--auto-approve").wants(t, 4, "destroys the file /srv/fresh", "--destroy")
	shown := d.bisc(t, "history", address, "--restore", first, "--destroy", address)
	digest := strings.Fields(shown.out[strings.Index(shown.out, "digest "):])[1]
	d.bisc(t, "history", address, "--restore", first, "--destroy", address, "--approve", digest).wants(t, 0)
	onHost(t, h, "test ! -e /srv/fresh")
}

// What was secret is put back, and shown to nobody.
func TestRestoreOfASecret(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	t.Cleanup(func() { onHostQuietly(h, "rm -f /srv/secret") })
	d := deskFor(t, h)
	for _, content := range []string{"canary-one\n", "canary-two\n"} {
		d.write(t, "plan.bisc.hcl", fileWith("/srv/secret", content, `mode = "0600"`))
		d.bisc(t, "apply", "--auto-approve").wants(t, 0)
	}
	e := d.bisc(t, "history", "a:units.file[/srv/secret]", "--restore", d.run(t), "--auto-approve")
	e.wants(t, 0, "secret")
	if strings.Contains(e.all(), "canary") {
		t.Errorf("the content is shown:\n%s", e.all())
	}
	if got := onHost(t, h, "cat /srv/secret; stat -c %a /srv/secret"); got != "canary-one\n600" {
		t.Errorf("it holds %q", got)
	}
}

// A file that several addresses write lines of goes back as a whole: what others have changed since is named, and not
// undone unasked.
func TestRestoreOfASharedFile(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	one := "  tmpfs \"/srv/one\" {\n    size = \"1MiB\"\n  }\n"
	d.write(t, "plan.bisc.hcl", onUnits(one))
	d.bisc(t, "apply", "--auto-approve").wants(t, 0)
	first := d.run(t)
	d.write(t, "plan.bisc.hcl", onUnits(one+strings.ReplaceAll(one, "/srv/one", "/srv/two")))
	d.bisc(t, "apply", "--auto-approve").wants(t, 0)
	second := d.run(t)
	before := onHost(t, h, "cat /etc/fstab")
	d.bisc(t, "history", "a:units.tmpfs[/srv/one]", "--restore", first, "--auto-approve").wants(t, 4,
		"what a:units.tmpfs[/srv/two] has changed in /etc/fstab since", "--destroy")
	if after := onHost(t, h, "cat /etc/fstab"); after != before || !strings.Contains(after, "/srv/two") {
		t.Errorf("fstab is now:\n%s", after)
	}
	d.bisc(t, "history", "a:units.tmpfs[/srv/two]", "--restore", second, "--auto-approve").wants(t, 0, "+ a:units.tmpfs[/srv/two]")
}
