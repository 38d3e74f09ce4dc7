package eoshost

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"bisc/internal/eosconf"
	"bisc/internal/host"
)

const askUnsaved = "show running-config diffs"

// confirm keeps what was proved over fresh: steps 9 to 11. Its error is *host.ConfirmedError where the change is kept and
// something went wrong after that, *host.RevertedError where the switch was faster, host.ErrLost where nobody knows.
func (a *attempt) confirm(ctx context.Context, fresh host.Reader, after []host.CLI) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase == over {
		return a.end
	}
	if a.phase != provisional {
		return fmt.Errorf("session %s is not committed: nothing to confirm", a.name) // a programmer's mistake
	}
	if err := a.present(ctx, fresh); err != nil {
		return err
	}
	if err := a.step(ctx, "look whether it may be confirmed", a.mayConfirm); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // what is confirmed is saved, and its lock given back
	if err := a.step(ctx, "confirm session "+a.name, a.confirmSession); err != nil {
		if a.phase == over || a.phase == provisional {
			return err
		}
		if err = a.resolve(ctx, err); err != nil {
			return err
		}
	}
	a.phase = confirmed
	return a.afterwards(ctx, after)
}

// confirmSession is step 9. It is typed once: of a session that is no more, EOS may make a new one of the same name [I].
func (a *attempt) confirmSession(ctx context.Context) (string, error) {
	a.phase = confirming
	_, err := a.say(ctx, actLimit, "configure session "+a.name+" commit")
	if a.lost != nil {
		return "", err
	}
	kept, there, readErr := a.kept(ctx)
	switch {
	case readErr != nil:
		return "", errors.Join(err, readErr)
	case kept:
		return "no timer runs any more, and the lines are in force", nil
	case there:
		a.phase = provisional
		return "", errors.Join(errors.New("the switch took the confirmation, and the timer runs on"), err)
	}
	return "", errors.Join(fmt.Errorf("the timer of session %s is over, and its lines are not in force", a.name), err)
}

// kept tells whether a change is confirmed, and else whether its timer still runs.
func (a *attempt) kept(ctx context.Context) (kept, timer bool, err error) {
	s, err := a.sessions(ctx)
	if err != nil {
		return false, false, err
	}
	running, err := a.one(ctx, askRunning)
	if err != nil {
		return false, false, err
	}
	now, err := whole(running, askRunning)
	if err != nil || s.Timer == a.name {
		return false, err == nil, err
	}
	return len(a.want.lacks(now)) == 0, false, nil
}

// resolve finds out what became of a confirmation whose answer was lost, or was not understood. Nothing is sent again. Until the
// timer must be over it only looks; nil means that the change is kept, proved over a new connection.
func (a *attempt) resolve(ctx context.Context, why error) error {
	until := a.last.Add(revertMargin)
	var kept bool
	err := host.DoAside(ctx, host.Aside{What: "look whether the confirmation arrived", Until: until, Owed: true}, func(ctx context.Context) (string, error) {
		for pause := time.Second; ; pause = min(2*pause, 10*time.Second) {
			timer, err := true, error(nil)
			if kept, timer, err = a.lookKept(ctx); err == nil && !timer {
				return map[bool]string{true: "it did", false: "it did not: the switch took the change back"}[kept], nil
			}
			if !a.now().Before(until) {
				return "", errors.Join(host.ErrLost, err, why)
			}
			if err := a.sleep(ctx, pause); err != nil {
				return "", errors.Join(host.ErrLost, err, why)
			}
		}
	})
	if err != nil || kept {
		return err
	}
	return a.takenBack(ctx, why)
}

// lookKept asks over a new channel where the old one is gone.
func (a *attempt) lookKept(ctx context.Context) (kept, timer bool, err error) {
	if err := a.reopen(ctx); err != nil {
		return false, false, err
	}
	return a.kept(ctx)
}

// afterwards is what follows a confirmation: what is done only then, save, read back, unlock.
func (a *attempt) afterwards(ctx context.Context, after []host.CLI) error {
	a.halt()
	err := errors.Join(a.commandsAfter(ctx, after),
		a.owed(ctx, "save running-config to startup-config", a.again(a.save)),
		a.owed(ctx, "unlock the configuration", a.again(a.unlock)))
	a.phase = over
	if err != nil {
		a.end = &host.ConfirmedError{Host: a.way.name, Err: err}
	}
	return a.end
}

// again does what may be done twice once more, over a new channel, where the channel went meanwhile.
func (a *attempt) again(do func(context.Context) (string, error)) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		said, err := do(ctx)
		if a.lost == nil {
			return said, err
		}
		if err := a.reach(ctx); err != nil {
			return "", err
		}
		return do(ctx)
	}
}

// commandsAfter does what is done once the change is kept. Saves are one, at the end.
func (a *attempt) commandsAfter(ctx context.Context, after []host.CLI) error {
	for _, c := range after {
		if c == host.Save() {
			continue
		}
		err := a.step(ctx, c.Command, func(ctx context.Context) (string, error) {
			_, err := a.say(ctx, actLimit, c.Command)
			return "", err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// maySave refuses while somebody's commit waits for its confirmation: a save keeps all that runs, theirs too, and what they never
// confirm would come back with a reload.
func (a *attempt) maySave(ctx context.Context) error {
	s, err := a.sessions(ctx)
	if err != nil {
		return misread("no commit timer of others runs", err)
	}
	if s.Timer != "" {
		return guarded("no commit timer of others runs", "the commit of session %s waits for its confirmation: save once it is confirmed or taken back", s.Timer)
	}
	return nil
}

// save is step 10, and proves it: the switch itself finds no difference, and startup-config has what was approved, and nothing that
// waits for a confirmation.
func (a *attempt) save(ctx context.Context) (string, error) {
	if err := a.maySave(ctx); err != nil {
		return "", fmt.Errorf("running-config is NOT saved: %w", err)
	}
	if _, err := a.say(ctx, actLimit, host.Save().Command); err != nil {
		return "", fmt.Errorf("the change is in force and NOT saved, so that a reload loses it: %w", err)
	}
	out, err := a.ask(ctx, askUnsaved, askStartup)
	if err != nil {
		return "", err
	}
	if diff := strings.TrimSpace(out[0]); diff != "" {
		return "", fmt.Errorf("saved, and yet startup-config differs from running-config:\n%s", eosconf.Redact(diff))
	}
	startup, err := eosconf.Parse([]byte(out[1]))
	if err != nil {
		return "", fmt.Errorf("%s: %w", askStartup, err)
	}
	if missing := a.want.lacks(startup); len(missing) > 0 {
		return "", fmt.Errorf("saved, and yet startup-config lacks %s", strings.Join(missing, ", "))
	}
	if err := a.maySave(ctx); err != nil { // it may have begun right before the save
		return "", fmt.Errorf("saved, and startup-config may have lines that nobody has confirmed: save again once they are, or are taken back: %w", err)
	}
	return "read back: startup-config has it", nil
}

// unlock is step 11. A lock that was freed by others meanwhile is no longer ours to free.
func (a *attempt) unlock(ctx context.Context) (string, error) {
	h, err := a.holder(ctx)
	switch {
	case errors.Is(err, eosconf.ErrShape), errors.As(err, new(*host.GuardError)): // its own transaction is all that this can end
		return a.unlockOwn(ctx)
	case err != nil:
		return "", err
	case h == nil:
		return "it is free already", nil
	case h.Transaction != a.lock:
		return "others hold it now: " + h.String(), nil
	case !a.holds(h): // of a channel of this run that is gone
		return a.forceUnlock(ctx)
	}
	return a.unlockOwn(ctx)
}

func (a *attempt) unlockOwn(ctx context.Context) (string, error) {
	if _, err := a.say(ctx, actLimit, "configure unlock transaction "+a.lock); err != nil {
		return "", fmt.Errorf("the configuration lock %s is left (configure unlock force frees it): %w", a.lock, err)
	}
	return "", nil
}

// lookAgain is step 12: whoever takes a snapshot before a commit and commits it after undoes what came between (eos.md 0.2). So the
// switch is looked at once more after the second manager's period.
func (a *attempt) lookAgain(ctx context.Context) error {
	began := a.now()
	for _, d := range a.cfg.looks() {
		at := began.Add(d)
		err := host.DoAside(ctx, host.Aside{What: fmt.Sprintf("look again %s after the confirmation", d), Until: at}, func(ctx context.Context) (string, error) {
			if err := a.sleep(ctx, at.Sub(a.now())); err != nil {
				return "", err
			}
			return a.again(a.stillThere)(ctx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// stillThere proves that what was confirmed is in force and saved.
func (a *attempt) stillThere(ctx context.Context) (string, error) {
	out, err := a.ask(ctx, askRunning, askStartup)
	if err != nil {
		return "", err
	}
	for i, command := range []string{askRunning, askStartup} {
		now, err := eosconf.Parse([]byte(out[i]))
		if err != nil {
			return "", fmt.Errorf("%s: %w", command, err)
		}
		if missing := a.want.lacks(now); len(missing) > 0 {
			return "", fmt.Errorf("somebody has undone it since: %s lacks %s (a second manager that commits an older snapshot does that; plan again)", command, strings.Join(missing, ", "))
		}
	}
	return "running-config and startup-config have it", nil
}

// looks is when.
func (c Config) looks() []time.Duration {
	if c.Look == nil {
		return DefaultLook()
	}
	return c.Look
}
