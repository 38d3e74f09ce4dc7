package live

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/layers"
	"bisc/modules"
	"bisc/modules/all"
)

// danger is a section of testdata/losses/KIND.txtar, beside prepare and plan as in testdata/breaks:
//
//	-- lose WHAT --     shell that brings a step into the plan which destroys or interrupts; WHAT begins a Loss of the kind
//
// It may begin with lines that say which guard stands before it, and what makes that guard refuse:
//
//	# guard: NAME       "no validator lives" where it is left out
//	# hazard: SHELL     a process named agave-validator where it is left out
//	# safe: SHELL       takes the hazard back, whether or not the step was done
//	# because: TEXT     why the guard is not the one against a living validator, which is wanted where the loss has it
type danger struct{ what, guard, hazard, safe, because string }

const (
	validatorGone = "no validator lives"
	// validator starts a process that is a validator to every guard, wherever it runs.
	validator = `cp -n /bin/sleep /usr/local/bin/agave-validator
		systemd-run -q --unit lab-validator /usr/local/bin/agave-validator infinity
		until pgrep -x agave-validator >/dev/null; do sleep 0.02; done`
	noValidator = `systemctl stop lab-validator 2>/dev/null || :
		pkill -x agave-validator || :
		while pgrep -x agave-validator >/dev/null; do sleep 0.02; done`
)

func readLoss(what, text string) (act, error) {
	d := &danger{what: what, guard: validatorGone, hazard: validator, safe: noValidator}
	a := act{attr: what, half: "lost", loss: d}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "# "), ": ")
		switch {
		case !strings.HasPrefix(line, "# ") || !ok:
			a.shell += line
		case key == "guard":
			d.guard = value
		case key == "hazard":
			d.hazard = value
		case key == "safe":
			d.safe = value
		case key == "because":
			d.because = value
		default:
			return a, fmt.Errorf("no word %q here", key)
		}
	}
	if strings.TrimSpace(a.shell) == "" {
		return a, errors.New("nothing brings it about")
	}
	return a, nil
}

// TestEveryLossHasACase holds testdata/losses against the kinds: whatever a kind says it can destroy or interrupt has a case
// with the guard against a living validator, or, where that does not stand before it, another of its guards.
func TestEveryLossHasACase(t *testing.T) {
	have := scripts(t, "losses")
	for _, k := range kindsOfHosts() {
		var acts []act
		if s := have[k.Name]; s != nil {
			for _, g := range s.grounds {
				acts = append(acts, g.acts...)
			}
		}
		for _, l := range k.Losses {
			if !slices.ContainsFunc(acts, func(a act) bool { return strings.HasPrefix(l.What, a.loss.what) && a.loss.guards(l) }) {
				t.Errorf("%s: nothing in testdata/losses/%s.txtar loses %q before one of %q", k.Name, k.Name, l.What, l.Guards)
			}
		}
		for _, a := range acts {
			if !slices.ContainsFunc(k.Losses, func(l modules.Loss) bool { return strings.HasPrefix(l.What, a.loss.what) }) {
				t.Errorf("testdata/losses/%s.txtar: the kind has no loss %q", k.Name, a.loss.what)
			}
		}
		delete(have, k.Name)
	}
	for name := range have {
		t.Errorf("testdata/losses/%s.txtar is of no kind", name)
	}
}

// guards tells whether the case is for the guard that a loss must be tested with.
func (d *danger) guards(l modules.Loss) bool {
	about := func(guard string) bool {
		return slices.ContainsFunc(l.Guards, func(g string) bool { return strings.HasPrefix(g, guard) })
	}
	switch {
	case d.because != "":
		return about(d.guard)
	case about(validatorGone):
		return d.guard == validatorGone
	case about("no validator in what stops"):
		return d.guard == "no validator in what stops" || d.guard == validatorGone
	}
	return about(d.guard)
}

// TestNothingHurtsALivingValidator does, on a host where a validator lives, every step that could hurt one: each is refused
// by its guard and changes nothing. The same steps without that one guard are done, so that it is the guard which protects.
// When the validator is gone, apply does them.
func TestNothingHurtsALivingValidator(t *testing.T) {
	program, have := program(t), scripts(t, "losses")
	for _, k := range all.Registry().Kinds() {
		s, ok := have[k.Name]
		if !ok {
			continue // TestEveryLossHasACase says whether one is needed
		}
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			o := oneHost(t, program)
			for _, g := range s.grounds {
				stages, subject := o.inForce(t, k, g)
				for _, a := range g.acts {
					if !t.Run(a.loss.what, func(t *testing.T) { o.lose(t, stages, subject, a) }) {
						return // the host is not what the next one expects
					}
				}
			}
		})
	}
}

// lose tries one loss: with its guard, without it, and when nothing stands in the way.
func (o *operator) lose(t *testing.T, stages []*layers.Stage, subject string, a act) {
	named := layers.Options{Destroy: addresses(stages)}
	o.sh(t, a.shell)
	steps := o.stepsOf(t, stages, subject)
	o.sh(t, a.loss.hazard)
	o.refused(t, steps, a.loss.guard)
	o.unguarded(t, steps, a.loss.guard)
	if left := o.stillPending(t, stages, subject); left {
		t.Errorf("without the guard %q the steps change nothing: it is not what protects", a.loss.guard)
	}
	o.sh(t, a.loss.safe)

	o.must(t, stages, named)
	o.sh(t, a.shell)
	o.must(t, stages, named)
}

// The engine says of such a step that it is blocked, and by what.
func TestApplyIsBlockedByALivingValidator(t *testing.T) {
	t.Parallel()
	o, stages := prepared(t)
	o.sh(t, "mount -t tmpfs other /srv/solana/ramdisk")
	o.sh(t, validator)
	named := layers.Options{Destroy: addresses(stages)}
	mounts := o.sh(t, "cat /proc/1/mountinfo /etc/fstab")
	left := bad(o.apply(t, stages, o.plan(t, stages, named), named))
	if len(left) == 0 || !strings.Contains(left[0], "mount[/srv/solana/ramdisk] is blocked") || !strings.Contains(left[0], validatorGone) {
		t.Errorf("apply with a validator alive:\n%s", strings.Join(left, "\n"))
	}
	if got := o.sh(t, "cat /proc/1/mountinfo /etc/fstab"); got != mounts {
		t.Errorf("the mounts have changed:\n%s\nbefore:\n%s", got, mounts)
	}
	o.sh(t, noValidator)
	o.must(t, stages, named)
}

// stepsOf plans, and gives the subject's steps.
func (o *operator) stepsOf(t *testing.T, stages []*layers.Stage, subject string) []host.Step {
	t.Helper()
	rep := o.plan(t, stages, layers.Options{Destroy: addresses(stages)})
	for _, out := range rep.Outcomes() {
		if local(out.Item.Address) == subject && out.Pending() {
			return out.Change.Steps
		}
	}
	t.Fatalf("%s has no steps to do:\n%s", subject, text(rep))
	return nil
}

func (o *operator) stillPending(t *testing.T, stages []*layers.Stage, subject string) bool {
	t.Helper()
	for _, out := range o.plan(t, stages, layers.Options{Destroy: addresses(stages)}).Outcomes() {
		if local(out.Item.Address) == subject && len(out.Change.Steps) > 0 {
			return true
		}
	}
	return false
}

// refused does the steps that carry the guard: it must refuse each, and nothing may change.
func (o *operator) refused(t *testing.T, steps []host.Step, guard string) {
	t.Helper()
	s := o.session(t)
	defer s.close(t)
	w, err := opening{s}.Writer(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	before := o.snapshot(t)
	for _, step := range steps {
		if !slices.ContainsFunc(guardsOf(step), func(g host.Guard) bool { return g.Name == guard }) {
			continue
		}
		tried++
		if err := w.Do(t.Context(), step); !refusedBy(err, guard) {
			t.Errorf("%s: %v, want it refused by %q", step, err, guard)
		}
	}
	// Whoever holds the lock writes down which processes are its steps; a guard is part of its step.
	wrote := slices.DeleteFunc(before.Diff(o.snapshot(t)), func(line string) bool { return strings.HasPrefix(line, "/run/bisc/steps: ") })
	if len(wrote) > 0 {
		t.Errorf("the refused steps have changed:\n%s", strings.Join(wrote, "\n"))
	}
	if tried == 0 {
		t.Fatalf("no step has the guard %q: %v", guard, steps)
	}
}

// unguarded does all steps without the one guard.
func (o *operator) unguarded(t *testing.T, steps []host.Step, guard string) {
	t.Helper()
	s := o.session(t)
	defer s.close(t)
	w, err := opening{s}.Writer(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		step = without(step, guard)
		if err := w.Do(t.Context(), step); err != nil {
			t.Errorf("without the guard %q: %v", guard, err)
		}
	}
}

func guardsOf(step host.Step) []host.Guard {
	switch s := step.(type) {
	case host.Script:
		return s.Guards
	case host.Remove:
		return s.Guards
	}
	return nil
}

// without is the step without one guard.
func without(step host.Step, guard string) host.Step {
	rest := slices.DeleteFunc(slices.Clone(guardsOf(step)), func(g host.Guard) bool { return g.Name == guard })
	switch s := step.(type) {
	case host.Script:
		s.Guards = rest
		return s
	case host.Remove:
		s.Guards = rest
		return s
	}
	return step
}

// refusedBy tells whether a step was not done because this guard saw what it looks for.
func refusedBy(err error, guard string) bool {
	var g *host.GuardError
	return errors.As(err, &g) && g.Guard == guard && !g.Unknown
}
