package eoshost

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Commands by which the machine learns who configures the switch.
const (
	askSessions = "show configuration sessions detail | json"
	askLock     = "show configuration lock | json"
)

// errShape: an answer of a release that nobody has seen. What it says is not guessed.
var errShape = errors.New("the switch's answer has a shape that this bisc does not know")

// sessions are a switch's configuration sessions (eos.md B.1).
type sessions struct {
	state map[string]string // by name: pending, committed, completed, aborted, pendingCommitTimer
	max   int               // pending ones that the switch allows
	// timer is the session whose commit waits for its confirmation; empty: none.
	timer string
	// saves: every commit is written to startup-config at once, the unconfirmed too.
	saves bool
}

// readSessions reads either shape. Before 4.32 the session that waits is in state pendingCommitTimer; since then it is in state
// committed, and the answer names it in commitTimerSessionName while the timer runs [V].
func readSessions(answer string) (sessions, error) {
	var raw struct {
		Sessions map[string]struct {
			State *string `json:"state"`
		} `json:"sessions"`
		Max   *int    `json:"maxOpenSessions"`
		Saves *bool   `json:"saveToStartupConfigOnCommit"`
		Timer *string `json:"commitTimerSessionName"`
	}
	if err := json.Unmarshal([]byte(answer), &raw); err != nil {
		return sessions{}, fmt.Errorf("%w: %s: %w", errShape, askSessions, err)
	}
	if raw.Sessions == nil {
		return sessions{}, fmt.Errorf("%w: %s: it lists no sessions", errShape, askSessions)
	}
	s := sessions{state: map[string]string{}, max: 5, saves: raw.Saves != nil && *raw.Saves} // 5 is EOS's own default [V]
	if raw.Max != nil {
		s.max = *raw.Max
	}
	if raw.Timer != nil {
		s.timer = *raw.Timer
	}
	for _, name := range slices.Sorted(maps.Keys(raw.Sessions)) {
		state := raw.Sessions[name].State
		if state == nil || !slices.Contains([]string{"pending", "committed", "completed", "aborted", "pendingCommitTimer"}, *state) {
			return sessions{}, fmt.Errorf("%w: %s: the state of session %q", errShape, askSessions, name)
		}
		s.state[name] = *state
		if *state == "pendingCommitTimer" {
			s.timer = name
		}
	}
	return s, nil
}

// pending lists the sessions that take a slot.
func (s sessions) pending() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(s.state)) {
		if s.state[name] == "pending" {
			out = append(out, name)
		}
	}
	return out
}

// holder is who holds the configuration lock.
type holder struct {
	User, TTY, Transaction string
	Since                  time.Time
}

// readLock reads who holds the lock; nil: nobody [V/I].
func readLock(answer string) (*holder, error) {
	var raw struct {
		Info *struct {
			User        string  `json:"username"`
			TTY         string  `json:"userTty"`
			Transaction string  `json:"transactionName"`
			Since       float64 `json:"lockAcquireTime"`
		} `json:"userInfo"`
	}
	if err := json.Unmarshal([]byte(answer), &raw); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errShape, askLock, err)
	}
	switch i := raw.Info; {
	case i == nil:
		return nil, fmt.Errorf("%w: %s: it does not say who", errShape, askLock)
	case i.User == "" && i.TTY == "" && i.Transaction == "" && i.Since == 0:
		return nil, nil
	default:
		return &holder{User: i.User, TTY: i.TTY, Transaction: i.Transaction, Since: time.Unix(0, int64(i.Since*1e9))}, nil
	}
}

// String reads "root on vty4 (transaction doublezero, since 2026-01-02T03:04:05Z)".
func (h *holder) String() string {
	name := h.Transaction
	if name == "" {
		name = "without a name"
	}
	return fmt.Sprintf("%s on %s (transaction %s, since %s)", h.User, h.TTY, name, h.Since.UTC().Format(time.RFC3339))
}

// ours begins the names of bisc's locks, sessions and checkpoints: bisc-RUN, and bisc-RUN-N for the Nth attempt of a run.
const ours = "bisc-"

// runOf is the run that a name of bisc's belongs to; ok is false for a name of others.
func runOf(name string) (run string, ok bool) {
	run, ok = strings.CutPrefix(name, ours)
	return run, ok
}
