package device

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Manager is the second manager of both switches, doublezero-agent (eos.md 0.2, F.1): on every poll it clears its old sessions,
// types its whole text into a session, commits what differs, and saves, changed or not.
type Manager struct {
	o     ManagerOptions
	d     *Device
	shell *Shell
	name  string // of the session that waits for its end
	n     int
}

// ManagerOptions say how it behaves.
type ManagerOptions struct {
	// Text is what it pushes: lines, as configs/doublezero has them.
	Text func() string
	// Delay is between the opening of its session, which copies the running configuration, and its diff: what others commit
	// in between it undoes. Only Run waits it.
	Delay time.Duration
	// Period is from one poll to the next (5 s, or 60 s since 2026-06). Only Run waits it.
	Period time.Duration
	// SavesUnderLock: also a poll that found the configuration locked ends with a save ([U]; off, such a poll does nothing).
	SavesUnderLock bool
	// LockAge is from when on a lock is forced; the default is 3600 s.
	LockAge time.Duration
}

// SecondManager puts one on the switch. It does nothing until Cycle, Begin or Run.
func (d *Device) SecondManager(o ManagerOptions) *Manager {
	if o.LockAge == 0 {
		o.LockAge = time.Hour
	}
	if o.Text == nil {
		o.Text = func() string { return "" }
	}
	s := d.Shell("root", "vty4")
	s.privileged = true
	return &Manager{o: o, d: d, shell: s}
}

// Cycle is one poll, without the delay.
func (m *Manager) Cycle() error {
	if went, err := m.Begin(); err != nil || !went {
		return err
	}
	return m.End()
}

// Begin is the first half of a poll: up to the session with the text in it. It tells whether there is a second half; a
// locked configuration ends the poll.
func (m *Manager) Begin() (went bool, err error) {
	if m.shell.Closed() { // the switch was reloaded, and ProcMgr started the agent again
		m.shell = m.d.Shell("root", "vty4")
		m.shell.privileged = true
	}
	for _, name := range m.d.pendingNames("doublezero-agent-") {
		if err := m.run("configure session " + name + " abort"); err != nil {
			return false, err
		}
	}
	if age, locked := m.d.lockAge(); locked {
		if age < m.o.LockAge {
			if m.o.SavesUnderLock {
				return false, m.run("copy running-config startup-config")
			}
			return false, nil
		}
		if err := m.run("configure unlock force"); err != nil {
			return false, err
		}
	}
	m.n++
	m.name = fmt.Sprintf("doublezero-agent-%08d", m.n)
	if err := m.run("configure session " + m.name); err != nil {
		return false, err
	}
	for line := range strings.Lines(m.o.Text()) {
		if err := m.run(strings.TrimRight(line, "\n")); err != nil {
			return false, err
		}
	}
	return true, m.run("end")
}

// End is the second half: diff, commit or abort, save.
func (m *Manager) End() error {
	diff, err := m.shell.Run("show session-config named " + m.name + " diffs")
	if err != nil {
		return fmt.Errorf("the second manager's diff: %w", err)
	}
	act := " commit"
	if diff == "" {
		act = " abort"
	}
	if err := m.run("configure session " + m.name + act); err != nil {
		return err
	}
	return m.run("copy running-config startup-config")
}

// Run polls until ctx ends. What goes wrong in a poll it leaves to the next, as the agent does.
func (m *Manager) Run(ctx context.Context) {
	for wait(ctx, m.o.Period) {
		if went, err := m.Begin(); err != nil || !went || !wait(ctx, m.o.Delay) {
			continue
		}
		if err := m.End(); err != nil {
			continue
		}
	}
}

func wait(ctx context.Context, long time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(long):
		return true
	}
}

func (m *Manager) run(line string) error {
	if _, err := m.shell.Run(line); err != nil {
		return fmt.Errorf("the second manager's %q: %w", line, err)
	}
	return nil
}

func (d *Device) pendingNames(begin string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var names []string
	for _, s := range d.sessions {
		if s.state == "pending" && strings.HasPrefix(s.name, begin) {
			names = append(names, s.name)
		}
	}
	return names
}

func (d *Device) lockAge() (time.Duration, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lock == nil {
		return 0, false
	}
	return d.o.Now().Sub(d.lock.since), true
}
