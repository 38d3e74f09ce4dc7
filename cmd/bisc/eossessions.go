package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/internal/eosconf"
	"bisc/internal/host"
)

func (c *command) eosSessions() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sessions [HOST...]",
		Short: "say who configures a switch: sessions, commit timers, the lock; ours, the second manager's, others'",
		Long: "Shows what stands in the way of an apply and what it would wait for: who holds the configuration lock, whether a commit waits for its\n" +
			"confirmation, and the configuration sessions, each with whose it is. bisc ends no session here, and never one that is not its own;\n" +
			"an apply aborts those of its own that a dead run left. Without HOST all switches of the inventory are asked.",
		Example: "  bisc eos sessions was-sw01\n  bisc eos sessions --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.reading(cmd, "eos sessions", func(ctx context.Context, s *session) error {
				return s.eachSwitch(ctx, args, configuring)
			})
		},
		ValidArgsFunction: c.completeSwitches,
	}
	cmd.Flags().BoolVar(&c.flags.json, "json", false, "as JSON")
	return cmd
}

// configurers is who configures a switch, as JSON.
type configurers struct {
	Lock     *configLock     `json:"lock"`              // null: free
	NoLock   string          `json:"no_lock,omitempty"` // why nothing is known of it
	Timer    string          `json:"timer,omitempty"`   // the session whose commit waits for its confirmation
	Sessions []configSession `json:"sessions"`
	Pending  int             `json:"pending"`
	Max      int             `json:"max_pending"`
	// Merge: a commit adds to the running configuration; else it replaces it, and with it what others did since the session began.
	Merge *bool `json:"merge_on_commit,omitempty"`
	Saves *bool `json:"save_on_commit,omitempty"`
	// Strange is what this bisc does not know; an apply does not confirm on such a switch.
	Strange []string `json:"strange,omitempty"`
}

type configLock struct {
	User        string        `json:"user"`
	TTY         string        `json:"tty"`
	Transaction string        `json:"transaction"`
	Since       float64       `json:"since"` // as the switch gives it: seconds of its own clock
	Age         time.Duration `json:"age_ns,omitempty"`
	Whose       string        `json:"whose"`
}

type configSession struct {
	Name        string   `json:"name"`
	State       string   `json:"state"`
	Whose       string   `json:"whose"`
	Description string   `json:"description,omitempty"`
	CommitUser  string   `json:"commit_user,omitempty"`
	Open        []string `json:"open,omitempty"` // who is in it: USER on TTY
}

// whose tells by its name who made a session or holds a lock. EOS opens sessions of its own around timed commits [V].
func whose(name string) string {
	_, our := eosconf.RunOf(name)
	switch {
	case our:
		return "ours"
	case name == "doublezero" || strings.HasPrefix(name, "doublezero-agent-"):
		return "the second manager's"
	case strings.HasPrefix(name, "cfg-"):
		return "EOS's own"
	}
	return "somebody's"
}

func configuring(ctx context.Context, h host.Reader) (answer, error) {
	var sessions, lock, clock []byte
	var noLock *host.ShowError
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) {
			sessions, err = h.Show(ctx, eosconf.AskSessions)
			return err
		},
		func(ctx context.Context) (err error) {
			if lock, err = h.Show(ctx, eosconf.AskLock); errors.As(err, &noLock) {
				return nil
			}
			return err
		},
		func(ctx context.Context) (err error) {
			if clock, err = h.Show(ctx, "show clock | json"); errors.As(err, new(*host.ShowError)) {
				return nil // ages are not known then
			}
			return err
		})
	if err != nil {
		return answer{}, err
	}
	said, err := readConfigurers(sessions)
	if err != nil {
		text := h.Name() + "\n" + folded("  ", "not understood, so nothing is known: "+err.Error())
		return answer{text, configurers{NoLock: err.Error(), Sessions: []configSession{}, Strange: []string{err.Error()}}}, exitOf(view.ExitUnknown)
	}
	if noLock != nil {
		said.NoLock = noLock.Error()
	} else {
		said.readLock(lock, clock)
	}
	text := said.text(h.Name())
	if len(said.Strange) > 0 {
		return answer{text, said}, exitOf(view.ExitUnknown)
	}
	return answer{text, said}, nil
}

// readConfigurers reads the sessions as an apply reads them; what an apply would stop at is shown as strange.
func readConfigurers(b []byte) (*configurers, error) {
	in, err := eosconf.ReadSessions(b)
	if err != nil {
		return nil, err
	}
	said := &configurers{Timer: in.Timer, Sessions: []configSession{}, Pending: len(in.Pending()), Max: in.Max, Merge: in.Merge, Saves: in.Saves, Strange: in.Strange()}
	for _, name := range in.Names() {
		s := in.ByName[name]
		said.Sessions = append(said.Sessions, configSession{Name: name, State: s.State, Whose: whose(name), Description: s.Description, CommitUser: s.CommitUser, Open: s.Open})
	}
	return said, nil
}

func (c *configurers) readLock(lock, clock []byte) {
	h, err := eosconf.ReadLock(lock)
	switch {
	case err != nil:
		c.NoLock = "show configuration lock does not say who holds it"
		c.Strange = append(c.Strange, c.NoLock)
		return
	case h == nil:
		return
	}
	since := float64(h.Since.UnixMicro()) / 1e6
	c.Lock = &configLock{User: h.User, TTY: h.TTY, Transaction: h.Transaction, Since: since, Whose: whose(h.Transaction)}
	var now struct{ UTCTime *float64 }
	if json.Unmarshal(clock, &now) == nil && now.UTCTime != nil && since > 0 && *now.UTCTime >= since {
		c.Lock.Age = time.Duration(math.Round(*now.UTCTime-since)) * time.Second
	}
}

// forcedAfter is the age of a lock at which the second manager takes it (eos.md 0.2 [V]).
const forcedAfter = time.Hour

func (c *configurers) text(name string) string {
	var b strings.Builder
	b.WriteString(name + "\n")
	line := func(format string, args ...any) { b.WriteString(folded("  ", fmt.Sprintf(format, args...))) }
	switch l := c.Lock; {
	case c.NoLock != "":
		line("nothing is known of the configuration lock: %s", c.NoLock)
	case l == nil:
		line("the configuration lock is free")
	default:
		line("the configuration lock is %s: %s on %s, transaction %s%s", l.Whose, l.User, l.TTY, cmp.Or(l.Transaction, "(unnamed)"), l.age())
	}
	if c.Timer != "" {
		line("a commit waits for its confirmation: session %s (%s); unconfirmed, the switch takes it back", c.Timer, whose(c.Timer))
	} else {
		line("no commit waits for its confirmation")
	}
	line("%d of %d sessions pending", c.Pending, c.Max)
	for _, s := range c.Sessions {
		said := append([]string{s.State + ", " + s.Whose}, s.Open...)
		b.WriteString("    " + s.Name + "\n" + folded("      ", strings.Join(append(said, c.remark(s)...), "; ")))
	}
	if c.Merge != nil && !*c.Merge && c.Pending > 0 {
		line("a commit replaces the running configuration: it undoes what was changed since its session began")
	}
	if c.Saves != nil && *c.Saves {
		line("each commit is saved at once, the unconfirmed too: an apply refuses that")
	}
	for _, s := range c.Strange {
		line("not understood: %s", s)
	}
	return b.String()
}

func (l *configLock) age() string {
	if l.Age == 0 {
		return ""
	}
	out := ", for " + l.Age.String()
	if l.Age > forcedAfter {
		out += " (the second manager takes a lock of more than an hour)"
	}
	return out
}

// remark says what becomes of a session of ours.
func (c *configurers) remark(s configSession) []string {
	switch {
	case s.Whose != "ours" || s.State != "pending":
		return nil
	case len(s.Open) > 0:
		return []string{"a run is in it"}
	}
	return []string{"left behind: the next apply aborts it once its run is known to be dead"}
}
