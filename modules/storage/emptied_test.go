package storage

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bisc/internal/host"
	"bisc/modules/kindtest"
)

// emptiedSeenAt is what a plan would see of a folder of this machine on which nothing is mounted below.
func emptiedSeenAt(t *testing.T, dir string) emptiedSeen {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Stat(dir, &st); err != nil {
		t.Fatal(err)
	}
	s := emptiedSeen{at: host.Stat{Type: host.Directory, Inode: st.Ino, Dev: host.DeviceID{Major: uint32(st.Dev >> 8 & 0xfff), Minor: uint32(st.Dev&0xff | st.Dev>>12&^0xff)}}}
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		s.entries = append(s.entries, filepath.Join(dir, e.Name()))
	}
	return s
}

// apartly does a step with a process table and mounts of its own, after a setup.
func apartly(t *testing.T, setup string, s host.Script) error {
	t.Helper()
	argv := append([]string{"--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-e", "-c", setup + "\nexec \"$@\"", "sh"}, s.Command()...)
	cmd := exec.Command("unshare", argv...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return host.Verdict(s.Argv, host.Output{Stdout: out.Bytes(), Stderr: errs.Bytes(), Exit: cmd.ProcessState.ExitCode()})
}

const filled = `mkdir -p $D/accounts/run/1 $D/accounts/.hidden $D/accounts/snapshot $D/ledger; touch $D/accounts/run/1/f $D/accounts/.hidden/f $D/ledger/rocksdb; ln -s ../ledger $D/accounts/out; ln -s accounts $D/link; chown 1000 $D/accounts`

// TestEmptied empties folders of this machine.
func TestEmptied(t *testing.T) {
	for situation, c := range map[string]struct {
		setup   string // after the plan
		only    []string
		path    string
		refuses string
		left    string // of accounts, afterwards
	}{
		"everything":                {left: ""},
		"what matches":              {only: []string{"r*", ".h*"}, left: "out snapshot"},
		"a link matches":            {only: []string{"out"}, left: ".hidden run snapshot"},
		"nothing matches any more":  {setup: "rm -rf $D/accounts/run", only: []string{"run"}, left: ".hidden out snapshot"},
		"a validator lives":         {setup: "cp /bin/sleep $D/agave-validator; $D/agave-validator 1000 >/dev/null 2>&1 & while ! pgrep -x agave-validator >/dev/null; do :; done", refuses: "is running", left: ".hidden out run snapshot"},
		"a mount below":             {setup: "mount -t tmpfs none $D/accounts/run", refuses: "is mounted below", left: ".hidden out run snapshot"},
		"the same disk bound below": {setup: "mount --bind $D/ledger $D/accounts/run", refuses: "is mounted below", left: ".hidden out run snapshot"},
		"another folder by now":     {setup: "mv $D/accounts $D/old; cp -a $D/old $D/accounts; rm -r $D/old", refuses: "another folder by now", left: ".hidden out run snapshot"},
		"another disk over it":      {setup: "mount -t tmpfs none $D/accounts; touch $D/accounts/new", refuses: "another folder by now", left: ".hidden out run snapshot"},
		"a link in its place":       {setup: "mv $D/accounts $D/real; ln -s real $D/accounts", refuses: "a link is in the way"},
		"it is gone":                {setup: "mv $D/accounts $D/real", refuses: "is not there"},
	} {
		dir, err := filepath.EvalSymlinks(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("sh", "-ec", strings.ReplaceAll(filled, "$D", host.Quote(dir))).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		accounts := filepath.Join(dir, "accounts")
		e := &Emptied{Path: accounts, Only: c.only}
		change := e.decide(emptiedSeenAt(t, accounts))
		if len(change.Steps) != 1 || len(change.Destroys) != 1 {
			t.Fatalf("%s: %s", situation, kindtest.Print(change))
		}
		err = apartly(t, strings.ReplaceAll(c.setup, "$D", host.Quote(dir)), change.Steps[0].(host.Script))
		var refused *host.GuardError
		if c.refuses == "" && err != nil || c.refuses != "" && (!errors.As(err, &refused) || !strings.Contains(refused.Reason, c.refuses)) {
			t.Errorf("%s: %v, want %q", situation, err, c.refuses)
		}
		if _, err := os.Stat(filepath.Join(dir, "ledger/rocksdb")); err != nil {
			t.Errorf("%s: it went through a link: %v", situation, err)
		}
		if out, err := exec.Command("sh", "-c", `cd "$1" && ls -A | tr '\n' ' ' && stat -c %u .`, "sh", accounts).Output(); err == nil && c.left != "" {
			if got := strings.TrimSpace(string(out)); got != c.left+" 1000" {
				t.Errorf("%s: left %q, want %q", situation, got, c.left)
			}
		}
	}
}

// TestEmptiedDecides on what was seen.
func TestEmptiedDecides(t *testing.T) {
	mounted, err := ParseMounts([]byte("1 0 1:0 / / rw - xfs /dev/a rw\n2 1 1:0 /c /a/b/x rw - xfs /dev/a rw\n"))
	if err != nil {
		t.Fatal(err)
	}
	folder := host.Stat{Type: host.Directory, Inode: 5, Dev: host.DeviceID{Major: 1, Minor: 0}}
	for situation, c := range map[string]struct {
		seen emptiedSeen
		only []string
		want string
	}{
		"empty":             {emptiedSeen{at: folder}, nil, "in sync"},
		"nothing matches":   {emptiedSeen{at: folder, entries: []string{"/a/b/x"}}, []string{"[!x]*"}, "in sync"},
		"not there":         {emptiedSeen{missing: true}, nil, "why: there is no such folder"},
		"a file":            {emptiedSeen{at: host.Stat{Type: host.Regular}}, nil, "why: something else has this name"},
		"a link on the way": {emptiedSeen{at: folder, link: "/a -> /c", entries: []string{"/a/b/x"}}, nil, "why: bisc empties nothing through a link"},
		"a mount below":     {emptiedSeen{at: folder, entries: []string{"/a/b/x"}, table: mounted}, nil, "why: a file system is mounted below: /a/b/x"},
		"some":              {emptiedSeen{at: folder, entries: []string{"/a/b/x", "/a/b/.y"}}, nil, "destroys: 2 entries of /a/b and all below them: x, .y"},
	} {
		e := &Emptied{Path: "/a/b", Only: c.only}
		text := kindtest.Print(e.decide(c.seen))
		if !strings.Contains(text, c.want) || strings.Contains(c.want, "why") == strings.Contains(text, "step:") && c.want != "in sync" {
			t.Errorf("%s:\n%s\nwant %q", situation, text, c.want)
		}
	}
	for path, only := range map[string]string{"/": "x", "/srv": "x", "srv/x": "x", "/srv/x/": "x", "/srv/a": "a/b", "/srv/b": "", "/srv/c": "..", "/srv/d": "[", "/srv/e": `\*`} {
		if err := (&Emptied{Path: path, Only: []string{only}}).Validate(); err == nil {
			t.Errorf("%s with only %q passes", path, only)
		}
	}
	if err := (&Emptied{Path: "/srv/accounts", Only: []string{"*.tar.zst", "[!a]?"}}).Validate(); err != nil {
		t.Error(err)
	}
}
