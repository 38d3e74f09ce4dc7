package main

import (
	"fmt"
	"strings"
	"testing"

	"bisc/internal/faults"
	"bisc/internal/lab"
)

// fullCase is a small file system on a host that cannot take a file of ten pages over one of one page.
type fullCase struct{ name, mount, spoil, says string }

// fullCases let a write fail after each page that it may write, the making of the file itself, and all of it.
func fullCases() []fullCase {
	const full = "No space left on device (file system at %s)"
	cases := []fullCase{
		{"inodes", "size=1m,nr_inodes=2", "", full}, // the root folder and the old file
		{"readonly", "size=1m", "mount -o remount,ro $1", "Read-only file system (file system at %s)"},
	}
	for free := range 10 {
		cases = append(cases, fullCase{fmt.Sprintf("free%d", free), "size=64k",
			fmt.Sprintf("dd if=/dev/zero of=$1/ballast bs=4096 count=%d status=none", 15-free), full})
	}
	return cases
}

// TestFaultF8_DiskFull fills the target's file system so that a write fails after each page, takes its inodes away, and
// mounts it read-only: the old file is intact, no temporary file stays, and the message names the file system.
func TestFaultF8_DiskFull(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	d := deskFor(t, h)
	cases := fullCases()
	check := faults.Checker{Root: h.Root()}
	plan := `layer "units" {` + "\n  on = \"a\"\n"
	const old = "old\n"
	content := strings.Repeat(strings.Repeat("x", 63)+"\n", 640) // 40 KiB
	for _, c := range cases {
		at := "/srv/full/" + c.name
		t.Cleanup(func() { onHostQuietly(h, "umount "+at) })
		onHost(t, h, `mkdir -p $1; mount -t tmpfs -o $2 full $1; echo old >$1/file; `+c.spoil, at, c.mount)
		plan += fmt.Sprintf("  file %q {\n    content = join(\"\", [for i in range(640) : \"%s\\n\"])\n  }\n", at+"/file", strings.Repeat("x", 63))
		check.Files = append(check.Files, faults.File{Address: "a:units.file[" + at + "/file]", Path: at + "/file", Old: old, New: content})
	}
	d.write(t, "plan.bisc.hcl", plan+"}\n")
	e := d.bisc(t, "apply", "--auto-approve")
	e.wants(t, 1)
	for i, c := range cases {
		at := "/srv/full/" + c.name
		if want := fmt.Sprintf(c.says, at); !strings.Contains(e.all(), want) {
			t.Errorf("%s: it does not say %q", c.name, want)
		}
		one := faults.Checker{Root: h.Root(), Folder: at, Files: check.Files[i : i+1], Marks: []string{"ballast"}}
		for _, wrong := range one.Faulted(faults.Seen{Exit: e.status}) { // nothing is intended: that it is new would be I3
			t.Errorf("%s: %s", c.name, wrong)
		}
		if left := onHost(t, h, "ls -A $1 | grep bisc-tmp || true", at); left != "" {
			t.Errorf("%s: left behind: %s", c.name, left)
		}
		onHost(t, h, "mount -o remount,rw,size=1m,nr_inodes=0 $1; rm -f $1/ballast", at)
	}
	if t.Failed() {
		t.Log(e.all())
	}
	d.bisc(t, "apply", "--auto-approve").wants(t, 0)
	for _, wrong := range check.Finished(faults.Seen{}) {
		t.Error(wrong)
	}
}

// TestFaultF8_NothingCanBeKept fills the file system where what is replaced is kept: nothing is replaced, and that is said.
func TestFaultF8_NothingCanBeKept(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	onHost(t, h, "mkdir -p /var/lib/bisc/kept; mount -t tmpfs -o size=16k kept /var/lib/bisc/kept; dd if=/dev/zero of=/var/lib/bisc/kept/ballast bs=4096 count=4 status=none; echo old >/srv/file")
	d.write(t, "plan.bisc.hcl", "layer \"units\" {\n  on = \"a\"\n  file \"/srv/file\" {\n    content = \"new\\n\"\n  }\n}\n")
	d.bisc(t, "apply", "--auto-approve").wants(t, 1, "No space left on device (file system at /var/lib/bisc/kept)")
	if got := onHost(t, h, "cat /srv/file; ls -A /srv | grep bisc || true"); got != "old" {
		t.Errorf("it is %q", got)
	}
	onHost(t, h, "rm /var/lib/bisc/kept/ballast")
	d.bisc(t, "apply", "--auto-approve").wants(t, 0)
}

// lockDpkg holds the locks of dpkg and apt on a host as a foreign installer does, until the function that it gives is called.
func lockDpkg(t *testing.T, h *lab.Host) (release func()) {
	t.Helper()
	onHost(t, h, `cat >/srv/hold.pl <<'END'
use Fcntl; my @f;
for ('/var/lib/dpkg/lock-frontend', '/var/lib/dpkg/lock') {
  open(my $f, '+>', $_) or die; push @f, $f;
  my $lock = pack 's s x4 l! l! i x4', F_WRLCK, 0, 0, 0, 0; # struct flock of x86-64
  fcntl($f, F_SETLK, $lock) or die "lock: $!";
}
open(my $o, '>', '/srv/held') or die; print {$o} "$$\n"; close $o; sleep 1000;
END
rm -f /srv/held; perl /srv/hold.pl >/srv/hold.log 2>&1 </dev/null &
i=0; until [ -s /srv/held ]; do i=$((i+1)); [ $i -lt 200 ] || { cat /srv/hold.log; exit 1; }; sleep 0.02; done`)
	return func() { onHostQuietly(h, `[ ! -e /srv/held ] || kill -KILL $(cat /srv/held); rm -f /srv/held`) }
}

// TestFaultF14_ForeignInstaller: another program holds dpkg's lock: the step that needs it fails and says who holds it, what
// only reads goes on, and once it is free the next apply does it.
func TestFaultF14_ForeignInstaller(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", "layer \"units\" {\n  on = \"a\"\n  package \"jq\" {\n    held = true\n  }\n}\n")
	release := lockDpkg(t, h)
	t.Cleanup(func() { release(); onHostQuietly(h, "apt-mark unhold jq") })
	d.bisc(t, "plan").wants(t, 2, "held")
	holder := onHost(t, h, "cat /srv/held")
	d.bisc(t, "apply", "--auto-approve").wants(t, 1, "lock", holder)
	if got := onHost(t, h, "apt-mark showhold"); got != "" {
		t.Errorf("held: %q", got)
	}
	release()
	d.bisc(t, "apply", "--auto-approve").wants(t, 0)
	if got := onHost(t, h, "apt-mark showhold"); got != "jq" {
		t.Errorf("held: %q", got)
	}
}

// TestFaultF14_ApplyAndDrift: while an apply is at work, drift, plan and who read the host and are not held up; who names the
// run.
func TestFaultF14_ApplyAndDrift(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	d, r := atStep(t, h, "adrift")
	other := deskFor(t, h)
	other.write(t, "plan.bisc.hcl", slowPlan("adrift"))
	other.bisc(t, "drift").wants(t, 2, "a:units.command[last]")
	other.bisc(t, "who", "a").wants(t, 0, "locked by", "run "+d.run(t))
	onHost(t, h, "touch /srv/adrift-go")
	r.wait(t).wants(t, 0)
	other.bisc(t, "drift").wants(t, 0)
}
