package device

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"bisc/internal/lab/eos/device/config"
)

// session is a configuration session (eos.md B.1).
type session struct {
	name      string
	state     string // pending, committed (its timer runs), completed, aborted
	base      *config.Tree
	tree      *config.Tree
	opened    time.Time
	completed time.Time
	user      string // who committed
	inside    map[*Shell]int
	internal  bool
}

// timer is a commit that waits for its confirmation: before is what a revert puts back, whole (eos.md 0.9).
type timer struct {
	session *session
	before  *config.Tree
	expires time.Time
	user    string
	where   string
	own     *session // the switch's internal session around it (eos.md B.1)
}

// limits of sessions: EOS's, or what the running configuration says.
func (d *Device) limits() (pending, completed int) {
	pending, completed = 5, 1
	for _, n := range d.running.Top() {
		if rest, is := strings.CutPrefix(n.Line, "service configuration session max "); is {
			fmt.Sscanf(rest, "pending %d", &pending)
			fmt.Sscanf(rest, "completed %d", &completed)
		}
	}
	return pending, completed
}

func (d *Device) has(line string) bool {
	return slices.ContainsFunc(d.running.Top(), func(n *config.Node) bool { return n.Line == line })
}

func (d *Device) session(name string) *session {
	for _, s := range d.sessions {
		if s.name == name {
			return s
		}
	}
	return nil
}

// open gives a pending session: the one of that name, or a new one with a copy of the running configuration.
func (d *Device) open(name string) (*session, error) {
	if name == "" {
		d.unnamed++
		name = fmt.Sprintf("sess-%d-%d-0", d.unnamed, d.o.Now().Unix())
	}
	switch s := d.session(name); {
	case s == nil:
	case s.state == "completed": // [I]; the name of an aborted one is free again ([I])
		return nil, failed("Cannot enter session %s (already completed)", name)
	case s.state == "aborted":
		d.sessions = slices.DeleteFunc(d.sessions, func(old *session) bool { return old == s })
	default:
		return s, nil
	}
	limit, _ := d.limits()
	pending := 0
	for _, s := range d.sessions {
		if s.state == "pending" && !s.internal {
			pending++
		}
	}
	if pending >= limit {
		return nil, failed("Maximum number of pending sessions has been reached")
	}
	s := &session{name: name, state: "pending", base: d.running.Clone(), tree: d.running.Clone(), opened: d.o.Now(), inside: map[*Shell]int{}}
	d.sessions = append(d.sessions, s)
	return s, nil
}

// commit puts a session in force, with a timer when it is not 0; for a session whose timer runs it is the confirmation.
func (d *Device) commit(s *session, by *Shell, wait time.Duration) error {
	if t := d.timer; t != nil {
		if t.session == s {
			return d.confirm(by, wait)
		}
		if !d.o.Flags.SecondCommit {
			return failed("Cannot commit session %s: the commit timer of session %s is running", s.name, t.session.name)
		}
	}
	if s.state != "pending" {
		return failed("Session %s is not pending", s.name)
	}
	before := d.running
	next := s.tree
	if d.has("service configuration session commit merge") {
		next = config.Merge(s.base, s.tree, d.running)
	}
	d.replace(next.Clone())
	d.checkpointCommit(before)
	s.state, s.user, s.completed = "completed", by.user, d.o.Now()
	for inside := range s.inside {
		inside.leave()
	}
	if wait > 0 {
		s.state = "committed"
		d.startTimer(s, before, by, wait)
	}
	d.syslog("ConfigAgent", "SYS-5-CONFIG_SESSION_COMMIT_SUCCESS", "User %s committed configuration session %s successfully on %s", by.user, s.name, by.where())
	d.forget()
	if d.has("service configuration session commit save startup-config") {
		return d.save()
	}
	return nil
}

// startTimer: the syslog line is that of json/curated/syslog-commit-timer-4.32.txt.
func (d *Device) startTimer(s *session, before *config.Tree, by *Shell, wait time.Duration) {
	now := d.o.Now()
	own := &session{name: fmt.Sprintf("cfg-%d-%s", 2000+d.shells, s.name), state: "pending", internal: true, opened: now, inside: map[*Shell]int{}}
	d.sessions = append(d.sessions, own)
	d.timer = &timer{session: s, before: before, expires: now.Add(wait), user: by.user, where: by.where(), own: own}
	h, m, sec := int(wait.Hours()), int(wait.Minutes())%60, int(wait.Seconds())%60
	d.syslog("ConfigAgent", "SYS-5-CONFIG_SESSION_COMMIT_TIMER_STARTED", "User %s committed session %s on %s, with timer %d:%d:%d(hr:min:sec).",
		by.user, s.name, by.where(), h, m, sec)
}

// confirm ends the timer and keeps what it guarded; with a new time it only sets the timer anew ([I]).
func (d *Device) confirm(by *Shell, wait time.Duration) error {
	if wait > 0 {
		d.timer.expires = d.o.Now().Add(wait)
		return nil
	}
	s := d.timer.session
	d.endTimer()
	s.state, s.completed = "completed", d.o.Now()
	d.syslog("ConfigAgent", "SYS-5-CONFIG_SESSION_COMMIT_SUCCESS", "User %s committed configuration session %s successfully on %s", by.user, s.name, by.where())
	d.forget()
	return nil
}

func (d *Device) endTimer() {
	own := d.timer.own
	d.sessions = slices.DeleteFunc(d.sessions, func(s *session) bool { return s == own })
	d.timer = nil
}

// revert puts back, whole, what was before a timed commit: also what others changed meanwhile is undone (eos.md 0.9). The lines
// are those of json/curated/syslog-commit-timer-4.32.txt.
func (d *Device) revert(user, where string, aborted bool) {
	t := d.timer
	d.endTimer()
	d.replace(t.before.Clone())
	t.session.state, t.session.completed = "aborted", d.o.Now()
	d.syslog("ConfigAgent", "SYS-5-CONFIG_REPLACE_SUCCESS", "User %s replaced running configuration with file:/tmp/commitTimerCheckPointConfig.txt successfully on %s", user, where)
	verb := "has expired"
	if aborted {
		verb = "has been canceled"
	}
	d.syslog("ConfigAgent", "SYS-5-CONFIG_SESSION_COMMIT_TIMER_CANCELED", "The commit timer on session %s %s. The system configuration has been rolled back.", t.session.name, verb)
	if aborted {
		d.syslog("ConfigAgent", "SYS-5-CONFIG_SESSION_ABORTED", "User %s aborted configuration session %s on %s", user, t.session.name, where)
	}
	d.forget()
}

// abort drops a pending session, or reverts one whose timer runs.
func (d *Device) abort(s *session, by *Shell) error {
	if d.timer != nil && d.timer.session == s {
		d.revert(by.user, by.where(), true)
		return nil
	}
	if s.state != "pending" {
		return failed("Session %s is not pending", s.name)
	}
	s.state, s.completed = "aborted", d.o.Now()
	for inside := range s.inside {
		inside.leave()
	}
	d.syslog("ConfigAgent", "SYS-5-CONFIG_SESSION_ABORTED", "User %s aborted configuration session %s on %s", by.user, s.name, by.where())
	d.forget()
	return nil
}

// forget keeps as many completed sessions as the switch does, the latest.
func (d *Device) forget() {
	_, keep := d.limits()
	var done []*session
	for _, s := range d.sessions {
		if s.state == "completed" || s.state == "aborted" {
			done = append(done, s)
		}
	}
	slices.SortStableFunc(done, func(a, b *session) int { return a.completed.Compare(b.completed) })
	done = done[:max(0, len(done)-keep)]
	d.sessions = slices.DeleteFunc(d.sessions, func(s *session) bool { return slices.Contains(done, s) })
}

// expire lets what is due happen: the commit timer, and pending sessions after 24 hours (eos.md B.1).
func (d *Device) expire() {
	now := d.o.Now()
	if t := d.timer; t != nil && (d.faults.FireTimer || !d.faults.NoTimer && !now.Before(t.expires)) {
		d.faults.FireTimer = false
		d.revert(t.user, t.where, false)
	}
	d.sessions = slices.DeleteFunc(d.sessions, func(s *session) bool {
		old := s.state == "pending" && !s.internal && now.Sub(s.opened) >= 24*time.Hour
		if old {
			for inside := range s.inside {
				inside.leave()
			}
		}
		return old
	})
}
