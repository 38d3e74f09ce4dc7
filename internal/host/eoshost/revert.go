package eoshost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"bisc/internal/host"
)

// revert undoes what is not confirmed and proves it. Nil: nothing was in force, and neither session nor lock is left.
// *host.RevertedError: it was, the old configuration is proved, and Log says how. Any other error: nobody knows.
func (a *attempt) revert(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch a.phase {
	case over:
		return a.end
	case untouched:
		a.close()
		return nil
	case locked, open:
		a.end = a.withdraw(ctx)
		return a.end
	case confirming, confirmed:
		return fmt.Errorf("%w: the confirmation of session %s was sent", host.ErrLost, a.name)
	}
	a.end = a.takeBack(ctx)
	return a.end
}

// halt ends the watch.
func (a *attempt) halt() {
	if a.stop != nil {
		a.stop()
		a.stop = nil
	}
}

// close ends the channel.
func (a *attempt) close() {
	a.halt()
	if a.on != nil {
		a.on.close()
	}
	a.phase = over
}

// reopenLimit is how long a switch that was lost is dialled again.
const reopenLimit = 2 * time.Minute

// reopen makes a new channel where the old one is gone.
func (a *attempt) reopen(ctx context.Context) error {
	if a.lost == nil {
		return nil
	}
	on, err := a.console(ctx)
	if err != nil {
		return err
	}
	a.on, a.lost, a.held = on, nil, nil // the lock, if it is left, is the old channel's
	return nil
}

// reach is reopen until it works, within reopenLimit.
func (a *attempt) reach(ctx context.Context) error {
	for until := a.now().Add(reopenLimit); ; {
		err := a.reopen(ctx)
		if err == nil || !a.now().Before(until) {
			return err
		}
		if err := a.sleep(ctx, 2*time.Second); err != nil {
			return err
		}
	}
}

// withdraw gives back what was taken before anything was in force. The timed commit was never sent, so that there is no deadline to
// wait for.
func (a *attempt) withdraw(ctx context.Context) error {
	defer a.close()
	err := a.owed(ctx, "withdraw: no session, no lock", func(ctx context.Context) (string, error) {
		if err := a.reach(ctx); err != nil {
			return "", err
		}
		said, err := a.clean(ctx)
		var refused *host.ShowError
		if errors.As(err, &refused) { // the channel may stand in a section that it cannot leave
			a.on.close()
			a.lost = err
			return a.again(a.clean)(ctx)
		}
		return said, err
	})
	if err != nil {
		return &host.RevertedError{Host: a.way.name, By: "nothing was committed", Log: []string{fmt.Sprintf("lock %s or session %s may be left: %v", a.lock, a.name, err)}}
	}
	return nil
}

// clean ends the session and the lock, where they are left.
func (a *attempt) clean(ctx context.Context) (string, error) {
	h, err := a.holder(ctx)
	if a.lost != nil {
		return "", a.lost
	}
	if h != nil && h.Transaction == a.lock && !a.holds(h) { // of the channel that is gone: it keeps this one from configuring
		if _, err := a.forceUnlock(ctx); err != nil {
			return "", err
		}
	}
	s, err := a.sessions(ctx)
	if a.lost != nil {
		return "", a.lost
	}
	if err != nil || s.ByName[a.name].State == "pending" {
		var refused *host.ShowError
		_, failed := a.say(ctx, actLimit, "configure session "+a.name+" abort")
		if failed != nil && (err == nil || !errors.As(failed, &refused)) { // who does not know whether it is there may be told that it is not
			return "", failed
		}
	}
	return a.unlock(ctx)
}

// takeBack takes back what is in force under the timer. Where the channel that holds the lock is gone, or the switch's answers are
// not understood, nothing is done until the timer must be over; the switch does it by itself.
func (a *attempt) takeBack(ctx context.Context) error {
	defer a.close()
	by := "the session was aborted"
	if a.lost == nil && a.unsure == nil {
		err := a.owed(ctx, "abort session "+a.name, func(ctx context.Context) (string, error) {
			_, err := a.say(ctx, actLimit, "configure session "+a.name+" abort")
			return "", err
		})
		if err != nil {
			by = "the commit timer ran out"
		}
	} else {
		by = "the commit timer ran out"
	}
	if a.lost != nil || a.unsure != nil {
		if err := a.waitOut(ctx); err != nil {
			return err
		}
	}
	return a.proveBack(ctx, by)
}

// waitOut does nothing until the timer must be over.
func (a *attempt) waitOut(ctx context.Context) error {
	until := a.last.Add(revertMargin)
	return host.DoAside(ctx, host.Aside{What: "wait until the switch has taken it back", Until: until, Owed: true}, func(ctx context.Context) (string, error) {
		return "", a.sleep(ctx, until.Sub(a.now()))
	})
}

// takenBack is what is left to do when the timer was faster.
func (a *attempt) takenBack(ctx context.Context, why error) error {
	defer a.close()
	a.end = a.proveBack(ctx, "the commit timer ran out")
	var reverted *host.RevertedError
	if errors.As(a.end, &reverted) && why != nil {
		reverted.Log = append(reverted.Log, why.Error())
	}
	a.phase = over
	return a.end
}

// proveBack proves that the configuration is the old one again, mends startup-config where unconfirmed lines came into it, and gives
// the lock back.
func (a *attempt) proveBack(ctx context.Context, by string) error {
	back := &host.RevertedError{Host: a.way.name, By: by}
	until := a.now().Add(reopenLimit)
	if a.last.Add(revertMargin).After(until) {
		until = a.last.Add(revertMargin)
	}
	err := host.DoAside(ctx, host.Aside{What: "prove that the old configuration is in force", Until: until, Owed: true}, func(ctx context.Context) (said string, err error) {
		said, err = a.oldAgain(ctx, until)
		back.Log = append(back.Log, said)
		return said, err
	})
	if err != nil {
		return fmt.Errorf("%w: it is not proved that %s is as before (configure checkpoint restore %s brings the old configuration back, whatever others changed since): %w",
			host.ErrLost, a.way.name, a.name, err)
	}
	if err := a.owed(ctx, "see that startup-config has nothing unconfirmed", func(ctx context.Context) (string, error) { return a.mendStartup(ctx, back) }); err != nil {
		back.Log, back.Failed = append(back.Log, "startup-config may have unconfirmed lines, which a reload would bring back: "+err.Error()), back.Failed+1
	}
	if err := a.owed(ctx, "leave neither session nor lock", a.clean); err != nil { // a commit that never arrived leaves its session pending
		back.Log = append(back.Log, fmt.Sprintf("lock %s or session %s may be left: %v", a.lock, a.name, err))
	}
	return back
}

// oldAgain looks until the running configuration is the one of before, by its hash. Where others have changed it too it is never
// that again: then, after a while, the lines are the proof: what the change brought is gone, and what it took is there.
func (a *attempt) oldAgain(ctx context.Context, until time.Time) (string, error) {
	patience := a.now().Add(revertMargin)
	for pause := 500 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		said, why, err := a.lookOld(ctx)
		if why == "" && err == nil || said != "" && !a.now().Before(patience) {
			return said, nil
		}
		if !a.now().Before(until) {
			return "", cmp.Or(err, errors.New(why))
		}
		if err := a.sleep(ctx, pause); err != nil {
			return "", err
		}
	}
}

// lookOld looks once. why says why the hash does not prove it; said, what is proved, by the hash or else by the lines.
func (a *attempt) lookOld(ctx context.Context) (said, why string, err error) {
	if err := a.reopen(ctx); err != nil {
		return "", "", err
	}
	running, err := a.one(ctx, askRunning)
	if err != nil {
		return "", "", err
	}
	s, err := a.sessions(ctx)
	switch {
	case a.lost != nil:
		return "", "", a.lost
	case err == nil && s.Timer == a.name: // not understood: the timer must be over by now, and the hash tells
		return "", "the timer still runs", nil
	}
	hash := hashConfig(running)
	if hash == a.was.hash {
		return fmt.Sprintf("running-config is as before (%.12s)", hash), "", nil
	}
	now, err := whole(running, askRunning)
	if err != nil {
		return "", "", err
	}
	if left := a.want.opposite().lacks(now); len(left) > 0 {
		return "", fmt.Sprintf("running-config still has what was committed: %v", left), nil
	}
	return "running-config has nothing of the change any more; others have changed it since", "it differs from the one of before", nil
}

// mendStartup saves the old configuration again where startup-config has lines that were never confirmed.
func (a *attempt) mendStartup(ctx context.Context, back *host.RevertedError) (string, error) {
	startup, err := a.one(ctx, askStartup)
	if err != nil {
		return "", err
	}
	spoilt := a.spoiltBy(startup)
	if a.spoilt != "" {
		back.Log = append(back.Log, a.spoilt)
	}
	if spoilt == "" {
		return "it has not", nil
	}
	running, err := a.one(ctx, askRunning)
	if err != nil {
		return "", err
	}
	if hashConfig(running) != a.was.hash { // others changed it since; what nobody has confirmed is not saved for the sake of that
		if err := a.maySave(ctx); err != nil {
			return "", fmt.Errorf("%s; not mended: %w", spoilt, err)
		}
	}
	if _, err := a.say(ctx, actLimit, host.Save().Command); err != nil {
		return "", err
	}
	again, err := a.one(ctx, askStartup)
	if err != nil {
		return "", err
	}
	if left := a.spoiltBy(again); left != "" {
		return "", errors.New(left)
	}
	back.Log = append(back.Log, "startup-config had unconfirmed lines; the old configuration was saved again")
	return "saved again", nil
}
