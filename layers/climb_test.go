package layers

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules"
)

// flag wants a file to hold a word. It is the smallest resource with a live half, a step and a fact to change.
type flag struct {
	path, want string
	destroys   string // what replacing another word loses
	script     bool   // use a script (with a guard), not a put
	why        string // never mend, and say this
	settle     time.Duration
}

func (f *flag) Plan(ctx context.Context, h host.Reader) (c modules.Change, err error) {
	b, err := h.ReadFile(ctx, f.path)
	if err != nil {
		return c, err
	}
	got := strings.TrimSpace(string(b))
	if got == f.want {
		return c, nil
	}
	c.Diffs = []modules.Diff{{Attr: "word", Got: got, Want: f.want, Why: f.why}}
	if f.why != "" {
		return c, nil
	}
	if f.destroys != "" {
		c.Destroy(f.destroys)
	}
	c.Settle = f.settle
	if f.script {
		c.Do(host.Script{Argv: []string{"set", f.path, f.want}, Guards: []host.Guard{host.ValidatorStopped()}})
	} else {
		c.Do(host.Put{Path: f.path, Content: []byte(f.want)})
	}
	return c, nil
}

// bench is a fake host with files, scripts that set files, and stages over it.
type bench struct {
	*hosttest.Fake
	stages []*Stage
}

func newBench(files map[string]string, stages ...*Stage) *bench {
	f := hosttest.New("h")
	f.Files["/etc/machine-id"] = "m1\n"
	f.Files["/proc/sys/kernel/random/boot_id"] = "b1\n"
	f.Missing[HoldsFile(f)] = true
	for k, v := range files {
		f.Files[k] = v
	}
	f.React = func(f *hosttest.Fake, s host.Step) error {
		if sc, ok := s.(host.Script); ok && sc.Argv[0] == "set" {
			f.Files[sc.Argv[1]] = sc.Argv[2]
		}
		return nil
	}
	return &bench{f, stages}
}

func (b *bench) Reader(context.Context, string) (host.Reader, error) { return b.Fake, nil }
func (b *bench) Writer(context.Context, string) (host.Writer, error) { return b.Fake, nil }

func (b *bench) climb(t *testing.T, acting Acting, yes func(int, Report) bool) Report {
	t.Helper()
	if acting.Record == nil {
		acting.Record = NoRecord{}
	}
	var rep Report
	synctest.Test(t, func(t *testing.T) { rep = b.run(t, acting, yes) }) // waits cost no time
	return rep
}

func (b *bench) run(t *testing.T, acting Acting, yes func(int, Report) bool) Report {
	t.Helper()
	c := Climb{Stages: b.stages, Hosts: b, Acting: acting,
		Approve: func(n int, r Report) (bool, error) { return yes(n, r), nil }}
	rep, err := c.Run(t.Context())
	if err != nil && !errors.Is(err, ErrNotApproved) {
		t.Fatal(err)
	}
	return rep
}

func always(int, Report) bool { return true }

func stage(l Layer, items ...Item) *Stage {
	return &Stage{Layer: l, Name: l.String(), Host: "h", Items: items}
}

func item(addr string, r modules.Resource) Item {
	return Item{Address: "h:storage." + addr, Resource: r, Digest: addr}
}

func invariant(addr string, r modules.Resource) Item {
	it := item(addr, r)
	it.Invariant = true
	return it
}

func states(r Report) string {
	var out []string
	for _, o := range r.Outcomes() {
		out = append(out, o.State.String())
	}
	return strings.Join(out, ", ")
}

func TestNothingWithoutAYes(t *testing.T) {
	b := newBench(map[string]string{"/a": "no"}, stage(Storage, item("a", &flag{path: "/a", want: "yes"})))
	b.climb(t, Acting{}, func(int, Report) bool { return false })
	if len(b.Steps()) != 0 || b.Wrote("/a") != "no" {
		t.Errorf("did %v without approval", b.Steps())
	}
}

func TestChangedThenInSyncThenNothing(t *testing.T) {
	b := newBench(map[string]string{"/a": "no"}, stage(Storage, item("a", &flag{path: "/a", want: "yes"})))
	var shown []string
	rep := b.climb(t, Acting{}, func(_ int, r Report) bool { shown = append(shown, states(r)); return true })
	if got := states(rep); got != "in sync" || b.Wrote("/a") != "yes" {
		t.Errorf("after apply: %s, file %q", got, b.Wrote("/a"))
	}
	if want := []string{"drifted"}; !slices.Equal(shown, want) {
		t.Errorf("approved %v, want %v", shown, want)
	}
	before := len(b.Steps())
	b.climb(t, Acting{}, always)
	if len(b.Steps()) != before {
		t.Errorf("the second run did %v", b.Steps()[before:])
	}
}

func TestInvariantIsJudgedAfterTheChangesBeforeIt(t *testing.T) {
	files := map[string]string{"/a": "no", "/b": "no"}
	b := newBench(files,
		stage(Storage, item("a", &flag{path: "/a", want: "yes"}), invariant("inv", &flag{path: "/a", want: "yes"})),
		stage(Units, item("b", &flag{path: "/b", want: "yes"})))
	rep := b.climb(t, Acting{}, always)
	if got := states(rep); got != "in sync, in sync, in sync" {
		t.Errorf("after apply: %s", got)
	}
}

func TestFailingInvariantGatesTheLayersAbove(t *testing.T) {
	files := map[string]string{"/a": "no", "/b": "no"}
	b := newBench(files,
		stage(Storage, invariant("inv", &flag{path: "/a", want: "yes"})),
		stage(Units, item("b", &flag{path: "/b", want: "yes"})))
	rep := b.climb(t, Acting{}, always)
	if got := states(rep); got != "blocked, blocked" || len(b.Steps()) != 0 {
		t.Errorf("%s, steps %v", got, b.Steps())
	}
	rep = b.climb(t, Acting{Options: Options{Override: map[string]string{"h:storage.inv": "known"}}}, always)
	if got := states(rep); got != "held, in sync" {
		t.Errorf("with an override: %s", got)
	}
}

func TestAssumesNarrowsTheGate(t *testing.T) {
	up := stage(Relay, item("b", &flag{path: "/b", want: "yes"}))
	up.Assumes = []Layer{}
	b := newBench(map[string]string{"/a": "no", "/b": "no"}, stage(Storage, invariant("inv", &flag{path: "/a", want: "yes"})), up)
	if got := states(b.climb(t, Acting{}, always)); got != "blocked, in sync" {
		t.Error(got)
	}
}

func TestUnknownInvariantRefuses(t *testing.T) {
	b := newBench(map[string]string{"/a": "yes", "/b": "no"},
		stage(Storage, invariant("inv", &flag{path: "/a", want: "yes"})),
		stage(Units, item("b", &flag{path: "/b", want: "yes"})))
	b.Errors["read /a"] = host.ErrStuck
	rep := b.climb(t, Acting{}, always)
	if got := states(rep); got != "unknown, blocked" || !strings.Contains(rep.Outcomes()[1].Reason, "unknown refuses") {
		t.Errorf("%s: %s", got, rep.Outcomes()[1].Reason)
	}
}

func TestStaleWhenTheHostMovedBetweenTheYesAndTheAct(t *testing.T) {
	b := newBench(map[string]string{"/a": "no"}, stage(Storage, item("a", &flag{path: "/a", want: "yes", destroys: "the word no", script: true})))
	b.stages[0].Items[0].Resource = &wordLoser{flag{path: "/a", want: "yes"}}
	opts := Options{Destroy: map[string]bool{"h:storage.a": true}}
	rep := b.climb(t, Acting{Options: opts}, func(int, Report) bool { b.Files["/a"] = "precious"; return true })
	o := rep.Outcomes()[0]
	if o.State != Stale || !strings.Contains(o.Reason, "word was no and is now precious") || len(b.Steps()) != 0 {
		t.Errorf("%s: %s; steps %v", o.State, o.Reason, b.Steps())
	}
}

// wordLoser says what word it replaces.
type wordLoser struct{ flag }

func (w *wordLoser) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	c, err := w.flag.Plan(ctx, h)
	if len(c.Diffs) > 0 {
		c.Destroy("the word " + c.Diffs[0].Got)
	}
	return c, err
}

func TestRebootBetweenTheYesAndTheAct(t *testing.T) {
	b := newBench(map[string]string{"/a": "no"}, stage(Storage, item("a", &flag{path: "/a", want: "yes"})))
	rep := b.climb(t, Acting{}, func(int, Report) bool { b.Files["/proc/sys/kernel/random/boot_id"] = "b2"; return true })
	if !errors.Is(rep[0].Err, ErrStale) || len(b.Steps()) != 0 {
		t.Errorf("err %v, steps %v", rep[0].Err, b.Steps())
	}
}

func TestAlreadyInSyncAtTheAct(t *testing.T) {
	b := newBench(map[string]string{"/a": "no"}, stage(Storage, item("a", &flag{path: "/a", want: "yes"})))
	rep := b.climb(t, Acting{}, func(int, Report) bool { b.Files["/a"] = "yes"; return true })
	if states(rep) != "in sync" || len(b.Steps()) != 0 {
		t.Errorf("%s, steps %v", states(rep), b.Steps())
	}
}

func TestAChangeThatCausesTheNextIsShownInItsOwnRound(t *testing.T) {
	b := newBench(map[string]string{"/a": "no", "/b": "yes"},
		stage(Storage, item("a", &flag{path: "/a", want: "yes", script: true}), item("b", &flag{path: "/b", want: "yes"})))
	set := b.React
	b.React = func(f *hosttest.Fake, s host.Step) error {
		if _, ok := s.(host.Script); ok {
			f.Files["/b"] = "no"
		}
		return set(f, s)
	}
	var shown []string
	b.climb(t, Acting{}, func(_ int, r Report) bool { shown = append(shown, states(r)); return true })
	if want := []string{"drifted, in sync", "in sync, drifted"}; !slices.Equal(shown, want) {
		t.Errorf("shown %q, want %q", shown, want)
	}
}

func TestAStepThatDoesNotHelpStopsTheStage(t *testing.T) {
	b := newBench(map[string]string{"/a": "no", "/b": "no"},
		stage(Storage, item("a", &flag{path: "/a", want: "yes", script: true, settle: 120 * time.Millisecond}), item("b", &flag{path: "/b", want: "yes", script: true})))
	b.React = func(*hosttest.Fake, host.Step) error { return nil }
	rep := b.climb(t, Acting{}, always)
	if got := states(rep); got != "failed, not reached" || len(b.Steps()) != 1 {
		t.Errorf("%s, steps %v", got, b.Steps())
	}
}

func TestAGuardThatRefusesBlocks(t *testing.T) {
	b := newBench(map[string]string{"/a": "no"}, stage(Storage, item("a", &flag{path: "/a", want: "yes", script: true})))
	b.React = func(*hosttest.Fake, host.Step) error {
		return &host.GuardError{Guard: "no validator lives", Reason: "42 agave-validator"}
	}
	rep := b.climb(t, Acting{}, always)
	if o := rep.Outcomes()[0]; o.State != Blocked || o.Err == nil {
		t.Errorf("%s %v", o.State, o.Err)
	}
}

func TestDestructionMustBeNamed(t *testing.T) {
	mk := func() *bench {
		return newBench(map[string]string{"/a": "no", "/b": "no"},
			stage(Storage, item("a", &flag{path: "/a", want: "yes", destroys: "no"}), item("b", &flag{path: "/b", want: "yes"})))
	}
	b := mk()
	rep := b.climb(t, Acting{}, always)
	if got := states(rep); got != "blocked, not reached" || len(b.Steps()) != 0 {
		t.Errorf("unnamed: %s, %v", got, b.Steps())
	}
	b = mk()
	rep = b.climb(t, Acting{Options: Options{Destroy: map[string]bool{"h:storage.a": true}}}, always)
	if got := states(rep); got != "in sync, in sync" {
		t.Errorf("named: %s", got)
	}
}

func TestAHoldKeepsApplyAway(t *testing.T) {
	b := newBench(map[string]string{"/a": "no", host.LinuxState + "/holds.json": `[{"match":"storage.a","who":"ann","because":"test","since":"2026-01-01T00:00:00Z"}]`},
		stage(Storage, item("a", &flag{path: "/a", want: "yes"}), item("b", &flag{path: "/b", want: "yes"})))
	b.Files["/b"] = "no"
	delete(b.Missing, HoldsFile(b))
	if got := states(b.climb(t, Acting{}, always)); got != "held, in sync" || b.Wrote("/a") != "no" {
		t.Error(got)
	}
	b.Files[HoldsFile(b)] = strings.Replace(b.Files[HoldsFile(b)], `"since"`, `"until":"1999-12-31T00:00:00Z","since"`, 1)
	if got := states(b.climb(t, Acting{}, always)); got != "in sync, in sync" {
		t.Errorf("after the hold's end: %s", got)
	}
}

func TestWhatIsNotMendedIsLeftAndSaid(t *testing.T) {
	b := newBench(map[string]string{"/a": "no", "/b": "no"},
		stage(Storage, item("a", &flag{path: "/a", want: "yes", why: "after a reboot"}), item("b", &flag{path: "/b", want: "yes"})))
	rep := b.climb(t, Acting{}, always)
	if got := states(rep); got != "drifted, in sync" || b.Wrote("/b") != "yes" {
		t.Error(got)
	}
}

func TestAnInterruptEndsAfterTheStep(t *testing.T) {
	stop := make(chan struct{})
	b := newBench(map[string]string{"/a": "no", "/b": "no"},
		stage(Storage, item("a", &flag{path: "/a", want: "yes", script: true}), item("b", &flag{path: "/b", want: "yes", script: true})))
	set := b.React
	b.React = func(f *hosttest.Fake, s host.Step) error { close(stop); return set(f, s) }
	rep := b.climb(t, Acting{Stop: stop}, always)
	if got := states(rep); got != "changed, not reached" {
		t.Error(got)
	}
}

func TestSelect(t *testing.T) {
	b := newBench(map[string]string{"/a": "no", "/b": "no", "/c": "yes"},
		stage(Storage, invariant("inv", &flag{path: "/c", want: "yes"})),
		stage(Units, item("a", &flag{path: "/a", want: "yes"}), item("b", &flag{path: "/b", want: "yes"})))
	only := func(it Item, _ *Stage) bool { return it.Address == "h:storage.b" }
	rep := b.climb(t, Acting{Options: Options{Select: only}}, always)
	if got := states(rep); got != "in sync, in sync" || b.Wrote("/a") != "no" || b.Wrote("/b") != "yes" {
		t.Errorf("%s a=%s b=%s", got, b.Wrote("/a"), b.Wrote("/b"))
	}
}

// A guard is an invariant written first: it is looked at again after the yes, right before the first step.
func TestAGuardOfTheStageIsJudgedAgainBeforeTheFirstStep(t *testing.T) {
	b := newBench(map[string]string{"/validator": "gone", "/a": "no"},
		stage(Storage, invariant("guard", &flag{path: "/validator", want: "gone"}), item("a", &flag{path: "/a", want: "yes"})))
	rep := b.climb(t, Acting{}, func(int, Report) bool { b.Files["/validator"] = "alive"; return true })
	if got := states(rep); got != "in sync, blocked" || len(b.Steps()) != 0 {
		t.Errorf("%s, steps %v", got, b.Steps())
	}
}

// An invariant behind the first step is not its guard: it is judged in its place.
func TestALaterInvariantIsNoGuardOfTheFirstStep(t *testing.T) {
	b := newBench(map[string]string{"/a": "no"},
		stage(Storage, item("a", &flag{path: "/a", want: "yes"}), invariant("inv", &flag{path: "/a", want: "yes"})))
	if got := states(b.climb(t, Acting{}, always)); got != "in sync, in sync" {
		t.Error(got)
	}
}

func TestAnOverrideDoesNotPassWhatIsNotKnown(t *testing.T) {
	b := newBench(map[string]string{"/a": "yes", "/b": "no"},
		stage(Storage, invariant("inv", &flag{path: "/a", want: "yes"}), item("b", &flag{path: "/b", want: "yes"})))
	b.Errors["read /a"] = host.ErrStuck
	rep := b.climb(t, Acting{Options: Options{Override: map[string]string{"h:storage.inv": "known"}}}, always)
	if got := states(rep); got != "unknown, not reached" || len(b.Steps()) != 0 {
		t.Errorf("%s, steps %v", got, b.Steps())
	}
}

// neverPassed is an invariant that no --override passes, as validator_stopped is.
type neverPassed struct{ *flag }

func (neverPassed) NoOverride() string { return "it may live" }

func TestAnOverrideDoesNotPassTheProof(t *testing.T) {
	b := newBench(map[string]string{"/a": "no", "/b": "no"},
		stage(Storage, invariant("inv", neverPassed{&flag{path: "/a", want: "yes"}}), item("b", &flag{path: "/b", want: "yes"})))
	rep := b.climb(t, Acting{Options: Options{Override: map[string]string{"h:storage.inv": "known"}}}, always)
	if got := states(rep); got != "blocked, not reached" || len(b.Steps()) != 0 {
		t.Errorf("%s, steps %v", got, b.Steps())
	}
}

// TestIncident4_AWaitThatRanOutStopsAll: the playbook's wait for the pods ran out, was ignored, and the namespace was deleted under them.
func TestIncident4_AWaitThatRanOutStopsAll(t *testing.T) {
	b := newBench(map[string]string{"/exited": "no", "/deleted": "no"},
		stage(Agave, item("exit", &flag{path: "/exited", want: "yes", script: true, settle: time.Millisecond}), item("delete", &flag{path: "/deleted", want: "yes", script: true})))
	b.React = func(f *hosttest.Fake, s host.Step) error {
		if script, ok := s.(host.Script); ok && script.Argv[1] == "/deleted" {
			f.Files["/deleted"] = "yes"
		}
		return nil // the other is asked to exit, and does not
	}
	rep := b.climb(t, Acting{}, always)
	if got := states(rep); got != "failed, not reached" || len(b.Steps()) != 1 {
		t.Errorf("%s, steps %v", got, b.Steps())
	}
}

// A hold says of an invariant that it is known to fail, and opens nothing: what it gates stays shut.
func TestHeldInvariantIsNoDriftAndNoWayThrough(t *testing.T) {
	files := map[string]string{"/a": "no", "/b": "no", host.LinuxState + "/holds.json": `[{"match":"storage.inv","who":"ann","because":"test","since":"2026-01-01T00:00:00Z"}]`}
	b := newBench(files,
		stage(Storage, invariant("inv", &flag{path: "/a", want: "yes"}), item("after", &flag{path: "/b", want: "yes"})),
		stage(Units, item("b", &flag{path: "/b", want: "yes"})))
	delete(b.Missing, HoldsFile(b))
	rep := b.climb(t, Acting{}, always)
	if got := states(rep); got != "held, not reached, blocked" || len(b.Steps()) != 0 {
		t.Errorf("%s, steps %v", got, b.Steps())
	}
}
