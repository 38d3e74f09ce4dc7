package eoshost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/lab/eos/device"
	"bisc/layers"
	"bisc/modules"
)

const (
	foreignRoute = "ip route 198.18.5.0/24 203.0.113.2"
	timedCommit  = "commit timer 00:05:00"
)

// once gives a meddler that acts at the nth time that a line comes which holds a word.
func once(word string, nth int, act func()) func(string, int) {
	var done sync.Once
	return func(line string, n int) {
		if strings.Contains(line, word) && n == nth {
			done.Do(act)
		}
	}
}

// during acts while the proof over the new connection asks.
func (e *emulated) during(act func()) {
	var mu sync.Mutex
	committed, done := false, false
	e.meddle = func(line string, _ int) {
		mu.Lock()
		committed = committed || strings.HasSuffix(line, timedCommit)
		now := committed && !done && line == "show hostname | json" // the new connection's first question
		done = done || now
		mu.Unlock()
		if now {
			act()
		}
	}
}

// expect applies, and proves that the state is the wanted one, that it is what the switch has, and that nothing is left.
func (e *emulated) expect(t *testing.T, want layers.State, says string, resources ...modules.Resource) layers.Outcome {
	t.Helper()
	if len(resources) == 0 {
		resources = []modules.Resource{route}
	}
	o := e.apply(t.Context(), resources...)
	text := fmt.Sprint(o.Err, o.Reason)
	if o.State != want || !strings.Contains(text, says) {
		t.Errorf("%s: %s; want %s, %q\n%s", o.State, text, want, says, e.book.String())
	}
	if left := e.left(); left != "" && !strings.Contains(left, "lock is left: admin") {
		t.Error(left)
	}
	e.meddle = nil
	return o
}

func TestFaultF28_OthersOnTheEmulator(t *testing.T) {
	t.Parallel()
	t.Run("five sessions of others", func(t *testing.T) {
		t.Parallel()
		e := emulate(t, device.Options{})
		for _, s := range []string{"a", "b", "c", "d", "e"} {
			e.cli("admin", "configure session "+s, "end")
		}
		e.agrees(t, "", e.expect(t, layers.Blocked, "5 of 5"))
	})
	t.Run("their timer", func(t *testing.T) {
		t.Parallel()
		for _, version := range []string{"4.31.1F", "4.34.0F"} {
			e := emulate(t, device.Options{Version: version})
			e.cli("admin", "configure session bob", foreignRoute, "end", "configure session bob commit timer 00:30:00")
			o := e.apply(t.Context(), route)
			if o.State != layers.Blocked || !strings.Contains(o.Err.Error(), "session bob waits") || !has(e.dev.Running(), foreignRoute) {
				t.Errorf("%s: %s: %v", version, o.State, o.Err)
			}
		}
	})
	t.Run("their lock", func(t *testing.T) {
		t.Parallel()
		e := emulate(t, device.Options{})
		e.cli("admin", "configure lock transaction doublezero")
		e.agrees(t, "", e.expect(t, layers.Blocked, "transaction doublezero"))
	})
	t.Run("sessions of a dead run", func(t *testing.T) {
		t.Parallel()
		e := emulate(t, device.Options{})
		for _, s := range []string{"bisc-20200101-000000-aaaa-1", "b", "bisc-20200101-000000-aaaa-2", "d", "e"} {
			e.cli("admin", "configure session "+s, "end")
		}
		e.agrees(t, "", e.expect(t, layers.Changed, ""))
		if all := e.ask("show configuration sessions detail"); !strings.Contains(all, "b ") && !strings.Contains(all, "b\n") || strings.Contains(all, "aaaa") {
			t.Error(all)
		}
	})
}

// TestFaultF28_AKilledRunsLeftovers: a run is killed while its timer runs. The next waits for the timer's end, and then frees the lock
// of the dead one, whose terminal is gone.
func TestFaultF28_AKilledRunsLeftovers(t *testing.T) {
	for _, dies := range []bool{false, true} {
		e := emulate(t, device.Options{Flags: device.Flags{LockDies: dies}})
		cfg := e.cfg
		cfg.Run = "20261122-070000-dead"
		w, err := OpenWriter(t.Context(), e.pool, cfg)
		fatal(t, err)
		w.tempo = e.tempo()
		fatal(t, w.Do(t.Context(), host.Configure{Lines: []string{foreignRoute}, Adds: []host.ConfigLine{{Line: foreignRoute}}}))
		fatal(t, w.Commit(t.Context()))
		w.try.halt()
		e.front.CutAll()
		o := e.apply(t.Context(), route)
		if o.State != layers.Blocked || !strings.Contains(o.Err.Error(), "session bisc-20261122-070000-dead-1 waits") {
			t.Errorf("%s: %v", o.State, o.Err)
		}
		e.pass(6 * time.Minute)
		e.agrees(t, "after the timer", e.expect(t, layers.Changed, ""))
		if has(e.dev.Running(), foreignRoute) {
			t.Error("what the dead run had not confirmed is in force")
		}
	}
}

// ask is a show of somebody else's.
func (e *emulated) ask(command string) string {
	s := e.dev.Shell("admin", "vty81")
	defer s.Close()
	_, _ = s.Run("enable")
	out, err := s.Run(command)
	if err != nil {
		e.t.Error(err)
	}
	return out
}

func TestFaultF29_TimerOnTheEmulator(t *testing.T) {
	t.Parallel()
	t.Run("it runs out during the proof", func(t *testing.T) {
		t.Parallel()
		e := emulate(t, device.Options{})
		e.during(func() { e.pass(6 * time.Minute) })
		e.agrees(t, "", e.expect(t, layers.Failed, "took the change back"))
	})
	t.Run("it never runs out, and the link is gone", func(t *testing.T) {
		t.Parallel()
		e := emulate(t, device.Options{})
		e.dev.SetFaults(func(f *device.Faults) { f.NoTimer = true })
		e.during(func() { e.front.CutAll() })
		o := e.apply(t.Context(), route)
		if o.State != layers.Unknown || !errors.Is(o.Err, host.ErrLost) || !strings.Contains(o.Err.Error(), "configure checkpoint restore") {
			t.Errorf("%s: %v", o.State, o.Err)
		}
	})
	t.Run("the switch is reloaded while it runs", func(t *testing.T) {
		t.Parallel()
		e := emulate(t, device.Options{})
		e.during(func() { e.dev.Reload() })
		e.agrees(t, "", e.expect(t, layers.Failed, "running-config is as before"))
	})
}

func TestFaultF30_ShapesOnTheEmulator(t *testing.T) {
	for _, version := range []string{"4.31.1F", "4.32.0F", "4.34.0F"} {
		e := emulate(t, device.Options{Version: version})
		e.agrees(t, version, e.expect(t, layers.Changed, ""))
	}
	unknown := func(e *emulated) { e.dev.SetFaults(func(f *device.Faults) { f.UnknownJSON = true }) }
	known := func(e *emulated) { e.dev.SetFaults(func(f *device.Faults) { f.UnknownJSON = false }) }
	t.Run("unknown from the beginning", func(t *testing.T) {
		e := emulate(t, device.Options{})
		unknown(e)
		o := e.apply(t.Context(), route)
		known(e)
		if o.State != layers.Blocked || e.left() != "" {
			t.Errorf("%s: %v; %s", o.State, o.Err, e.left())
		}
		e.agrees(t, "", o)
	})
	t.Run("unknown once the timer runs", func(t *testing.T) {
		e := emulate(t, device.Options{})
		e.meddle = once(timedCommit, 1, func() { unknown(e) })
		began := e.now()
		o := e.apply(t.Context(), route)
		if took := e.now().Sub(began); took < 5*time.Minute || o.State != layers.Failed {
			t.Errorf("%s after %s: %v", o.State, took, o.Err)
		}
		if e.heard["configure session bisc-"+e.cfg.Run+"-1 commit"] > 0 {
			t.Error("it was confirmed")
		}
		known(e)
		if left := e.left(); left != "" {
			t.Error(left)
		}
		e.agrees(t, "", o)
	})
}

func TestFaultF31_SecondManagerOnTheEmulator(t *testing.T) {
	manager := func(e *emulated, under bool) *device.Manager {
		return e.dev.SecondManager(device.ManagerOptions{Text: func() string { return foreignRoute + "\n" }, SavesUnderLock: under})
	}
	t.Run("its snapshot is older than the commit, and is committed after the confirmation", func(t *testing.T) {
		e := emulate(t, device.Options{})
		m := manager(e, false)
		if went, err := m.Begin(); !went || err != nil {
			t.Fatal(err)
		}
		e.meddle = once("configure unlock transaction", 1, func() {
			e.meddle = func(line string, nth int) { // the first look after the confirmation
				if line == askRunning && e.now().After(time.Now().Add(10*time.Second)) && m != nil {
					if err := m.End(); err != nil {
						t.Error(err)
					}
					m = nil
				}
			}
		})
		o := e.apply(t.Context(), route)
		var kept *host.ConfirmedError
		if o.State != layers.Failed || !errors.As(o.Err, &kept) || !strings.Contains(o.Err.Error(), "somebody has undone it since") {
			t.Errorf("%s: %v\n%s", o.State, o.Err, e.book.String())
		}
		if has(e.dev.Running(), route.line) || !has(e.dev.Running(), foreignRoute) {
			t.Error(e.dev.Running())
		}
		if e.apply(t.Context(), route); !has(e.dev.Running(), foreignRoute) || !has(e.dev.Startup(), route.line) {
			t.Error("the second apply does not mend it")
		}
	})
	t.Run("it saves while the timer runs", func(t *testing.T) {
		for _, watched := range []bool{true, false} {
			e := emulate(t, device.Options{})
			m := manager(e, true)
			e.during(func() {
				if err := m.Cycle(); err != nil {
					t.Error(err)
				}
				if !has(e.dev.Startup(), route.line) {
					t.Error("the second manager has saved nothing")
				}
				if watched {
					e.ticks <- time.Now()
				}
			})
			o := e.expect(t, layers.Failed, "saved unconfirmed lines")
			e.agrees(t, fmt.Sprint("watched: ", watched), o)
			if has(e.dev.Startup(), route.line) {
				t.Error("startup-config has it still")
			}
		}
	})
	t.Run("somebody takes the lock away and commits between diff and commit", func(t *testing.T) {
		e := emulate(t, device.Options{})
		e.meddle = once("show session-config named", 1, func() {
			e.cli("admin", "configure unlock force", "configure session bob", foreignRoute, "end", "configure session bob commit")
		})
		e.agrees(t, "", e.expect(t, layers.Blocked, "it is not any more"))
		if !has(e.dev.Running(), foreignRoute) {
			t.Error("what somebody committed is gone")
		}
	})
	t.Run("somebody takes the lock away while the timer runs", func(t *testing.T) {
		e := emulate(t, device.Options{})
		e.during(func() { e.cli("admin", "configure unlock force") })
		e.agrees(t, "", e.expect(t, layers.Failed, "took the change back"))
	})
}

// programmed is a route that must be in the chip.
type programmed struct{ configured }

func (p programmed) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	c, err := p.configured.Plan(ctx, h)
	if err != nil {
		return c, err
	}
	var v struct {
		VRFs map[string]struct {
			Routes map[string]struct {
				Hardware bool `json:"hardwareProgrammed"`
			}
		}
	}
	if err := host.ShowJSON(ctx, h, "show ip route 192.0.2.7/32", &v); err != nil {
		return c, err
	}
	c.Differ("programmed", fmt.Sprint(v.VRFs["default"].Routes["192.0.2.7/32"].Hardware), "true")
	return c, nil
}

func TestFaultF32_AcceptedNotProgrammed(t *testing.T) {
	e := emulate(t, device.Options{})
	e.agrees(t, "healthy", e.expect(t, layers.Changed, "", programmed{route}))
	e = emulate(t, device.Options{})
	e.dev.SetFaults(func(f *device.Faults) { f.Unprogrammed = true })
	e.agrees(t, "not programmed", e.expect(t, layers.Failed, "programmed is false, want true", programmed{route}))
	if e.heard["configure session bisc-"+e.cfg.Run+"-1 commit"] > 0 {
		t.Error("it was confirmed")
	}
}

func TestFaultF29_FullFlash(t *testing.T) {
	t.Run("from the beginning", func(t *testing.T) {
		e := emulate(t, device.Options{})
		e.dev.SetFaults(func(f *device.Faults) { f.DiskFull = true })
		e.agrees(t, "", e.expect(t, layers.Failed, "nothing of it is in force"))
	})
	t.Run("when it is saved", func(t *testing.T) {
		e := emulate(t, device.Options{})
		e.meddle = once(timedCommit, 1, func() { e.dev.SetFaults(func(f *device.Faults) { f.DiskFull = true }) })
		e.agrees(t, "", e.expect(t, layers.Failed, "NOT saved"))
		if !has(e.dev.Running(), route.line) || has(e.dev.Startup(), route.line) {
			t.Error("what was confirmed is not in force, or was saved")
		}
	})
}

// TestFaultF29_DeniedAtEveryCommand: the switch's own authorization forbids one of the commands that an apply types.
func TestFaultF29_DeniedAtEveryCommand(t *testing.T) {
	t.Parallel()
	e := emulate(t, device.Options{})
	e.expect(t, layers.Changed, "")
	var lines []string
	for _, l := range e.front.Log().Lines() {
		if !slices.Contains(lines, l) {
			lines = append(lines, l)
		}
	}
	for _, line := range lines {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			e := emulate(t, device.Options{})
			e.dev.SetFaults(func(f *device.Faults) { f.Deny = []string{line} })
			o := e.apply(t.Context(), route)
			e.dev.SetFaults(func(f *device.Faults) { f.Deny = nil })
			confirm := strings.HasSuffix(line, " commit") || strings.HasPrefix(line, "configure session bisc-") && strings.Count(line, " ") == 2
			if left := e.left(); left != "" && line != "configure unlock transaction bisc-"+e.cfg.Run {
				t.Errorf("%s\n%v\n%s", left, o.Err, e.book.String())
			}
			if o.State == layers.Unknown && o.Err != nil && e.book.String() == "" {
				return
			}
			e.agrees(t, fmt.Sprint(line, confirm), o)
		})
	}
}

// TestFaultF29_InterruptedAtEveryStep: the first interrupt comes at each line of an apply, and the second right after.
func TestFaultF29_InterruptedAtEveryStep(t *testing.T) {
	t.Parallel()
	e := emulate(t, device.Options{})
	e.expect(t, layers.Changed, "")
	lines := e.front.Log().Lines()
	seen := map[string]int{}
	for _, line := range lines {
		seen[line]++
		nth := seen[line]
		if !strings.HasPrefix(line, "co") && !(nth > 2 && line == askRunning) && os.Getenv("BISC_FAULTS") != "all" {
			continue
		}
		for _, twice := range []bool{false, true} {
			where := fmt.Sprintf("%s %d, twice: %v", line, nth, twice)
			e := emulate(t, device.Options{})
			ctx, cancel := context.WithCancelCause(t.Context())
			e.meddle = once(line, nth, func() {
				close(e.stop)
				if twice {
					cancel(layers.ErrStopped)
				}
			})
			began := e.now()
			o := e.apply(ctx, route)
			cancel(nil)
			if took := e.now().Sub(began); took > 2*time.Minute {
				t.Errorf("%s: it took %s", where, took)
			}
			if left := e.left(); left != "" {
				t.Errorf("%s: %s\n%v\n%s", where, left, o.Err, e.book.String())
			}
			e.agrees(t, where, o)
		}
	}
}

// TestFaultF31_ASaveAloneKeepsNothingOfOthers: between the look at a stage that only saves and its save somebody commits with a timer.
func TestFaultF31_ASaveAloneKeepsNothingOfOthers(t *testing.T) {
	for word, nth := range map[string]int{"show hostname | json": 3, host.Save().Command: 1} {
		e := emulate(t, device.Options{})
		e.cli("admin", "configure session x", route.line, "end", "configure session x commit")
		theirs := func() {
			e.cli("admin", "configure session bob", foreignRoute, "end", "configure session bob commit timer 00:30:00")
		}
		e.meddle = once(word, nth, theirs)
		o := e.apply(t.Context(), route)
		text := fmt.Sprint(o.Err, o.Reason)
		if o.State != layers.Blocked && o.State != layers.Failed || !strings.Contains(text, "session bob waits") {
			t.Errorf("%s: %s: %s\n%s", word, o.State, text, e.book.String())
		}
		if kept := has(e.dev.Startup(), foreignRoute); word == "show hostname | json" && (kept || has(e.dev.Startup(), route.line)) || !has(e.dev.Running(), foreignRoute) {
			t.Errorf("%s: what was never confirmed is saved: %v, or taken from running", word, kept)
		}
	}
}

// TestNothingLeavesTheSession: what would end a text early, swallow what comes behind it, or give the switch another name by which
// it is known, is never typed.
func TestNothingLeavesTheSession(t *testing.T) {
	for name, line := range map[string]string{
		"a text that ends early":   "banner motd\nhello\nEOF\ncommit\nEOF",
		"a text without an end":    "banner motd",
		"a text that is cut off":   "event-handler x\naction bash\nfoo",
		"an end behind a text":     "banner motd\nhello\nEOF\nend",
		"two lines":                "ip routing\nend",
		"nothing, and then a line": "\ncommit",
		"an abbreviated command":   "comm timer 00:00:01",
		"an abbreviated end":       "en",
		"another name":             "hostname sw2",
		"no name":                  "no hostname",
		"another prompt":           "prompt %H",
	} {
		if err := inSession([]string{line}); !errors.As(err, new(*host.GuardError)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, line := range []string{"banner motd\nhello\nend\nEOF", "ip routing", "exit", "no shutdown", "event-handler x", "action bash\n#!/bin/sh\ncommit\nEOF", "interface Ethernet1/1", "shutdown", "description end", "code unit x\ndef\nEOF", "enable secret 0 x"} {
		if err := inSession([]string{line}); line != "enable secret 0 x" && err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
}
