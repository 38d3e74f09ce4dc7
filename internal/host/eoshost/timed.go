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

// Margins of a commit timer, which runs by the switch's clock: how long before its earliest end nothing is confirmed any more, and how
// long after its latest end the switch may take to be as before (a full replace of a large configuration takes some 10 s [I]).
const (
	confirmMargin = 10 * time.Second
	revertMargin  = 30 * time.Second
)

// watchEvery is how often the switch is looked at while the timer runs.
const watchEvery = 15 * time.Second

// timer is how long the switch waits for the confirmation, in whole seconds.
func (c Config) timer() time.Duration {
	if c.Timer > 0 {
		return c.Timer.Round(time.Second)
	}
	return DefaultTimer
}

// hms is a duration as EOS takes it: 00:05:00 [V].
func hms(d time.Duration) string {
	s := int(d.Seconds())
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

// timedCommit is step 7. The switch must say in a known way that the timer runs: who cannot see a timer cannot tell what is kept.
func (a *attempt) timedCommit(ctx context.Context) (string, error) {
	a.phase = provisional
	a.first = a.now().Add(a.cfg.timer())
	a.last = a.first.Add(actLimit) // until the answer is there, it may begin as late as that
	_, err := a.say(ctx, actLimit, "configure session "+a.name+" commit timer "+hms(a.cfg.timer()))
	a.last = a.now().Add(a.cfg.timer())
	if err != nil {
		return "", err
	}
	s, err := a.sessions(ctx)
	if err == nil && s.Timer != a.name {
		err = fmt.Errorf("%w: it took the commit of %s, and shows no timer of it (timer: %q)", eosconf.ErrShape, a.name, s.Timer)
	}
	if errors.Is(err, eosconf.ErrShape) {
		a.unsure = err
	}
	if err != nil {
		return "", misread("the commit's timer runs", err)
	}
	return "taken back at " + a.first.Format(time.TimeOnly) + " unless it is confirmed", nil
}

// watch looks at the switch while the timer runs: the second manager saves running-config in each of its cycles, and a reload
// would keep then what was never proved (eos.md 0.2). It ends by itself when the attempt does.
func (a *attempt) watch() {
	ticks, stop := a.every(watchEvery)
	done := make(chan struct{})
	a.stop = func() { stop(); close(done) }
	go func() {
		for {
			select {
			case <-done:
				return
			case <-ticks:
			}
			a.mu.Lock()
			on := a.phase == provisional && a.lost == nil
			if on {
				a.lookMeanwhile(a.ctx)
			}
			a.mu.Unlock()
			if !on {
				return
			}
		}
	}()
}

// lookMeanwhile takes the change back at once where unconfirmed lines have come into startup-config.
func (a *attempt) lookMeanwhile(ctx context.Context) {
	answer, err := a.one(ctx, askStartup)
	if err != nil {
		return // the channel is gone, and with it any confirmation: the timer runs out
	}
	if a.spoilt = a.spoiltBy(answer); a.spoilt != "" {
		a.end = a.takeBack(ctx)
	}
}

// spoiltBy tells which unconfirmed lines a startup configuration has; empty: none.
func (a *attempt) spoiltBy(startup string) string {
	if hashConfig(startup) == a.was.saved {
		return ""
	}
	now, err := eosconf.Parse([]byte(startup))
	if err != nil {
		return fmt.Sprintf("startup-config changed, and cannot be read: %v", err)
	}
	if came := a.want.came(a.was.startup, now); len(came) > 0 {
		return "somebody saved unconfirmed lines to startup-config: " + strings.Join(came, ", ")
	}
	return ""
}

// mayConfirm is what must hold right before the confirmation: it goes over the channel that holds the lock, while the timer that
// is shown is ours, with time left, and startup-config without what is not confirmed.
func (a *attempt) mayConfirm(ctx context.Context) (string, error) {
	if a.unsure != nil {
		return "", untold("the commit's timer runs", a.unsure)
	}
	s, err := a.sessions(ctx)
	if errors.Is(err, eosconf.ErrShape) {
		a.unsure = err
	}
	if err != nil {
		return "", misread("the commit's timer runs", err)
	}
	h, err := a.holder(ctx)
	if err != nil {
		return "", err
	}
	startup, err := a.one(ctx, askStartup)
	if err != nil {
		return "", err
	}
	a.spoilt = a.spoiltBy(startup)
	left := a.first.Sub(a.now())
	switch {
	case s.Timer != a.name:
		return "", guarded("the commit's timer runs", "it does not any more (timer: %q)", s.Timer)
	case !a.holds(h):
		return "", guarded("the configuration lock is ours", "it is not any more: %v", h)
	case left < a.margin():
		return "", guarded("there is time to confirm", "the switch takes it back in %s", left.Round(time.Second))
	case a.spoilt != "":
		return "", errors.New(a.spoilt)
	}
	return fmt.Sprintf("%s before the timer's end", left.Round(time.Second)), nil
}

// margin is confirmMargin, and less where the whole timer is short.
func (a *attempt) margin() time.Duration { return min(confirmMargin, a.cfg.timer()/4) }

// present proves over a connection that was made after the commit that what is in force is what was approved.
func (a *attempt) present(ctx context.Context, fresh host.Reader) error {
	text, err := fresh.Show(ctx, askRunning)
	if err != nil {
		return fmt.Errorf("looking over the new connection whether the lines are in force: %w", err)
	}
	now, err := whole(string(text), askRunning)
	if err != nil {
		return err
	}
	if missing := a.want.lacks(now); len(missing) > 0 {
		return fmt.Errorf("over the new connection the running configuration lacks what was committed: %s", strings.Join(missing, ", "))
	}
	return nil
}
