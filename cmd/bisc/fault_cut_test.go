package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bisc/internal/faults"
	"bisc/internal/journal"
	"bisc/internal/lab"
	"bisc/internal/lab/wire"
)

// cutRig is an operator whose connection is cut: a desk, a proxy, and a host with a template unit that appends to a log.
type cutRig struct {
	host  *lab.Host
	desk  *desk
	proxy *wire.Proxy
	met   int // applies that were cut before they ended
}

func newCutRig(t *testing.T) *cutRig {
	t.Helper()
	r := &cutRig{host: ownHost(t), desk: newDesk(t)}
	var err error
	if r.proxy, err = wire.New(r.host.Dial(), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.proxy.Close() })
	r.desk.write(t, "hosts.hcl", hostBlock("a", r.proxy.Port(), "ops", pinsOf(t, r.host), r.host.KeyFile()))
	onHost(t, r.host, `printf '%s\n' '[Service]' Type=oneshot RemainAfterExit=yes "ExecStart=/bin/sh -c 'echo start >>/srv/cut/%i/log'" >/etc/systemd/system/rec@.service
systemctl daemon-reload`)
	return r
}

// cutBytesPlan has every sort of step that a plan of files and units has: puts that go together, over an old file and where there
// is none, a script, a put alone, and a job of systemd.
const cutBytesPlan = `layer "units" {
  on = "a"
  file "/srv/cut/N/small" {
    content = "new\n"
  }
  file "/srv/cut/N/large" {
    content = join("\n", [for i in range(1000) : "line ${i} of a file that takes more than one packet"])
  }
  command "act" {
    unless = ["test", "-e", "/srv/cut/N/acted"]
    argv   = ["sh", "-c", "echo act >>/srv/cut/N/log; touch /srv/cut/N/acted"]
  }
  file "/srv/cut/N/last" {
    content = "last\n"
  }
  service "rec@N.service" {
    active = true
  }
}
`

// fresh makes the folder number n with its old files, gives the desk a plan for it, and what must hold of it.
func (r *cutRig) fresh(t *testing.T, n int) faults.Checker {
	t.Helper()
	folder := fmt.Sprintf("/srv/cut/%d", n)
	if err := os.MkdirAll(r.host.Root()+folder, 0o755); err != nil {
		t.Fatal(err)
	}
	const old = "old\n"
	if err := os.WriteFile(r.host.Root()+folder+"/large", []byte(old), 0o644); err != nil {
		t.Fatal(err)
	}
	r.desk.write(t, "plan.bisc.hcl", strings.ReplaceAll(cutBytesPlan, "N", fmt.Sprint(n)))
	large := make([]string, 1000)
	for i := range large {
		large[i] = fmt.Sprintf("line %d of a file that takes more than one packet", i)
	}
	file := func(name, old, content string) faults.File {
		return faults.File{Address: fmt.Sprintf("a:units.file[%s/%s]", folder, name), Path: folder + "/" + name, Old: old, New: content}
	}
	return faults.Checker{
		Root: r.host.Root(), Folder: folder, Marks: []string{"acted"},
		Files: []faults.File{file("small", "", "new\n"), file("large", old, strings.Join(large, "\n")), file("last", "", "last\n")},
		Log:   faults.Log{Path: folder + "/log", Lines: map[string]string{"a:units.command[act]": "act", fmt.Sprintf("a:units.service[%q]", fmt.Sprintf("rec@%d.service", n)): "start"}},
	}
}

// apply applies, and gives what the controller says of it and what it printed.
func (r *cutRig) apply(t *testing.T) (faults.Seen, string) {
	t.Helper()
	e := r.desk.bisc(t, "apply", "--auto-approve", "--until-clean")
	return faults.Seen{Exit: e.status, Intended: r.intended(t)}, e.all()
}

// intended are the addresses of which the last run's journal has an intent.
func (r *cutRig) intended(t *testing.T) []string {
	t.Helper()
	j, err := journal.OpenExisting(t.Context(), filepath.Join(r.desk.dir, "state", "bisc", "journal.db"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	runs, err := j.Runs(t.Context(), 1)
	if err != nil || len(runs) == 0 {
		t.Fatal(runs, err)
	}
	_, acts, err := j.Run(t.Context(), runs[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, a := range acts {
		out = append(out, a.Address)
	}
	return out
}

// TestFaultF1_CutAtEachByte cuts the connection of an apply after so many bytes, in either direction, and then applies again:
// no file is ever half, nothing was done that the journal does not know, nothing is done twice, and the second apply finishes.
// Each cut has a folder of its own, so that one host serves for all.
func TestFaultF1_CutAtEachByte(t *testing.T) {
	t.Parallel()
	r := newCutRig(t)
	check := r.fresh(t, 0)
	// systemd tells of every unit while a host boots, and that is not what is recorded.
	onHost(t, r.host, "systemctl is-system-running --wait >/dev/null || true")
	r.proxy.Record()
	seen, said := r.apply(t)
	if wrong := check.Finished(seen); len(wrong) > 0 {
		t.Fatalf("the apply that is recorded: %q\n%s", wrong, said)
	}
	n := 0
	statuses := map[int]int{}
	recorded := map[wire.Direction][]int64{wire.Up: r.proxy.Ends(wire.Up), wire.Down: r.proxy.Ends(wire.Down)}
	for _, way := range []wire.Direction{wire.Up, wire.Down} {
		for _, at := range faults.Points(recorded[way], 20) {
			n++
			statuses[r.cut(t, n, way, at)]++
			if t.Failed() {
				return
			}
		}
	}
	t.Logf("%d cuts, of which %d met the apply; its exit statuses: %v", n, r.met, statuses)
	if r.met < n*3/4 {
		t.Errorf("only %d of %d applies met their cut", r.met, n)
	}
	if n%8 != 0 { // the last second apply was not asked whether it left anything
		r.desk.bisc(t, "plan").wants(t, 0)
	}
}

// cut does one point, and gives the exit status of the apply that was cut.
func (r *cutRig) cut(t *testing.T, n int, way wire.Direction, at int64) int {
	t.Helper()
	check := r.fresh(t, n)
	r.proxy.CutAfter(way, at)
	seen, said := r.apply(t)
	if r.proxy.Left(way) < 0 {
		r.met++
	}
	r.proxy.CutAfter(way, -1)
	// What was begun ends by itself, and then the lock is free: no step here takes longer.
	if err := check.AwaitUnlocked(time.Minute); err != nil {
		t.Errorf("cut %d, direction %d, after %d bytes: %v", n, way, at, err)
	}
	switch wrong := check.Faulted(seen); {
	case len(wrong) > 0:
		t.Errorf("cut %d, direction %d, after %d bytes: %q\n%s", n, way, at, wrong, said)
	case seen.Exit != 0 && seen.Exit != 5 && seen.Exit != 7:
		t.Errorf("cut %d, direction %d, after %d bytes: exit %d:\n%s", n, way, at, seen.Exit, said)
	}
	again, said := r.apply(t)
	if wrong := check.Finished(again); len(wrong) > 0 {
		t.Errorf("resumed after cut %d, direction %d, after %d bytes (exit %d): %q\n%s", n, way, at, seen.Exit, wrong, said)
	}
	if n%8 == 0 {
		if e := r.desk.bisc(t, "plan"); e.status != 0 {
			t.Errorf("after cut %d something is left: exit %d\n%s", n, e.status, e.all())
		}
	}
	return seen.Exit
}
