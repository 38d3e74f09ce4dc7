package host

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// apart runs a script with a process table and mounts of its own, on this machine: what the guard sees is what setup made.
func apart(t *testing.T, setup string, s Script) error {
	t.Helper()
	argv := append([]string{"--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-e", "-c", setup + "\nexec \"$@\"", "sh"}, s.Command()...)
	cmd := exec.Command("unshare", argv...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return Verdict(s.Argv, Output{Stdout: out.Bytes(), Stderr: errs.Bytes(), Exit: cmd.ProcessState.ExitCode()})
}

// TestGuardScripts puts the guards that need no device before what each must let pass, refuse, and not be able to tell. The
// others are in modules/storage and modules/all, on hosts.
func TestGuardScripts(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("as seen\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const validator = "cp /bin/sleep $D/agave-validator; $D/agave-validator 1000 >/dev/null 2>&1 & while ! pgrep -x agave-validator >/dev/null; do :; done"
	seen, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	at := seen.Sys().(*syscall.Stat_t)
	device := DeviceID{Major: unix.Major(at.Dev), Minor: unix.Minor(at.Dev)}
	const mounted = "mkdir -p $D/m/below; mount -t tmpfs none $D/m/below"
	for _, c := range []struct {
		situation, setup string
		guard            Guard
		refuses          string // "" where it holds; "?" and the reason where it cannot tell
	}{
		{"no validator", "", ValidatorStopped(), ""},
		{"a validator lives", validator, ValidatorStopped(), "validator process"},
		{"the process table cannot be read", "mount -t tmpfs none /proc", ValidatorStopped(), "?process table"},
		{"as seen", "", Unchanged(file, ContentDigest([]byte("as seen\n"))), ""},
		{"changed since", "", Unchanged(file, ContentDigest([]byte("as it was\n"))), "has changed since"},
		{"there though it was not", "", Unchanged(file, Absent), "has changed since"},
		{"the switch is armed", "mkdir -p $D/armed; rm -f $D/armed/decided; echo 7 >$D/armed/id", SwitchArmed(dir+"/armed", "7"), ""},
		{"another switch is armed", "mkdir -p $D/armed; rm -f $D/armed/decided; echo 8 >$D/armed/id", SwitchArmed(dir+"/armed", "7"), "is no more"},
		{"the switch is gone", "rm -rf $D/armed", SwitchArmed(dir+"/armed", "7"), "is no more"},
		{"the switch has decided", "mkdir -p $D/armed; echo 7 >$D/armed/id; echo reverted >$D/armed/decided", SwitchArmed(dir+"/armed", "7"), "has decided"},
		{"still absent", "", Unchanged(file+".none", Absent), ""},
		{"gone since", "", Unchanged(file+".none", ContentDigest(nil)+"0"), "is gone"},
		{"a link by now", "ln -s file $D/link", Unchanged(dir+"/link", ContentDigest([]byte("as seen\n"))), "not a plain file"},
		{"nothing below", "", NoMountsBelow(dir + "/m"), ""},
		{"a mount below", mounted, NoMountsBelow(dir + "/m"), "is mounted below"},
		{"no mount table", "mount -t tmpfs none /proc", NoMountsBelow(dir + "/m"), "?mount table"},
		{"another device is mounted", mounted, StandsOn(dir+"/m/below", DeviceID{Major: 4095, Minor: 7}), "not 4095:7"},
		{"the interface that was seen", "", InterfaceIs("lo", 1), ""},
		{"another interface of the name", "", InterfaceIs("lo", 77), "is another interface by now"},
		{"no interface of the name", "", InterfaceIs("nosuch", 1), "no interface nosuch"},
		{"nothing tells of interfaces", "mount -t tmpfs none /sys", InterfaceIs("lo", 1), "?no /sys/class/net"},
		{"the folder that was seen", "", FolderIs(dir, device, at.Ino), ""},
		{"another folder of the name", "", FolderIs(dir, device, at.Ino+1), "is another folder by now"},
		{"the folder on another device", "mount -t tmpfs none $D", FolderIs(dir, device, at.Ino), "is another folder by now"},
		{"a link to the folder that was seen", "ln -s . $D/link", FolderIs(dir+"/link", device, at.Ino), "a link is in the way"},
		{"no folder of the name", "", FolderIs(dir+"/none", device, at.Ino), "is not there"},
		{"nothing is mounted", "mkdir -p $D/m/none", StandsOn(dir+"/m/none", DeviceID{Major: 4095, Minor: 7}), "not a mountpoint"},
	} {
		acted := filepath.Join(t.TempDir(), "acted")
		setup := strings.ReplaceAll(c.setup, "$D", Quote(dir))
		err := apart(t, setup, Script{Argv: []string{"touch", acted}, Guards: []Guard{c.guard}})
		var refused *GuardError
		why, unknown := strings.CutPrefix(c.refuses, "?")
		_, there := os.Stat(acted)
		switch {
		case c.refuses == "" && err != nil:
			t.Errorf("%s: %v", c.situation, err)
		case c.refuses == "":
		case there == nil:
			t.Errorf("%s: the act was done", c.situation)
		case !errors.As(err, &refused):
			t.Errorf("%s: %v, want a refusal", c.situation, err)
		case refused.Unknown != unknown || !strings.Contains(refused.Reason, why):
			t.Errorf("%s: %+v, want %q", c.situation, refused, c.refuses)
		}
		_ = os.RemoveAll(filepath.Join(dir, "link"))
	}
}

// TestFaultF24_AValidatorStartsBetweenGuardAndAct: the proof is read in the process that then becomes the act, after all else that
// is asked there. A hook in the place of a slow guard starts a validator.
func TestFaultF24_AValidatorStartsBetweenGuardAndAct(t *testing.T) {
	dir := t.TempDir()
	starts := Guard{Name: "a slow one", Text: strings.ReplaceAll(`cp /bin/sleep $D/agave-validator; $D/agave-validator 1000 >/dev/null 2>&1 & while ! pgrep -x agave-validator >/dev/null; do :; done`, "$D", Quote(dir))}
	for name, guards := range map[string][]Guard{
		"the proof is written last":  {starts, ValidatorStopped()},
		"the proof is written first": {ValidatorStopped(), starts},
		"the proof is in the middle": {starts, ValidatorStopped(), {Name: "holds", Text: "exit 0"}},
	} {
		acted := filepath.Join(t.TempDir(), "acted")
		err := apart(t, "", Script{Argv: []string{"touch", acted}, Guards: guards})
		var refused *GuardError
		if !errors.As(err, &refused) || refused.Unknown || !strings.Contains(refused.Reason, "is running") {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
		if _, err := os.Stat(acted); err == nil {
			t.Errorf("%s: the act was done under a validator", name)
		}
	}
	acted := filepath.Join(t.TempDir(), "acted")
	if err := apart(t, "", Script{Argv: []string{"touch", acted}, Guards: []Guard{ValidatorStopped(), {Name: "holds", Text: "exit 0"}}}); err != nil {
		t.Errorf("nobody lives: %v", err)
	}
}
