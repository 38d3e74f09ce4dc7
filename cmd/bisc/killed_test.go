package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/internal/lab"
	"bisc/layers"
)

// dyingAt is the variable that tells the program dying when to die: at which point by its number, or by what it is and a part of the
// address: "intended .kube_pods[" is when a step was announced, "done .kube_pods[" when it has been done and is not recorded, "recorded
// .kube_pods[" when it is. "new FILE" is the first point of all but "done" that no run has died at which was given this file, and
// "new-done FILE" the same of "done" alone: who has died there never comes to "recorded" again.
const dyingAt = "BISC_TEST_DYING_AT"

// dying is bisc, with a recorder that kills it: the n-th time that a record is about to be written, or was just written.
// It has all else of bisc: the same flags, the same journal, the same way to the host.
func dying() {
	dies := killer{acts: map[int64]layers.Intent{}}
	var err error
	if dies.at, err = strconv.Atoi(os.Getenv(dyingAt)); err != nil {
		dies.what, dies.words, _ = strings.Cut(os.Getenv(dyingAt), " ")
	}
	c := &command{in: os.Stdin, out: os.Stdout, errs: os.Stderr}
	root := c.root()
	apply, _, err := root.Find([]string{"apply"})
	if err != nil {
		panic(err)
	}
	apply.RunE = func(cmd *cobra.Command, args []string) error {
		return c.writing(cmd, "apply", func(ctx context.Context, s *session) error {
			d := &dies
			d.RoundRecorder, s.record = s.record, d
			d.point("before all")
			err := s.applyFile(ctx, args[0], permits{}, approval{})
			d.point("after all")
			fmt.Fprintf(os.Stderr, "points %d\n", d.n)
			return err
		})
	}
	run, _, err := root.Find([]string{"run"})
	if err != nil {
		panic(err)
	}
	run.RunE = func(cmd *cobra.Command, args []string) error { return c.dyingRunbook(cmd, args, &dies) }
	ctx, done := c.interrupts(context.Background())
	defer done()
	status, unsaid := outcome(root.ExecuteContext(ctx))
	if unsaid != nil {
		c.complain(unsaid)
	}
	os.Exit(status)
}

type killer struct {
	layers.RoundRecorder
	mu          sync.Mutex
	n, at       int
	what, words string                  // of the point, where at is 0
	acts        map[int64]layers.Intent // by the record's id
	trail       bool                    // each point is told on standard error
}

// point is a moment at which bisc may die; step is what it does there, if anything.
func (k *killer) point(what string, step ...string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.n++
	if k.trail {
		fmt.Fprintf(os.Stderr, "point %d: %s\n", k.n, what)
	}
	is, address, _ := strings.Cut(what, ": ")
	isNew := strings.HasPrefix(k.what, "new") && (is == "done") == (k.what == "new-done") && happened(is) && k.first(what+" "+strings.Join(step, " "))
	if k.n == k.at || k.at == 0 && is == k.what && strings.Contains(address, k.words) || isNew {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until it has come
	}
}

// happened tells whether a point differs from the one before it: by what the host or the journal has.
func happened(what string) bool {
	return !slices.Contains([]string{"before all", "before stage begun", "shown", "next"}, what)
}

// first tells whether nobody has died at a point yet, and takes it for who asks.
func (k *killer) first(point string) bool {
	line := fmt.Sprintf("%q\n", point)
	text, err := os.ReadFile(k.words)
	if err != nil && !errors.Is(err, fs.ErrNotExist) || strings.Contains("\n"+string(text), "\n"+line) {
		return false
	}
	return os.WriteFile(k.words, append(text, line...), 0o644) == nil
}

func (k *killer) Approved(ctx context.Context, host, by string, items []layers.Approved) error {
	k.point("shown")
	defer k.point("approved")
	return k.RoundRecorder.Approved(ctx, host, by, items)
}

func (k *killer) Intend(ctx context.Context, in layers.Intent) (int64, error) {
	k.point("next: "+in.Address, in.Step)
	id, err := k.RoundRecorder.Intend(ctx, in)
	k.mu.Lock()
	k.acts[id] = in
	k.mu.Unlock()
	k.point("intended: "+in.Address, in.Step)
	return id, err
}

func (k *killer) Settle(ctx context.Context, id int64, r layers.Result) error {
	k.mu.Lock()
	in := k.acts[id]
	k.mu.Unlock()
	k.point("done: "+in.Address, in.Step)
	defer k.point("recorded: "+in.Address, in.Step)
	return k.RoundRecorder.Settle(ctx, id, r)
}

// cutPlan puts a file, appends to one that tells how often, destroys what it appends to another, and puts a last file.
func cutPlan(name string) string {
	return strings.ReplaceAll(`layer "units" {
  on = "a"
  file "/srv/NAME/first" {
    content = "1\n"
  }
  command "counts" {
    unless = ["test", "-e", "/srv/NAME/count"]
    argv   = ["sh", "-c", "echo x >>/srv/NAME/count"]
  }
  command "loses" {
    unless   = ["test", "-e", "/srv/NAME/lost"]
    argv     = ["sh", "-c", "echo x >>/srv/NAME/lost"]
    destroys = ["what was there"]
  }
  file "/srv/NAME/last" {
    content = "1\n"
  }
}
`, "NAME", name)
}

// cutApply plans to a file and applies that, with bisc killed at a point. It tells whether bisc lived to its end.
func cutApply(t *testing.T, h *lab.Host, name string, at int) (d *desk, lived ended, died bool) {
	t.Helper()
	d = deskFor(t, h)
	d.write(t, "plan.bisc.hcl", cutPlan(name))
	onHost(t, h, "mkdir -p /srv/$1", name)
	d.bisc(t, "plan", "--out", "round", "--destroy", "a:units.command[loses]").wants(t, 2)
	d.env = append(d.env, dyingAt+"="+strconv.Itoa(at))
	r := d.startProgram(t, "bisc-dying", "apply", "round")
	<-r.ended
	if state := r.cmd.ProcessState.Sys().(syscall.WaitStatus); state.Signaled() {
		d.awaitUnlocked(t)
		return d, ended{}, true
	}
	return d, result(t, r.err, r.out.String(), r.errs.String()), false
}

// told is what journal show says of a run.
func (d *desk) told(t *testing.T, run string) runDoc {
	t.Helper()
	var doc journalDoc
	if err := json.Unmarshal([]byte(d.bisc(t, "journal", "show", run, "--json").out), &doc); err != nil || len(doc.Runs) != 1 {
		t.Fatalf("%v: %+v", err, doc)
	}
	return doc.Runs[0]
}

// points are those of a fault's enumeration that are tried: all of them with BISC_FAULTS=all, else every third.
func points(n int) []int {
	step := 3
	if os.Getenv("BISC_FAULTS") == "all" {
		step = 1
	}
	var out []int
	for i := 1; i <= n; i += step {
		out = append(out, i)
	}
	return out
}

// TestFaultF4_KilledAtEachRecord kills bisc before and after each record of its journal. What the host then has, the
// journal announced; what the journal does not know is looked at; the plan file is taken up again and does each step
// once; and then it is used up.
func TestFaultF4_KilledAtEachRecord(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	_, whole, died := cutApply(t, h, "f4-whole", 1<<30)
	if died {
		t.Fatal("it died of nothing")
	}
	whole.wants(t, 0)
	var n int
	if _, err := fmt.Sscanf(lines(whole.errs)[len(lines(whole.errs))-1], "points %d", &n); err != nil || n < 20 {
		t.Fatalf("%d points, %v:\n%s", n, err, whole.errs)
	}
	for _, at := range points(n) {
		t.Run(strconv.Itoa(at), func(t *testing.T) { killedAt(t, h, at) })
	}
}

func killedAt(t *testing.T, h *lab.Host, at int) {
	name := fmt.Sprintf("f4-%d", at)
	d, _, died := cutApply(t, h, name, at)
	if !died {
		t.Fatalf("it lived through point %d", at)
	}
	run := d.run(t)
	cut := d.told(t, run)
	if cut.Cut == "" || cut.Ended != nil {
		t.Errorf("the run counts as ended: %+v", cut)
	}
	begun := map[string]bool{}
	for _, s := range cut.Steps {
		begun[s.Address] = begun[s.Address] || s.Begun != nil
		switch layers.ResultState(s.State) {
		case layers.Done, layers.NotDone, layers.UnknownResult:
		default:
			t.Errorf("%s is %q", s.Address, s.State)
		}
	}
	for file, address := range map[string]string{"first": "a:units.file[/srv/" + name + "/first]", "count": "a:units.command[counts]", "lost": "a:units.command[loses]", "last": "a:units.file[/srv/" + name + "/last]"} {
		if there := strings.TrimSpace(onHost(t, h, "test ! -e /srv/$1/$2 || echo yes", name, file)) == "yes"; there && !begun[address] {
			t.Errorf("/srv/%s/%s is there, and the journal does not announce it", name, file)
		}
	}
	again := d.bisc(t, "apply", "round")
	again.wants(t, 0)
	for _, s := range d.told(t, run).Steps {
		if s.State == string(layers.UnknownResult) && (s.Looked == nil || s.Looked.Run == run || !strings.Contains(again.errs, s.Address)) {
			t.Errorf("%s was unknown, and nobody looked: %+v\n%s", s.Address, s.Looked, again.errs)
		}
	}
	if got := onHost(t, h, "cd /srv/$1; cat first count lost last", name); got != "1\nx\nx\n1" {
		t.Errorf("after the plan file was taken up:\n%s", got)
	}
	onHost(t, h, "rm /srv/$1/count", name)
	d.bisc(t, "apply", "round").wants(t, view.ExitStale)
	if got := onHost(t, h, "ls /srv/$1/count 2>/dev/null || true", name); got != "" {
		t.Error("a used plan file did something once more")
	}
	if left := d.bisc(t, "apply", "--auto-approve"); strings.Contains(left.errs, "an earlier run was cut") {
		t.Errorf("what was looked at is looked at again:\n%s", left.errs)
	}
}

// What destroys, and may have happened, is not begun again under the same consent where the host cannot prove that it was
// never begun; and another machine's journal takes up nothing.
func TestFaultF4_NotTwiceForOneConsent(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	for at := 1; ; at++ {
		name := fmt.Sprintf("f4-once-%d", at)
		d, _, died := cutApply(t, h, name, at)
		if !died {
			t.Fatal("no point lies between the intent to destroy and the act")
		}
		var loses *stepDoc
		for _, s := range d.told(t, d.run(t)).Steps {
			if s.Address == "a:units.command[loses]" && s.Begun != nil {
				loses = &s
			}
		}
		if loses == nil {
			continue
		}
		// The first point after its intent: it was announced, and not sent.
		other := *d
		other.env = append(other.env[:len(other.env):len(other.env)], "XDG_STATE_HOME="+t.TempDir())
		copyKey(t, d, &other)
		other.bisc(t, "apply", "round").wants(t, view.ExitStale, "was used on a before")
		onHost(t, h, "mv /var/lib/bisc/runs.log /root/f4-kept")
		d.bisc(t, "apply", "round").wants(t, view.ExitStale, "it destroys something, and was begun before the run was cut (unknown)")
		onHost(t, h, "rm /root/f4-kept; test ! -e /srv/$1/lost", name)
		return
	}
}

// copyKey gives another desk the key of this one, as a backup would.
func copyKey(t *testing.T, from, to *desk) {
	t.Helper()
	state := func(d *desk) string {
		for i := len(d.env) - 1; ; i-- {
			if dir, ok := strings.CutPrefix(d.env[i], "XDG_STATE_HOME="); ok {
				return filepath.Join(dir, "bisc")
			}
		}
	}
	key, err := os.ReadFile(filepath.Join(state(from), "key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(state(to), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(state(to), "key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
}
