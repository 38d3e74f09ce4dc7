package layers

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
)

// route is a switch h, which stages, and the other end far, on which an invariant of the switch's stage is observed.
type route struct {
	*bench
	far  *hosttest.Fake
	shut error // far cannot be opened
}

// atFar wants the word yes in /there of the other end.
func atFar() Item {
	it := invariant("arrives", &flag{path: "/there", want: "yes"})
	it.From = "far"
	return it
}

func newRoute(there string, items ...Item) *route {
	p := &route{bench: staging(map[string]string{"/a": "no"}, stage(Relay, items...)), far: hosttest.New("far")}
	p.far.Files["/there"] = there
	return p
}

// during calls meanwhile when the switch's commit has come in force, and when it is taken back.
func (p *route) during(meanwhile func()) {
	set := p.React
	p.React = func(f *hosttest.Fake, s host.Step) error {
		err := set(f, s)
		meanwhile()
		return err
	}
}

func (p *route) Reader(ctx context.Context, name string) (host.Reader, error) {
	if name == "far" {
		return p.far, p.shut
	}
	return p.bench.Reader(ctx, name)
}

func (p *route) apply(t *testing.T) (shown string, rep Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		seen := ObserveAll(t.Context(), p.stages, p, Options{})
		shown = states(seen)
		rep = ApplyAll(t.Context(), seen, p, Acting{Record: NoRecord{}})
	})
	return shown, rep
}

// TestTheOtherEndProves: an invariant that is observed on another host decides whether a commit is kept.
func TestTheOtherEndProves(t *testing.T) {
	gone := fmt.Errorf("%w: no route to host", host.ErrUnreachable)
	for name, tc := range map[string]struct {
		there     string
		meanwhile func(*route) // when the commit is in force, or taken back
		acts      string
		shown     string
		after     string
	}{
		"holds":                {"yes", func(*route) {}, "do commit confirm", "drifted, in sync", "changed, in sync"},
		"comes to hold":        {"no", func(p *route) { p.far.Files["/there"] = p.Files["/a"] }, "do commit confirm", "drifted, drifted", "changed, in sync"},
		"does not hold":        {"no", func(*route) {}, "do commit revert", "drifted, drifted", "failed, drifted"},
		"ceases to hold":       {"yes", func(p *route) { p.far.Files["/there"] = "no" }, "do commit revert", "drifted, in sync", "failed, in sync"},
		"cannot be asked":      {"yes", func(p *route) { p.far.Errors["read /there"] = gone }, "do commit revert", "drifted, in sync", "failed, in sync"},
		"cannot be opened":     {"yes", func(p *route) { p.shut = gone }, "do commit revert", "drifted, in sync", "failed, in sync"},
		"gives no sure answer": {"yes", func(p *route) { p.far.Errors["read /there"] = host.ErrStuck }, "do commit revert", "drifted, in sync", "failed, in sync"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newRoute(tc.there, item("a", &flag{path: "/a", want: "yes"}), atFar())
			p.during(func() { tc.meanwhile(p) })
			shown, rep := p.apply(t)
			if got := p.acts(); got != tc.acts || shown != tc.shown || states(rep) != tc.after {
				t.Errorf("%s: shown %s, then %s (%v)", got, shown, states(rep), rep.Outcomes()[0].Err)
			}
			kept := strings.HasSuffix(tc.acts, "confirm")
			if word := p.Wrote("/a"); (word == "yes") != kept {
				t.Errorf("the switch holds %q", word)
			}
			if err := rep.Outcomes()[0].Err; !kept && (err == nil || !strings.Contains(err.Error(), "h:storage.arrives")) {
				t.Errorf("%v does not name the invariant", err)
			}
			if len(p.far.Steps()) > 0 {
				t.Errorf("the other end was changed: %v", p.far.Steps())
			}
		})
	}
}

// TestTheOtherEndThatHangs: an answer that never comes is waited for no longer than any other, and then nothing is kept.
func TestTheOtherEndThatHangs(t *testing.T) {
	p := newRoute("yes", item("a", &flag{path: "/a", want: "yes"}), atFar())
	synctest.Test(t, func(t *testing.T) {
		seen := ObserveAll(t.Context(), p.stages, p, Options{})
		began := time.Now()
		rep := ApplyAll(t.Context(), seen, hanging{p}, Acting{Record: NoRecord{}})
		if took := time.Since(began); p.acts() != "do commit revert" || took > ConfirmWithin {
			t.Errorf("%s after %s: %v", p.acts(), took, rep.Outcomes()[0].Err)
		}
	})
}

// hanging is a route whose other end hangs after the commit.
type hanging struct{ *route }

func (h hanging) Reader(ctx context.Context, name string) (host.Reader, error) {
	r, err := h.route.Reader(ctx, name)
	if name == "far" {
		return silent{r, h.route}, err
	}
	return r, err
}

// silent answers nothing once the switch has committed.
type silent struct {
	host.Reader
	of *route
}

func (s silent) ReadFile(ctx context.Context, name string) ([]byte, error) {
	if !strings.Contains(s.of.acts(), "commit") {
		return s.Reader.ReadFile(ctx, name)
	}
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

// TestTheOtherEndIsOnlyUnknown: another host that cannot be reached makes its invariant unknown, and nothing else of the report.
func TestTheOtherEndIsOnlyUnknown(t *testing.T) {
	for name, away := range map[string]func(*route){
		"cannot be opened": func(p *route) { p.shut = host.ErrUnreachable },
		"cannot be asked":  func(p *route) { p.far.Errors["read /there"] = host.ErrUnreachable },
	} {
		t.Run(name, func(t *testing.T) {
			p := newRoute("yes", atFar(), item("a", &flag{path: "/a", want: "yes"}))
			away(p)
			shown, rep := p.apply(t)
			if want := "unknown, not reached"; shown != want || states(rep) != want || p.acts() != "" {
				t.Errorf("shown %s, then %s after %q; want %s and nothing done", shown, states(rep), p.acts(), want)
			}
			o := rep.Outcomes()[0]
			if rep[0].Err != nil || o.Err == nil || !strings.Contains(o.Err.Error(), "on far: ") || cutOff(o.Err) {
				t.Errorf("the host's error is %v, the invariant's %v", rep[0].Err, o.Err)
			}
		})
	}
}

// TestTheOtherEndIsNotAskedForNothing: who looks at the switch for something else does not dial the other end.
func TestTheOtherEndIsNotAskedForNothing(t *testing.T) {
	p := newRoute("yes", item("a", &flag{path: "/a", want: "yes"}), atFar())
	ObserveAll(t.Context(), p.stages, p, Options{Select: func(Item, *Stage) bool { return false }})
	if log := p.far.Log(); len(log) > 0 {
		t.Errorf("asked %v", log)
	}
	rep := Observe(t.Context(), p.Fake, p.stages, Options{})
	if got := states(Report{rep}); got != "drifted, unknown" {
		t.Errorf("with one host alone: %s", got)
	}
}

// TestTheOtherEndIsAskedOnce: the invariants of several switches ask one end the same in one round, and it answers once.
func TestTheOtherEndIsAskedOnce(t *testing.T) {
	p := newRoute("yes", atFar(), atFar())
	if got := states(ObserveAll(t.Context(), p.stages, p, Options{})); got != "in sync, in sync" || len(p.far.Log()) != 1 {
		t.Errorf("%s; asked %v", got, p.far.Log())
	}
}

// TestTheOtherEndGatesOnLinux: on a host that stages nothing the other end is judged in its place, and again before the first step.
func TestTheOtherEndGatesOnLinux(t *testing.T) {
	p := newRoute("yes", atFar(), item("a", &flag{path: "/a", want: "yes"}))
	p.Stage = false
	seen := ObserveAll(t.Context(), p.stages, p, Options{})
	p.far.Files["/there"] = "no"
	rep := ApplyAll(t.Context(), seen, p, Acting{Record: NoRecord{}})
	if got := states(rep); got != "in sync, blocked" || len(p.Steps()) > 0 {
		t.Errorf("%s; steps %v", got, p.Steps())
	}
}
