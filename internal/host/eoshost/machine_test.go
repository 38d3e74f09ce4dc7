package eoshost

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
)

// refusedBy runs an attempt that must be refused: nothing is in force, nothing is left, and the error is a guard's that says a word.
func refusedBy(t *testing.T, p *paper, word string) error {
	t.Helper()
	was := slices.Clone(p.running)
	out, err := p.through(t.Context(), p.attempt())
	var guard *host.GuardError
	if out != "old" || !errors.As(err, &guard) || !strings.Contains(err.Error(), word) {
		t.Errorf("%s: %v; want a guard's %q", out, err, word)
	}
	if !slices.Equal(p.running, was) || p.sessions["bisc-r1-1"] != nil && p.sessions["bisc-r1-1"].state == "pending" {
		t.Errorf("running %q, sessions %v", p.running, p.sessions)
	}
	if p.did("configure session bisc-r1-1 commit") {
		t.Error("it was confirmed")
	}
	return err
}

// did tells whether a command was taken.
func (p *paper) did(command string) bool { return slices.Contains(p.log, command) }

func (p *paper) pend(names ...string) *paper {
	for _, n := range names {
		p.sessions[n] = &draft{slices.Clone(p.running), "pending"}
	}
	return p
}

func TestFaultF28_SessionsOfOthers(t *testing.T) {
	t.Run("ours of a dead run is ended, others' are left", func(t *testing.T) {
		p := newPaper().pend("bisc-r0-1", "bob", "doublezero-agent-123", "cfg-77-x", "x")
		out, err := p.through(t.Context(), p.attempt())
		if out != "new" || err != nil || p.sessions["bisc-r0-1"] != nil || p.sessions["bob"] == nil || p.sessions["doublezero-agent-123"] == nil {
			t.Errorf("%s, %v, %v", out, err, p.sessions)
		}
	})
	t.Run("ours is not ended before the lock is ours", func(t *testing.T) {
		p := newPaper().pend("bisc-r0-1")
		p.owner, p.tty, p.users = "bisc-r0", "vty9", "    2 vty 9   install   idle   00:00:00   192.0.2.2\n"
		refusedBy(t, p, "run r0 of bisc")
		if p.sessions["bisc-r0-1"] == nil || p.owner != "bisc-r0" || p.did("configure unlock force") {
			t.Errorf("the session of a run that may live was ended, or its lock freed: %q", p.log)
		}
	})
	t.Run("five of others", func(t *testing.T) {
		p := newPaper().pend("a", "b", "c", "d", "e")
		refusedBy(t, p, "5 of 5")
		if len(p.sessions) != 5 || p.did("configure lock transaction bisc-r1") {
			t.Errorf("%v %q", p.sessions, p.log)
		}
	})
	t.Run("somebody's timer", func(t *testing.T) {
		for _, old := range []bool{false, true} {
			p := newPaper().pend("bob")
			p.old, p.timer, p.ends, p.before = old, "bob", p.clock.Add(time.Hour), p.running
			p.sessions["bob"].state = "committed"
			refusedBy(t, p, "session bob waits")
			if p.timer != "bob" || p.did("configure lock transaction bisc-r1") {
				t.Error("the timer of others was ended, or the lock taken for nothing")
			}
		}
	})
	t.Run("somebody's lock", func(t *testing.T) {
		p := newPaper()
		p.owner, p.tty = "doublezero", "vty4"
		began := p.clock
		refusedBy(t, p, "doublezero")
		if p.owner != "doublezero" || p.did("configure unlock force") || p.clock.Sub(began) < 30*time.Second {
			t.Errorf("%q after %s: %q", p.owner, p.clock.Sub(began), p.log)
		}
	})
	t.Run("somebody's lock that is given back", func(t *testing.T) {
		p := newPaper()
		p.owner, p.tty = "doublezero", "vty4"
		until := p.clock.Add(12 * time.Second)
		p.meddle = func(p *paper, _ string) {
			if p.owner == "doublezero" && p.clock.After(until) {
				p.owner = ""
			}
		}
		if out, err := p.through(t.Context(), p.attempt()); out != "new" || err != nil {
			t.Errorf("%s, %v", out, err)
		}
	})
	t.Run("the lock of a run whose terminal is gone", func(t *testing.T) {
		p := newPaper().pend("bisc-r0-1")
		p.owner, p.tty = "bisc-r0", "vty9"
		if out, err := p.through(t.Context(), p.attempt()); out != "new" || err != nil || p.sessions["bisc-r0-1"] != nil {
			t.Errorf("%s, %v, %v", out, err, p.sessions)
		}
	})
	t.Run("the lock of a dead run whose timer still runs", func(t *testing.T) {
		p := newPaper()
		p.meddle = func(p *paper, command string) { // after the preflight
			if command == "configure lock transaction bisc-r1" && p.timer == "" {
				p.pend("bisc-r0-1")
				p.sessions["bisc-r0-1"].state = "committed"
				p.timer, p.ends, p.before, p.owner, p.tty = "bisc-r0-1", p.clock.Add(time.Hour), p.running, "bisc-r0", "vty9"
			}
		}
		_, err := p.through(t.Context(), p.attempt())
		if err == nil || p.owner != "bisc-r0" || p.did("configure unlock force") {
			t.Errorf("%v; lock %q", err, p.owner)
		}
	})
}

func TestTerminalGone(t *testing.T) {
	head := "    Line      User        Host(s)       Idle        Location\n"
	for users, gone := range map[string]bool{
		head + "*   1 vty 5   a   idle   00:00:00   -\n":                                    true,
		head + "*   1 vty5   a   idle   00:00:00   -\n    2 vty 41   b   idle 00:00:00 -\n": true,
		head + "*   1 vty 5   a   idle   00:00:00   -\n    2 vty 4   b   idle 00:00:00 -\n": false,
		head + "*   1 vty5   a   idle   00:00:00   -\n    2 vty4   b   idle 00:00:00 -\n":   false,
		head + "    1 vty 5   a   idle   00:00:00   -\n":                                    false, // without who asks it is not believed
		head: false, "": false, "% Invalid input": false,
	} {
		if got := terminalGone(users, "vty4"); got != gone {
			t.Errorf("%q: %v", users, got)
		}
	}
	if terminalGone(head+"*   1 vty 5   a\n", "UnknownTty") {
		t.Error("a terminal of no known form is taken for one that is gone")
	}
}

func TestFaultF29_TimerRunsOutDuringProof(t *testing.T) {
	p := newPaper()
	a := p.attempt()
	if _, err := a.commit(t.Context(), noSwap); err != nil {
		t.Fatal(err)
	}
	p.clock = p.clock.Add(6 * time.Minute)
	p.tick()
	err := a.confirm(t.Context(), paperReader{paper: p}, nil)
	if err == nil || p.did("configure session bisc-r1-1 commit") {
		t.Fatalf("%v\n%q", err, p.log)
	}
	var reverted *host.RevertedError
	if err := a.revert(t.Context()); !errors.As(err, &reverted) || reverted.Failed > 0 || p.is() != "old" || p.owner != "" {
		t.Errorf("%v, is %s, lock %q", err, p.is(), p.owner)
	}
}

// A confirmation that would come too late for the margin is not sent: it might arrive just when the switch reverts.
func TestFaultF29_NoTimeToConfirm(t *testing.T) {
	p := newPaper()
	a := p.attempt()
	if _, err := a.commit(t.Context(), noSwap); err != nil {
		t.Fatal(err)
	}
	p.clock = p.clock.Add(5*time.Minute - 5*time.Second)
	err := a.confirm(t.Context(), paperReader{paper: p}, nil)
	if err == nil || !strings.Contains(err.Error(), "time to confirm") || p.did("configure session bisc-r1-1 commit") {
		t.Errorf("%v", err)
	}
}

// TestFaultF29_ConfirmedOnce: the confirmation is sent once, whatever becomes of its answer.
func TestFaultF29_ConfirmedOnce(t *testing.T) {
	for _, after := range []bool{false, true} {
		p := newPaper()
		a := p.attempt()
		if _, err := a.commit(t.Context(), noSwap); err != nil {
			t.Fatal(err)
		}
		p.meddle = func(p *paper, command string) {
			if command == "configure session bisc-r1-1 commit" {
				p.cut, p.after = p.asked, true
			}
		}
		if !after {
			p.cut = p.asked + 5 // present's look is no command of the channel; three questions, then it
			p.meddle = nil
		}
		err := a.confirm(t.Context(), paperReader{paper: p}, nil)
		sent := 0
		for _, l := range p.log {
			if l == "configure session bisc-r1-1 commit" {
				sent++
			}
		}
		if sent > 1 {
			t.Errorf("the confirmation was sent %d times", sent)
		}
		if is := p.is(); after && (err != nil || is != "new") {
			t.Errorf("%v, is %s", err, is)
		}
	}
}

func TestFaultF30_Shapes(t *testing.T) {
	for _, old := range []bool{false, true} {
		p := newPaper()
		p.old = old
		if out, err := p.through(t.Context(), p.attempt()); out != "new" || err != nil {
			t.Errorf("old %v: %s, %v", old, out, err)
		}
	}
	for name, shape := range map[string]string{
		"no sessions": `{"configSessions":{}}`, "a new state": `{"sessions":{"x":{"state":"provisional"}}}`, "no state": `{"sessions":{"x":{}}}`, "no JSON": `% what`, "a list": `{"sessions":[]}`,
	} {
		t.Run(name+" before anything", func(t *testing.T) {
			p := newPaper()
			p.shape = shape
			err := refusedBy(t, p, "")
			if err == nil || p.did("configure lock transaction bisc-r1") {
				t.Errorf("%v %q", err, p.log)
			}
		})
		t.Run(name+" once the timer runs", func(t *testing.T) {
			p := newPaper()
			p.meddle = func(p *paper, command string) {
				if strings.Contains(command, " commit timer ") {
					p.shape = shape
				}
			}
			began := p.clock
			out, err := p.through(t.Context(), p.attempt())
			if out != "old" || p.did("configure session bisc-r1-1 commit") || p.sessions["bisc-r1-1"].state != "completed" || p.clock.Sub(began) < 5*time.Minute {
				t.Errorf("%s, %v after %s; want to let it run out: %q", out, err, p.clock.Sub(began), p.log)
			}
			if p.is() != "old" {
				t.Error("it is in force")
			}
		})
	}
	t.Run("a timer that is not shown", func(t *testing.T) {
		p := newPaper()
		p.meddle = func(p *paper, command string) {
			if strings.Contains(command, " commit timer ") {
				p.shape = `{"sessions":{"bisc-r1-1":{"state":"committed"}}}`
			}
		}
		out, _ := p.through(t.Context(), p.attempt())
		if out != "old" || p.is() != "old" || p.did("configure session bisc-r1-1 commit") {
			t.Errorf("%s %q", out, p.log)
		}
	})
}

func TestFaultF31_ForeignChangeBetweenDiffAndCommit(t *testing.T) {
	for times, want := range map[int]string{1: "new", 2: "new", 3: "old"} {
		p := newPaper()
		n := 0
		p.meddle = func(p *paper, command string) {
			if command == "show session-config named bisc-r1-1" && n < times {
				n++
				p.running = append(slices.Clone(p.running), fmt.Sprintf("ip route 203.0.113.%d/32 198.51.100.9", n))
			}
		}
		out, err := p.through(t.Context(), p.attempt())
		if out != want || p.is() != want {
			t.Errorf("%d times: %s, is %s: %v", times, out, p.is(), err)
		}
		for i := 1; i <= n; i++ {
			if !slices.Contains(p.running, fmt.Sprintf("ip route 203.0.113.%d/32 198.51.100.9", i)) {
				t.Errorf("%d times: what others changed is undone: %q", times, p.running)
			}
		}
	}
}

func TestFaultF31_ForeignChangeAfterConfirm(t *testing.T) {
	p := newPaper()
	a := p.attempt()
	a.cfg.Look = []time.Duration{15 * time.Second, 75 * time.Second}
	if out, err := p.through(t.Context(), a); out != "new" || err != nil {
		t.Fatal(err)
	}
	before := newPaper().running
	p.meddle = func(p *paper, _ string) {
		if p.clock.After(newPaper().clock.Add(30 * time.Second)) {
			p.running = before // the second manager commits its older snapshot
		}
	}
	err := a.lookAgain(t.Context())
	if err == nil || !strings.Contains(err.Error(), "running-config lacks + "+relayRoute) {
		t.Errorf("%v", err)
	}
}

// TestFaultF31_UnconfirmedLinesAreSaved: the second manager saves while the timer runs. It is found out by the watch, at once taken
// back, proved and saved again.
func TestFaultF31_UnconfirmedLinesAreSaved(t *testing.T) {
	for name, watched := range map[string]bool{"the watch sees it": true, "the look before the confirmation sees it": false} {
		t.Run(name, func(t *testing.T) {
			p := newPaper()
			ticks := make(chan time.Time)
			a := p.attempt()
			a.every = func(time.Duration) (<-chan time.Time, func()) { return ticks, func() {} }
			if _, err := a.commit(t.Context(), noSwap); err != nil {
				t.Fatal(err)
			}
			a.mu.Lock()
			p.startup = slices.Clone(p.running)
			a.mu.Unlock()
			if watched {
				ticks <- time.Time{}
			}
			err := a.confirm(t.Context(), paperReader{paper: p}, nil)
			var reverted *host.RevertedError
			if err == nil {
				t.Fatal("it was confirmed")
			}
			if !errors.As(err, &reverted) {
				err = a.revert(t.Context())
			}
			if !errors.As(err, &reverted) || reverted.Failed > 0 || !strings.Contains(err.Error(), "saved unconfirmed lines") || !strings.Contains(err.Error(), "saved again") {
				t.Errorf("%v", err)
			}
			if p.is() != "old" || slices.Contains(p.startup, relayRoute) || p.owner != "" {
				t.Errorf("is %s, startup %q, lock %q", p.is(), p.startup, p.owner)
			}
		})
	}
}

// TestFaultF31_MendingKeepsNothingOfOthers: unconfirmed lines were saved, and when they are taken back somebody's own timer runs.
func TestFaultF31_MendingKeepsNothingOfOthers(t *testing.T) {
	p := newPaper()
	a := p.attempt()
	if _, err := a.commit(t.Context(), noSwap); err != nil {
		t.Fatal(err)
	}
	p.startup = slices.Clone(p.running)
	if err := a.confirm(t.Context(), paperReader{paper: p}, nil); err == nil {
		t.Fatal("it was confirmed")
	}
	theirs := "ip route 203.0.113.1/32 198.51.100.9"
	p.meddle = func(p *paper, command string) {
		if command == askStartup && p.timer == "" {
			p.pend("bob").sessions["bob"].state = "committed"
			p.before, p.running = p.running, append(slices.Clone(p.running), theirs)
			p.timer, p.ends = "bob", p.clock.Add(time.Hour)
		}
	}
	var reverted *host.RevertedError
	if err := a.revert(t.Context()); !errors.As(err, &reverted) || reverted.Failed == 0 || !strings.Contains(err.Error(), "session bob waits") {
		t.Errorf("%v", err)
	}
	if slices.Contains(p.startup, theirs) {
		t.Error("what others have not confirmed is saved")
	}
}

func TestDeviceHasTheLastWord(t *testing.T) {
	t.Run("a line that was not approved", func(t *testing.T) {
		p := newPaper()
		a := p.attempt()
		a.want.lines = append(a.want.lines, "ip route 198.18.0.2/32 198.51.100.7")
		out, err := p.through(t.Context(), a)
		var other *host.DiffError
		if out != "old" || p.is() != "old" || !errors.As(err, &other) || !slices.Equal(other.More, []string{"+ ip route 198.18.0.2/32 198.51.100.7"}) {
			t.Errorf("%s: %v", out, err)
		}
		if p.did("configure session bisc-r1-1 commit timer 00:05:00") || len(p.sessions) > 0 || p.owner != "" {
			t.Errorf("%q", p.log)
		}
	})
	t.Run("a line that it does not change", func(t *testing.T) {
		p := newPaper()
		a := p.attempt()
		a.want.adds = append(a.want.adds, host.ConfigLine{Line: "ip routing"})
		_, err := p.through(t.Context(), a)
		var other *host.DiffError
		if !errors.As(err, &other) || !slices.Equal(other.Less, []string{"+ ip routing"}) || p.is() != "old" {
			t.Errorf("%v", err)
		}
	})
	t.Run("nothing", func(t *testing.T) {
		p := newPaper()
		p.running = append(slices.Clone(p.running), relayRoute)
		if out, err := p.through(t.Context(), p.attempt()); out != "nothing to do" || err != nil || len(p.sessions) > 0 || p.owner != "" {
			t.Errorf("%s, %v, %v", out, err, p.sessions)
		}
	})
	t.Run("a refused line", func(t *testing.T) {
		p := newPaper()
		a := p.attempt()
		a.want.lines = append(a.want.lines, "bogus")
		out, err := p.through(t.Context(), a)
		var refused *host.ShowError
		if out != "old" || !errors.As(err, &refused) || refused.Command != "bogus" || len(p.sessions) > 0 || p.owner != "" {
			t.Errorf("%s: %v; %v", out, err, p.sessions)
		}
	})
	for _, line := range []string{"commit", "end", "copy running-config startup-config", "rollback clean-config", "show version", "a\x03b", "bash rm x"} {
		t.Run("not a line of configuration: "+line, func(t *testing.T) {
			p := newPaper()
			a := p.attempt()
			a.want.lines = []string{line}
			if out, err := p.through(t.Context(), a); out != "old" || err == nil || p.did("configure session bisc-r1-1") || p.owner != "" {
				t.Errorf("%s: %v: %q", out, err, p.log)
			}
		})
	}
}

func TestAnInterruptLeavesNothing(t *testing.T) {
	whole := newPaper()
	if _, err := whole.through(t.Context(), whole.attempt()); err != nil {
		t.Fatal(err)
	}
	for at := 1; at <= whole.asked; at++ {
		p := newPaper()
		ctx, cancel := context.WithCancel(t.Context())
		p.meddle = func(p *paper, _ string) {
			if p.asked == at {
				cancel()
			}
		}
		began := p.clock
		out, err := p.through(ctx, p.attempt())
		lock, took := p.owner, p.clock.Sub(began)
		if out != p.is() || lock != "" || p.timer != "" || took > time.Minute {
			t.Errorf("interrupted at %q: said %s, is %s, lock %q, timer %q, after %s: %v", whole.log[at-1], out, p.is(), lock, p.timer, took, err)
		}
	}
}

// TestAConfirmationThatMayHaveArrivedKeepsTheFiles: the lines may be kept, and the old files beside them would be neither state.
func TestAConfirmationThatMayHaveArrivedKeepsTheFiles(t *testing.T) {
	f := &swap{path: "/mnt/flash/bisc/x", old: "/mnt/flash/bisc/.x.bisc-old-r1", placed: true}
	var asked []string
	ctx := host.WithAsides(t.Context(), func(_ context.Context, aside host.Aside, _ func(context.Context) (string, error)) error {
		asked = append(asked, aside.What)
		return nil
	})
	for sent, stay := range map[phase]bool{confirming: true, confirmed: true, untouched: false} {
		asked = nil
		w := &Writer{Host: &Host{}, try: &attempt{phase: sent, name: "bisc-r1-1"}, files: []*swap{f}}
		err := w.Revert(ctx)
		if stay && (!errors.Is(err, host.ErrLost) || !strings.Contains(err.Error(), f.old)) || stay == (len(asked) > 0) {
			t.Errorf("phase %d: %v; %q", sent, err, asked)
		}
	}
}

func TestASwitchThatSavesEveryCommitIsRefused(t *testing.T) {
	p := newPaper()
	p.saves = true
	refusedBy(t, p, "Without it: no service configuration session commit save startup-config")
}

func TestNewEnough(t *testing.T) {
	for version, ok := range map[string]bool{"4.34.0F": true, "4.23.1M": true, "4.22.9M": false, "5.0": true, "": false, "x.y": false, "4": false} {
		if _, err := newEnough(fmt.Sprintf(`{"version":%q}`, version)); (err == nil) != ok {
			t.Errorf("%q: %v", version, err)
		}
	}
}
