package eoshost

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bisc/internal/eosconf"
	"bisc/internal/host"
)

// paper is a switch on paper: sessions, one timer, the lock, running and startup, with lines that have no sections. It is what the
// state machine was written against; the emulator (internal/lab/eos) is what it is proved on.
type paper struct {
	clock            time.Time
	running, startup []string
	sessions         map[string]*draft
	timer            string
	ends             time.Time
	before           []string
	owner, tty       string
	ttys             int
	log              []string
	old              bool // the JSON of before 4.32
	saves            bool
	shape            string // what the sessions are answered instead
	keep             bool   // the lock outlives its channel
	users            string // lines of show users, of others
	down             int    // how many logins are refused
	// meddle is called before each command.
	meddle func(p *paper, command string)
	// cut ends the channel at the nth command (from 1), before it is done or after.
	cut   int
	after bool
	asked int
}

type draft struct {
	lines []string
	state string
}

// newPaper is a switch with three routes, saved.
func newPaper() *paper {
	lines := []string{"hostname sw1", "ip route 192.0.2.0/24 198.51.100.1", "ntp server 203.0.113.9"}
	return &paper{clock: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC), running: lines, startup: lines, sessions: map[string]*draft{}}
}

func (p *paper) way() way {
	return way{name: "sw1", console: p.login, tempo: tempo{now: func() time.Time { return p.clock },
		sleep: func(ctx context.Context, d time.Duration) error {
			p.clock = p.clock.Add(max(d, 0))
			p.tick()
			return ctx.Err()
		},
		every: func(time.Duration) (<-chan time.Time, func()) { return nil, func() {} }}}
}

func (p *paper) login(context.Context) (commands, error) {
	if p.down > 0 {
		p.down--
		return nil, fmt.Errorf("%w: no route", host.ErrUnreachable)
	}
	p.ttys++
	return &paperChannel{p: p, tty: fmt.Sprintf("vty%d", p.ttys)}, nil
}

func (p *paper) tick() {
	if p.timer != "" && !p.clock.Before(p.ends) {
		p.rollBack("completed")
	}
}

func (p *paper) rollBack(state string) {
	p.running, p.sessions[p.timer].state, p.timer = p.before, state, ""
}

type paperChannel struct {
	p         *paper
	tty, mode string
	gone      bool
}

func (c *paperChannel) close() {
	c.gone = true
	if !c.p.keep && c.p.tty == c.tty {
		c.p.owner, c.p.tty = "", ""
	}
}

func (c *paperChannel) run(ctx context.Context, _ time.Duration, cmds ...string) (out []string, err error) {
	for _, cmd := range cmds {
		p := c.p
		if c.gone {
			return out, errors.New("closed")
		}
		p.asked++
		if p.asked == p.cut && !p.after {
			p.down = 3
			c.close()
			return out, errors.New("EOF")
		}
		if p.meddle != nil {
			p.meddle(p, cmd)
		}
		p.tick()
		p.log = append(p.log, cmd)
		answer := c.answer(cmd)
		if p.asked == p.cut {
			p.down = 3
			c.close()
			return out, errors.New("EOF")
		}
		if strings.HasPrefix(answer, "% ") {
			return out, &host.ShowError{Command: cmd, Text: answer}
		}
		out = append(out, answer)
	}
	return out, nil
}

func (c *paperChannel) answer(cmd string) string {
	p := c.p
	w := strings.Fields(cmd)
	switch {
	case c.mode != "":
		return c.inSession(cmd)
	case cmd == "show version | json":
		return `{"version":"4.34.0F"}`
	case cmd == eosconf.AskSessions:
		return p.showSessions()
	case cmd == eosconf.AskLock:
		if p.owner == "" {
			return `{"userInfo":{}}`
		}
		return fmt.Sprintf(`{"userInfo":{"username":"install","userTty":%q,"transactionName":%q,"lockAcquireTime":1739312029.18}}`, p.tty, p.owner)
	case cmd == "show users":
		return "    Line      User        Host(s)       Idle        Location\n*   1 " + c.tty + "   install   idle   00:00:00   192.0.2.1\n" + p.users
	case cmd == askRunning:
		return paperText(p.running)
	case cmd == askStartup:
		return paperText(p.startup)
	case cmd == askUnsaved:
		return eosconf.Unified(paperConfig(p.startup), paperConfig(p.running), eosconf.Names{})
	case strings.HasPrefix(cmd, "show session-config named "):
		d := p.sessions[w[3]]
		if d == nil {
			return "% no such session"
		}
		if len(w) == 5 {
			return eosconf.Unified(paperConfig(p.running), paperConfig(d.lines), eosconf.SessionNames(w[3]))
		}
		return paperText(d.lines)
	case cmd == "copy running-config startup-config":
		p.startup = slices.Clone(p.running)
		return "Copy completed successfully.\n"
	case w[0] == "configure":
		return c.configure(w)
	}
	return "% Invalid input"
}

func (c *paperChannel) configure(w []string) string {
	p := c.p
	mine := p.owner == "" || p.tty == c.tty
	switch {
	case w[1] == "checkpoint":
		return ""
	case w[1] == "lock" && p.owner != "":
		return "% the configuration is locked"
	case w[1] == "lock":
		p.owner, p.tty = w[3], c.tty
		return ""
	case w[1] == "unlock" && w[2] == "force", w[1] == "unlock" && mine:
		p.owner, p.tty = "", ""
		return ""
	case !mine:
		return "% the configuration is locked"
	case len(w) == 3:
		return p.openSession(c, w[2])
	case w[3] == "abort" && p.timer == w[2]:
		p.rollBack("aborted")
	case w[3] == "abort" && p.sessions[w[2]] != nil && p.sessions[w[2]].state == "pending":
		delete(p.sessions, w[2])
	case w[3] == "commit" && len(w) == 6:
		if p.sessions[w[2]] == nil {
			return "% no such session"
		}
		var h, m, s int
		fmt.Sscanf(w[5], "%d:%d:%d", &h, &m, &s)
		p.before, p.running, p.timer = p.running, p.sessions[w[2]].lines, w[2]
		p.ends = p.clock.Add(time.Duration(h*3600+m*60+s) * time.Second)
		p.sessions[w[2]].state = "committed"
	case w[3] == "commit" && p.timer == w[2]:
		p.sessions[w[2]].state, p.timer = "completed", ""
	default:
		return "% no such session"
	}
	return ""
}

func (p *paper) openSession(c *paperChannel, name string) string {
	pending := 0
	for _, d := range p.sessions {
		if d.state == "pending" {
			pending++
		}
	}
	if pending >= 5 {
		return "% Maximum number of pending sessions has been reached"
	}
	p.sessions[name] = &draft{slices.Clone(p.running), "pending"}
	c.mode = name
	return ""
}

func (c *paperChannel) inSession(cmd string) string {
	d := c.p.sessions[c.mode]
	switch line, no := strings.CutPrefix(cmd, "no "); {
	case cmd == "end":
		c.mode = ""
	case no && !slices.Contains(d.lines, line):
		return "% it does not exist"
	case no:
		d.lines = slices.DeleteFunc(slices.Clone(d.lines), func(l string) bool { return l == line })
	case strings.Contains(cmd, "bogus"):
		return "% Invalid input"
	case !slices.Contains(d.lines, cmd):
		d.lines = append(d.lines, cmd)
	}
	return ""
}

func (p *paper) showSessions() string {
	if p.shape != "" {
		return p.shape
	}
	var all []string
	for name, d := range p.sessions {
		state := d.state
		if p.old && name == p.timer {
			state = "pendingCommitTimer"
		}
		all = append(all, fmt.Sprintf(`%q:{"state":%q,"instances":{}}`, name, state))
	}
	text := fmt.Sprintf(`{"sessions":{%s},"maxSavedSessions":1,"maxOpenSessions":5,"mergeOnCommit":false,"saveToStartupConfigOnCommit":%v`, strings.Join(all, ","), p.saves)
	if p.timer != "" && !p.old {
		text += fmt.Sprintf(`,"commitTimerSessionName":%q,"commitTimerExpireTime":1739835620.18`, p.timer)
	}
	return text + "}"
}

func paperText(lines []string) string {
	return "! Command: show running-config\n! device: sw1 (DCS-7280CR3A-32S, EOS-4.34.0F)\n!\n" + strings.Join(lines, "\n") + "\n!\nend\n"
}

func paperConfig(lines []string) *eosconf.Config {
	c, err := eosconf.Parse([]byte(paperText(lines)))
	if err != nil {
		panic(err) // the test's own text
	}
	return c
}

// Show lets a paper be the connection that a proof is made over.
func (p *paper) Show(_ context.Context, command string) ([]byte, error) {
	c, err := p.login(nil)
	if err != nil {
		return nil, err
	}
	return []byte(c.(*paperChannel).answer(command)), nil
}

type paperReader struct {
	host.Reader
	*paper
}

func (r paperReader) Show(ctx context.Context, command string) ([]byte, error) {
	return r.paper.Show(ctx, command)
}

const relayRoute = "ip route 198.18.0.1/32 198.51.100.7"

// attempt is one that adds a route.
func (p *paper) attempt() *attempt {
	return &attempt{way: p.way(), cfg: Config{Timer: 5 * time.Minute, Run: "r1"}, lock: "bisc-r1", name: "bisc-r1-1",
		want: wanted{lines: []string{relayRoute}, adds: []host.ConfigLine{{Line: relayRoute}}}}
}

func noSwap(context.Context) error { return nil }

// through does what layers does with an attempt: the outcome, and what the switch must then have.
func (p *paper) through(ctx context.Context, a *attempt) (outcome string, err error) {
	inForce, err := a.commit(ctx, noSwap)
	if err == nil && !inForce {
		return "nothing to do", nil
	}
	if err == nil {
		err = a.confirm(ctx, paperReader{paper: p}, []host.CLI{host.Save()})
	}
	var reverted *host.RevertedError
	var kept *host.ConfirmedError
	switch {
	case err == nil, errors.As(err, &kept):
		return "new", err
	case errors.As(err, &reverted):
		return "old", err
	case errors.Is(err, host.ErrLost):
		return "unknown", err
	}
	back := a.revert(context.WithoutCancel(ctx))
	if back == nil || errors.As(back, &reverted) {
		return "old", errors.Join(err, back)
	}
	return "unknown", errors.Join(err, back)
}

// is looks behind bisc's back.
func (p *paper) is() string {
	p.clock = p.clock.Add(time.Hour)
	p.tick()
	if slices.Contains(p.running, relayRoute) {
		return "new"
	}
	return "old"
}

func TestAttemptThroughAllSteps(t *testing.T) {
	p := newPaper()
	out, err := p.through(t.Context(), p.attempt())
	if err != nil || out != "new" || p.is() != "new" || !slices.Contains(p.startup, relayRoute) || p.owner != "" {
		t.Fatalf("%s, %v; running %q, startup %q, lock %q\n%s", out, err, p.running, p.startup, p.owner, strings.Join(p.log, "\n"))
	}
	t.Log("\n" + strings.Join(p.log, "\n"))
}

// TestFaultF29_LinkCutAtEveryCommand: the channel is cut before and after each command that is sent, with and without a lock that
// outlives it. What is said then is what the switch has, and neither session, timer nor lock of ours is left.
func TestFaultF29_LinkCutAtEveryCommand(t *testing.T) {
	whole := newPaper()
	if _, err := whole.through(t.Context(), whole.attempt()); err != nil {
		t.Fatal(err)
	}
	for cut := 1; cut <= whole.asked; cut++ {
		for _, after := range []bool{false, true} {
			for _, keep := range []bool{false, true} {
				for _, old := range []bool{false, true} {
					p := newPaper()
					p.cut, p.after, p.keep, p.old = cut, after, keep, old
					a := p.attempt()
					out, err := p.through(t.Context(), a)
					lock := p.owner
					where := fmt.Sprintf("cut at %d (%s), after: %v, the lock outlives it: %v, old: %v", cut, whole.log[cut-1], after, keep, old)
					if is := p.is(); out != is {
						t.Errorf("%s: said %s, is %s: %v", where, out, is, err)
					}
					if lock != "" || p.timer != "" || slices.ContainsFunc(mapValues(p.sessions), func(d *draft) bool { return d.state == "pending" }) {
						t.Errorf("%s: left lock %q, timer %q: %v\n%s", where, lock, p.timer, err, strings.Join(p.log, "\n"))
					}
					if out == "old" && slices.Contains(p.startup, relayRoute) {
						t.Errorf("%s: startup-config has what was not confirmed", where)
					}
				}
			}
		}
	}
}

func mapValues(m map[string]*draft) (out []*draft) {
	for _, d := range m {
		out = append(out, d)
	}
	return out
}
