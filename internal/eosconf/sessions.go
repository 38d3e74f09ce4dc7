package eosconf

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Commands by which is learned who configures a switch.
const (
	AskSessions = "show configuration sessions detail | json"
	AskLock     = "show configuration lock | json"
)

// ErrShape: an answer of a release that nobody has seen. What it says is not guessed.
var ErrShape = errors.New("the switch's answer has a shape that this bisc does not know")

// Sessions are a switch's configuration sessions (eos.md B.1).
type Sessions struct {
	ByName map[string]Session
	Max    int // pending ones that the switch allows
	// Timer is the session whose commit waits for its confirmation; empty: none.
	Timer string
	// Merge: a commit adds to the running configuration, or replaces it. Nil: the switch does not say.
	Merge *bool
	// Saves: every commit is written to startup-config at once, the unconfirmed too. Nil: the switch does not say.
	Saves *bool
}

// Session is one of them.
type Session struct {
	State                   string // pending, committed, completed, aborted, pendingCommitTimer; else it is strange
	Description, CommitUser string
	Open                    []string // who is in it: USER on TTY
}

// ReadSessions reads either shape of the answer to AskSessions. Before 4.32 the session that waits is in state pendingCommitTimer;
// since then it is in state committed, and the answer names it in commitTimerSessionName while the timer runs [V]. Its error is
// ErrShape; a session in a state that nobody has seen is none, but Strange.
func ReadSessions(answer []byte) (Sessions, error) {
	var raw struct {
		Sessions map[string]struct {
			State       string `json:"state"`
			Description string `json:"description"`
			CommitUser  string `json:"commitUser"`
			Instances   map[string]struct {
				User     string `json:"user"`
				Terminal string `json:"terminal"`
			} `json:"instances"`
		} `json:"sessions"`
		Max   *int   `json:"maxOpenSessions"`
		Merge *bool  `json:"mergeOnCommit"`
		Saves *bool  `json:"saveToStartupConfigOnCommit"`
		Timer string `json:"commitTimerSessionName"`
	}
	if err := json.Unmarshal(answer, &raw); err != nil {
		return Sessions{}, fmt.Errorf("%w: %s: %w", ErrShape, AskSessions, err)
	}
	if raw.Sessions == nil {
		return Sessions{}, fmt.Errorf("%w: %s: it lists no sessions, not even none", ErrShape, AskSessions)
	}
	s := Sessions{ByName: map[string]Session{}, Max: 5, Timer: raw.Timer, Merge: raw.Merge, Saves: raw.Saves} // 5 is EOS's own default [V]
	if raw.Max != nil {
		s.Max = *raw.Max
	}
	for _, name := range slices.Sorted(maps.Keys(raw.Sessions)) {
		from := raw.Sessions[name]
		one := Session{State: from.State, Description: from.Description, CommitUser: from.CommitUser}
		for _, id := range slices.Sorted(maps.Keys(from.Instances)) {
			one.Open = append(one.Open, from.Instances[id].User+" on "+from.Instances[id].Terminal)
		}
		if from.State == "pendingCommitTimer" {
			s.Timer = name
		}
		s.ByName[name] = one
	}
	return s, nil
}

// Names are the sessions' names, sorted.
func (s Sessions) Names() []string { return slices.Sorted(maps.Keys(s.ByName)) }

// Strange says which sessions are in a state that nobody has seen, a text each.
func (s Sessions) Strange() []string {
	var out []string
	for _, name := range s.Names() {
		switch state := s.ByName[name].State; state {
		case "pending", "committed", "completed", "aborted", "pendingCommitTimer":
		default:
			out = append(out, fmt.Sprintf("session %s is in state %q", name, state))
		}
	}
	return out
}

// ReadKnown is ReadSessions for who acts on it: a Strange session is ErrShape too.
func ReadKnown(answer []byte) (Sessions, error) {
	s, err := ReadSessions(answer)
	if err != nil {
		return Sessions{}, err
	}
	if strange := s.Strange(); len(strange) > 0 {
		return Sessions{}, fmt.Errorf("%w: %s: %s", ErrShape, AskSessions, strings.Join(strange, "; "))
	}
	return s, nil
}

// Pending lists the sessions that take a slot, sorted.
func (s Sessions) Pending() []string {
	var out []string
	for _, name := range s.Names() {
		if s.ByName[name].State == "pending" {
			out = append(out, name)
		}
	}
	return out
}

// Holder is who holds the configuration lock.
type Holder struct {
	User, TTY, Transaction string
	Since                  time.Time // by the switch's own clock
}

// ReadLock reads from the answer to AskLock who holds the lock; nil: nobody [V/I]. Its error is ErrShape.
func ReadLock(answer []byte) (*Holder, error) {
	var raw struct {
		Info *struct {
			User        string  `json:"username"`
			TTY         string  `json:"userTty"`
			Transaction string  `json:"transactionName"`
			Since       float64 `json:"lockAcquireTime"`
		} `json:"userInfo"`
	}
	if err := json.Unmarshal(answer, &raw); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrShape, AskLock, err)
	}
	switch i := raw.Info; {
	case i == nil:
		return nil, fmt.Errorf("%w: %s: it does not say who", ErrShape, AskLock)
	case i.User == "" && i.TTY == "" && i.Transaction == "" && i.Since == 0:
		return nil, nil
	default:
		return &Holder{User: i.User, TTY: i.TTY, Transaction: i.Transaction, Since: time.Unix(0, int64(i.Since*1e9))}, nil
	}
}

// String reads "root on vty4 (transaction doublezero, since 2026-01-02T03:04:05Z)".
func (h *Holder) String() string {
	name := h.Transaction
	if name == "" {
		name = "without a name"
	}
	return fmt.Sprintf("%s on %s (transaction %s, since %s)", h.User, h.TTY, name, h.Since.UTC().Format(time.RFC3339))
}

// Ours begins the names of bisc's locks, sessions and checkpoints: bisc-RUN, and bisc-RUN-N for the Nth attempt of a run.
const Ours = "bisc-"

// RunOf is the run that a name of bisc's belongs to; ok is false for a name of others.
func RunOf(name string) (run string, ok bool) {
	run, ok = strings.CutPrefix(name, Ours)
	return run, ok
}
