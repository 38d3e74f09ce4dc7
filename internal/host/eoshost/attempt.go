package eoshost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"bisc/internal/eosconf"
	"bisc/internal/host"
)

// commands is one privileged context of a switch's command line. A refusal is a *host.ShowError, and what was to be typed after the
// refused command has not taken effect; any other error means that the context is gone.
type commands interface {
	run(ctx context.Context, limit time.Duration, cmds ...string) ([]string, error)
	close()
}

// way is how an attempt reaches its switch.
type way struct {
	tempo
	name    string
	console func(ctx context.Context) (commands, error) // over a connection made for it; the switch proved to be itself
}

// tempo is time.
type tempo struct {
	now   func() time.Time
	sleep func(ctx context.Context, d time.Duration) error
	every func(d time.Duration) (ticks <-chan time.Time, stop func())
}

// realTime is the clock's.
func realTime() tempo {
	return tempo{now: time.Now, sleep: sleep, every: func(d time.Duration) (<-chan time.Time, func()) {
		t := time.NewTicker(d)
		return t.C, t.Stop
	}}
}

// sleep waits; the error is ctx's end.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// phase is how far an attempt came. It is advanced before the command that advances it is typed: whether that took effect may
// never be heard.
type phase int

const (
	untouched   phase = iota
	locked            // the lock may be ours
	open              // a session of ours may be pending
	provisional       // the timed commit may be in force
	confirming        // the confirmation may have arrived
	confirmed
	over
)

// attempt is one try of a stage's lines, from the lock to its end: eos.md B.4, a method a step.
type attempt struct {
	way
	cfg  Config
	lock string // the lock's transaction: bisc-RUN
	name string // of the session and the checkpoint: bisc-RUN-N
	want wanted

	mu    sync.Mutex // held while the switch is asked: the watch asks too
	on    commands   // the context that holds the lock; a confirmation goes over no other
	lost  error      // why on is gone
	phase phase
	ctx   context.Context // of the commit, for what the watch has to write down

	was    snapshot
	held   *eosconf.Holder // our lock, as the switch names it
	first  time.Time       // when the timer runs out at the earliest, by our clock
	last   time.Time       // and at the latest
	unsure error           // why the timer is left to run out: the switch's answers are not understood
	spoilt string          // how unconfirmed lines came into startup-config; empty: they have not
	end    error           // what the watch's revert came to, once phase is over
	stop   func()          // ends the watch
}

// limits of one command: most answer at once; a commit of a large configuration takes some 10 s [I].
const (
	askLimit = time.Minute
	actLimit = 3 * time.Minute
)

// say types commands and gives their answers. It is not broken off: whether a command took effect is worth the wait.
func (a *attempt) say(ctx context.Context, limit time.Duration, cmds ...string) ([]string, error) {
	if a.lost != nil {
		return nil, a.lost
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	out, err := a.on.run(context.WithoutCancel(ctx), limit, cmds...)
	var refused *host.ShowError
	if err == nil || errors.As(err, &refused) {
		return out, err
	}
	a.lost = fmt.Errorf("%w: the channel that holds the lock is gone: %w", host.ErrUnreachable, err)
	a.on.close()
	return nil, a.lost
}

// ask is say for questions.
func (a *attempt) ask(ctx context.Context, cmds ...string) ([]string, error) {
	return a.say(ctx, askLimit, cmds...)
}

// one is ask for one question.
func (a *attempt) one(ctx context.Context, cmd string) (string, error) {
	out, err := a.ask(ctx, cmd)
	if err != nil {
		return "", err
	}
	return out[0], nil
}

// step does one step, written down and shown.
func (a *attempt) step(ctx context.Context, what string, do func(context.Context) (string, error)) error {
	return host.DoAside(ctx, host.Aside{What: what}, do)
}

// owed is a step that undoes, or gives back.
func (a *attempt) owed(ctx context.Context, what string, do func(context.Context) (string, error)) error {
	return host.DoAside(ctx, host.Aside{What: what, Owed: true}, do)
}

// commit puts the lines in force under a timer: steps 0 to 7. It is done is false where the switch had them already, in its own
// spelling: then no session is left.
func (a *attempt) commit(ctx context.Context, swap func(context.Context) error) (inForce bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ctx = context.WithoutCancel(ctx)
	for _, s := range []struct {
		what string
		do   func(context.Context) (string, error)
	}{
		{"preflight: version, sessions, timers, lock", a.preflight},
		{"lock the configuration as " + a.lock, a.takeLock},
		{"end the sessions of runs that are dead", a.clearDead},
		{"save checkpoint " + a.name, a.checkpoint},
	} {
		if err := a.step(ctx, s.what, s.do); err != nil {
			return false, err
		}
	}
	differs, err := a.agreed(ctx)
	if err != nil {
		return false, err
	}
	if err := swap(ctx); err != nil {
		return false, err
	}
	if !differs {
		err := a.owed(ctx, "unlock the configuration", a.unlock)
		if err == nil {
			a.phase = untouched
		}
		return false, err
	}
	err = a.step(ctx, fmt.Sprintf("commit session %s for %s", a.name, a.cfg.timer()), a.timedCommit)
	if err == nil {
		a.watch()
	}
	return err == nil, err
}

// raceLimit is how often the candidate is made anew because others changed the configuration meanwhile.
const raceLimit = 3

// agreed makes the candidate and proves that it does what was approved to the configuration as it is now: steps 3 to 6. differs is
// false where it would change nothing.
func (a *attempt) agreed(ctx context.Context) (differs bool, err error) {
	for try := 1; ; try++ {
		if err := a.step(ctx, "read running-config and startup-config", a.snapshot); err != nil {
			return false, err
		}
		if err := a.step(ctx, "type the candidate into session "+a.name, a.candidate); err != nil {
			return false, err
		}
		raced, otherwise := false, error(nil)
		otherwise = a.step(ctx, "compare the switch's own diff with the approved one", func(ctx context.Context) (said string, err error) {
			differs, said, err = a.compare(ctx)
			return said, err
		})
		if otherwise == nil && !differs {
			return false, a.owed(ctx, "abort session "+a.name+", which changes nothing", a.abort)
		}
		err := a.step(ctx, "look whether anybody changed the configuration meanwhile", func(ctx context.Context) (said string, err error) {
			raced, said, err = a.raced(ctx)
			return said, err
		})
		if err != nil || !raced {
			return true, cmp.Or(err, otherwise) // a diff that others are in is their doing, and no fault of the plan's
		}
		if err := a.owed(ctx, "abort session "+a.name, a.abort); err != nil {
			return false, err
		}
		if try == raceLimit {
			return false, &host.GuardError{Guard: "nobody else changes the configuration",
				Reason: fmt.Sprintf("somebody did, %d times between the diff and the commit, although bisc holds the lock: to commit would undo it", raceLimit)}
		}
	}
}

// snapshot is a configuration as it was before the change.
type snapshot struct {
	running, startup *eosconf.Config
	hash             string // of the running configuration
	saved            string // of the startup configuration
}
