package eoshost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"bisc/internal/eosconf"
	"bisc/internal/host"
)

// guarded is a refusal: nothing was changed.
func guarded(guard, reason string, args ...any) error {
	return &host.GuardError{Guard: guard, Reason: fmt.Sprintf(reason, args...)}
}

// untold is a refusal because nobody can tell.
func untold(guard string, err error) error {
	return &host.GuardError{Guard: guard, Reason: err.Error(), Unknown: true}
}

// misread is untold where an answer was not understood; what was never answered is its own error.
func misread(guard string, err error) error {
	if errors.Is(err, eosconf.ErrShape) {
		return untold(guard, err)
	}
	return err
}

// preflight is step 0: it only asks.
func (a *attempt) preflight(ctx context.Context) (string, error) {
	on, err := a.console(ctx)
	if err != nil {
		return "", err
	}
	a.on = on
	answer, err := a.one(ctx, "show version | json")
	if err != nil {
		return "", err
	}
	version, err := newEnough(answer)
	if err != nil {
		return "", err
	}
	s, err := a.sessions(ctx)
	if err != nil {
		return "", misread("no commit timer of others runs", err)
	}
	if _, err := a.holder(ctx); err != nil { // who cannot see a lock must not take it
		return "", err
	}
	return "EOS " + version, a.mayConfigure(s)
}

// mayConfigure refuses where a session of ours would be in somebody's way, or nothing would stop it.
func (a *attempt) mayConfigure(s eosconf.Sessions) error {
	if s.Timer != "" {
		return guarded("no commit timer of others runs", "the commit of session %s waits for its confirmation: wait until it is confirmed or taken back", s.Timer)
	}
	if s.Saves != nil && *s.Saves {
		return guarded("an unconfirmed commit is not saved", "the switch has \"service configuration session commit save startup-config\": a reload would keep what was never proved. Without it: no service configuration session commit save startup-config")
	}
	others := slices.DeleteFunc(s.Pending(), func(name string) bool { _, our := eosconf.RunOf(name); return our })
	if len(others) >= s.Max {
		return guarded("a configuration session is free", "%d of %d are pending: %s. Abort one that nobody needs (configure session NAME abort)", len(others), s.Max, strings.Join(others, ", "))
	}
	return nil
}

// newEnough refuses releases before 4.23, the first with timed commits of sessions from privileged mode [I].
func newEnough(answer string) (string, error) {
	var v struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal([]byte(answer), &v); err != nil || v.Version == "" {
		return "", untold("the release has timed commits", fmt.Errorf("%w: show version | json", eosconf.ErrShape))
	}
	parts := strings.SplitN(v.Version, ".", 3)
	major, err := strconv.Atoi(parts[0])
	minor := 0
	if err == nil && len(parts) > 1 {
		minor, err = strconv.Atoi(parts[1])
	}
	if err != nil || len(parts) < 2 {
		return "", untold("the release has timed commits", fmt.Errorf("the version %q is none that bisc can read", v.Version))
	}
	if major < 4 || major == 4 && minor < 23 {
		return "", guarded("the release has timed commits", "EOS %s is older than 4.23", v.Version)
	}
	return v.Version, nil
}

// How long a lock of others is waited for, and how often it is looked at.
const (
	lockWait  = time.Minute
	lockPause = 5 * time.Second
)

// takeLock is step 1. The lock belongs to this context of the command line; no other may configure while it is held [V].
func (a *attempt) takeLock(ctx context.Context) (string, error) {
	for until := a.now().Add(lockWait); ; {
		a.phase = locked
		_, refused := a.say(ctx, actLimit, "configure lock transaction "+a.lock)
		if a.lost != nil {
			return "", refused
		}
		h, err := a.holder(ctx)
		switch {
		case err != nil:
			return "", err
		case refused == nil && h != nil && h.Transaction == a.lock:
			a.held = h
			return "held by " + h.String(), nil
		case refused == nil:
			return "", untold("the configuration lock is ours", fmt.Errorf("the switch took the lock and names another holder: %v", h))
		}
		a.phase = untouched
		dead := false
		if h != nil {
			if dead, err = a.isDead(ctx, h); err != nil {
				return "", err
			}
		}
		if !dead {
			if err := a.lockedOut(ctx, h, refused, until); err != nil {
				return "", err
			}
			continue
		}
		if err := a.owed(ctx, "free the lock of a dead run: "+h.String(), a.forceUnlock); err != nil {
			return "", err
		}
	}
}

// lockedOut waits for a moment, or says who holds the lock.
func (a *attempt) lockedOut(ctx context.Context, h *eosconf.Holder, refused error, until time.Time) error {
	if a.now().Add(lockPause).Before(until) {
		return a.sleep(ctx, lockPause)
	}
	if h == nil {
		return guarded("the configuration lock is free", "the switch refuses to lock: %v", refused)
	}
	if run, our := eosconf.RunOf(h.Transaction); our {
		return guarded("the configuration lock is free", "%s holds it: run %s of bisc. It may live: its terminal is there (show users). If it does not, free the lock on the switch: configure unlock force", h, run)
	}
	return guarded("the configuration lock is free", "%s holds it: wait for it to end, or ask its owner. bisc never frees a lock of others", h)
}

// isDead tells whether a lock is of a run of bisc's that is proved to be dead: of this run, which has no other context any more, or
// of one whose terminal is gone from the switch. A run confirms over the context that holds its lock and no other, so that one
// without it can confirm nothing, wherever it may still run. What is not understood proves nothing.
func (a *attempt) isDead(ctx context.Context, h *eosconf.Holder) (bool, error) {
	if _, our := eosconf.RunOf(h.Transaction); !our {
		return false, nil
	}
	if h.Transaction == a.lock {
		return true, nil
	}
	answer, err := a.one(ctx, "show users")
	var refused *host.ShowError
	if errors.As(err, &refused) {
		return false, nil
	}
	return terminalGone(answer, h.TTY), err
}

// terminals are the lines of "show users", ours with a star: "*   2 vty 5   admin   idle   00:00:00   192.0.2.1" [I].
var terminals = regexp.MustCompile(`(?m)^(\*?)\s*\d+\s+(\w+?) ?(\d+)\s`)

// terminalGone tells whether a terminal is proved to be none of a switch's. The list is believed if it has the one that asks.
func terminalGone(users, tty string) bool {
	if !regexp.MustCompile(`^vty\d+$`).MatchString(tty) {
		return false
	}
	asks := false
	for _, l := range terminals.FindAllStringSubmatch(users, -1) {
		if l[2]+l[3] == tty {
			return false
		}
		asks = asks || l[1] == "*"
	}
	return asks
}

// forceUnlock frees a lock of a dead run. Whatever that run had committed is confirmed or taken back: no timer runs.
func (a *attempt) forceUnlock(ctx context.Context) (string, error) {
	s, err := a.sessions(ctx)
	if err != nil {
		return "", misread("no commit timer runs", err)
	}
	h, err := a.holder(ctx)
	if err != nil {
		return "", err
	}
	if h == nil {
		return "it is free already", nil
	}
	dead, err := a.isDead(ctx, h)
	switch {
	case err != nil:
		return "", err
	case s.Timer != "":
		return "", guarded("no commit timer runs", "the commit of session %s waits for its confirmation", s.Timer)
	case !dead:
		return "", guarded("the lock is of a dead run", "%s holds it", h)
	}
	_, err = a.say(ctx, actLimit, "configure unlock force")
	return "", err
}

// holder asks who holds the lock.
func (a *attempt) holder(ctx context.Context) (*eosconf.Holder, error) {
	answer, err := a.one(ctx, eosconf.AskLock)
	var refused *host.ShowError
	if errors.As(err, &refused) {
		err = fmt.Errorf("%w: %w", eosconf.ErrShape, err)
	}
	var h *eosconf.Holder
	if err == nil {
		h, err = eosconf.ReadLock([]byte(answer))
	}
	if err != nil {
		return nil, misread("the configuration lock is ours", err)
	}
	return h, nil
}

// sessions asks for the sessions. Its error is ErrShape, or the channel's end.
func (a *attempt) sessions(ctx context.Context) (eosconf.Sessions, error) {
	answer, err := a.one(ctx, eosconf.AskSessions)
	var refused *host.ShowError
	switch {
	case errors.As(err, &refused):
		return eosconf.Sessions{}, fmt.Errorf("%w: %w", eosconf.ErrShape, err)
	case err != nil:
		return eosconf.Sessions{}, err
	}
	return eosconf.ReadKnown([]byte(answer))
}

// clearDead ends the sessions that dead runs of bisc left pending. A living run has a session only while it holds the lock, and the
// lock is ours: who left one is dead, or can confirm nothing any more.
func (a *attempt) clearDead(ctx context.Context) (string, error) {
	s, err := a.sessions(ctx)
	if err != nil {
		return "", misread("the sessions are known", err)
	}
	if err := a.mayConfigure(s); err != nil { // somebody may have committed before the lock was ours
		return "", err
	}
	var ended []string
	for _, name := range s.Pending() {
		if _, our := eosconf.RunOf(name); !our {
			continue
		}
		if _, err := a.say(ctx, actLimit, "configure session "+name+" abort"); err != nil {
			return "", fmt.Errorf("ending session %s of a dead run: %w", name, err)
		}
		ended = append(ended, name)
	}
	if len(ended) == 0 {
		return "there are none", nil
	}
	return "ended " + strings.Join(ended, ", "), nil
}

// checkpoint is step 2: what an operator restores by hand if all else fails.
func (a *attempt) checkpoint(ctx context.Context) (string, error) {
	_, err := a.say(ctx, actLimit, "configure checkpoint save "+a.name)
	return "", err
}
