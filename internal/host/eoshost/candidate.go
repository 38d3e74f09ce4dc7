package eoshost

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bisc/internal/eosconf"
	"bisc/internal/host"
)

const (
	askRunning = "show running-config"
	askStartup = "show startup-config"
)

// snapshot is step 3: what the configuration is, to compare with and to prove a revert by.
func (a *attempt) snapshot(ctx context.Context) (string, error) {
	out, err := a.ask(ctx, askRunning, askStartup)
	if err != nil {
		return "", err
	}
	running, err := whole(out[0], askRunning)
	if err != nil {
		return "", err
	}
	startup, err := eosconf.Parse([]byte(out[1]))
	if err != nil {
		return "", fmt.Errorf("%s: %w", askStartup, err)
	}
	if a.was.startup != nil { // the first one counts: what startup-config was before anything of ours
		startup = a.was.startup
		a.was = snapshot{running: running, startup: startup, hash: hashConfig(out[0]), saved: a.was.saved}
	} else {
		a.was = snapshot{running: running, startup: startup, hash: hashConfig(out[0]), saved: hashConfig(out[1])}
	}
	return fmt.Sprintf("running-config %.12s, startup-config %.12s", a.was.hash, a.was.saved), nil
}

// whole parses a configuration that must be there to its end: a line that was cut off is not one that is absent.
func whole(text, command string) (*eosconf.Config, error) {
	c, err := eosconf.Parse([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	if !c.Whole() {
		return nil, fmt.Errorf("%s: the answer does not go to its \"end\"", command)
	}
	return c, nil
}

// hashConfig is a digest of a configuration without the comments at its head: they name the command and the time.
func hashConfig(text string) string {
	for strings.HasPrefix(text, "!") || strings.HasPrefix(text, "\n") {
		_, text, _ = strings.Cut(text, "\n")
	}
	sum := sha256.Sum256([]byte(strings.TrimRight(text, "\n")))
	return hex.EncodeToString(sum[:])
}

// candidate is step 4. A line that the switch refuses ends it.
func (a *attempt) candidate(ctx context.Context) (string, error) {
	if err := inSession(a.want.lines); err != nil {
		return "", err
	}
	a.phase = open
	if _, err := a.say(ctx, actLimit, "configure session "+a.name); err != nil {
		return "", err
	}
	cmds := append(slices.Clone(a.want.lines), "end")
	if _, err := a.say(ctx, actLimit, cmds...); err != nil {
		_, _ = a.say(context.WithoutCancel(ctx), actLimit, "end") // out of whatever section the refusal left it in; the session is aborted by its name
		var refused *host.ShowError
		if errors.As(err, &refused) {
			shown := *refused
			shown.Command, shown.Text = eosconf.Redact(refused.Command), eosconf.Redact(refused.Text)
			return "", &shown
		}
		return "", err
	}
	return fmt.Sprintf("%d lines", len(a.want.lines)), nil
}

// compare is step 5: the switch's own diff is the last word, and it must be the approved one, line for line. differs is false where
// it is empty.
func (a *attempt) compare(ctx context.Context) (differs bool, said string, err error) {
	out, err := a.ask(ctx, "show session-config named "+a.name+" diffs", "show session-config named "+a.name)
	if err != nil {
		return false, "", err
	}
	if strings.TrimSpace(out[0]) == "" {
		return false, "the switch has these lines already, in its own spelling", nil
	}
	after, err := whole(out[1], "show session-config")
	if err != nil {
		return false, "", err
	}
	adds, removes := eosconf.Diff(a.was.running, after)
	if err := eosconf.Agree(adds, removes, out[0]); err != nil {
		return false, "", fmt.Errorf("bisc does not read the switch's diff as the switch means it (a fault in bisc; nothing was committed): %w", err)
	}
	var other *eosconf.DisagreeError
	if err := eosconf.AgreeTree(entries(a.want.adds), entries(a.want.removes), a.was.running, after); errors.As(err, &other) {
		return false, "", &host.DiffError{Host: a.way.name, More: redacted(other.Extra), Less: redacted(other.Missing)}
	} else if err != nil {
		return false, "", err
	}
	return true, fmt.Sprintf("%d lines come, %d go", len(adds), len(removes)), nil
}

func redacted(lines []string) []string {
	var out []string
	for _, l := range lines {
		out = append(out, eosconf.Redact(l))
	}
	return out
}

// raced is step 6: to commit puts the whole session in force, as the configuration was when it was opened [V]. What others changed
// since would be undone.
func (a *attempt) raced(ctx context.Context) (raced bool, said string, err error) {
	running, err := a.one(ctx, askRunning)
	if err != nil {
		return false, "", err
	}
	s, err := a.sessions(ctx)
	if err != nil {
		return false, "", misread("no commit timer of others runs", err)
	}
	h, err := a.holder(ctx)
	switch {
	case err != nil:
		return false, "", err
	case !a.holds(h):
		return false, "", guarded("the configuration lock is ours", "it is not any more: %v", h)
	case s.Timer != "":
		return false, "", guarded("no commit timer of others runs", "the commit of session %s waits for its confirmation", s.Timer)
	case s.ByName[a.name].State != "pending":
		return false, "", guarded("the session is ours", "somebody ended session %s", a.name)
	}
	if now := hashConfig(running); now != a.was.hash {
		return true, fmt.Sprintf("running-config was %.12s and is %.12s: the candidate is made anew", a.was.hash, now), nil
	}
	return false, "nobody did", nil
}

// holds tells whether a lock is the one that was taken, by this context.
func (a *attempt) holds(h *eosconf.Holder) bool {
	return h != nil && a.held != nil && h.Transaction == a.lock && h.TTY == a.held.TTY && h.Since.Equal(a.held.Since)
}

// abort ends the session by its name from privileged mode: in a section of the session the word would only leave the section [V].
func (a *attempt) abort(ctx context.Context) (string, error) {
	_, err := a.say(ctx, actLimit, "configure session "+a.name+" abort")
	if err == nil {
		a.phase = locked
	}
	return "", err
}
